//! Whether somebody else uses the server: what it counts, against what lcc sent it.

/// What the server counted and what of it was ours.
#[derive(Debug, Clone, Default)]
pub(super) struct Foreign {
    /// The server's count of prompt tokens read when ours began to be summed, and the last one.
    count: Option<(u64, u64)>,
    /// Tokens read for us since then.
    ours: u64,
    /// Tokens that may have been read for us: of requests that ended without a word of them.
    perhaps: u64,
    /// Tokens known to be foreign, and how many of them have been told.
    tokens: u64,
    told: u64,
    calls: u64,
    our_calls: u64,
    calls_told: u64,
}

impl Foreign {
    /// Tokens were read for us.
    pub(super) fn ours(&mut self, tokens: u64) {
        self.ours = self.ours.saturating_add(tokens);
    }

    /// A request ended and nobody said how much of it was read.
    pub(super) fn perhaps_ours(&mut self, tokens: u64) {
        self.perhaps = self.perhaps.saturating_add(tokens);
    }

    /// A request of ours is over.
    pub(super) fn our_call(&mut self) {
        self.our_calls += 1;
    }

    /// The server's log tells a request.
    pub(super) fn call(&mut self) {
        self.calls += 1;
    }

    /// The server told its count of prompt tokens read. `under_way`: read for requests that are
    /// not over; `quiet`: that is known of all of them. Tells whether the count fell: the server
    /// is another process.
    pub(super) fn counted(&mut self, count: u64, under_way: u64, quiet: bool) -> bool {
        let Some((first, last)) = self.count else {
            if quiet && under_way == 0 {
                *self = Self {
                    count: Some((count, count)),
                    calls: self.calls,
                    our_calls: self.our_calls,
                    calls_told: self.calls_told,
                    ..Self::default()
                };
            }
            return false;
        };
        if count < last {
            *self = Self::default();
            return true;
        }
        self.count = Some((first, count));
        if quiet {
            let known = self.ours.saturating_add(self.perhaps).saturating_add(under_way);
            self.tokens = self.tokens.max((count - first).saturating_sub(known));
        }
        false
    }

    /// Foreign tokens that were not told before; they count as told from now on.
    pub(super) fn new_tokens(&mut self) -> u64 {
        let tokens = self.tokens.saturating_sub(self.told);
        self.told = self.tokens;
        tokens
    }

    /// The same for requests. To be asked while none of ours is under way: the log may tell one
    /// before lcc itself knows its end.
    pub(super) fn new_calls(&mut self) -> u64 {
        let foreign = self.calls.saturating_sub(self.our_calls);
        let calls = foreign.saturating_sub(self.calls_told);
        self.calls_told = self.calls_told.saturating_add(calls);
        calls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_of_ours_can_have_read_is_foreign() {
        let mut foreign = Foreign::default();
        assert!(!foreign.counted(1_000, 0, true));
        foreign.ours(500);
        assert!(!foreign.counted(1_500, 0, true));
        assert_eq!(foreign.new_tokens(), 0);
        // While the tokens of ours are not known, nothing is concluded.
        foreign.counted(4_000, 0, false);
        assert_eq!(foreign.new_tokens(), 0);
        foreign.ours(2_400);
        foreign.perhaps_ours(50);
        foreign.counted(4_000, 0, true);
        assert_eq!(foreign.new_tokens(), 50);
        assert_eq!(foreign.new_tokens(), 0);
        // The server's count lags behind what it told with the answer.
        foreign.ours(9_000);
        foreign.counted(4_000, 0, true);
        assert_eq!(foreign.new_tokens(), 0);
        assert!(foreign.counted(10, 0, true));
        assert_eq!(foreign.new_tokens(), 0);
    }

    #[test]
    fn a_call_is_foreign_when_there_are_more_than_ours() {
        let mut foreign = Foreign::default();
        foreign.our_call();
        foreign.our_call();
        foreign.call();
        assert_eq!(foreign.new_calls(), 0);
        foreign.call();
        foreign.call();
        assert_eq!((foreign.new_calls(), foreign.new_calls()), (1, 0));
    }
}
