//! A request to a server that speaks OpenAI's API alone, and its answer in Anthropic's.
//!
//! The status of a stream is held back until its first event: a server that fails before it has
//! written anything gives the client an HTTP error and not a broken stream.

use std::fmt::Write as _;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{
    Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
};
use serde_json::{Map, Value, json};

use super::{
    answers,
    count::Question,
    exchange::Sending,
    follow::Follower,
    handle::{House, form},
    passage::ReplyBody,
    plain::{Translated, not_json},
    rules::{Rules, overflow},
    shaped::{Again, Shaped, Source},
    sieve::Sieve,
    tap::{End, Form},
    translate::{
        Options,
        errors::Failure,
        event::Event as Frame,
        request,
        stream::{Output, Translator},
    },
    upstream::why,
};
use crate::domain::{Dialect, Event, RequestId, Source as Teller};

const TARGET: &str = "/v1/chat/completions";
/// Most bytes of a plain answer or an error that are read.
const MAX_ANSWER: usize = 16 << 20;

/// How the requests of one call are written.
#[derive(Debug, Clone)]
pub(super) struct Chat {
    rules: Rules,
    llama_cpp: bool,
    request: RequestId,
    /// Makes the ids of the answer, which must be new even in a resumed conversation.
    seed: String,
    /// The slot it shall take.
    slot: Option<u64>,
}

/// A request as it goes upstream.
struct Asked {
    body: Bytes,
    /// The model's name that Claude Code asked for.
    model: String,
    stream: bool,
    /// Ids of the calls in the conversation.
    taken: Vec<String>,
}

impl Chat {
    pub(super) fn new(rules: Rules, dialect: Dialect, request: RequestId) -> Self {
        let seed = uuid::Uuid::new_v4().simple().to_string();
        Self { rules, llama_cpp: dialect.prompt_progress, request, seed, slot: None }
    }

    /// The same in a slot of llama-server's; `None`: in the one it chooses.
    pub(super) fn in_slot(self, slot: Option<u64>) -> Self {
        Self { slot, ..self }
    }

    /// What the ids of the answer are made from.
    pub(super) fn seed(&self) -> &str {
        &self.seed
    }

    /// The body of the second try at a server that thought although it was told not to.
    pub(super) fn harder(&self, body: &[u8]) -> Result<Bytes, Failure> {
        Ok(self.request(body, true)?.body)
    }

    /// The body of a chat completion request.
    pub(super) fn plain(&self, body: &[u8]) -> Result<Bytes, Failure> {
        Ok(self.request(body, false)?.body)
    }

    /// The chat completion request. `harder`: for a server that thought although it was told not
    /// to.
    fn request(&self, body: &[u8], harder: bool) -> Result<Asked, Failure> {
        let body: Value = serde_json::from_slice(body).map_err(|error| Failure {
            status: 400,
            kind: "invalid_request_error",
            message: format!("the request is not JSON: {error}"),
        })?;
        let mut template_kwargs = Map::new();
        if harder {
            template_kwargs.insert("thinking".to_owned(), json!(false));
        }
        let options = Options {
            llama_cpp: self.llama_cpp,
            thinking_off: self.rules.thinking_off,
            // What an earlier server thought would cost window at this one.
            forget_thinking: self.rules.thinking_off,
            template_kwargs,
            ..Options::default()
        };
        let mut chat = request::translate(&body, &options)?.body;
        if let (Some(slot), Some(fields)) = (self.slot, chat.as_object_mut()) {
            fields.insert("id_slot".to_owned(), json!(slot));
        }
        if let (true, Some(fields)) = (harder, chat.as_object_mut()) {
            fields.insert("reasoning_effort".to_owned(), json!("none"));
            if self.llama_cpp {
                fields.insert("thinking_budget_tokens".to_owned(), json!(0));
            }
        }
        Ok(Asked {
            model: body.get("model").and_then(Value::as_str).unwrap_or_default().to_owned(),
            stream: body.get("stream").and_then(Value::as_bool).unwrap_or(false),
            taken: taken(&body),
            body: Bytes::from(chat.to_string()),
        })
    }
}

/// The translation of one answer.
#[derive(Debug)]
pub(super) struct Turn {
    translator: Translator,
    request: RequestId,
    model: String,
    seed: String,
    taken: Vec<String>,
    /// An event has been given.
    begun: bool,
}

