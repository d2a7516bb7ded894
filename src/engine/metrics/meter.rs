//! The meter: hands every observation to the figures it concerns and puts the snapshot together.

use std::collections::BTreeMap;

use crate::{
    domain::{
        Event, Moment, Observation, Outcome, Phase, RequestId, RequestKind, Section, ServerFacts,
        Source, Tail, Tier, observation::DeltaKind,
    },
    protocol::Snapshot,
};

use super::{
    agents::Agents,
    cache::{Cache, Read},
    compactions::Compactions,
    curve::Curve,
    fixed::Fixed,
    flight::{Counted, Flight, Written},
    map::{Map, Whole},
    noise::Noise,
    phase::PhaseClock,
    prefill::{Look, Prefill, Reading},
    ratio::Ratios,
    recheck::Recheck,
    sandbox::{Sandbox, Watch},
    server::{Loss, Server},
    side::Side,
    story::Story,
    thinking::Thinking,
    time::{Share, Split},
    turns::Turns,
    warm::Warm,
    ways::Writing,
    window::{TurnedBack, Window},
};

/// Requests under way that are kept; more than a client ever has open, fewer than a fault could
/// pile up.
const FLIGHTS: usize = 256;

/// What the figures must be told of the settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Budget {
    /// Tokens kept free for an answer.
    pub output_reserve: u64,
    /// Whether thinking is switched off.
    pub thinking_off: bool,
    /// Where the model server listens; empty when there is none.
    pub server_url: String,
    /// The window to work with, when it is to be smaller than the server's or the server tells
    /// none.
    pub window: Option<u64>,
}

/// Measures one session. Knows no clock: time comes with each observation and with the question.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    pub(super) session: String,
    pub(super) budget: Budget,
    pub(super) clock: PhaseClock,
    pub(super) split: Split,
    pub(super) turns: Turns,
    pub(super) window: Window,
    pub(super) prefill: Prefill,
    pub(super) cache: Cache,
    pub(super) thinking: Thinking,
    pub(super) noise: Noise,
    pub(super) side: Side,
    pub(super) agents: Agents,
    pub(super) server: Server,
    pub(super) sandbox: Sandbox,
    pub(super) recheck: Recheck,
    pub(super) fixed: Fixed,
    pub(super) story: Story,
    pub(super) map: Map,
    /// Tokens of the last main request.
    pub(super) whole: Whole,
    pub(super) warm: Warm,
    pub(super) ratios: Ratios,
    pub(super) flights: BTreeMap<RequestId, Flight>,
    /// The conversation's own request under way: main or compaction.
    pub(super) lead: Option<RequestId>,
    /// Number of the conversation, counted up when it is emptied.
    pub(super) conversation: u64,
    /// Claude Code's session id, by header or by the child's start.
    pub(super) claude: Option<String>,
    pub(super) child_runs: bool,
    /// Tokens by which the last compaction's instruction lengthened the prompt, in bytes.
    pub(super) instruction_bytes: Option<u64>,
    pub(super) compactions: Compactions,
    pub(super) writing: Writing,
}

impl Meter {
    /// A meter for lcc's session `session`.
    #[must_use]
    pub fn new(session: String) -> Self {
        Self { session, ..Self::default() }
    }

    /// Notes the sandbox in force and its probes at the start.
    pub fn set_sandbox(&mut self, tier: Tier, probes: u64, blocked: u64) {
        self.sandbox.started(tier, probes, blocked);
        self.recheck.started();
    }

    /// Notes the settings that figures depend on.
    pub fn set_budget(&mut self, budget: Budget) {
        self.budget = budget;
    }

    /// Begins with what an earlier session learned of this server's reading.
    pub fn know(&mut self, curve: Curve) {
        self.prefill.curve = curve.sound();
    }

    /// What has been learned of this server's reading.
    #[must_use]
    pub fn curve(&self) -> &Curve {
        &self.prefill.curve
    }

    /// Takes in what the engine itself measures of the sandbox.
    pub fn watch(&mut self, watch: Watch) {
        self.sandbox.watched(watch);
    }

