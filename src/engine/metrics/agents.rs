//! Subagents: an account for each, and together by the wall clock.

use crate::{
    domain::{Moment, RequestId, RequestKind},
    protocol::{AgentFigures, AgentState, AgentsFigures},
};

/// Accounts that are kept; the oldest that rests goes first.
const KEPT: usize = 32;

/// One request under way.
#[derive(Debug, Clone)]
struct Call {
    request: RequestId,
    writes: bool,
    input: u64,
    cached: u64,
    output: u64,
}

/// One subagent.
#[derive(Debug, Clone, Default)]
struct Account {
    id: String,
    requests: u64,
    input: u64,
    cached: u64,
    output: u64,
    /// Microseconds with at least one request under way.
    busy: u64,
    calls: Vec<Call>,
}

/// All of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Agents {
    accounts: Vec<Account>,
    /// Subagents seen, those included whose account was dropped.
    seen: u64,
    /// Microseconds with at least one of them at work.
    busy: u64,
    last: Moment,
}

impl Agents {
    /// Time has come to `at`. A moment in the past changes nothing.
    pub(super) fn advance(&mut self, at: Moment) {
        let passed = at.0.saturating_sub(self.last.0);
        self.last = self.last.max(at);
        let mut any = false;
        for account in self.accounts.iter_mut().filter(|a| !a.calls.is_empty()) {
            account.busy = account.busy.saturating_add(passed);
            any = true;
        }
        if any {
            self.busy = self.busy.saturating_add(passed);
        }
    }

    pub(super) fn started(&mut self, request: RequestId, kind: &RequestKind) {
        let RequestKind::Subagent(id) = kind else { return };
        let at = self.accounts.iter().position(|a| a.id == *id).unwrap_or_else(|| {
            if self.accounts.len() >= KEPT {
                let resting = self.accounts.iter().position(|a| a.calls.is_empty());
                self.accounts.remove(resting.unwrap_or(0));
            }
            self.seen += 1;
            self.accounts.push(Account { id: id.clone(), ..Account::default() });
            self.accounts.len() - 1
        });
        if let Some(account) = self.accounts.get_mut(at) {
            account.requests += 1;
            account.calls.push(Call { request, writes: false, input: 0, cached: 0, output: 0 });
        }
    }

    pub(super) fn first_token(&mut self, request: RequestId) {
        if let Some(call) = self.call(request) {
            call.writes = true;
        }
    }

    /// The server told counts: the last ones told of a request are its own.
    pub(super) fn usage(
        &mut self,
        request: RequestId,
        input: Option<u64>,
        cached: Option<u64>,
        output: Option<u64>,
    ) {
        if let Some(call) = self.call(request) {
            call.input = input.unwrap_or(call.input);
            call.cached = cached.unwrap_or(call.cached);
            call.output = output.unwrap_or(call.output);
        }
    }

    pub(super) fn ended(&mut self, request: RequestId) {
        for account in &mut self.accounts {
            if let Some(at) = account.calls.iter().position(|c| c.request == request) {
                let call = account.calls.remove(at);
                account.input = account.input.saturating_add(call.input);
                account.cached = account.cached.saturating_add(call.cached);
                account.output = account.output.saturating_add(call.output);
            }
        }
    }

    /// The child is gone, and with it all that was under way.
    pub(super) fn gone(&mut self) {
        let open: Vec<RequestId> =
            self.accounts.iter().flat_map(|a| &a.calls).map(|c| c.request).collect();
        open.into_iter().for_each(|request| self.ended(request));
    }

    fn call(&mut self, request: RequestId) -> Option<&mut Call> {
        self.accounts.iter_mut().flat_map(|a| &mut a.calls).find(|c| c.request == request)
    }

    pub(super) fn figures(&self, now: Moment) -> AgentsFigures {
        let mut then = self.clone();
        then.advance(now);
        let seconds = |micros: u64| micros as f64 / 1e6;
        let list: Vec<AgentFigures> = then.accounts.iter().map(Account::figures).collect();
        AgentsFigures { seen: then.seen, seconds: seconds(then.busy), list }
    }
}

impl Account {
    fn figures(&self) -> AgentFigures {
        let sum = |own: u64, part: fn(&Call) -> u64| {
            self.calls.iter().map(part).fold(own, u64::saturating_add)
        };
        let state = match (self.calls.iter().any(|c| c.writes), self.calls.is_empty()) {
            (true, _) => AgentState::Writing,
            (false, false) => AgentState::Reading,
            (false, true) => AgentState::Resting,
        };
        let cached = sum(self.cached, |c| c.cached);
        AgentFigures {
            id: self.id.clone(),
            state,
            requests: self.requests,
            prompt_tokens: sum(self.input, |c| c.input).saturating_add(cached),
            cached_tokens: cached,
            output_tokens: sum(self.output, |c| c.output),
            seconds: self.busy as f64 / 1e6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(s: u64) -> Moment {
        Moment::from_millis(s * 1_000)
    }

    #[test]
    fn two_at_once_cost_the_wall_clock_once() {
        let mut agents = Agents::default();
        let kind = |id: &str| RequestKind::Subagent(id.to_owned());
        agents.advance(at(1));
        agents.started(RequestId(1), &kind("a"));
        agents.advance(at(3));
        agents.started(RequestId(2), &kind("b"));
        agents.started(RequestId(3), &RequestKind::Main);
        agents.advance(at(6));
        agents.first_token(RequestId(1));
        agents.usage(RequestId(1), Some(900), Some(100), Some(1));
        agents.usage(RequestId(1), None, None, Some(40));
        let now = agents.figures(at(7));
        assert_eq!((now.seen, now.seconds), (2, 6.0));
        let states: Vec<_> = now.list.iter().map(|a| (a.state, a.seconds)).collect();
        assert_eq!(states, [(AgentState::Writing, 6.0), (AgentState::Reading, 4.0)]);
        assert_eq!((now.list[0].prompt_tokens, now.list[0].cached_tokens), (1_000, 100));
        agents.advance(at(8));
        agents.ended(RequestId(1));
        agents.ended(RequestId(1));
        agents.advance(at(9));
        agents.gone();
        agents.advance(at(20));
        let end = agents.figures(at(30));
        assert_eq!(end.seconds, 8.0);
        assert_eq!((end.list[0].output_tokens, end.list[0].requests), (40, 1));
        assert!(end.list.iter().all(|a| a.state == AgentState::Resting));
    }

    #[test]
    fn a_flood_of_them_stays_small() {
        let mut agents = Agents::default();
        for n in 0..1_000 {
            agents.started(RequestId(n), &RequestKind::Subagent(n.to_string()));
        }
        let figures = agents.figures(at(1));
        assert_eq!((figures.seen, figures.list.len()), (1_000, KEPT));
    }
}