/// What bytes of the server come to.
#[derive(Debug, Default)]
pub(super) struct Turned {
    /// Frames of an Anthropic stream.
    pub bytes: Bytes,
    /// What there is to report.
    pub told: Vec<Event>,
    /// An error that came before anything else; it is not among the bytes.
    pub failure: Option<Failure>,
}

impl Turn {
    fn new(model: String, taken: Vec<String>, seed: String, request: RequestId) -> Self {
        let translator = Translator::new(&model, &seed).with_taken(taken.clone());
        Self { translator, request, model, seed, taken, begun: false }
    }

    /// A translation of a second answer to the same request.
    pub(super) fn again(self) -> Self {
        let seed = format!("{}b", self.seed);
        Self { begun: true, ..Self::new(self.model, self.taken, seed, self.request) }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) -> Turned {
        let out = self.translator.feed(bytes);
        self.turned(out)
    }

    /// The rest, when the server is done.
    pub(super) fn end(&mut self) -> Bytes {
        let out = self.translator.end();
        self.turned(out).bytes
    }

    pub(super) const fn is_over(&self) -> bool {
        self.translator.is_over()
    }

    fn turned(&mut self, out: Vec<Output>) -> Turned {
        let mut turned = Turned::default();
        let mut frames = String::new();
        for output in out {
            match output {
                Output::Event(Frame::Error(failure)) if !self.begun => {
                    turned.failure = Some(failure);
                }
                Output::Event(event) => {
                    self.begun = true;
                    // Writing to a string cannot fail.
                    let _ = write!(frames, "{}", event.frame());
                }
                Output::Progress(progress) => turned.told.push(Event::PrefillProgress {
                    request: Some(self.request),
                    done: progress.done,
                    cached: progress.cached,
                    total: Some(progress.total),
                    generated: 0,
                    source: Teller::Server,
                }),
            }
        }
        turned.bytes = Bytes::from(frames);
        turned
    }
}