    /// Takes one observation in. An observation from the past counts as made now.
    pub fn observe(&mut self, observation: &Observation) {
        self.split.advance(observation.at);
        let at = self.split.last();
        self.agents.advance(at);
        self.story.advance(at);
        match &observation.event {
            Event::RequestStarted {
                request,
                kind,
                model,
                sections,
                tail,
                thinking_allowed,
                session,
                body_bytes,
                ..
            } => {
                self.sandbox.sent(*body_bytes);
                self.side.started(kind);
                self.agents.started(*request, kind);
                self.fixed.started(kind, sections);
                self.map.started(*request, kind, sections);
                let mut flight =
                    self.flight(*request, kind, sections, *tail, *thinking_allowed, at);
                flight.model.clone_from(model);
                self.started(flight, session.as_deref(), at);
            }
            Event::PromptCounted { request, total, fixed, source } => {
                self.counted(*request, *total, *fixed, *source);
            }
            Event::Pieces { request, pieces } => self.map.looked_into(*request, pieces),
            Event::FixedWeighed { parts, .. } => self.fixed.weighed(parts),
            Event::PrefillProgress { request, done, cached, total, generated, source } => {
                let look =
                    Look { at, done: *done, cached: *cached, total: *total, source: *source };
                self.progress(*request, look, *generated);
            }
            Event::PrefillShare { request, share, source } => {
                self.share_told(*request, *share, *source, at);
            }
            // A second try has a `RequestStarted` of its own, or goes on as the first one.
            Event::Headers { .. } | Event::AskedAgain { .. } => {}
            Event::Prefix { request, cared, compared } => {
                self.cache.cared(cared);
                if let Some(flight) = self.flights.get_mut(request) {
                    flight.compared.clone_from(compared);
                }
            }
            Event::FirstToken { request } => {
                self.agents.first_token(*request);
                self.first_token(*request, at);
            }
            Event::Usage { request, input, cached, output } => {
                self.agents.usage(*request, *input, *cached, *output);
                self.usage(*request, *input, *cached, *output);
            }
            Event::Delta { request, what, bytes } => self.delta(*request, *what, *bytes),
            Event::TextWasThinking { request, bytes } => {
                if let Some(flight) = self.flights.get_mut(request) {
                    flight.written.turn(*bytes);
                }
                self.delta(*request, DeltaKind::LeakedThinking, 0);
            }
            Event::ThinkingCounted { request, tokens } => {
                if let Some(flight) = self.flights.get_mut(request) {
                    flight.thinking_counted = Some(*tokens);
                }
            }
            Event::ThinkingStopped { request, .. } => {
                if self.flights.contains_key(request) {
                    self.thinking.stopped();
                }
            }
            Event::ToolCalled { request, name } => self.tool_called(*request, name),
            Event::RequestEnded { request, outcome } => {
                self.agents.ended(*request);
                self.ended(*request, outcome, at);
            }
            Event::Answered { path, status, local, .. } => {
                self.noise.answered(path, *status, *local);
            }
            Event::Side { kind, step, waited_ms, tokens } => {
                self.side.step(*kind, *step, *waited_ms, *tokens);
            }
            Event::Refused { .. } => self.sandbox.refused(),
            Event::Egress(egress) => self.sandbox.egress(egress),
            Event::SandboxLooked(look) => self.recheck.looked(look, at),
            Event::Server { facts } => self.looked(facts.as_ref(), at),
            Event::TooLong { request, tokens, maximum, source, early, culprit } => {
                let culprit = culprit.clone();
                let (tokens, maximum, source, early) = (*tokens, *maximum, *source, *early);
                self.turned_back(*request, TurnedBack { tokens, maximum, source, early, culprit });
            }
            Event::Queued { status, retry_after_s, .. } => {
                self.server.put_off(*status, *retry_after_s, at);
            }
            Event::ServerRestarted { .. } => self.cache.lost_all(Loss::Restarted),
            Event::ServerLine { line } => self.line(line),
            Event::ServerLoad { load } => {
                self.server.load(*load);
                if let Some(read) = load.prompt_read {
                    self.server_read(read);
                }
            }
            Event::Machine { server_rss, memory_percent, swap } => {
                self.server.machine(*server_rss, *memory_percent, *swap);
            }
            Event::Warm(step) => self.warmed(step),
            Event::ChildStarted { session } => self.child_started(session, at),
            Event::ChildEnded { .. } => {
                self.agents.gone();
                self.child_runs = false;
                self.lead = None;
                self.turns.stop(at);
                self.story.stop();
                self.clock.enter(Phase::Stopped, at);
            }
        }
        let share = self.share();
        self.split.switch(share);
        self.story.switch(share);
        self.mark();
    }

