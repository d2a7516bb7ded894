//! One call from its head to its answer.

use std::{
    convert::Infallible,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER},
    http::response::Parts,
};
use tokio::sync::watch;

use super::{
    answers,
    count::Question,
    follow::{Desk, Follower, Job},
    gate::{self, Refusal},
    passage::{Passage, ReplyBody},
    put_off::put_off,
    route::{Local, Route, route},
    rules::Rules,
    tap::{End, Form, shorten},
    upstream::{Upstream, end_to_end, request_headers, why},
};
use crate::domain::{Dialect, Event, RequestId};

/// Most bytes of a request's body.
const MAX_REQUEST: usize = 64 << 20;
/// Most bytes of an error's body that are read before it is passed on.
const MAX_ERROR: usize = 1 << 20;

/// What all calls share.
#[derive(Debug)]
pub struct House {
    /// The way to the server.
    pub upstream: Upstream,
    /// What the server offers, as known now.
    pub dialect: watch::Receiver<Dialect>,
    /// What every caller must carry.
    pub token: Option<String>,
    /// The rewrites in force.
    pub rules: Rules,
    /// Where reports go.
    pub desk: Desk,
    /// The number of the last request.
    pub last: AtomicU64,
}

/// A call that has passed the gate.
struct Call {
    method: Method,
    /// Path and query.
    target: String,
    path: String,
    headers: HeaderMap,
    dialect: Dialect,
    body: Incoming,
}

impl House {
    /// Answers one call. Never fails: what goes wrong becomes an answer.
    ///
    /// # Errors
    /// Never.
    pub async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<ReplyBody>, Infallible> {
        let (head, body) = request.into_parts();
        let target = head.uri.path_and_query().map_or("/", |t| t.as_str()).to_owned();
        let call = Call {
            method: head.method,
            path: head.uri.path().to_owned(),
            target,
            headers: head.headers,
            dialect: *self.dialect.borrow(),
            body,
        };
        if let Err(refusal) = gate::local_call(&call.method, &head.uri, &call.headers) {
            return Ok(self.refuse(&call.method, &head.uri.to_string(), &refusal));
        }
        let way = route(&call.method, &call.path, call.dialect);
        let open = matches!(&way, Route::Local(local) if !local.needs_token());
        let token = gate::token(&call.headers, self.token.as_deref());
        if let (Err(refusal), false) = (token, open) {
            return Ok(self.refuse(&call.method, &call.target, &refusal));
        }
        Ok(match way {
            Route::Model => self.model(call).await,
            Route::Pass => self.pass(call).await,
            Route::Local(local) => self.local(local, call).await,
            Route::Refused(refusal) => self.refuse(&call.method, &call.target, &refusal),
        })
    }

    /// The caller's credential is lcc's own token, or gives way to lcc's own for the server.
    fn hides_credentials(&self) -> bool {
        self.token.is_some() || self.upstream.has_credential()
    }

    fn refuse(&self, method: &Method, target: &str, refusal: &Refusal) -> Response<ReplyBody> {
        self.desk.reporter.report(Event::Refused {
            method: shorten(method.as_str()),
            target: shorten(target),
            reason: refusal.reason.to_owned(),
        });
        answers::error(refusal.status, &format!("lcc refused this call: {}", refusal.reason))
    }

    fn answered(&self, method: &Method, path: &str, status: StatusCode, local: bool) {
        self.desk.reporter.report(Event::Answered {
            method: shorten(method.as_str()),
            path: shorten(path),
            status: status.as_u16(),
            local,
        });
    }

