//! Arithmetic of the budget: limit, growth, turns that are left, risk. Pure.

use std::collections::VecDeque;

use crate::domain::Risk;

/// Turns that growth is measured over.
pub const GROWTH_TURNS: usize = 10;

/// Bytes of the instruction that Claude Code appends when it compacts (about 6.5 KB, and 400 bytes
/// more when a first answer held no summary). Measured on 2.1.197 and 2.1.330.
pub const COMPACTION_PROMPT_BYTES: u64 = 6_900;

/// Tokens that a compaction needs on top of the conversation: its instruction. The summary it
/// writes is an answer and so comes out of the output reserve.
#[must_use]
pub fn compaction_room(instruction_bytes: u64, tokens_per_byte: f64) -> u64 {
    (instruction_bytes as f64 * tokens_per_byte.max(0.0)).ceil() as u64
}

/// The largest prompt, in tokens, from which one can still answer and compact.
#[must_use]
pub const fn limit(size: u64, output_reserve: u64, compaction_room: u64) -> u64 {
    size.saturating_sub(output_reserve).saturating_sub(compaction_room)
}

/// Turns that still fit: `(limit − used) ÷ growth`. `None` when nothing is known to grow.
#[must_use]
pub fn turns_left(used: u64, limit: u64, growth: u64) -> Option<u64> {
    limit.saturating_sub(used).checked_div(growth)
}

/// How near the limit is. `next` is the next request as far as it is known (at least what is used
/// now), `largest` the largest rise that one turn has brought.
#[must_use]
pub fn risk(used: u64, next: u64, largest: Option<u64>, limit: u64) -> Risk {
    if next.max(used) > limit {
        Risk::Now
    } else if largest.is_some_and(|rise| used.saturating_add(rise) > limit) {
        Risk::Near
    } else {
        Risk::None
    }
}

/// Tokens in the window after a compaction, as far as they can be known before the next request:
/// what never goes away and the summary.
#[must_use]
pub const fn after_compaction(fixed: u64, summary: u64) -> u64 {
    fixed.saturating_add(summary)
}

/// How much the last turns added to the window, in tokens each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Growth {
    rises: VecDeque<u64>,
}

impl Growth {
    /// Notes what one turn added.
    pub fn push(&mut self, rise: u64) {
        if self.rises.len() == GROWTH_TURNS {
            self.rises.pop_front();
        }
        self.rises.push_back(rise);
    }

    /// The median rise over the last [`GROWTH_TURNS`] turns; of an even number the mean of the two
    /// in the middle.
    #[must_use]
    pub fn median(&self) -> Option<u64> {
        let mut sorted: Vec<u64> = self.rises.iter().copied().collect();
        sorted.sort_unstable();
        let middle = sorted.len() / 2;
        let upper = *sorted.get(middle)?;
        if sorted.len() % 2 == 1 {
            return Some(upper);
        }
        let lower = *sorted.get(middle - 1)?;
        Some(lower + (upper - lower) / 2)
    }

    /// The largest of these rises.
    #[must_use]
    pub fn largest(&self) -> Option<u64> {
        self.rises.iter().copied().max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_leaves_room_to_answer_and_to_compact() {
        assert_eq!(limit(32_768, 4_096, 1_800), 26_872);
        assert_eq!(limit(4_096, 4_096, 1_800), 0);
        assert_eq!(compaction_room(6_900, 0.25), 1_725);
        assert_eq!(after_compaction(3_500, 700), 4_200);
    }

    #[test]
    fn turns_left_needs_growth() {
        for (used, limit, growth, left) in [
            (14_902, 26_872, 1_200, Some(9)),
            (26_000, 26_872, 1_200, Some(0)),
            (30_000, 26_872, 1_200, Some(0)),
            (14_902, 26_872, 0, None),
        ] {
            assert_eq!(turns_left(used, limit, growth), left);
        }
    }

    #[test]
    fn risk_looks_one_turn_and_one_request_ahead() {
        for (used, next, largest, expected) in [
            (10_000, 10_000, None, Risk::None),
            (10_000, 10_000, Some(4_100), Risk::None),
            (23_000, 23_000, Some(4_100), Risk::Near),
            (23_000, 26_872, Some(100), Risk::None),
            (23_000, 26_873, Some(100), Risk::Now),
            (26_873, 26_873, None, Risk::Now),
        ] {
            assert_eq!(risk(used, next, largest, 26_872), expected, "{used} {next}");
        }
    }

    #[test]
    fn growth_is_the_median_of_ten_turns() {
        let mut growth = Growth::default();
        assert_eq!((growth.median(), growth.largest()), (None, None));
        growth.push(1_000);
        growth.push(3_000);
        assert_eq!((growth.median(), growth.largest()), (Some(2_000), Some(3_000)));
        for rise in 0..10 {
            growth.push(rise);
        }
        assert_eq!((growth.median(), growth.largest()), (Some(4), Some(9)));
    }
}
