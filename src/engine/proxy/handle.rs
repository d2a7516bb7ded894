//! One call from its head to its answer.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER},
};
use tokio::sync::watch;

use super::{
    answers,
    bodies::BodyLog,
    border::{MAX_BODY, Turned, too_large},
    chat,
    count::Question,
    crossing::BodyRefused,
    follow::{Desk, Follower},
    gate::{self, Refusal},
    oversize::Gate,
    passage::{Passage, ReplyBody},
    put_off::put_off,
    route::{Local, Route, route},
    rules::Rules,
    tap::Form,
    upstream::{Upstream, end_to_end, request_headers, why},
    words::shorten,
};
use crate::domain::{Api, Dialect, Egress, Event, RequestId};

/// How long a request's body may take; it comes from this machine.
const BODY_PATIENCE: Duration = Duration::from_secs(60);

/// What all calls share.
#[derive(Debug)]
pub struct House {
    /// The way to the server.
    pub upstream: Upstream,
    /// What the server offers, as known now.
    pub dialect: watch::Receiver<Dialect>,
    /// What every caller must carry.
    pub token: Option<String>,
    /// How the server is asked, when the user chose.
    pub api: Option<Api>,
    /// The rewrites in force.
    pub rules: Rules,
    /// Where reports go.
    pub desk: Desk,
    /// What requests may use of the window.
    pub gate: Gate,
    /// The number of the last request.
    pub last: AtomicU64,
    /// Where bodies are written, when the user asked for it.
    pub bodies: Mutex<Option<BodyLog>>,
}

/// A call that has passed the gate.
pub(super) struct Call<B = Incoming> {
    pub method: Method,
    /// Path and query.
    pub target: String,
    pub path: String,
    pub headers: HeaderMap,
    pub dialect: Dialect,
    pub body: B,
}

impl House {
    /// Answers one call, or says why the border turned it away.
    ///
    /// # Errors
    /// Never: what goes wrong becomes an answer.
    pub async fn meet(
        self: Arc<Self>,
        request: Request<Incoming>,
        turned: Option<Turned>,
    ) -> Result<Response<ReplyBody>, Infallible> {
        match turned {
            Some(Turned { refusal, method, target }) => Ok(self.refuse(&method, &target, &refusal)),
            None => self.answer(request).await,
        }
    }

