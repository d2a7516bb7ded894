//! What Claude Code must believe of the window so that its footer is true and it compacts, as the
//! last net, only where lcc's own policy has failed. Pure.
//!
//! The formulas were read off the real clients, 2.1.197 and 2.1.330, by giving them answers with
//! known usage. With the believed window `W` and the output budget `o = min(output, 20,000)`:
//!
//! - both speak of `W − o` as the whole;
//! - 2.1.330 compacts before the next prompt once usage has reached `W − o − 13,000`, and its
//!   footer counts down to that point;
//! - 2.1.197 never compacts by usage: its footer shows usage ÷ `(W − o)`, and it compacts when the
//!   server refuses a prompt as too long.

/// The largest output budget that Claude Code takes off its window.
const MOST_OUTPUT: u64 = 20_000;
/// How far below the whole Claude Code compacts.
const COMPACTION_BUFFER: u64 = 13_000;

/// When a version of Claude Code compacts by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compacts {
    /// Before the prompt after usage has reached a threshold.
    AtThreshold,
    /// Only when a prompt was refused as too long.
    WhenRefused,
}

/// What Claude Code is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Belief {
    /// `CLAUDE_CODE_MAX_CONTEXT_TOKENS`.
    pub context: u64,
    /// `CLAUDE_CODE_MAX_OUTPUT_TOKENS`.
    pub output: u64,
    /// The usage from which it compacts by itself; `None`: it does not by usage.
    pub compacts_at: Option<u64>,
    /// Tokens of one tool result at most.
    pub result: u64,
}

impl Belief {
    /// Characters of one command's output at most: three to a token is on the safe side for logs
    /// and code.
    #[must_use]
    pub const fn result_chars(&self) -> u64 {
        let chars = self.result * 3;
        if chars > 30_000 { 30_000 } else { chars }
    }

    /// What its footer says at `used` tokens, in percent: used of the window where it compacts
    /// when refused, left until compaction where it compacts at a threshold.
    #[must_use]
    pub fn footer(&self, used: u64) -> u64 {
        let share = |part: u64, whole: u64| {
            if whole == 0 { 0 } else { (part as f64 / whole as f64 * 100.0).round() as u64 }
        };
        match self.compacts_at {
            Some(point) => share(point.saturating_sub(used), point),
            None => share(used, self.whole()).min(100),
        }
    }

    fn whole(&self) -> u64 {
        self.context.saturating_sub(self.output.min(MOST_OUTPUT))
    }
}

/// What to tell Claude Code of a window of `size` tokens with `output` of them kept for an answer.
///
/// `limit` is the largest prompt from which one can still answer and compact
/// ([`limit`](super::limit)); lcc's policy acts before it. A client that compacts at a threshold
/// is told a window that puts the threshold there: with the true size it would compact at half of
/// a 32K window and, in a smaller one, after every turn. One that compacts when refused is told a
/// window that makes its footer show usage ÷ size.
#[must_use]
pub fn believe(compacts: Compacts, size: u64, output: u64, limit: u64) -> Belief {
    let kept = output.min(MOST_OUTPUT);
    // A quarter of what is left beside a lean fixed part: four of them fit before compaction.
    let result = (limit.saturating_sub(LEAN_FIXED) / 4).clamp(1_000, 25_000);
    let (context, compacts_at) = match compacts {
        Compacts::AtThreshold => {
            (limit.saturating_add(COMPACTION_BUFFER).saturating_add(kept), Some(limit))
        }
        Compacts::WhenRefused => (size.saturating_add(kept), None),
    };
    Belief { context, output, compacts_at, result }
}

/// Tokens of a lean fixed part, rounded.
const LEAN_FIXED: u64 = 4_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Answers with so much usage were given to the real clients; this is what they showed.
    #[test]
    fn the_footers_that_were_seen() {
        let new = believe(Compacts::AtThreshold, 32_768, 4_096, 26_872);
        assert_eq!(new.context, 43_968);
        for (used, percent) in [(9_000, 67), (14_000, 48), (20_000, 26), (24_000, 11), (26_000, 3)]
        {
            assert_eq!(new.footer(used), percent, "{used}");
        }
        let old = believe(Compacts::WhenRefused, 32_768, 4_096, 26_872);
        assert_eq!(old.context, 36_864);
        for (used, percent) in [(4_000, 12), (9_000, 27), (20_000, 61), (27_500, 84), (30_000, 92)]
        {
            assert_eq!(old.footer(used), percent, "{used}");
        }
        let big = believe(Compacts::AtThreshold, 131_072, 8_192, 121_080);
        assert_eq!((big.context, big.footer(108_000), big.footer(119_000)), (142_272, 11, 2));
    }

    #[test]
    fn results_fit_the_window() {
        for (limit, tokens, chars) in [
            (5_000, 1_000, 3_000),
            (26_872, 5_718, 17_154),
            (60_000, 14_000, 30_000),
            (190_000, 25_000, 30_000),
        ] {
            let belief = believe(Compacts::AtThreshold, limit + 6_000, 4_096, limit);
            assert_eq!((belief.result, belief.result_chars()), (tokens, chars), "{limit}");
        }
    }

    proptest! {
        /// By Claude Code's own formula: it compacts at the limit, never earlier or later.
        #[test]
        fn the_net_hangs_at_the_limit(
            size in 4_096_u64..2_000_000, output in 256_u64..64_000, limit in 0_u64..2_000_000
        ) {
            let belief = believe(Compacts::AtThreshold, size, output, limit);
            prop_assert_eq!(belief.context - output.min(20_000) - 13_000, limit);
            let old = believe(Compacts::WhenRefused, size, output, limit);
            prop_assert_eq!(old.footer(size), 100);
            prop_assert_eq!(old.footer(size / 2).abs_diff(50) <= 1, true);
        }
    }
}