    /// Turns that have begun, over or not.
    #[must_use]
    pub fn turns_begun(&self) -> u64 {
        self.turns.begun()
    }

    fn flight(
        &self,
        id: RequestId,
        kind: &RequestKind,
        sections: &[Section],
        tail: Tail,
        thinking_allowed: bool,
        started: Moment,
    ) -> Flight {
        Flight {
            id,
            kind: kind.clone(),
            model: None,
            compared: None,
            conversation: self.conversation,
            started,
            sections: sections.to_vec(),
            tail,
            thinking_allowed,
            counted: None,
            fixed: None,
            input: None,
            cached: None,
            output: None,
            generated: 0,
            usage_is_real: false,
            finished: false,
            first_token: None,
            called_tool: false,
            written: Written::default(),
            thinking_counted: None,
            reading: Reading::default(),
            basis: self.prefill.curve.clone(),
            judged: false,
            beside: None,
        }
    }

    fn counted(
        &mut self,
        request: RequestId,
        total: Option<u64>,
        fixed: Option<u64>,
        source: Source,
    ) {
        let Some(flight) = self.flights.get_mut(&request) else { return };
        let counted = |tokens: u64| Counted::new(tokens, source);
        flight.counted = total.map(counted).or(flight.counted);
        flight.fixed = fixed.map(counted).or(flight.fixed);
    }

    pub(super) fn progress(&mut self, request: Option<RequestId>, look: Look, generated: u64) {
        let Some(id) = request.or(self.lead) else { return };
        let Some(flight) = self.flights.get_mut(&id) else { return };
        if flight.first_token.is_some() {
            flight.generated = flight.generated.max(generated);
        } else if generated == 0
            && look.cached.is_none_or(|cached| cached <= look.done)
            && look.total.is_none_or(|total| look.done <= total)
        {
            self.prefill.look(flight, look);
        }
    }

    fn first_token(&mut self, request: RequestId, at: Moment) {
        self.server.let_in();
        let Some(flight) = self.flights.get_mut(&request) else { return };
        if flight.first_token.is_some() {
            return;
        }
        flight.first_token = Some(at);
        let total = flight.counted.filter(|t| !t.source.is_estimate()).map(|t| t.tokens);
        flight.reading.finish(at, total, &mut self.prefill.curve);
        if self.lead == Some(request) && flight.kind == RequestKind::Main {
            self.clock.enter(Phase::Generate, at);
        }
    }

    fn usage(
        &mut self,
        request: RequestId,
        input: Option<u64>,
        cached: Option<u64>,
        output: Option<u64>,
    ) {
        let real_at_once =
            self.server.facts().is_some_and(|facts| facts.dialect.start_usage_is_real);
        let Some(flight) = self.flights.get_mut(&request) else { return };
        // A guess comes with the start of the stream; what comes after some text is counted.
        flight.usage_is_real |= input.is_some() && (real_at_once || flight.written.all() > 0);
        flight.input = input.or(flight.input);
        flight.cached = cached.or(flight.cached);
        flight.output = output.or(flight.output);
        self.look_for_truncation(request);
        self.judge(request);
    }

    /// Takes a main request into the cache figures as soon as its counts are there, once.
    pub(super) fn judge(&mut self, request: RequestId) {
        let around = self.around();
        let Some(flight) = self.flights.get_mut(&request) else { return };
        let ready = flight.usage_is_real && !flight.judged && flight.kind == RequestKind::Main;
        // Where the usage tells nothing of the cache, slots or the log have.
        let cached = flight.cached.or(flight.reading.cached);
        let (true, Some(cached), Some(total)) = (ready, cached, flight.total(&self.ratios)) else {
            return;
        };
        if flight.conversation == self.conversation {
            flight.judged = true;
            let read = Read { flight, total: total.tokens, cached };
            self.cache.judge(read, around);
        }
    }