impl House {
    pub(super) async fn translated(
        &self,
        mut sending: Sending,
        received: Bytes,
        chat: Chat,
        follower: Follower,
    ) -> Response<ReplyBody> {
        let asked = match chat.request(&received, false) {
            Ok(asked) => asked,
            Err(failure) => return self.refused(&failure, follower),
        };
        TARGET.clone_into(&mut sending.target);
        for name in ["anthropic-version", "anthropic-beta"] {
            sending.headers.remove(name);
        }
        let answer = match sending.clone().send(asked.body.clone()).await {
            Ok(answer) => answer,
            Err(error) => return self.unsent(&error, follower),
        };
        let status = answer.status().as_u16();
        let streams = form(answer.headers()) == Form::Stream;
        let (_, mut upstream) = Response::<reqwest::Body>::from(answer).into_parts();
        if status >= 400 || !streams {
            let body = match collect(&mut upstream).await {
                Ok(body) => body,
                Err(why) => return self.lost(&why, follower),
            };
            return if status >= 400 {
                let text = String::from_utf8_lossy(&body);
                match self.rules.error(status, &text) {
                    Some(known) => self.fail(400, known, follower),
                    None => self.refused(&Failure::from_body(status, &body), follower),
                }
            } else {
                let read = match serde_json::from_slice(&body) {
                    Ok(read) => read,
                    Err(error) => return self.refused(&not_json(&error), follower),
                };
                if asked.stream {
                    return self.streamed(asked, &chat, &read, follower);
                }
                let call = Translated { sending, body: received, chat, model: asked.model };
                self.message(&read, call, follower).await
            };
        }
        let mut turn = Turn::new(asked.model, asked.taken, chat.seed.clone(), chat.request);
        let first = loop {
            let turned = match upstream.frame().await {
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    turn.feed(&data)
                }
                Some(Err(error)) => return self.lost(&why(&error), follower),
                None => {
                    let out = turn.translator.end();
                    turn.turned(out)
                }
            };
            turned.told.into_iter().for_each(|event| follower.told(event));
            if let Some(failure) = turned.failure {
                return self.refused(&failure, follower);
            }
            if !turned.bytes.is_empty() {
                break turned.bytes;
            }
        };
        follower.head(Form::Stream, 200);
        let mut shaped = Shaped::new(Source::Body(upstream), self.upstream.base());
        let (first_body, retried) = (asked.body, chat);
        let harder = move || retried.harder(&received).unwrap_or(first_body);
        shaped.again = Some(Again { sending, body: Box::new(harder) });
        shaped.sieve = self.rules.mesh().map(Sieve::new);
        shaped.follower = Some(follower);
        shaped.turn = Some(turn);
        shaped.hear(first);
        stream(ReplyBody::Shaped(Box::new(shaped)))
    }

    /// A plain answer to a request for a stream, as some servers give it.
    fn streamed(
        &self,
        asked: Asked,
        chat: &Chat,
        read: &Value,
        follower: Follower,
    ) -> Response<ReplyBody> {
        let mut turn = Turn::new(asked.model, asked.taken, chat.seed.clone(), chat.request);
        let mut out = turn.translator.chunk(read);
        out.extend(turn.translator.end());
        let turned = turn.turned(out);
        if let Some(failure) = turned.failure {
            return self.refused(&failure, follower);
        }
        follower.head(Form::Stream, 200);
        let mut sieve =
            self.rules.mesh().map(|mesh| Sieve::new(super::sieve::Mesh { limit: 0, ..mesh }));
        let passed = sieve
            .as_mut()
            .map_or_else(|| turned.bytes.clone(), |sieve| sieve.feed(&turned.bytes).0);
        follower.bytes(turned.bytes);
        follower.end(End::Complete);
        stream(ReplyBody::whole(passed))
    }

    pub(super) fn refused(&self, failure: &Failure, follower: Follower) -> Response<ReplyBody> {
        let body = failure.to_json().to_string();
        if self.rules.known_overflow
            && let Some(known) = overflow::in_stream(&body)
        {
            return self.fail(400, known, follower);
        }
        let status = match (failure.status, failure.kind) {
            (status @ 400.., _) => status,
            (_, "invalid_request_error") => 400,
            (_, "authentication_error") => 401,
            (_, "permission_error") => 403,
            (_, "not_found_error") => 404,
            (_, "rate_limit_error") => 429,
            (_, "overloaded_error") => 529,
            (_, _) => 502,
        };
        self.fail(status, body, follower)
    }

    fn fail(&self, status: u16, body: String, follower: Follower) -> Response<ReplyBody> {
        follower.head(Form::Whole, status);
        follower.bytes(Bytes::from(body.clone()));
        follower.end(End::Complete);
        answers::json_answer(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY), body)
    }
}

fn stream(body: ReplyBody) -> Response<ReplyBody> {
    let mut reply = Response::new(body);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    reply
}

async fn collect(body: &mut reqwest::Body) -> Result<Bytes, String> {
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| why(&error))?;
        if let Some(data) = frame.data_ref() {
            all.extend_from_slice(data);
        }
        if all.len() > MAX_ANSWER {
            return Err("its answer is over 16 MiB".to_owned());
        }
    }
    Ok(all.into())
}

/// The tokens of a request by the server's tokenizer, without what its template puts around the
/// texts; `None` when it has none.
pub(super) async fn count(body: &[u8], ask: &Question) -> Option<u64> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let options = Options { images: super::translate::Images::Note, ..Options::default() };
    let chat = request::translate(&body, &options).ok()?.body;
    let mut text = String::new();
    texts(chat.get("messages")?, &mut text);
    if let Some(tools) = chat.get("tools") {
        text.push_str(&tools.to_string());
    }
    ask.tokenize(&text).await
}

/// The ids of all calls in a conversation.
fn taken(body: &Value) -> Vec<String> {
    let messages = body.get("messages").and_then(Value::as_array).into_iter().flatten();
    let blocks = messages.filter_map(|m| m.get("content")?.as_array()).flatten();
    let calls = blocks.filter(|b| b.get("type").and_then(Value::as_str) == Some("tool_use"));
    calls.filter_map(|b| Some(b.get("id")?.as_str()?.to_owned())).collect()
}

/// Every text in a value, one a line.
fn texts(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => {
            out.push_str(text);
            out.push('\n');
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, out)),
        Value::Object(fields) => fields.values().for_each(|value| texts(value, out)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
