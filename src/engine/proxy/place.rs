//! Where a request to the model goes: at once, later, to a slot of its own, or nowhere.

use std::{sync::PoisonError, time::Duration};

use bytes::Bytes;
use hyper::{
    HeaderMap, Method, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, SERVER},
};
use serde_json::Value;

use super::{
    answers,
    body::Body,
    classify,
    count::Question,
    follow::Reporter,
    handle::House,
    hold::{For, Lease},
    passage::ReplyBody,
    side::{self, Told, Way},
};
use crate::domain::{Dialect, Event, Moment, RequestKind, SideKind, SidePolicy, SideStep};

/// For the server's word on its slots; a side request has time.
const PATIENCE: Duration = Duration::from_millis(500);

/// What is to be done with a request.
pub(super) enum Place {
    /// lcc has answered it.
    Answered(Response<ReplyBody>),
    /// It goes upstream.
    Go {
        /// Of the conversation: under way until this is dropped.
        lease: Option<Lease>,
        /// The slot of llama-server it shall take.
        slot: Option<u64>,
    },
}

impl Place {
    const AS_IT_IS: Self = Self::Go { lease: None, slot: None };
}

/// A side request that waits; dropped before it is released, its client has gone.
struct Waiting<'a> {
    reporter: &'a Reporter,
    kind: SideKind,
    came: Moment,
    tokens: u64,
    released: bool,
}

impl Waiting<'_> {
    fn tell(&self, step: SideStep) {
        let waited = self.reporter.clock.now().since(self.came).as_millis();
        self.reporter.report(Event::Side {
            kind: self.kind,
            step,
            waited_ms: u64::try_from(waited).unwrap_or(u64::MAX),
            tokens: self.tokens,
        });
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.tell(if self.released { SideStep::Released } else { SideStep::Abandoned });
    }
}

/// What of a side request is needed once its body has been read.
struct Errand {
    kind: SideKind,
    way: Way,
    text: Option<String>,
    model: String,
    streams: bool,
    /// Its prompt is counted by its answer.
    counts: bool,
}

impl House {
    /// Decides about a request; comes back when it may go. `dialect`: of the server. `ask`: how
    /// the server is asked.
    pub(super) async fn place(
        &self,
        received: &Bytes,
        agent: Option<&str>,
        dialect: Dialect,
        ask: &Question,
    ) -> Place {
        let policy = self.rules.side_requests;
        if policy == SidePolicy::Pass {
            return Place::AS_IT_IS;
        }
        let room = &self.desk.room;
        let errand = {
            let Some(body) = std::str::from_utf8(received).ok().and_then(Body::read) else {
                return Place::AS_IT_IS;
            };
            match classify::kind(&body, agent) {
                RequestKind::Main | RequestKind::Compaction => {
                    let lease = Some(room.begin(body.model.as_deref()));
                    return Place::Go { lease, slot: None };
                }
                // Its own slot is for the server to choose: its prompt is its own from turn to turn.
                RequestKind::Subagent(_) => return Place::AS_IT_IS,
                RequestKind::Side(kind) => errand(policy, kind, &body, room.model().as_deref()),
            }
        };
        match (errand.way, errand.text.as_deref()) {
            (Way::Pass, _) => Place::AS_IT_IS,
            (Way::Answer, Some(text)) => {
                Place::Answered(self.spoken(text, &errand, received, dialect, ask).await)
            }
            (Way::Slot, _) => {
                if let Some(slot) = self.free_slot(dialect, ask).await {
                    self.tell_side(errand.kind, SideStep::Slotted, received);
                    return Place::Go { lease: None, slot: Some(slot) };
                }
                self.hold(errand.kind, received).await
            }
            (Way::Hold | Way::Answer, _) => self.hold(errand.kind, received).await,
        }
    }

    async fn hold(&self, kind: SideKind, received: &Bytes) -> Place {
        let reporter = &self.desk.reporter;
        let came = reporter.clock.now();
        let tokens = self.weigh(received);
        let mut waiting = Waiting { reporter, kind, came, tokens, released: false };
        waiting.tell(SideStep::Waiting);
        let what = match kind {
            SideKind::Title | SideKind::Topic | SideKind::Suggestion | SideKind::Recap => For::Turn,
            // A tool that reads a page, a hook, a question of the user: somebody may wait for it.
            SideKind::Probe | SideKind::Other => For::Request,
        };
        self.desk.room.wait(what).await;
        waiting.released = true;
        Place::AS_IT_IS
    }

    /// A slot of llama-server that does not hold the conversation.
    async fn free_slot(&self, dialect: Dialect, ask: &Question) -> Option<u64> {
        // Only llama.cpp lets a request name its slot, and only in OpenAI's API.
        if !(dialect.slots && dialect.prompt_progress) {
            return None;
        }
        let sent = ask.upstream.send(
            Method::GET,
            "/slots",
            HeaderMap::new(),
            Bytes::new(),
            ask.local_host,
        );
        let asked = async {
            let answer = sent.await.ok()?.error_for_status().ok()?;
            // What only looks like llama.cpp need not know the other API.
            let own = answer.headers().get(SERVER).is_some_and(|v| v == "llama.cpp");
            if own { answer.json::<Value>().await.ok() } else { None }
        };
        let slots = tokio::time::timeout(PATIENCE, asked).await.ok()??;
        side::free_slot(&slots, self.desk.room.is_busy())
    }

    /// The answer that lcc gives itself.
    async fn spoken(
        &self,
        text: &str,
        errand: &Errand,
        received: &Bytes,
        dialect: Dialect,
        ask: &Question,
    ) -> Response<ReplyBody> {
        self.tell_side(errand.kind, SideStep::Answered, received);
        // A count by inference is worth a true count.
        let counted = if errand.counts && dialect.count_tokens {
            ask.ask(received.clone()).await
        } else {
            None
        };
        let id = format!("msg_lcc{}", uuid::Uuid::new_v4().simple());
        let told = Told {
            model: &errand.model,
            id: &id,
            input: counted.unwrap_or_else(|| self.weigh(received)),
            output: if text.is_empty() { 0 } else { self.estimate(text.len() as u64) },
            stop: if errand.counts { "max_tokens" } else { "end_turn" },
        };
        if !errand.streams {
            return answers::json_answer(StatusCode::OK, side::message(text, told).to_string());
        }
        let mut reply = Response::new(ReplyBody::whole(side::events(text, told)));
        let headers = reply.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        reply
    }

    fn tell_side(&self, kind: SideKind, step: SideStep, received: &Bytes) {
        let tokens = self.weigh(received);
        self.desk.reporter.report(Event::Side { kind, step, waited_ms: 0, tokens });
    }

    /// Tokens of a request by what was learned.
    pub(super) fn weigh(&self, received: &Bytes) -> u64 {
        let ratio = self.desk.ratio.lock().unwrap_or_else(PoisonError::into_inner);
        ratio.request(received)
    }
}

fn errand(policy: SidePolicy, kind: SideKind, body: &Body<'_>, model: Option<&str>) -> Errand {
    let text = side::answer(kind, body, model);
    Errand {
        kind,
        way: side::way(policy, kind, text.is_some()),
        text,
        model: body.model.as_deref().unwrap_or_default().to_owned(),
        streams: body.stream.unwrap_or(false),
        counts: kind == SideKind::Probe,
    }
}
