//! What the session is doing, and since when.

use crate::domain::{Moment, Phase};

/// The phase and when it began.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PhaseClock {
    phase: Phase,
    since: Moment,
}

impl PhaseClock {
    pub(super) fn enter(&mut self, phase: Phase, at: Moment) {
        if phase != self.phase {
            *self = Self { phase, since: at };
        }
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    pub(super) fn seconds(&self, now: Moment) -> f64 {
        now.seconds_since(self.since)
    }
}
