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
    stopped: u64,
    /// Whether a request of this turn has ended whose thinking nobody counted.
    guessed: bool,
}

impl Thinking {
    pub(super) fn turn_begins(&mut self) {
        self.ended = 0;
        self.leaked_now = false;
        self.guessed = false;
    }

    /// The proxy ended a request that thought too long.
    pub(super) const fn stopped(&mut self) {
        self.stopped = self.stopped.saturating_add(1);
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
        self.guessed |= guessed(flight);
    }

    pub(super) fn figures<'a>(
        &self,
        under_way: impl Iterator<Item = &'a Flight>,
        off: bool,
        ratios: &Ratios,
    ) -> ThinkingFigures {
        let (tokens, guess) = under_way.fold((self.ended, self.guessed), |(all, guess), f| {
            (all.saturating_add(tokens(f, ratios)), guess || guessed(f))
        });
        ThinkingFigures {
            tokens,
            // Servers count thinking only when asked afterwards, by `/tokenize`.
            estimated: guess,
            off,
            leaked_turns: self.leaked_turns,
            stopped: self.stopped,
        }
    }
}

/// Whether a request has written thinking that no server counted.
const fn guessed(flight: &Flight) -> bool {
    flight.written.thinking > 0 && flight.thinking_counted.is_none()
}

/// Thinking tokens of one answer: as the server counted them, else its tokens by the share of its bytes.
fn tokens(flight: &Flight, ratios: &Ratios) -> u64 {
    let (thinking, all) = (flight.written.thinking, flight.written.all());
    if let Some(counted) = flight.thinking_counted {
        return counted;
    }
    if thinking == 0 {
        return 0;
    }
    let share = thinking as f64 / all as f64;
    (flight.answer(ratios).tokens as f64 * share).round() as u64
}
