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

/// The largest window, in tokens, from which a compaction itself fits: it reads the whole
/// conversation and its instruction and writes the summary.
#[must_use]
pub const fn compaction_limit(size: u64, compaction_room: u64, summary: u64) -> u64 {
    size.saturating_sub(compaction_room).saturating_sub(summary)
}

/// Tokens a summary may take: half as much again as the last one, at most what one answer may
/// have; that too before there was one.
#[must_use]
pub fn summary_room(last: Option<u64>, output_reserve: u64) -> u64 {
    last.map_or(output_reserve, |tokens| tokens.saturating_add(tokens / 2).min(output_reserve))
}

/// Turns that still fit when each adds what is foreseen; for turns that neither grow nor shrink
/// that is `(limit − used) ÷ growth`. `None` when nothing is known to grow.
#[must_use]
pub fn turns_left(used: u64, limit: u64, growth: &Growth) -> Option<u64> {
    let first = growth.foreseen(1).filter(|rise| *rise > 0)?;
    let room = limit.saturating_sub(used);
    let trend = growth.trend();
    if trend == 0 {
        return room.checked_div(first);
    }
    let (mut turns, mut sum, mut rise) = (0, first, first);
    while sum <= room {
        turns += 1;
        rise = rise.saturating_add(trend);
        sum = sum.saturating_add(rise);
    }
    Some(turns)
}

/// Whether one more turn like the largest so far, or as large as the trend says, would pass the
/// limit.
#[must_use]
pub fn is_due(used: u64, limit: u64, growth: &Growth) -> bool {
    used > limit || growth.largest_next().is_some_and(|rise| used.saturating_add(rise) > limit)
}