    fn delta(&mut self, request: RequestId, what: DeltaKind, bytes: u64) {
        let Some(flight) = self.flights.get_mut(&request) else { return };
        flight.written.add(what, bytes);
        let in_turn = !matches!(flight.kind, RequestKind::Side(_));
        let off = self.budget.thinking_off || !flight.thinking_allowed;
        if in_turn && flight.written.thinking > 0 {
            self.thinking.seen(off);
        }
    }

    fn looked(&mut self, facts: Option<&ServerFacts>, at: Moment) {
        if let Some(loss) = self.server.look(facts) {
            self.cache.lost_all(loss);
        }
        if self.clock.phase() == Phase::Starting && self.child_runs && self.server.healthy() {
            self.clock.enter(Phase::Idle, at);
        }
    }

    /// What the present moment counts as.
    fn share(&self) -> Share {
        match self.clock.phase() {
            Phase::Compacting => Share::Compaction,
            Phase::Prefill => Share::Prefill,
            Phase::Generate => Share::Generate,
            Phase::Starting | Phase::Stopped => Share::Nothing,
            Phase::Idle | Phase::Tools => {
                let subagents = || {
                    self.flights.values().filter(|f| {
                        f.conversation == self.conversation
                            && matches!(f.kind, RequestKind::Subagent(_))
                    })
                };
                if subagents().any(|f| f.first_token.is_some()) {
                    Share::Generate
                } else if subagents().next().is_some() {
                    Share::Prefill
                } else if self.clock.phase() == Phase::Tools {
                    Share::Tools
                } else if self.turns.any() {
                    Share::Idle
                } else {
                    Share::Nothing
                }
            }
        }
    }

    /// All figures at `now`. The same observations and the same moment give the same snapshot.
    #[must_use]
    pub fn snapshot(&self, now: Moment) -> Snapshot {
        let now = now.max(self.split.last());
        let facts = self.server.facts();
        let asked = self.budget.window;
        let size = facts.and_then(|f| f.window).map(|w| asked.map_or(w, |a| a.min(w))).or(asked);
        let lead = self.lead.and_then(|id| self.flights.get(&id));
        let reading = lead.filter(|f| f.first_token.is_none());
        let lead_total = lead.and_then(|f| f.total(&self.ratios)).map(|t| t.tokens);
        let cached = lead.zip(lead_total).map_or(0, |(f, total)| self.cache.expected(f, total));
        // A compaction is the cure and not the next request.
        let next = lead.filter(|f| f.kind == RequestKind::Main).and(lead_total);
        let budget = &self.budget;
        let tells = facts.is_some_and(|f| f.dialect.slots);
        let mut prefill = self.prefill.figures(reading, cached, tells, &self.ratios, now);
        // While it is answered, a prompt is the last one that was read.
        if let Some(went) = lead.and_then(|f| Prefill::went(f, cached, &self.ratios)) {
            prefill.last = Some(went);
        }
        Snapshot {
            session: self.session.clone(),
            phase: self.clock.phase(),
            phase_s: self.clock.seconds(now),
            turns: self.turns.ended,
            fixed_parts: self.fixed.figures(self.window.fixed()),
            window: self.window.figures(size, lead, &self.ratios),
            prefill,
            cache: self.cache.figures(),
            thinking: self.thinking.figures(
                self.flights.values().filter(|f| self.counts_thinking(f)),
                budget.thinking_off,
                &self.ratios,
            ),
            noise: self.noise.figures(),
            side: self.side.figures(),
            agents: self.agents.figures(now),
            time: self.split.figures(now, self.turns.seconds(now)),
            forecast: self.forecast(size, next),
            compactions: self.compactions.figures(),
            server: self.server.figures(&budget.server_url, now),
            sandbox: self.sandbox.figures(),
            recheck: self.recheck.figures(now),
            warm: self.warm.figures(),
            timeline: self.story.figures(now, self.window_now(lead)),
            prompt: self.prompt(lead),
        }
    }

    /// Keeps the number of requests under way small whatever happens.
    pub(super) fn make_room(&mut self) {
        while self.flights.len() > FLIGHTS {
            self.flights.pop_first();
        }
    }

    pub(super) fn counts_thinking(&self, flight: &Flight) -> bool {
        flight.conversation == self.conversation && !matches!(flight.kind, RequestKind::Side(_))
    }

    pub(super) fn ended_well(outcome: &Outcome) -> bool {
        matches!(outcome, Outcome::Done { .. })
    }
}
