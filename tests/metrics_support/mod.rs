//! A session told in few words: builds observations and feeds them to a meter.
#![allow(dead_code, missing_docs)]

use lcc::{
    domain::{
        Dialect, Event, Moment, Observation, Outcome, Part, RequestId, RequestKind, Section,
        ServerFacts, ServerKind, SideKind, Source, Tail, observation::DeltaKind,
    },
    engine::metrics::{Budget, Meter},
    protocol::Snapshot,
};

pub const SIDE: RequestKind = RequestKind::Side(SideKind::Title);
pub const TOOLS: Tail = Tail::ToolResults { count: 1, bytes: 100 };

pub fn facts() -> ServerFacts {
    ServerFacts {
        kind: ServerKind::LlamaServer,
        version: Some("b11434".into()),
        model: Some("gemma".into()),
        window: Some(32_768),
        slots: Some(1),
        healthy: true,
        loading: false,
        dialect: Dialect::LLAMA,
    }
}

pub fn section(part: Part, bytes: u64, digest: u64) -> Section {
    Section { part, bytes, digest }
}

/// System and tools of 4,000 bytes, then messages of 1,000 bytes each with these digests.
pub fn prompt(messages: &[u64]) -> Vec<Section> {
    let mut sections =
        vec![section(Part::System(0), 1_000, 1), section(Part::Tool("Bash".into()), 3_000, 2)];
    sections.extend(
        messages.iter().enumerate().map(|(n, digest)| section(Part::Message(n), 1_000, *digest)),
    );
    sections
}

pub struct Tale {
    pub meter: Meter,
    pub now: f64,
    next: u64,
}

impl Tale {
    /// A session whose server is healthy and whose child has started.
    pub fn new() -> Self {
        let mut tale = Self { meter: Meter::new("s".into()), now: 0.0, next: 0 };
        tale.meter.set_budget(Budget {
            output_reserve: 4_096,
            thinking_off: true,
            server_url: "http://127.0.0.1:8080".into(),
            ..Budget::default()
        });
        tale.tell(Event::Server { facts: Some(facts()) });
        tale.tell(Event::ChildStarted { session: "a".into() });
        tale
    }

    pub fn at(&self) -> Moment {
        Moment((self.now * 1e6) as u64)
    }

    pub fn tell(&mut self, event: Event) -> &mut Self {
        let at = self.at();
        self.meter.observe(&Observation { at, event });
        self
    }

    pub fn wait(&mut self, seconds: f64) -> &mut Self {
        self.now += seconds;
        self
    }

    pub fn see(&self) -> Snapshot {
        self.meter.snapshot(self.at())
    }

    pub fn start(&mut self, kind: RequestKind, sections: Vec<Section>, tail: Tail) -> RequestId {
        self.start_in("a", kind, sections, tail)
    }

    pub fn start_in(
        &mut self,
        session: &str,
        kind: RequestKind,
        sections: Vec<Section>,
        tail: Tail,
    ) -> RequestId {
        self.next += 1;
        let request = RequestId(self.next);
        self.tell(Event::RequestStarted {
            request,
            kind,
            model: Some("gemma".into()),
            body_bytes: 9_999,
            sections,
            tail,
            max_tokens: Some(4_096),
            thinking_allowed: false,
            session: Some(session.into()),
        });
        request
    }

    pub fn counted(&mut self, request: RequestId, total: u64, fixed: u64) -> &mut Self {
        self.tell(Event::PromptCounted {
            request,
            total: Some(total),
            fixed: Some(fixed),
            source: Source::Server,
        })
    }

    pub fn progress(&mut self, request: Option<RequestId>, done: u64, cached: u64) -> &mut Self {
        self.tell(Event::PrefillProgress {
            request,
            done,
            cached: Some(cached),
            total: None,
            generated: 0,
            source: Source::Server,
        })
    }

    pub fn first(&mut self, request: RequestId, input: u64, cached: u64) -> &mut Self {
        self.tell(Event::FirstToken { request });
        self.tell(Event::Usage {
            request,
            input: Some(input),
            cached: Some(cached),
            output: Some(0),
        })
    }

    pub fn text(&mut self, request: RequestId, what: DeltaKind, bytes: u64) -> &mut Self {
        self.tell(Event::Delta { request, what, bytes })
    }

    pub fn done(&mut self, request: RequestId, output: u64, stop: &str) -> &mut Self {
        self.tell(Event::Usage { request, input: None, cached: None, output: Some(output) });
        let stop_reason = Some(stop.to_owned());
        self.tell(Event::RequestEnded { request, outcome: Outcome::Done { stop_reason } })
    }

    pub fn end(&mut self, request: RequestId, outcome: Outcome) -> &mut Self {
        self.tell(Event::RequestEnded { request, outcome })
    }

    /// A whole main request: 2 s of reading, 1 s of writing 400 bytes.
    pub fn main(
        &mut self,
        sections: Vec<Section>,
        tail: Tail,
        (input, cached, output): (u64, u64, u64),
        stop: &str,
    ) -> RequestId {
        let id = self.start(RequestKind::Main, sections, tail);
        self.wait(2.0).first(id, input, cached);
        self.wait(1.0).text(id, DeltaKind::Text, 400).done(id, output, stop);
        id
    }
}