/// How near the limit is. `next` is the next request as far as it is known (at least what is used
/// now). *Near* looks two turns ahead, so that there is a turn left to act in: one like the
/// largest so far and one as it is foreseen.
#[must_use]
pub fn risk(used: u64, next: u64, limit: u64, growth: &Growth) -> Risk {
    if next.max(used) > limit {
        return Risk::Now;
    }
    let two = growth
        .largest_next()
        .map(|first| first.saturating_add(growth.foreseen(2).unwrap_or(first)));
    if two.is_some_and(|rise| used.saturating_add(rise) > limit) { Risk::Near } else { Risk::None }
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

    /// The last turn went on after its end and added so much more.
    pub fn widen(&mut self, rise: u64) {
        match self.rises.back_mut() {
            Some(last) => *last = last.saturating_add(rise),
            None => self.rises.push_back(rise),
        }
    }

    /// How much more each turn adds than the one before: the median slope over all pairs of
    /// turns, which one outlier does not move; never below 0. Four turns make a trend.
    #[must_use]
    pub fn trend(&self) -> u64 {
        const LEAST: usize = 4;
        if self.rises.len() < LEAST {
            return 0;
        }
        let mut slopes: Vec<i128> = Vec::new();
        for (n, a) in self.rises.iter().enumerate() {
            for (m, b) in self.rises.iter().enumerate().skip(n + 1) {
                slopes.push((i128::from(*b) - i128::from(*a)) / (m - n) as i128);
            }
        }
        slopes.sort_unstable();
        let slope = slopes.get(slopes.len() / 2).copied().unwrap_or(0);
        u64::try_from(slope.max(0)).unwrap_or(u64::MAX)
    }

    /// What the `turn`-th turn from now (counted from 1) is foreseen to add: the median of the
    /// last turns, carried on by their trend.
    #[must_use]
    pub fn foreseen(&self, turn: u64) -> Option<u64> {
        let (lower, upper) = self.middle()?;
        let trend = self.trend();
        // The median stands for the middle of the turns it was taken from. Both are halves, rounded
        // up once: rounded down each, ten even steps are foreseen one token short.
        let since = trend.saturating_mul((self.rises.len() as u64).saturating_sub(1));
        let last = lower.saturating_add(upper).saturating_add(since).div_ceil(2);
        Some(last.saturating_add(trend.saturating_mul(turn)))
    }

    /// What the next turn adds at the most, as far as one can tell.
    #[must_use]
    pub fn largest_next(&self) -> Option<u64> {
        Some(self.largest()?.max(self.foreseen(1)?))
    }

    /// The same, with a turn that is still going on and has added so much already: it counts as
    /// soon as it is the largest.
    #[must_use]
    pub fn with_open(&self, rise: Option<u64>) -> Self {
        let mut all = self.clone();
        if let Some(rise) = rise.filter(|rise| self.largest().is_none_or(|most| *rise > most)) {
            all.push(rise);
        }
        all
    }

    /// The median rise over the last [`GROWTH_TURNS`] turns; of an even number the mean of the two
    /// in the middle.
    #[must_use]
    pub fn median(&self) -> Option<u64> {
        let (lower, upper) = self.middle()?;
        Some(lower + (upper - lower) / 2)
    }

    /// The two rises in the middle of all by size, the lower first; of an odd number twice the one.
    fn middle(&self) -> Option<(u64, u64)> {
        let mut sorted: Vec<u64> = self.rises.iter().copied().collect();
        sorted.sort_unstable();
        let middle = sorted.len() / 2;
        let upper = *sorted.get(middle)?;
        let lower = if sorted.len() % 2 == 1 { upper } else { *sorted.get(middle - 1)? };
        Some((lower, upper))
    }

    /// The largest of these rises.
    #[must_use]
    pub fn largest(&self) -> Option<u64> {
        self.rises.iter().copied().max()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn limit_leaves_room_to_answer_and_to_compact() {
        assert_eq!(limit(32_768, 4_096, 1_800), 26_872);
        assert_eq!(limit(4_096, 4_096, 1_800), 0);
        assert_eq!(compaction_room(6_900, 0.25), 1_725);
        assert_eq!(after_compaction(3_500, 700), 4_200);
    }

    fn growth(rises: &[u64]) -> Growth {
        let mut growth = Growth::default();
        rises.iter().for_each(|rise| growth.push(*rise));
        growth
    }

    #[test]
    fn a_compaction_needs_the_conversation_its_instruction_and_the_summary() {
        assert_eq!(summary_room(None, 4_096), 4_096);
        assert_eq!(summary_room(Some(800), 4_096), 1_200);
        assert_eq!(summary_room(Some(8_000), 4_096), 4_096);
        assert_eq!(compaction_limit(32_768, 1_800, 1_200), 29_768);
        assert_eq!(compaction_limit(2_048, 1_800, 1_200), 0);
    }

    #[test]
    fn turns_left_needs_growth() {
        for (used, limit, rises, left) in [
            (14_902, 26_872, &[1_200][..], Some(9)),
            (26_000, 26_872, &[1_200], Some(0)),
            (30_000, 26_872, &[1_200], Some(0)),
            (14_902, 26_872, &[0], None),
            (14_902, 26_872, &[], None),
            // Three turns make no trend: the median of 100, 200, 300.
            (0, 1_000, &[100, 200, 300], Some(5)),
            // 500 + 600 + 700 fit into 2,000, 800 more do not.
            (0, 2_000, &[100, 200, 300, 400], Some(3)),
            // What shrinks is taken at its median.
            (0, 2_000, &[400, 300, 200, 100], Some(8)),
        ] {
            assert_eq!(turns_left(used, limit, &growth(rises)), left, "{used} {rises:?}");
        }
    }

    #[test]
    fn risk_looks_two_turns_and_one_request_ahead() {
        for (used, next, rises, expected, due) in [
            (10_000, 10_000, &[][..], Risk::None, false),
            (10_000, 10_000, &[4_100], Risk::None, false),
            (18_672, 18_672, &[4_100], Risk::None, false),
            (18_673, 18_673, &[4_100], Risk::Near, false),
            (22_772, 22_772, &[4_100], Risk::Near, false),
            (22_773, 22_773, &[4_100], Risk::Near, true),
            (23_000, 26_872, &[100], Risk::None, false),
            (23_000, 26_873, &[100], Risk::Now, false),
            (26_873, 26_873, &[], Risk::Now, true),
            // A single large turn among small ones: one like it, and then a usual one.
            (22_600, 22_600, &[100, 100, 4_000, 100, 100], Risk::None, false),
            (22_800, 22_800, &[100, 100, 4_000, 100, 100], Risk::Near, false),
            // Turns that grow by 400 each: the next two add 2,400 and 2,800.
            (21_672, 21_672, &[800, 1_200, 1_600, 2_000], Risk::None, false),
            (21_673, 21_673, &[800, 1_200, 1_600, 2_000], Risk::Near, false),
        ] {
            let growth = growth(rises);
            assert_eq!(risk(used, next, 26_872, &growth), expected, "{used} {next} {rises:?}");
            assert_eq!(is_due(used, 26_872, &growth), due, "{used} {rises:?}");
        }
    }

    #[test]
    fn a_turn_under_way_counts_once_it_is_the_largest() {
        let before = growth(&[100, 300]);
        assert_eq!(before.with_open(Some(200)), before);
        assert_eq!(before.with_open(None), before);
        assert_eq!(before.with_open(Some(900)).largest(), Some(900));
        assert_eq!(Growth::default().with_open(Some(7)).median(), Some(7));
    }

    proptest! {
        /// Whatever turns grow by, as long as each grows as the ones before did: the warning comes
        /// at least two turns before a turn passes the limit.
        #[test]
        fn steady_growth_is_warned_of_two_turns_ahead(
            first in 1_u64..3_000,
            step in 0_u64..400,
            limit in 20_000_u64..60_000,
        ) {
            let mut growth = Growth::default();
            let (mut used, mut turn, mut warned) = (4_000, 0_u64, None);
            while used <= limit {
                if turn > 0 && risk(used, used, limit, &growth) != Risk::None {
                    warned = warned.or(Some(turn));
                }
                let rise = first + step * turn;
                used += rise;
                growth.push(rise);
                turn += 1;
            }
            // `turn` is the one that passed it. Four turns are needed to see a trend.
            let seen = step == 0 || turn > 6;
            prop_assert!(!seen || warned.is_some_and(|at| turn - at >= 2), "{warned:?} of {turn}");
        }

        /// More in the window never makes the risk smaller or the turns more.
        #[test]
        fn more_used_is_never_better(
            rises in proptest::collection::vec(0_u64..5_000, 0..12),
            used in 0_u64..40_000,
            more in 0_u64..5_000,
            limit in 0_u64..40_000,
        ) {
            let growth = growth(&rises);
            let less = (risk(used, used, limit, &growth), turns_left(used, limit, &growth));
            let full = used + more;
            let then = (risk(full, full, limit, &growth), turns_left(full, limit, &growth));
            prop_assert!(then.0 >= less.0);
            prop_assert!(then.1 <= less.1);
            prop_assert!(!is_due(full, limit, &growth) || then.0 != Risk::None);
        }
    }

    #[test]
    fn ten_even_steps_are_foreseen_to_the_token() {
        let rises: Vec<u64> = (0..11).map(|turn| 1_312 + 325 * turn).collect();
        let growth = growth(&rises);
        assert_eq!(growth.foreseen(1), Some(1_312 + 325 * 11));
        assert_eq!(growth.foreseen(2), Some(1_312 + 325 * 12));
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
