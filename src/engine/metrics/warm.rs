//! What was done so that the server knows a prompt before it is sent.

use crate::{
    domain::{Kept, Warm as Step},
    protocol::{WarmFigures, WarmReading},
};

/// Sums over the session, and the warm-up under way.
#[derive(Debug, Clone, Default)]
pub(super) struct Warm {
    figures: WarmFigures,
}

impl Warm {
    /// A step was made.
    pub(super) fn step(&mut self, step: &Step) {
        let figures = &mut self.figures;
        match step {
            Step::Reading { what, done, cached, total } => {
                let total = total.map(|total| total.max(*done));
                let conversation = *what == Kept::Conversation;
                figures.reading =
                    Some(WarmReading { conversation, done: *done, cached: *cached, total });
            }
            Step::Read { total, cached, seconds, .. } => {
                figures.reading = None;
                figures.warmups += 1;
                figures.held = Some(*total);
                figures.read_tokens += total.saturating_sub(*cached);
                figures.cached_tokens += cached;
                figures.seconds += seconds;
            }
            Step::Stopped { done, .. } => {
                let cached = figures.reading.take().and_then(|r| r.cached).unwrap_or(0);
                figures.stopped += 1;
                figures.read_tokens += done.saturating_sub(cached);
            }
            Step::Failed { .. } => figures.reading = None,
            Step::Saved { bytes, .. } => {
                figures.saved += 1;
                figures.last_saved_bytes = Some(*bytes);
            }
            Step::Restored { tokens, .. } => {
                figures.restored += 1;
                figures.restored_tokens += tokens;
            }
            Step::Vain { .. } => figures.vain += 1,
            Step::Refused { why, .. } => figures.refused = Some(why.clone()),
            Step::NoSlots { why } => figures.no_slots = Some(why.clone()),
        }
    }

    /// Whether the server is reading ahead.
    pub(super) const fn is_reading(&self) -> bool {
        self.figures.reading.is_some()
    }

    /// Tokens of the prompt that is being read ahead, at most.
    pub(super) fn reading_total(&self) -> Option<u64> {
        self.figures.reading.as_ref().and_then(|reading| reading.total)
    }

    pub(super) fn figures(&self) -> WarmFigures {
        self.figures.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_counts_also_when_it_was_stopped() {
        let what = Kept::Fixed;
        let mut warm = Warm::default();
        let read = |done, cached| Step::Reading { what, done, cached, total: Some(3_500) };
        warm.step(&read(0, None));
        warm.step(&read(2_100, Some(100)));
        let now = warm.figures().reading.unwrap();
        assert_eq!((now.done, now.total), (2_100, Some(3_500)));
        warm.step(&Step::Stopped { what, done: 2_100, total: Some(3_500) });
        warm.step(&read(2_100, Some(2_100)));
        warm.step(&Step::Read { what, total: 3_500, cached: 2_100, seconds: 4.0 });
        let figures = warm.figures();
        assert_eq!(figures.reading, None);
        assert_eq!((figures.warmups, figures.stopped), (1, 1));
        assert_eq!((figures.read_tokens, figures.cached_tokens), (2_000 + 1_400, 2_100));
        assert_eq!(figures.held, Some(3_500));
    }
}
