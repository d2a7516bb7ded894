//! Follows the policy: shows the steward the figures, does what it says, tells what came of it.

use super::Engine;
use crate::{
    domain::{
        Event, Moment, Phase,
        units::{count, seconds},
    },
    engine::{
        proxy::fit::Bounds,
        window::policy::{Deed, Seen, Steward},
    },
    protocol::{CompactWhen, CompactionLast, NoticeLevel, Snapshot},
};

/// What the policy needs to remember.
#[derive(Debug, Default)]
pub(super) struct Tending {
    pub steward: Steward,
    /// The last key that went to Claude Code.
    pub last_key: Option<Moment>,
    /// Compactions that have been told.
    told: u64,
}

impl Tending {
    pub(super) fn new(steward: Steward) -> Self {
        Self { steward, ..Self::default() }
    }
}

impl Engine {
    /// All figures now, with what only the session knows.
    pub(super) fn figures(&self) -> Snapshot {
        let mut figures = self.meter.snapshot(self.clock.now());
        figures.forecast.policy = self.tending.steward.policy();
        figures.forecast.given_up = self.tending.steward.given_up().map(str::to_owned);
        figures
    }

    /// One look at the window, at every pulse.
    pub(super) fn tend(&mut self) {
        let now = self.clock.now();
        let figures = self.figures();
        if let Some(line) = &self.line {
            line.proxy.set_bounds(bounds(&figures, self.tending.steward.turns_back_early()));
        }
        let last = figures.compactions.last.as_ref();
        if let Some(last) = last.filter(|_| figures.compactions.count > self.tending.told) {
            self.tending.told = figures.compactions.count;
            self.compaction.done_otherwise();
            self.notice(NoticeLevel::Info, compacted(last));
        }
        if self.life.is_none() {
            return;
        }
        let seen = seen(&figures, now, self.tending.last_key, self.compaction.is_pending());
        let Some(deed) = self.tending.steward.step(&seen, now) else { return };
        match deed {
            Deed::Compact => {
                let text = "the window is nearly full: compacting (policy auto)".to_owned();
                self.notice(NoticeLevel::Info, text);
                let step = self.compaction.ask(CompactWhen::Idle, figures.phase, now);
                self.take_step(step);
            }
            Deed::GoOn => {
                let text = "compacted: Claude Code is told to go on".to_owned();
                self.notice(NoticeLevel::Info, text);
                self.compaction.go_on(figures.phase, now);
            }
            Deed::Say(why) => {
                let text = format!("policy auto leaves it to you: {why}");
                self.notice(NoticeLevel::Warning, text);
            }
        }
    }

    /// Says what the proxy turned back.
    pub(super) fn turned_back(&mut self, event: &Event) {
        let Event::TooLong { request, tokens, maximum, source, early, culprit } = event else {
            return;
        };
        let about = if source.is_estimate() { "~" } else { "" };
        let culprit = culprit.as_ref().map_or_else(String::new, |c| format!("; {c}"));
        let (tokens, maximum) = (count(*tokens), count(*maximum));
        let text = if *early {
            format!(
                "compacting in mid-turn: request {request} has {about}{tokens} tok, and {maximum} \
                 leave room to answer and to compact{culprit}"
            )
        } else {
            format!(
                "too long, not sent to the server: request {request} has {about}{tokens} tok, \
                 {maximum} fit{culprit}. Claude Code is told; where it does not compact by itself, \
                 press F2"
            )
        };
        let level = if *early { NoticeLevel::Info } else { NoticeLevel::Warning };
        self.notice(level, text);
    }
}

/// What requests may use. Nothing is turned back while the window is unknown.
fn bounds(figures: &Snapshot, early: bool) -> Option<Bounds> {
    let size = figures.window.size?;
    let fixed = figures.window.fixed.unwrap_or(0);
    // A fixed part that leaves no room to work in would have every request turned back.
    let roomy = |limit: &u64| limit.saturating_sub(fixed) > size / 4;
    let early = figures.forecast.limit.filter(|limit| early && roomy(limit));
    Some(Bounds { size, early })
}

/// What the steward is shown.
fn seen(figures: &Snapshot, now: Moment, last_key: Option<Moment>, typing: bool) -> Seen {
    let forecast = &figures.forecast;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "seconds of a session, never negative"
    )]
    let lasted = (figures.phase_s.max(0.0) * 1e6) as u64;
    Seen {
        phase: figures.phase,
        since: Moment(now.0.saturating_sub(lasted)),
        last_key,
        turns: figures.turns,
        used: figures.window.used.unwrap_or(0),
        due: forecast.due,
        fits: forecast.compact.as_ref().is_none_or(|way| way.fits),
        turned_back: figures.window.turned_back && figures.phase == Phase::Idle,
        compactions: figures.compactions.count,
        failed: figures.compactions.failed,
        typing,
    }
}

/// What a compaction did, in words.
fn compacted(last: &CompactionLast) -> String {
    let tokens = |n: Option<u64>| n.map_or_else(|| "–".to_owned(), count);
    let about = if last.after_estimated { "~" } else { "" };
    format!(
        "compacted in {}: {} → {about}{} tok",
        seconds(last.seconds),
        tokens(last.before),
        tokens(last.after)
    )
}
