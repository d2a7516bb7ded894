//! One request to the model: what goes upstream, and which way its answer comes back.

use bytes::Bytes;
use hyper::{HeaderMap, Method, Response, StatusCode, header::CONTENT_LENGTH};

use super::{
    answers,
    chat::Chat,
    count::Question,
    follow::{Follower, Job},
    handle::{Call, House, form},
    oversize::Arrived,
    passage::ReplyBody,
    place::Place,
    rules::Rewritten,
    shaped::{Again, Shaped, Source},
    sieve::Sieve,
    tap::{End, Form},
    upstream::{Upstream, end_to_end, request_headers},
    words::shorten,
};
use crate::{
    domain::{Api, Dialect, RequestId},
    engine::access::SendError,
};

/// Most bytes of an error's body that are read before it is passed on.
const MAX_ERROR: usize = 1 << 20;
/// Most bytes of a plain answer that are read before it is passed on.
pub(super) const MAX_ANSWER: usize = 16 << 20;

/// How a request is sent, and sent once more.
#[derive(Debug, Clone)]
pub(super) struct Sending {
    pub upstream: Upstream,
    pub method: Method,
    pub target: String,
    pub headers: HeaderMap,
    pub local_host: bool,
}

impl Sending {
    /// Sends a body and waits for the head of the answer.
    pub async fn send(self, body: Bytes) -> Result<reqwest::Response, SendError> {
        let Self { upstream, method, target, headers, local_host } = self;
        upstream.send(method, &target, headers, body, local_host).await
    }
}

impl House {
    /// Sends a request whose body was read, and gives its answer as it comes.
    pub(super) async fn model(&self, call: Call<Bytes>, request: RequestId) -> Response<ReplyBody> {
        let Call { method, target, headers, dialect, body: received, .. } = call;
        let text = std::str::from_utf8(&received).ok();
        let Rewritten { body, cared } = text.map(|b| self.rules.rewrite(b)).unwrap_or_default();
        let sent = body.map_or_else(|| received.clone(), Bytes::from);
        let header = |name: &str| headers.get(name)?.to_str().ok().map(shorten);
        let (agent, session) =
            (header("x-claude-code-agent-id"), header("x-claude-code-session-id"));
        let headers = request_headers(&headers, self.hides_credentials());
        let local_host = dialect.wants_local_host_header;
        let upstream = self.upstream.clone();
        let tokens = Question { upstream, headers: headers.clone(), local_host };
        let (lease, slot) = match self.place(&received, agent.as_deref(), dialect, &tokens).await {
            Place::Answered(answer) => return answer,
            Place::Go { lease, slot } => (lease, slot),
        };
        // Only what goes upstream disturbs what is read ahead: not what lcc answers or holds.
        let guest = self.desk.traffic.arrive();
        let follower = Follower::start(
            self.desk.clone(),
            Job {
                request,
                started: self.desk.reporter.clock.now(),
                received,
                sent: sent.clone(),
                cared,
                agent: agent.clone(),
                session,
                start_usage_is_real: dialect.start_usage_is_real,
                lease,
                question: dialect.count_tokens.then(|| tokens.clone()),
                tokens: tokens.clone(),
                guest,
            },
        );
        let arrived =
            Arrived { request, body: &sent, agent: agent.as_deref(), dialect, ask: &tokens };
        let follower = match self.admit(arrived, follower).await {
            Ok(follower) => follower,
            Err(answer) => return answer,
        };
        let upstream = self.upstream.clone();
        let sending = Sending { upstream, method, target, headers, local_host };
        match self.api.unwrap_or(dialect.api) {
            Api::Anthropic if slot.is_none() => {
                self.direct(sending, sent, (request, dialect), follower).await
            }
            // A slot can be named in OpenAI's API alone.
            Api::Anthropic | Api::OpenAi => {
                let chat = Chat::new(self.rules, dialect, request).in_slot(slot);
                self.translated(sending, sent, chat, follower).await
            }
        }
    }

    async fn direct(
        &self,
        sending: Sending,
        body: Bytes,
        (request, dialect): (RequestId, Dialect),
        follower: Follower,
    ) -> Response<ReplyBody> {
        let answer = match sending.clone().send(body.clone()).await {
            Ok(answer) if answer.status().as_u16() >= 400 => {
                self.note_put_off(request, &answer);
                return self.failed(answer, follower).await;
            }
            Ok(answer) => answer,
            Err(error) => return self.unsent(&error, follower),
        };
        let form = form(answer.headers());
        let length = answer.headers().get(CONTENT_LENGTH).is_some();
        let small = answer.content_length().is_none_or(|length| length <= MAX_ANSWER as u64);
        let rules = self.rules;
        let harder = move || {
            let text = std::str::from_utf8(&body).ok();
            let harder = text.and_then(|b| rules.harder(b, dialect.prompt_progress));
            harder.map_or(body, Bytes::from)
        };
        match (form, self.rules.mesh()) {
            // A stream of a length that was told must keep it.
            (Form::Stream, Some(mesh)) if !length => {
                follower.head(form, answer.status().as_u16());
                let (head, answer) = Response::<reqwest::Body>::from(answer).into_parts();
                let mut shaped = Shaped::new(Source::Body(answer), self.upstream.base());
                shaped.again = Some(Again { sending, body: Box::new(harder) });
                shaped.sieve = Some(Sieve::new(mesh));
                shaped.follower = Some(follower);
                let mut reply = Response::new(ReplyBody::Shaped(Box::new(shaped)));
                *reply.status_mut() = head.status;
                *reply.headers_mut() = end_to_end(&head.headers);
                reply
            }
            (Form::Whole, Some(mesh)) if mesh.thinking && small => {
                self.whole(answer, follower, sending, harder).await
            }
            (Form::Stream | Form::Whole | Form::Opaque, _) => {
                self.passage(answer, Some(follower)).0
            }
        }
    }

    /// An error is read whole, as far as it is short, so that its words can be changed.
    async fn failed(&self, answer: reqwest::Response, follower: Follower) -> Response<ReplyBody> {
        let short = answer.content_length().is_none_or(|length| length <= MAX_ERROR as u64);
        let (mut reply, form) = self.passage(answer, Some(follower));
        if form != Form::Whole || !short {
            return reply;
        }
        let ReplyBody::Passage(passage) = reply.body_mut() else { return reply };
        let (body, follower, broken) = passage.collect(MAX_ERROR).await;
        let Some(follower) = follower else { return reply };
        if let Some(why) = broken {
            return self.lost(&why, follower);
        }
        let status = reply.status().as_u16();
        let known = std::str::from_utf8(&body).ok().and_then(|b| self.rules.error(status, b));
        let (reply, body) = match known {
            Some(known) => {
                (answers::json_answer(StatusCode::BAD_REQUEST, known.clone()), Bytes::from(known))
            }
            None => (reply.map(|_| ReplyBody::whole(body.clone())), body),
        };
        follower.bytes(body);
        follower.end(End::Complete);
        reply
    }

    /// The request could not be sent: the server is away, or lcc and it refuse each other.
    pub(super) fn unsent(&self, error: &SendError, follower: Follower) -> Response<ReplyBody> {
        let (why, answer) = self.upstream.no_answer(error);
        follower.end(End::Broken(why));
        answer
    }

    /// The server broke off before it said anything.
    pub(super) fn lost(&self, why: &str, follower: Follower) -> Response<ReplyBody> {
        follower.end(End::Broken(why.to_owned()));
        answers::server_down(self.upstream.base(), why)
    }
}
