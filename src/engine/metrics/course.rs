//! The course of a session: what the start and the end of requests and of the child change.

use crate::domain::{Moment, Outcome, Phase, RequestId, RequestKind, Tail};

use super::{flight::Flight, meter::Meter};

impl Meter {
    /// A request goes upstream.
    pub(super) fn started(&mut self, mut flight: Flight, session: Option<&str>, at: Moment) {
        let id = flight.id;
        match &flight.kind {
            RequestKind::Main => {
                self.same_conversation(session, at);
                self.window.turn_back(None);
                flight.conversation = self.conversation;
                flight.beside = self.beside();
                let new = self.turns.request(at, flight.tail, &flight.sections, self.window.used());
                if new {
                    self.thinking.turn_begins();
                    self.story.begin(self.window.used());
                } else {
                    self.story.go_on();
                }
                self.lead = Some(id);
                self.clock.enter(Phase::Prefill, at);
            }
            RequestKind::Compaction => {
                self.cache.other(&flight.kind);
                if let (Some(last), Tail::Prompt | Tail::Other) =
                    (flight.sections.last(), flight.tail)
                {
                    self.instruction_bytes = Some(last.bytes);
                }
                self.compactions.started(self.window.used(), at);
                self.lead = Some(id);
                self.clock.enter(Phase::Compacting, at);
            }
            RequestKind::Side(_) | RequestKind::Subagent(_) => {
                self.cache.other(&flight.kind);
                if let Some(main) = self.lead.and_then(|lead| self.flights.get_mut(&lead))
                    && main.first_token.is_none()
                {
                    main.beside = Some(flight.kind.clone());
                }
            }
        }
        self.flights.insert(id, flight);
        self.make_room();
    }

    /// A request that is not the conversation's and is under way now.
    fn beside(&self) -> Option<RequestKind> {
        self.flights
            .values()
            .map(|f| &f.kind)
            .find(|kind| match kind {
                RequestKind::Side(_) | RequestKind::Subagent(_) => true,
                RequestKind::Main | RequestKind::Compaction => false,
            })
            .cloned()
    }

    /// A request is over.
    pub(super) fn ended(&mut self, id: RequestId, outcome: &Outcome, at: Moment) {
        if Self::ended_well(outcome)
            && let Some(flight) = self.flights.get_mut(&id)
        {
            flight.finished = true;
            flight.usage_is_real |= flight.input.is_some();
        }
        self.judge(id);
        let Some(flight) = self.flights.remove(&id) else { return };
        // A request that was refused was not read; one that was left may have been.
        let read = match outcome {
            Outcome::Failed { .. } => None,
            Outcome::Done { .. } | Outcome::ServerLost { .. } | Outcome::ClientGone => {
                flight.total(&self.ratios).map(|total| total.tokens)
            }
        };
        self.cache.request_over(flight.new_tokens(), read);
        self.learn(&flight);
        self.writing.learn(&flight, at);
        if flight.conversation == self.conversation {
            if !matches!(flight.kind, RequestKind::Side(_)) {
                self.thinking.ended(&flight, &self.ratios);
            }
            match flight.kind {
                RequestKind::Main => self.main_ended(&flight, outcome),
                RequestKind::Compaction if Self::ended_well(outcome) => {
                    self.window.compacted(&flight, &self.ratios);
                    self.turns.compacted();
                    let total = flight.total(&self.ratios).filter(|t| !t.source.is_estimate());
                    let instruction = self.compaction_room();
                    if let Some(total) = total {
                        self.compactions.read(total.tokens.saturating_sub(instruction));
                    }
                    let summary = flight.answer(&self.ratios).tokens;
                    let left = self.window.used().unwrap_or(summary);
                    self.map.shrunk_to(left.saturating_sub(self.window.fixed().unwrap_or(0)));
                    self.compactions.ended(Some((summary, left)), at);
                }
                RequestKind::Compaction => self.compactions.ended(None, at),
                RequestKind::Side(_) | RequestKind::Subagent(_) => {}
            }
        }
        if self.lead == Some(id) {
            self.lead = None;
            self.lead_ended(&flight, outcome, at);
        }
    }

