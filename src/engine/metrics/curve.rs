//! How fast this server reads at which depth: learned from what it did, used to foresee.
//!
//! Attention makes every token dearer the more tokens lie before it, so a constant rate promises
//! too much. The curve keeps seconds per token in bins of depth, and a straight line through all
//! bins for depths it has not seen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Tokens of depth that share one figure.
const BIN: u64 = 1_024;
/// Deeper tokens count as this deep; keeps absurd figures cheap.
const DEEPEST: u64 = 1 << 22;
/// A bin remembers about this many tokens; older ones fade.
const MEMORY: f64 = 4_096.0;
/// Before anything else is known: reading a token gets dearer by this share per token of depth.
/// About 5 % per thousand; llama.cpp on a processor showed 6 to 9 %, graphics processors less.
const PRIOR_SLOPE: f64 = 5.0e-5;
/// How much evidence (tokens × depth²) outweighs that belief.
const PRIOR_WEIGHT: f64 = 2.0e10;
/// Tokens of belief in the line that each bin's own figure is mixed with.
const SMOOTHING: f64 = 1_024.0;

#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Bin {
    tokens: f64,
    seconds: f64,
}

/// Seconds per token by depth.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Curve {
    bins: BTreeMap<u64, Bin>,
}

/// A straight line: seconds per token at a depth.
#[derive(Debug, Clone, Copy)]
struct Line {
    at_zero: f64,
    slope: f64,
}

impl Line {
    fn at(self, depth: f64) -> f64 {
        self.at_zero + self.slope * depth
    }
}

impl Curve {
    /// The same without what cannot have been measured: a curve from a file may hold anything.
    #[must_use]
    pub fn sound(mut self) -> Self {
        self.bins.retain(|bin, b| {
            let both = [b.tokens, b.seconds];
            *bin <= DEEPEST / BIN && both.iter().all(|n| n.is_finite() && *n > 0.0)
        });
        for b in self.bins.values_mut() {
            // Old knowledge gives way to new as fast as a full bin does.
            let keep = (MEMORY / b.tokens).min(1.0);
            b.tokens *= keep;
            b.seconds *= keep;
        }
        self
    }

    /// Whether nothing has been learned yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bins.is_empty()
    }

    /// The tokens from depth `from` to depth `to` took `seconds` to read.
    pub fn learn(&mut self, from: u64, to: u64, seconds: f64) {
        let (from, to) = (from.min(DEEPEST), to.min(DEEPEST));
        if from >= to || !seconds.is_finite() || seconds <= 0.0 {
            return;
        }
        let each = seconds / (to - from) as f64;
        for (bin, start, end) in bins(from, to) {
            let tokens = (end - start) as f64;
            let entry = self.bins.entry(bin).or_default();
            let keep = ((MEMORY - tokens).max(0.0) / entry.tokens.max(1.0)).min(1.0);
            entry.tokens = entry.tokens * keep + tokens;
            entry.seconds = entry.seconds * keep + tokens * each;
        }
    }

    /// Seconds to read from depth `from` to depth `to`. `None` before anything was learned.
    #[must_use]
    pub fn seconds(&self, from: u64, to: u64) -> Option<f64> {
        let line = self.line()?;
        let (from, to) = (from.min(DEEPEST), to.min(DEEPEST));
        if from >= to {
            return Some(0.0);
        }
        Some(bins(from, to).map(|(bin, start, end)| self.part(line, bin, start, end)).sum())
    }

    /// The depth reached `seconds` after reading began at depth `from`, at most `to`.
    #[must_use]
    pub fn depth_after(&self, from: u64, to: u64, seconds: f64) -> Option<u64> {
        let line = self.line()?;
        let mut left = seconds.max(0.0);
        for (bin, start, end) in bins(from.min(DEEPEST), to.min(DEEPEST)) {
            let takes = self.part(line, bin, start, end);
            if takes > left {
                let share = left / takes;
                return Some(start + ((end - start) as f64 * share) as u64);
            }
            left -= takes;
        }
        Some(to)
    }

    /// Tokens per second at a depth.
    #[must_use]
    pub fn rate(&self, depth: u64) -> Option<f64> {
        let depth = depth.min(DEEPEST);
        let each = self.seconds(depth, depth + BIN)? / BIN as f64;
        (each > 0.0 && each.is_finite()).then(|| 1.0 / each)
    }

    fn part(&self, line: Line, bin: u64, start: u64, end: u64) -> f64 {
        let middle = (start + end) as f64 / 2.0;
        let believed = line.at(middle);
        let each = self.bins.get(&bin).map_or(believed, |own| {
            (own.seconds + SMOOTHING * believed) / (own.tokens + SMOOTHING)
        });
        each * (end - start) as f64
    }

    /// Least squares over the bins, weighted by tokens, leaning on [`PRIOR_SLOPE`].
    fn line(&self) -> Option<Line> {
        let weight: f64 = self.bins.values().map(|b| b.tokens).sum();
        if weight <= 0.0 {
            return None;
        }
        let points = || {
            self.bins
                .iter()
                .filter(|(_, b)| b.tokens > 0.0)
                .map(|(bin, b)| ((bin * BIN + BIN / 2) as f64, b.seconds / b.tokens, b.tokens))
        };
        let mean_depth = points().map(|(x, _, w)| x * w).sum::<f64>() / weight;
        let mean_each = points().map(|(_, y, w)| y * w).sum::<f64>() / weight;
        let spread: f64 = points().map(|(x, _, w)| w * (x - mean_depth).powi(2)).sum();
        let together: f64 = points().map(|(x, y, w)| w * (x - mean_depth) * (y - mean_each)).sum();
        let believed = PRIOR_SLOPE * mean_each / (1.0 + PRIOR_SLOPE * mean_depth);
        let slope = ((together + PRIOR_WEIGHT * believed) / (spread + PRIOR_WEIGHT)).max(0.0);
        // Never let the line reach zero near the start: shallow reading costs something too.
        let least = mean_each * 0.2;
        let at_zero = mean_each - slope * mean_depth;
        Some(if at_zero < least {
            Line { at_zero: least, slope: (mean_each - least) / mean_depth.max(1.0) }
        } else {
            Line { at_zero, slope }
        })
    }
}