    async fn answer(
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
            return Ok(self.refuse(call.method.as_str(), &head.uri.to_string(), &refusal));
        }
        let way = route(&call.method, &call.path, call.dialect);
        let open = matches!(&way, Route::Local(local) if !local.needs_token());
        let token = gate::token(&call.headers, self.token.as_deref());
        if let (Err(refusal), false) = (token, open) {
            return Ok(self.refuse(call.method.as_str(), &call.target, &refusal));
        }
        Ok(match way {
            Route::Model => self.ask(call).await,
            Route::Pass => self.pass(call).await,
            Route::Local(local) => self.local(local, call).await,
            Route::Refused(refusal) => self.refuse(call.method.as_str(), &call.target, &refusal),
        })
    }

    /// The caller's credential is lcc's own token, or gives way to lcc's own for the server.
    pub(super) fn hides_credentials(&self) -> bool {
        self.token.is_some() || self.upstream.has_credential()
    }

    fn refuse(&self, method: &str, target: &str, refusal: &Refusal) -> Response<ReplyBody> {
        self.desk.reporter.report(Event::Refused {
            method: shorten(method),
            target: shorten(target),
            reason: refusal.reason.to_owned(),
        });
        if let Some(how) = refusal.egress {
            let call = format!("{method} {target}");
            self.desk.reporter.report(Event::Egress(Egress::new(None, shorten(&call), how)));
        }
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
    pub(super) async fn read(
        &self,
        method: &Method,
        target: &str,
        headers: &HeaderMap,
        body: Incoming,
    ) -> Result<Bytes, Response<ReplyBody>> {
        let method = method.as_str();
        let length = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
        if length.is_some_and(|length: u64| length > MAX_BODY) {
            return Err(self.refuse(method, target, &too_large()));
        }
        let most = usize::try_from(MAX_BODY).unwrap_or(usize::MAX);
        let reading = Limited::new(body, most).collect();
        let Ok(read) = tokio::time::timeout(BODY_PATIENCE, reading).await else {
            let slow = Refusal::new(StatusCode::REQUEST_TIMEOUT, "body did not come in a minute");
            return Err(self.refuse(method, target, &slow));
        };
        match read {
            Ok(body) => {
                let body = body.to_bytes();
                self.write_down(method, target, &body);
                Ok(body)
            }
            Err(error) if error.is::<LengthLimitError>() => {
                Err(self.refuse(method, target, &too_large()))
            }
            Err(error) => Err(match refused(&*error) {
                Some(refusal) => self.refuse(method, target, &refusal),
                None => {
                    let message = format!("lcc: the request broke off ({})", why(&*error));
                    answers::error(StatusCode::BAD_REQUEST, &message)
                }
            }),
        }
    }

    /// Writes a body into the file that the user asked for, if there is one.
    fn write_down(&self, method: &str, target: &str, body: &[u8]) {
        let mut log = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = log.as_mut() else { return };
        if let Err(error) = file.write(self.desk.reporter.clock.now(), method, target, body) {
            tracing::warn!(%error, "the bodies of requests are no longer written down");
            *log = None;
        }
    }

    async fn local(&self, local: Local, call: Call) -> Response<ReplyBody> {
        let Call { method, target, path, headers, dialect, body } = call;
        let answer = match local {
            Local::Hello => answers::json_answer(StatusCode::OK, "{}".to_owned()),
            // Read to its end, so that the connection can go on, and forgotten.
            Local::Logged => match self.read(&method, &target, &headers, body).await {
                Ok(_) => answers::json_answer(StatusCode::OK, "{}".to_owned()),
                Err(refused) => return refused,
            },
            Local::Count => match self.read(&method, &target, &headers, body).await {
                Ok(body) => {
                    let counted = self.count(&body, &headers, dialect).await;
                    let tokens = counted.unwrap_or_else(|| self.weigh(&body));
                    let text = format!("{{\"input_tokens\":{tokens}}}");
                    let mut answer = answers::json_answer(StatusCode::OK, text);
                    if counted.is_none() {
                        let yes = HeaderValue::from_static("true");
                        answer.headers_mut().insert("x-lcc-estimate", yes);
                    }
                    answer
                }
                Err(refused) => return refused,
            },
        };
        self.answered(&method, &path, answer.status(), true);
        answer
    }

    /// The tokens of a request by the server's tokenizer, where lcc can ask it for them.
    async fn count(&self, body: &Bytes, headers: &HeaderMap, dialect: Dialect) -> Option<u64> {
        match self.api.unwrap_or(dialect.api) {
            Api::Anthropic => return None,
            Api::OpenAi => {}
        }
        let counter = &self.desk.counter;
        if let Some(known) = counter.remembered(body) {
            return Some(known);
        }
        let headers = request_headers(headers, self.hides_credentials());
        let local_host = dialect.wants_local_host_header;
        let ask = Question { upstream: self.upstream.clone(), headers, local_host };
        let tokens = chat::count(body, &ask).await?;
        counter.remember(body, tokens);
        Some(tokens)
    }

    pub(super) fn estimate(&self, bytes: u64) -> u64 {
        self.desk.ratio.lock().unwrap_or_else(PoisonError::into_inner).tokens(bytes)
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

    /// An answer that puts the request off goes to Claude Code as it is; the figures are told.
    pub(super) fn note_put_off(&self, request: RequestId, answer: &reqwest::Response) {
        let status = answer.status().as_u16();
        let retry_after = answer.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok());
        if let Some(retry_after_s) = put_off(status, retry_after) {
            self.desk.reporter.report(Event::Queued { request, status, retry_after_s });
        }
    }

    pub(super) fn passage(
        &self,
        answer: reqwest::Response,
        follower: Option<Follower>,
    ) -> (Response<ReplyBody>, Form) {
        let (head, body) = Response::<reqwest::Body>::from(answer).into_parts();
        let form = form(&head.headers);
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

/// The border's refusal among an error's causes.
fn refused(error: &(dyn std::error::Error + 'static)) -> Option<Refusal> {
    let mut cause = Some(error);
    while let Some(now) = cause {
        let inner = now.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(BodyRefused(refusal)) = inner.and_then(|inner| inner.downcast_ref()) {
            return Some(refusal.clone());
        }
        cause = now.source();
    }
    None
}

/// What kind of body a head announces.
pub(super) fn form(headers: &HeaderMap) -> Form {
    let value = |v: &HeaderValue| v.to_str().unwrap_or_default().to_ascii_lowercase();
    let coding = headers.get(CONTENT_ENCODING).map(value).unwrap_or_default();
    if !matches!(coding.as_str(), "" | "identity") {
        return Form::Opaque;
    }
    let kind = headers.get(CONTENT_TYPE).map(value).unwrap_or_default();
    if kind.starts_with("text/event-stream") { Form::Stream } else { Form::Whole }
}
