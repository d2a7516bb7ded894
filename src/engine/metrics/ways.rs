//! The ways out of a full window: what each makes the server read, how long it takes, what it frees.

use crate::{domain::Moment, protocol::WayOut};

use super::{flight::Flight, prefill::Prefill};

/// Tokens of a summary before one has been seen: what local models write of a full 32K window.
const SUMMARY: u64 = 1_000;
/// Tokens of a handover note: the most that lcc writes.
const NOTE: u64 = 1_200;
/// Answers shorter than this say more about overhead than about writing speed.
const LEAST_ANSWER: u64 = 8;
/// Share of the newest answer in what is believed.
const NEWEST: f64 = 0.3;

/// How fast the server writes: learned from its answers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Writing {
    per_token: Option<f64>,
}

impl Writing {
    /// An answer is complete.
    pub(super) fn learn(&mut self, flight: &Flight, at: Moment) {
        let (Some(first), Some(tokens), true) =
            (flight.first_token, flight.output, flight.finished)
        else {
            return;
        };
        let seconds = at.seconds_since(first);
        if tokens < LEAST_ANSWER || seconds <= 0.0 {
            return;
        }
        let each = seconds / tokens as f64;
        self.per_token =
            Some(self.per_token.map_or(each, |old| old * (1.0 - NEWEST) + each * NEWEST));
    }

    fn seconds(self, tokens: u64) -> Option<f64> {
        Some(self.per_token? * tokens as f64)
    }
}

/// What the ways out are worked out from, in tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground<'a> {
    pub used: u64,
    pub fixed: u64,
    /// The compaction's instruction.
    pub instruction: u64,
    /// Tokens of the last summary.
    pub summary: Option<u64>,
    /// The most that one answer may have.
    pub output_reserve: u64,
    /// The window.
    pub size: u64,
    /// Whether the server still holds the conversation.
    pub held: bool,
    pub prefill: &'a Prefill,
    pub writing: Writing,
}

impl Ground<'_> {
    /// Compacting: the conversation as far as the server does not hold it and the instruction are
    /// read, the summary is written, and read again behind system and tools.
    pub(super) fn compact(&self) -> WayOut {
        let summary = self.summary.unwrap_or(SUMMARY).min(self.output_reserve.max(1));
        let from = if self.held { self.used } else { 0 };
        let to = self.used.saturating_add(self.instruction);
        let read = self.prefill.foresee(from, to);
        let written = self.writing.seconds(summary);
        let again = self.prefill.foresee(self.fixed, self.fixed.saturating_add(summary));
        let seconds = read.zip(written).zip(again).map(|((a, b), c)| a + b + c);
        WayOut {
            reads_tokens: (to - from).saturating_add(summary),
            seconds,
            frees: self.used.saturating_sub(self.fixed.saturating_add(summary)),
            fits: to.saturating_add(summary) <= self.size,
        }
    }

    /// An empty conversation with `note` tokens in its first prompt.
    fn empty(&self, note: u64) -> WayOut {
        let from = if self.held { self.fixed } else { 0 };
        let to = self.fixed.saturating_add(note);
        WayOut {
            reads_tokens: to - from,
            seconds: self.prefill.foresee(from, to),
            frees: self.used.saturating_sub(to),
            fits: true,
        }
    }

    /// An empty conversation.
    pub(super) fn fresh(&self) -> WayOut {
        self.empty(0)
    }

    /// An empty conversation that begins with a note.
    pub(super) fn handover(&self) -> WayOut {
        self.empty(NOTE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::metrics::curve::Curve;

    #[test]
    fn each_way_costs_what_the_server_must_read_for_it() {
        let mut curve = Curve::default();
        // 100 tokens a second at any depth.
        for _ in 0..50 {
            curve.learn(0, 30_000, 300.0);
        }
        let mut prefill = Prefill::default();
        prefill.curve = curve;
        let ground = Ground {
            used: 24_000,
            fixed: 4_000,
            instruction: 1_800,
            summary: Some(800),
            output_reserve: 4_096,
            size: 29_000,
            held: true,
            prefill: &prefill,
            writing: Writing { per_token: Some(0.02) },
        };
        let compact = ground.compact();
        assert_eq!((compact.reads_tokens, compact.frees, compact.fits), (2_600, 19_200, true));
        let seconds = compact.seconds.unwrap();
        // 18 s for the instruction, 16 s to write, 8 s to read the summary.
        assert!((36.0..52.0).contains(&seconds), "{seconds}");
        let (fresh, note) = (ground.fresh(), ground.handover());
        assert_eq!((fresh.reads_tokens, fresh.frees), (0, 20_000));
        assert_eq!((note.reads_tokens, note.frees), (1_200, 18_800));
        assert!(note.seconds.unwrap() > fresh.seconds.unwrap());
        let lost = Ground { held: false, size: 26_599, ..ground };
        assert_eq!((lost.compact().reads_tokens, lost.compact().fits), (26_600, false));
        assert!(lost.compact().seconds.unwrap() > 200.0);
        assert_eq!(lost.fresh().reads_tokens, 4_000);
        // Nothing is promised of a server nobody has seen at work.
        let unknown = Prefill::default();
        assert_eq!(Ground { prefill: &unknown, ..ground }.compact().seconds, None);
        assert_eq!(Ground { writing: Writing::default(), ..ground }.compact().seconds, None);
    }
}