    fn learn(&mut self, flight: &Flight) {
        if !flight.finished {
            return;
        }
        if let (true, Some(input)) = (flight.usage_is_real, flight.input) {
            let total = input.saturating_add(flight.cached.unwrap_or(0));
            // Of a prompt that was cut the server counted only what it left.
            if flight.kind == RequestKind::Main && !self.window.is_cut_now() {
                self.ratios.learn_prompt(flight.bytes(), total);
            }
        }
        if let Some(output) = flight.output {
            self.ratios.learn_answer(flight.written.all(), output);
        }
    }

    /// What a main request leaves behind, whether or not another has taken the lead.
    fn main_ended(&mut self, flight: &Flight, outcome: &Outcome) {
        let total = flight.total(&self.ratios).map_or(0, |t| t.tokens);
        if let (Some(_), Some(total)) = (flight.first_token, flight.total(&self.ratios))
            && !total.source.is_estimate()
        {
            self.compactions.measured(total.tokens);
        }
        self.told(flight);
        if flight.first_token.is_some() {
            let expected = self.cache.expected(flight, total);
            self.prefill.ended(flight, expected, &self.ratios);
            if !flight.judged {
                self.cache.hold(flight, total);
            }
        } else if let Some(read) = flight.reading.done().filter(|_| outcome == &Outcome::ClientGone)
        {
            // What was read before the client went stays in the server's slot.
            self.cache.hold_part(flight, total, read);
            self.prefill.kept(read, total);
        }
        match outcome {
            Outcome::Done { .. } => self.window.answered(flight, &self.ratios),
            // What was written before the end is in the slot and mostly in the conversation.
            Outcome::ClientGone | Outcome::ServerLost { .. } | Outcome::Failed { .. } => {
                if flight.first_token.is_some() {
                    self.window.answered(flight, &self.ratios);
                }
            }
        }
    }

    fn lead_ended(&mut self, flight: &Flight, outcome: &Outcome, at: Moment) {
        if self.clock.phase() == Phase::Stopped {
            return;
        }
        let after = match (&flight.kind, outcome) {
            (RequestKind::Main, Outcome::Done { stop_reason }) => {
                let calls = match stop_reason.as_deref() {
                    Some(reason) => reason == "tool_use",
                    None => flight.called_tool,
                };
                if !calls {
                    self.turns.end(at, self.window.used(), self.window.fixed());
                    self.story.end(self.window.used(), self.window.fixed());
                }
                if calls { Phase::Tools } else { Phase::Idle }
            }
            (
                RequestKind::Main,
                Outcome::Failed { .. } | Outcome::ServerLost { .. } | Outcome::ClientGone,
            ) => {
                self.turns.stop(at);
                self.story.stop();
                Phase::Idle
            }
            // A compaction in the midst of a turn: the turn goes on by itself.
            (
                RequestKind::Compaction | RequestKind::Side(_) | RequestKind::Subagent(_),
                Outcome::Done { .. }
                | Outcome::Failed { .. }
                | Outcome::ServerLost { .. }
                | Outcome::ClientGone,
            ) => {
                if self.turns.running() {
                    Phase::Tools
                } else {
                    Phase::Idle
                }
            }
        };
        self.clock.enter(after, at);
    }

    /// Claude Code was started.
    pub(super) fn child_started(&mut self, session: &str, at: Moment) {
        self.child_runs = true;
        self.same_conversation(Some(session), at);
        self.lead = None;
        self.turns.stop(at);
        self.story.stop();
        let ready = self.server.healthy();
        self.clock.enter(if ready { Phase::Idle } else { Phase::Starting }, at);
    }

    /// Empties the conversation when Claude Code's session id is a new one.
    fn same_conversation(&mut self, session: Option<&str>, at: Moment) {
        let Some(session) = session else { return };
        match self.claude.as_deref() {
            Some(known) if known == session => return,
            Some(_) => {
                self.conversation += 1;
                self.lead = None;
                self.turns.drop_open(at);
                self.thinking.turn_begins();
                self.window.emptied();
                self.story.stop();
                self.map.shrunk_to(0);
            }
            None => {}
        }
        self.claude = Some(session.to_owned());
    }

    /// Seconds the next prefill will take: what one request usually adds, at the depth reached.
    pub(super) fn next_prefill(&self) -> Option<f64> {
        let used = self.window.used()?;
        let adds = self.turns.growth.median().unwrap_or(0);
        let from = if self.cache.lost() { 0 } else { used };
        self.prefill.foresee(from, used.saturating_add(adds))
    }
}
