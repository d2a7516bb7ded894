//! When to call somebody who looks elsewhere: a long turn has ended, Claude Code waits, the
//! window runs out; and what the outer window's title and task bar tell meanwhile.

mod outer;

use std::time::Duration;

use crate::{
    domain::{Moment, Phase, Risk, units},
    front::terminal::Progress,
};

use super::{ChildState, Effect, Model};

pub use outer::{Abilities, Notifies};

/// A turn counts as over when nothing has followed for so long.
const SETTLES: Duration = Duration::from_secs(1);
/// Claude Code waits for an answer when its title says idle for so long in the midst of a turn.
const WAITS: Duration = Duration::from_secs(3);
/// Where the outer terminal reports no focus, whoever has typed within so long is there.
const PRESENT: Duration = Duration::from_secs(60);
/// What Claude Code's title begins with while it waits for the user.
const IDLE_MARK: char = '✳';

/// The settings of the `[attention]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// A turn of so many seconds or more is long; 0: none is.
    pub after_s: u64,
    /// Whether to ring the bell.
    pub bell: bool,
    /// Whether to have the terminal notify.
    pub notify: bool,
    /// Whether to tell the task bar how far a prompt has been read.
    pub progress: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { after_s: 20, bell: true, notify: true, progress: true }
    }
}

/// Why somebody is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// A long turn has ended, after so many whole seconds.
    TurnEnded(u64),
    /// Claude Code waits for an answer in the midst of a turn.
    Waits,
    /// The next request will not fit the window.
    WindowFull,
    /// Claude Code ended by itself.
    ChildEnded,
}

impl Want {
    /// Its name for a command or a program that is told.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TurnEnded(_) => "turn-ended",
            Self::Waits => "waits",
            Self::WindowFull => "window-full",
            Self::ChildEnded => "claude-ended",
        }
    }

    /// What to say.
    #[must_use]
    pub fn text(self, project: &str) -> String {
        match self {
            Self::TurnEnded(seconds) => {
                #[expect(clippy::cast_precision_loss, reason = "seconds of one turn")]
                let took = units::seconds(seconds as f64).replace(".0", "");
                format!("{project}: the turn has ended after {took}")
            }
            Self::Waits => format!("{project}: Claude Code waits for you"),
            Self::WindowFull => format!("{project}: the next request will not fit the window"),
            Self::ChildEnded => format!("{project}: Claude Code has ended"),
        }
    }
}

/// What is to be seen of the session at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// The moment.
    pub now: Moment,
    /// What the session is doing.
    pub phase: Phase,
    /// How near the window is to full.
    pub risk: Risk,
    /// Whether Claude Code's title says that it waits.
    pub title_idle: bool,
    /// Whether Claude Code has ended by itself.
    pub ended: bool,
}

/// The machine: what has been seen, and who was called for what.
#[derive(Debug, Clone, Default)]
pub struct Attention {
    settings: Settings,
    /// What the outer terminal said of its focus; `None` until it says anything.
    focus: Option<bool>,
    /// Whether it is known to report it, so that silence means it has the focus.
    reports_focus: bool,
    /// When a key came last.
    typed: Option<Moment>,
    /// When the turn that runs began.
    busy: Option<Moment>,
    /// When it seemed to end, and whether somebody looked then.
    calm: Option<(Moment, bool)>,
    /// Since when the title has said idle in the midst of it, and whether that was told.
    waits: Option<(Moment, bool)>,
    /// Whether the full window was told.
    full: bool,
    /// Whether the child's end was told.
    ended: bool,
    title: Option<String>,
    progress: Option<Progress>,
}

impl Attention {
    /// With these settings, on a terminal that does or does not report its focus.
    #[must_use]
    pub fn new(settings: Settings, reports_focus: bool) -> Self {
        Self { settings, reports_focus, ..Self::default() }
    }

    /// The outer terminal gained or lost the focus.
    pub const fn focus(&mut self, has: bool) {
        self.focus = Some(has);
    }

    /// Somebody typed, pasted or clicked.
    pub const fn typed(&mut self, now: Moment) {
        self.typed = Some(now);
    }

    /// Whether somebody looks. The focus says so; where it is not reported, whether somebody has
    /// typed lately.
    #[must_use]
    pub fn present(&self, now: Moment) -> bool {
        match self.focus {
            Some(has) => has,
            None if self.reports_focus => true,
            None => self.typed.is_some_and(|at| now.since(at) < PRESENT),
        }
    }

    /// Takes in what is to be seen; says what to call for, if anybody is to be called. What
    /// happens while somebody looks is not told later.
    pub fn step(&mut self, seen: Seen) -> Option<Want> {
        let want = self.happened(seen);
        want.filter(|_| !self.present(seen.now))
    }