    /// The whole body of a request, or the answer that says why not.
    async fn read(
        &self,
        method: &Method,
        target: &str,
        headers: &HeaderMap,
        body: Incoming,
    ) -> Result<Bytes, Response<ReplyBody>> {
        let too_large = Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body over 64 MiB");
        let length = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
        if length.is_some_and(|length: u64| length > MAX_REQUEST as u64) {
            return Err(self.refuse(method, target, &too_large));
        }
        match Limited::new(body, MAX_REQUEST).collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => {
                Err(self.refuse(method, target, &too_large))
            }
            Err(error) => {
                let message = format!("lcc: the request broke off ({})", why(&*error));
                Err(answers::error(StatusCode::BAD_REQUEST, &message))
            }
        }
    }

    async fn local(&self, local: Local, call: Call) -> Response<ReplyBody> {
        let Call { method, target, path, headers, mut body, .. } = call;
        let answer = match local {
            Local::Hello => answers::json_answer(StatusCode::OK, "{}".to_owned()),
            Local::Logged => {
                // Read to its end, so that the connection can go on, and forgotten.
                while let Some(Ok(_)) = body.frame().await {}
                answers::json_answer(StatusCode::OK, "{}".to_owned())
            }
            Local::Count => match self.read(&method, &target, &headers, body).await {
                Ok(body) => {
                    let ratio = self.desk.ratio.lock().unwrap_or_else(PoisonError::into_inner);
                    let tokens = ratio.tokens(body.len() as u64);
                    let body = format!("{{\"input_tokens\":{tokens}}}");
                    answers::json_answer(StatusCode::OK, body)
                }
                Err(refused) => return refused,
            },
        };
        self.answered(&method, &path, answer.status(), true);
        answer
    }

    async fn pass(&self, call: Call) -> Response<ReplyBody> {
        let Call { method, target, path, headers, dialect, body } = call;
        let body = match self.read(&method, &target, &headers, body).await {
            Ok(body) => body,
            Err(refused) => return refused,
        };
        let headers = request_headers(&headers, self.hides_credentials());
        let local_host = dialect.wants_local_host_header;
        let sent = self.upstream.send(method.clone(), &target, headers, body, local_host).await;
        let answer = match sent {
            Ok(answer) => self.passage(answer, None).0,
            Err(error) => self.upstream.no_answer(&error).1,
        };
        self.answered(&method, &path, answer.status(), false);
        answer
    }

    async fn model(&self, call: Call) -> Response<ReplyBody> {
        let Call { method, target, headers, dialect, body, .. } = call;
        let received = match self.read(&method, &target, &headers, body).await {
            Ok(body) => body,
            Err(refused) => return refused,
        };
        let rewritten = std::str::from_utf8(&received).ok().and_then(|b| self.rules.request(b));
        let sent = rewritten.map_or_else(|| received.clone(), Bytes::from);
        let header = |name: &str| headers.get(name)?.to_str().ok().map(shorten);
        let (agent, session) =
            (header("x-claude-code-agent-id"), header("x-claude-code-session-id"));
        let headers = request_headers(&headers, self.hides_credentials());
        let local_host = dialect.wants_local_host_header;
        let question = dialect.count_tokens.then(|| Question {
            upstream: self.upstream.clone(),
            headers: headers.clone(),
            local_host,
        });
        let request = RequestId(self.last.fetch_add(1, Ordering::Relaxed) + 1);
        let follower = Follower::start(
            self.desk.clone(),
            Job {
                request,
                started: self.desk.reporter.clock.now(),
                received,
                sent: sent.clone(),
                agent,
                session,
                start_usage_is_real: dialect.start_usage_is_real,
                question,
            },
        );
        match self.upstream.send(method, &target, headers, sent, local_host).await {
            Ok(answer) if answer.status().as_u16() >= 400 => {
                self.note_put_off(request, &answer);
                self.failed(answer, follower).await
            }
            Ok(answer) => self.passage(answer, Some(follower)).0,
            Err(error) => {
                let (why, answer) = self.upstream.no_answer(&error);
                follower.end(End::Broken(why));
                answer
            }
        }
    }

    /// An answer that puts the request off goes to Claude Code as it is; the figures are told.
    fn note_put_off(&self, request: RequestId, answer: &reqwest::Response) {
        let status = answer.status().as_u16();
        let retry_after = answer.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok());
        if let Some(retry_after_s) = put_off(status, retry_after) {
            self.desk.reporter.report(Event::Queued { request, status, retry_after_s });
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
            follower.end(End::Broken(why.clone()));
            return answers::server_down(self.upstream.base(), &why);
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

    fn passage(
        &self,
        answer: reqwest::Response,
        follower: Option<Follower>,
    ) -> (Response<ReplyBody>, Form) {
        let (head, body) = Response::<reqwest::Body>::from(answer).into_parts();
        let form = form(&head);
        if let Some(follower) = &follower {
            follower.head(form, head.status.as_u16());
        }
        let length = head.headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
        let base = self.upstream.base().to_owned();
        let passage = Passage::new(body, follower, length, form == Form::Stream, base);
        let mut reply = Response::new(ReplyBody::Passage(Box::new(passage)));
        *reply.status_mut() = head.status;
        *reply.headers_mut() = end_to_end(&head.headers);
        (reply, form)
    }
}

/// What kind of body a head announces.
fn form(head: &Parts) -> Form {
    let value = |v: &HeaderValue| v.to_str().unwrap_or_default().to_ascii_lowercase();
    let coding = head.headers.get(CONTENT_ENCODING).map(value).unwrap_or_default();
    if !matches!(coding.as_str(), "" | "identity") {
        return Form::Opaque;
    }
    let kind = head.headers.get(CONTENT_TYPE).map(value).unwrap_or_default();
    if kind.starts_with("text/event-stream") { Form::Stream } else { Form::Whole }
}
