//! What a screen reader is given: one plain line for each change of state, and no more of them.

use std::collections::VecDeque;

use crate::domain::{Phase, units};

use super::{AlertKey, ChildState, Model, alert};

/// Lines that can be read again.
const KEPT: usize = 200;

/// The lines so far, and what was said of the state.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Spoken {
    lines: VecDeque<String>,
    phase: Option<Phase>,
    quarter: u64,
    breaks: u64,
    alert: Option<AlertKey>,
    notice: u64,
}

impl Spoken {
    /// The lines, oldest first.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// Looks at the model; says what has changed. Returns whether there was anything to say.
    pub(super) fn look(&mut self, model: &Model) -> bool {
        let before = self.lines.len();
        let last = self.lines.back().cloned();
        self.notices(model);
        self.phase(model);
        self.progress(model);
        self.break_of_cache(model);
        self.alert(model);
        before != self.lines.len() || last.as_ref() != self.lines.back()
    }

    fn say(&mut self, line: String) {
        if self.lines.len() >= KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    fn notices(&mut self, model: &Model) {
        let new: Vec<_> = model
            .notices
            .said()
            .filter(|said| said.id > self.notice)
            .map(|said| (said.id, said.notice.text.clone()))
            .collect();
        for (id, text) in new {
            self.notice = id;
            self.say(format!("lcc: {text}."));
        }
    }

    fn phase(&mut self, model: &Model) {
        let phase = model.phase();
        if self.phase == Some(phase) {
            return;
        }
        let first = self.phase.is_none();
        self.phase = Some(phase);
        self.quarter = 0;
        let snapshot = model.snapshot.as_deref();
        let line = match phase {
            Phase::Starting => "Starting Claude Code.".to_owned(),
            Phase::Prefill => snapshot.and_then(|s| s.prefill.total).map_or_else(
                || "The model reads the prompt.".to_owned(),
                |total| format!("The model reads the prompt, {} tokens.", units::count(total)),
            ),
            Phase::Generate => "The model writes.".to_owned(),
            Phase::Tools => "Tools run.".to_owned(),
            Phase::Compacting => "The conversation is compacted.".to_owned(),
            Phase::Idle if first => "Ready.".to_owned(),
            Phase::Idle => ready(model),
            Phase::Stopped => match &model.child {
                ChildState::Failed { message } => {
                    format!("Claude Code could not be started. {message}")
                }
                ChildState::Ending => "Quitting.".to_owned(),
                ChildState::Starting(_) | ChildState::Running | ChildState::Ended { .. } => {
                    "Claude Code has ended.".to_owned()
                }
            },
        };
        self.say(line);
    }

    /// Every quarter of a prompt, once.
    fn progress(&mut self, model: &Model) {
        let Some(figures) = model.snapshot.as_ref().map(|s| &s.prefill) else { return };
        let (Some(done), Some(total), Phase::Prefill) =
            (figures.done, figures.total, model.phase())
        else {
            return;
        };
        let quarter = (done.saturating_mul(4).checked_div(total).unwrap_or(0)).min(3);
        if quarter <= self.quarter {
            return;
        }
        self.quarter = quarter;
        let left = figures.eta_s.filter(|s| s.is_finite());
        let left = left.map_or_else(String::new, |s| {
            format!(", the answer in about {}", units::seconds(s.max(0.0)))
        });
        self.say(format!("{} percent read{left}.", quarter * 25));
    }

    fn break_of_cache(&mut self, model: &Model) {
        let Some(cache) = model.snapshot.as_ref().map(|s| &s.cache) else { return };
        if cache.breaks <= self.breaks {
            return;
        }
        self.breaks = cache.breaks;
        if let Some(found) = &cache.last_break {
            let fix = found.fix.as_ref().map_or_else(String::new, |fix| format!(" Fix: {fix}."));
            let tokens = units::count(found.tokens);
            self.say(format!("The cache broke: {tokens} tokens read again. {}.{fix}", found.cause));
        }
    }

    fn alert(&mut self, model: &Model) {
        let shown = alert(model);
        let key = shown.as_ref().map(|shown| shown.key);
        if key == self.alert {
            return;
        }
        let told = matches!(key, Some(AlertKey::Break(_) | AlertKey::Notice(_)));
        self.alert = key;
        // Breaks and notices have their own lines.
        if let Some(shown) = shown.filter(|_| !told) {
            let words = shown.text.trim_start_matches(['■', '▲', '▼', '·', ' ']);
            self.say(format!("Attention: {words}"));
        }
    }
}

/// The turn is over: how long it took and how full the window is.
fn ready(model: &Model) -> String {
    let Some(snapshot) = model.snapshot.as_deref() else { return "Ready.".to_owned() };
    let took = snapshot
        .time
        .turn_s
        .map_or_else(String::new, |s| format!(" The turn took {}.", units::seconds(s)));
    let full = snapshot.window.percent.map_or_else(String::new, |p| {
        let left = snapshot.forecast.turns_left;
        let left = left.map_or_else(String::new, |n| format!(", about {n} turns left"));
        format!(" The window is {p:.0} percent full{left}.")
    });
    format!("Ready.{took}{full}")
}
