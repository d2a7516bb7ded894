//! Thinking, wanted or not.

use crate::protocol::ThinkingFigures;

use super::{flight::Flight, ratio::Ratios};

/// Thinking of the turn in progress or of the last one, and leaks of all.
#[derive(Debug, Clone, Default)]
pub(super) struct Thinking {
    /// Tokens of the requests of this turn that have ended.
    ended: u64,
    leaked_turns: u64,
    leaked_now: bool,
}

impl Thinking {
    pub(super) fn turn_begins(&mut self) {
        self.ended = 0;
        self.leaked_now = false;
    }

    /// A request has written some thinking. Counts its turn once when thinking was off.
    pub(super) fn seen(&mut self, off: bool) {
        if off && !self.leaked_now {
            self.leaked_now = true;
            self.leaked_turns += 1;
        }
    }

    pub(super) fn ended(&mut self, flight: &Flight, ratios: &Ratios) {
        self.ended = self.ended.saturating_add(tokens(flight, ratios));
    }

    pub(super) fn figures<'a>(
        &self,
        under_way: impl Iterator<Item = &'a Flight>,
        off: bool,
        ratios: &Ratios,
    ) -> ThinkingFigures {
        let tokens = under_way.fold(self.ended, |all, f| all.saturating_add(tokens(f, ratios)));
        ThinkingFigures {
            tokens,
            // No server of today counts thinking apart from the rest of the answer.
            estimated: tokens > 0,
            off,
            leaked_turns: self.leaked_turns,
            stopped: 0,
        }
    }
}

/// Thinking tokens of one answer: its tokens by the share of its bytes.
fn tokens(flight: &Flight, ratios: &Ratios) -> u64 {
    let (thinking, all) = (flight.written.thinking, flight.written.all());
    if thinking == 0 {
        return 0;
    }
    let share = thinking as f64 / all as f64;
    (flight.answer(ratios).tokens as f64 * share).round() as u64
}
