//! Turns: from the user's prompt to the answer that calls no tool.

use crate::{
    domain::{Moment, Section, Tail},
    engine::window::Growth,
};

/// One turn.
#[derive(Debug, Clone)]
struct Turn {
    began: Moment,
    /// When it ended or was last seen to stop.
    stopped: Option<Moment>,
    /// Tokens in the window before it. `None` when not known, or when a compaction fell into it.
    before: Option<u64>,
    compacted: bool,
    /// The last part of its newest prompt, to know a retry by.
    newest: Option<Section>,
    /// It seemed over, and Claude Code asked for the rest of a cut-off answer.
    resumed: bool,
}

/// The turn in progress, and what the turns before added.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns {
    pub ended: u64,
    pub growth: Growth,
    open: Option<Turn>,
    last_s: Option<f64>,
}

impl Turns {
    /// A main request starts. Returns whether a new turn begins with it.
    pub(super) fn request(
        &mut self,
        at: Moment,
        tail: Tail,
        sections: &[Section],
        used: Option<u64>,
    ) -> bool {
        let newest = sections.last().cloned();
        if let Some(turn) = &mut self.open {
            let goes_on = match tail {
                Tail::ToolResults { .. } | Tail::Other => true,
                // The same words again after a failure: Claude Code tries once more.
                Tail::Prompt => turn.stopped.is_some() && newest.is_some() && turn.newest == newest,
            };
            if goes_on {
                turn.stopped = None;
                turn.newest = newest;
                return false;
            }
            self.close(at, used);
        }
        let resumed = tail == Tail::Other && self.ended > 0;
        self.open = Some(Turn {
            began: at,
            stopped: None,
            before: used,
            compacted: false,
            newest,
            resumed,
        });
        !resumed
    }

    /// The request under way failed or was given up; a retry may follow.
    pub(super) fn stop(&mut self, at: Moment) {
        if let Some(turn) = &mut self.open {
            turn.stopped = Some(at);
        }
    }

    /// A compaction has emptied the window in the midst of whatever is under way.
    pub(super) fn compacted(&mut self) {
        if let Some(turn) = &mut self.open {
            turn.compacted = true;
        }
    }

    /// The turn is over, with `used` tokens in the window. `fixed` stands in for what was there
    /// before the first one.
    pub(super) fn end(&mut self, at: Moment, used: Option<u64>, fixed: Option<u64>) {
        if let Some(turn) = &mut self.open {
            turn.stopped = None;
            turn.before = turn.before.or(fixed);
        }
        self.close(at, used);
    }

    /// Forgets the turn in progress: the child is gone or the conversation is empty.
    pub(super) fn drop_open(&mut self, at: Moment) {
        if self.open.is_some() {
            self.close(at, None);
        }
    }

    /// What the turn under way has added so far, with `used` tokens in the window now.
    pub(super) fn open_rise(&self, used: Option<u64>, fixed: Option<u64>) -> Option<u64> {
        let turn = self.open.as_ref().filter(|turn| !turn.compacted)?;
        Some(used?.saturating_sub(turn.before.or(fixed)?))
    }

    fn close(&mut self, at: Moment, used: Option<u64>) {
        let Some(turn) = self.open.take() else { return };
        let seconds = turn.stopped.unwrap_or(at).seconds_since(turn.began);
        let rise = match (turn.before, used) {
            (Some(before), Some(used)) if !turn.compacted => Some(used.saturating_sub(before)),
            _ => None,
        };
        if turn.resumed {
            self.last_s = Some(self.last_s.unwrap_or(0.0) + seconds);
            rise.into_iter().for_each(|rise| self.growth.widen(rise));
            return;
        }
        self.ended += 1;
        self.last_s = Some(seconds);
        rise.into_iter().for_each(|rise| self.growth.push(rise));
    }

    /// Turns that have begun, over or not.
    pub(super) fn begun(&self) -> u64 {
        self.ended + u64::from(self.open.as_ref().is_some_and(|turn| !turn.resumed))
    }

    /// Whether any prompt has been given yet.
    pub(super) fn any(&self) -> bool {
        self.ended > 0 || self.open.is_some()
    }

    /// Whether a turn is going on that has not stopped.
    pub(super) fn running(&self) -> bool {
        self.open.as_ref().is_some_and(|turn| turn.stopped.is_none())
    }

    /// Seconds of the turn in progress or of the last one.
    pub(super) fn seconds(&self, now: Moment) -> Option<f64> {
        self.open
            .as_ref()
            .map(|turn| {
                let before = self.last_s.filter(|_| turn.resumed).unwrap_or(0.0);
                before + turn.stopped.unwrap_or(now).seconds_since(turn.began)
            })
            .or(self.last_s)
    }
}
