//! Where the time went: every moment belongs to one share at most.

use crate::{domain::Moment, protocol::TimeFigures};

/// What the present moment counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Share {
    /// Nothing that is measured: before the first prompt, after the end.
    #[default]
    Nothing,
    Prefill,
    Generate,
    Tools,
    Idle,
    Compaction,
}

/// Microseconds by share.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Split {
    last: Moment,
    share: Share,
    prefill: u64,
    generate: u64,
    tools: u64,
    idle: u64,
    compaction: u64,
}

impl Split {
    /// Time has come to `at`; what passed belongs to the present share. A moment in the past
    /// changes nothing.
    pub(super) fn advance(&mut self, at: Moment) {
        let passed = at.0.saturating_sub(self.last.0);
        self.last = self.last.max(at);
        let part = match self.share {
            Share::Nothing => return,
            Share::Prefill => &mut self.prefill,
            Share::Generate => &mut self.generate,
            Share::Tools => &mut self.tools,
            Share::Idle => &mut self.idle,
            Share::Compaction => &mut self.compaction,
        };
        *part = part.saturating_add(passed);
    }

    pub(super) fn switch(&mut self, share: Share) {
        self.share = share;
    }

    /// The latest moment seen.
    pub(super) fn last(&self) -> Moment {
        self.last
    }

    pub(super) fn figures(mut self, now: Moment, turn_s: Option<f64>) -> TimeFigures {
        self.advance(now);
        let seconds = |micros: u64| micros as f64 / 1e6;
        TimeFigures {
            prefill_s: seconds(self.prefill),
            generate_s: seconds(self.generate),
            tools_s: seconds(self.tools),
            idle_s: seconds(self.idle),
            compaction_s: seconds(self.compaction),
            turn_s,
            session_s: seconds(self.last.0),
        }
    }
}