    /// When the next step is needed at the latest.
    #[must_use]
    pub fn wake(&self) -> Option<Moment> {
        let waits = self.waits.filter(|(_, told)| !told).map(|(since, _)| since + WAITS);
        let calm = self.calm.map(|(at, _)| at + SETTLES);
        [waits, calm].into_iter().flatten().min()
    }

    fn happened(&mut self, seen: Seen) -> Option<Want> {
        let Seen { now, phase, risk, title_idle, ended } = seen;
        if !std::mem::replace(&mut self.ended, ended) && ended {
            (self.busy, self.calm, self.waits) = (None, None, None);
            return Some(Want::ChildEnded);
        }
        let full = risk == Risk::Now;
        let news = full && !self.full;
        // Near again is not over: the same want would be told at every turn.
        self.full = full || (self.full && risk == Risk::Near);
        let turn = self.turn(phase, now);
        let waits = self.waiting(phase.is_busy() && title_idle, now);
        if news { Some(Want::WindowFull) } else { waits.or(turn) }
    }

    /// A turn that was long and is over for good.
    fn turn(&mut self, phase: Phase, now: Moment) -> Option<Want> {
        if phase.is_busy() {
            self.busy.get_or_insert(now);
            self.calm = None;
            return None;
        }
        let began = self.busy?;
        if phase != Phase::Idle {
            (self.busy, self.calm) = (None, None);
            return None;
        }
        let present = self.present(now);
        let (calm, seen) = *self.calm.get_or_insert((now, present));
        if now.since(calm) < SETTLES {
            return None;
        }
        (self.busy, self.calm) = (None, None);
        let seconds = calm.since(began).as_secs();
        let long = self.settings.after_s > 0 && seconds >= self.settings.after_s;
        (long && !seen).then_some(Want::TurnEnded(seconds))
    }

    fn waiting(&mut self, waits: bool, now: Moment) -> Option<Want> {
        if !waits {
            self.waits = None;
            return None;
        }
        let (since, told) = self.waits.get_or_insert((now, false));
        let due = !*told && now.since(*since) >= WAITS;
        *told |= due;
        due.then_some(Want::Waits)
    }
}

/// Looks at the model after something happened: calls, and keeps title and task bar in step.
pub(super) fn look(model: &mut Model, effects: &mut Vec<Effect>) {
    let seen = Seen {
        now: model.now,
        phase: model.phase(),
        risk: model.snapshot.as_ref().map_or(Risk::None, |s| s.forecast.risk),
        title_idle: model.terminal.title().starts_with(IDLE_MARK),
        ended: matches!(model.child, ChildState::Ended { .. } | ChildState::Failed { .. }),
    };
    if let Some(want) = model.attention.step(seen) {
        let text = want.text(&model.title.project);
        if model.attention.settings.bell {
            effects.push(Effect::Bell);
        }
        if model.attention.settings.notify {
            effects.push(Effect::Notify(text.clone()));
        }
        effects.push(Effect::Call { want, text });
    }
    let title = title(model);
    if model.attention.title.as_ref() != Some(&title) {
        model.attention.title = Some(title.clone());
        effects.push(Effect::SetTitle(title));
    }
    let progress = progress(model).filter(|_| model.attention.settings.progress);
    if progress != model.attention.progress {
        model.attention.progress = progress;
        effects.push(Effect::Progress(progress.unwrap_or(Progress::Off)));
    }
}

/// The outer window's title: while a turn runs the phase and how far it is, then Claude Code's
/// own words, which say what it works on.
pub(super) fn title(model: &Model) -> String {
    let mut parts = Vec::with_capacity(4);
    let phase = model.phase();
    if phase.is_busy() {
        parts.push(match percent(model) {
            Some(percent) => format!("{} {percent} %", phase.word()),
            None => phase.word().to_owned(),
        });
    }
    let own = model.terminal.title();
    if !own.is_empty() {
        parts.push(own.to_owned());
    }
    parts.push("lcc".to_owned());
    parts.push(model.title.project.clone());
    parts.join(" · ")
}

/// How much of the prompt has been read, in whole percent, while it is read.
fn percent(model: &Model) -> Option<u8> {
    let prefill = &model.snapshot.as_ref()?.prefill;
    if model.phase() != Phase::Prefill {
        return None;
    }
    let share = units::percent(prefill.done?, prefill.total?)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 100"
    )]
    let whole = share.clamp(0.0, 100.0).floor() as u8;
    Some(whole)
}

/// What the task bar shows: the prompt being read, then that something is under way.
fn progress(model: &Model) -> Option<Progress> {
    if !model.phase().is_busy() {
        return None;
    }
    Some(percent(model).map_or(Progress::Busy, Progress::Percent))
}

#[cfg(test)]
#[path = "attention_tests.rs"]
mod tests;