/// The bins between two depths, each with the part of it that lies between them.
fn bins(from: u64, to: u64) -> impl Iterator<Item = (u64, u64, u64)> {
    (from / BIN..to.div_ceil(BIN))
        .map(move |bin| (bin, from.max(bin * BIN), to.min((bin + 1) * BIN)))
        .filter(|(_, start, end)| start < end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_survives_a_file_and_drops_what_cannot_be() {
        let mut curve = Curve::default();
        curve.learn(0, 4_096, 10.0);
        let text = serde_json::to_string(&curve).unwrap();
        let back: Curve = serde_json::from_str(&text).unwrap();
        assert_eq!(back.clone().sound(), back);
        assert_eq!(back, curve);
        let odd = r#"{"bins":{"0":{"tokens":-1.0,"seconds":2.0},"1":{"tokens":1e300,"seconds":1.0},
            "99999999999":{"tokens":1.0,"seconds":1.0},"2":{"tokens":100.0,"seconds":0.5}}}"#;
        let odd: Curve = serde_json::from_str(odd).unwrap();
        let kept = odd.sound();
        assert_eq!(kept.bins.keys().copied().collect::<Vec<_>>(), [1, 2]);
        assert!(kept.bins[&1].tokens <= MEMORY);
    }

    /// A prompt of 22,622 tokens read by llama.cpp on a processor: tokens read, seconds so far.
    const MEASURED: [(u64, f64); 7] = [
        (2_048, 6.3),
        (4_096, 14.9),
        (8_192, 33.6),
        (12_288, 56.3),
        (16_384, 80.4),
        (20_480, 110.1),
        (22_528, 128.3),
    ];

    #[test]
    fn foresees_a_measured_prefill_better_than_a_constant_rate() {
        let (all, end) = MEASURED[6];
        let mut curve = Curve::default();
        let mut last = (0, 0.0);
        let (mut ours, mut constant) = (0.0, 0.0);
        for (depth, seconds) in MEASURED.into_iter().take(6) {
            curve.learn(last.0, depth, seconds - last.1);
            last = (depth, seconds);
            let truth = end - seconds;
            let foreseen = curve.seconds(depth, all).unwrap();
            let at_constant_rate = (all - depth) as f64 * seconds / depth as f64;
            let (a, b) = ((foreseen - truth).abs(), (at_constant_rate - truth).abs());
            assert!(
                a < b,
                "at {depth}: {foreseen:.1} s against {at_constant_rate:.1}, truly {truth:.1}"
            );
            assert!(a / truth < 0.25, "at {depth}: {foreseen:.1} s, truly {truth:.1}");
            ours += a;
            constant += b;
        }
        assert!(ours * 2.0 < constant, "{ours:.1} s off in all against {constant:.1}");
    }

    #[test]
    fn once_learned_the_whole_prefill_is_foreseen() {
        let mut curve = Curve::default();
        let mut last = (0, 0.0);
        for (depth, seconds) in MEASURED {
            curve.learn(last.0, depth, seconds - last.1);
            last = (depth, seconds);
        }
        for (depth, seconds) in MEASURED {
            let foreseen = curve.seconds(0, depth).unwrap();
            assert!((foreseen - seconds).abs() / seconds < 0.15, "{depth}: {foreseen} {seconds}");
            let reached = curve.depth_after(0, 22_528, foreseen).unwrap();
            assert!(reached.abs_diff(depth) <= 2, "{reached} {depth}");
        }
        assert!(curve.rate(1_000).unwrap() > curve.rate(20_000).unwrap());
    }

    #[test]
    fn knows_nothing_before_it_learned() {
        let mut curve = Curve::default();
        curve.learn(5, 5, 1.0);
        curve.learn(0, 10, f64::NAN);
        assert!(curve.is_empty());
        assert_eq!(curve.seconds(0, 100), None);
        assert_eq!(curve.depth_after(0, 100, 1.0), None);
        assert_eq!(curve.rate(0), None);
    }

    #[test]
    fn absurd_depths_stay_cheap() {
        let mut curve = Curve::default();
        curve.learn(0, u64::MAX, 1.0);
        assert!(curve.seconds(0, u64::MAX).unwrap().is_finite());
        assert!(curve.depth_after(0, u64::MAX, f64::MAX).is_some());
    }
}
