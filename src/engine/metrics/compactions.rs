//! What compactions did: tokens before and after, seconds, and how large their summaries were.

use std::time::Duration;

use crate::{
    domain::Moment,
    protocol::{CompactionFigures, CompactionLast},
};

/// A compaction that begins so soon after another is its second try: the first answer held no
/// summary.
const SECOND_TRY: Duration = Duration::from_secs(2);

/// A compaction request under way.
#[derive(Debug, Clone, Copy)]
struct Open {
    before: Option<u64>,
    began: Moment,
    again: bool,
}

/// Counts and the last one.
#[derive(Debug, Clone, Default)]
pub(super) struct Compactions {
    figures: CompactionFigures,
    open: Option<Open>,
    ended: Option<Moment>,
    summary: Option<u64>,
}

impl Compactions {
    /// A compaction request starts, with so many tokens in the window.
    pub(super) fn started(&mut self, before: Option<u64>, at: Moment) {
        let again = self.ended.is_some_and(|ended| at.since(ended) < SECOND_TRY);
        self.open = Some(Open { before, began: at, again });
    }

    /// Its prompt is counted: what it read of the conversation is what was there, more than the
    /// last answer left when a prompt or a tool's result had been added.
    pub(super) fn read(&mut self, conversation: u64) {
        if let Some(open) = &mut self.open {
            open.before = open.before.max(Some(conversation));
        }
    }

    /// It is over: `summary` tokens were written and about `after` are left; `None`: it failed.
    pub(super) fn ended(&mut self, written: Option<(u64, u64)>, at: Moment) {
        let Some(open) = self.open.take() else { return };
        let Some((summary, after)) = written else {
            self.figures.failed += 1;
            return;
        };
        self.summary = Some(summary);
        self.ended = Some(at);
        let seconds = at.seconds_since(open.began);
        let first = self.figures.last.take().filter(|_| open.again);
        if first.is_none() {
            self.figures.count += 1;
        }
        self.figures.last = Some(CompactionLast {
            before: first.as_ref().map_or(open.before, |f| f.before),
            after: Some(after),
            after_estimated: true,
            seconds: seconds + first.map_or(0.0, |f| f.seconds),
        });
    }

    /// The prompt of a main request was read and counted: the first one after a compaction tells
    /// what that has left.
    pub(super) fn measured(&mut self, prompt: u64) {
        if let Some(last) = self.figures.last.as_mut().filter(|last| last.after_estimated) {
            last.after = Some(prompt);
            last.after_estimated = false;
        }
    }

    /// Tokens of the last summary.
    pub(super) const fn summary(&self) -> Option<u64> {
        self.summary
    }

    /// How many were answered, and the last one.
    pub(super) const fn answered(&self) -> (u64, Option<&CompactionLast>) {
        (self.figures.count, self.figures.last.as_ref())
    }

    pub(super) fn figures(&self) -> CompactionFigures {
        self.figures.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Moment {
        Moment::from_millis(n)
    }

    #[test]
    fn a_second_try_is_the_same_compaction_and_a_failure_is_none() {
        let mut all = Compactions::default();
        all.measured(9_000);
        assert_eq!(all.figures(), CompactionFigures::default());
        all.started(Some(20_000), ms(0));
        all.ended(Some((10, 3_510)), ms(4_000));
        all.started(Some(20_010), ms(4_500));
        all.ended(Some((600, 4_100)), ms(6_500));
        let last = CompactionLast {
            before: Some(20_000),
            after: Some(4_100),
            after_estimated: true,
            seconds: 6.0,
        };
        assert_eq!(all.figures(), CompactionFigures { count: 1, failed: 0, last: Some(last) });
        assert_eq!(all.summary(), Some(600));
        all.measured(4_230);
        all.measured(9_999);
        let last = all.figures().last.unwrap();
        assert_eq!((last.after, last.after_estimated), (Some(4_230), false));
        all.started(Some(21_000), ms(90_000));
        all.ended(None, ms(91_000));
        assert_eq!((all.figures().count, all.figures().failed), (1, 1));
        all.ended(None, ms(92_000));
        assert_eq!(all.figures().failed, 1);
    }
}
