//! `/v1/messages`: a request becomes a job, and what happens to the job becomes a stream.

use std::io;

use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::Response;
use hyper::body::{Bytes, Frame};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde_json::Value;

use super::pages::{Refusal, ok};
use super::runner::Ticket;
use super::{Body, Served, Shared};
use crate::engine::practice::machine::{Job, Notice};
use crate::engine::practice::script::Script;
use crate::engine::practice::tokenize::Token;
use crate::engine::practice::wire::{self, Frames};
use crate::engine::practice::{agent, render};

/// `max_tokens` of a request that names none; llama-server's.
const MAX_TOKENS: u64 = 4096;

/// Bytes of the garbage script: a line that belongs to no event, then an event whose data is
/// neither JSON nor UTF-8.
const GARBAGE: &[u8] = b"\x00\xff\xfe garbage \xc3\x28\n\n\
    event: content_block_delta\ndata: {\"type\": \xff\xfe ]\x07\n\n";

/// The prompt of a request; one without messages is refused as llama-server refuses it.
pub fn prompt(request: &Value) -> Result<Vec<Token>, Refusal> {
    if request.get("messages").is_some_and(Value::is_array) {
        return Ok(render::prompt(request));
    }
    Err(Refusal::new(500, "server_error", "'messages' is required"))
}

/// Answers a request of `/v1/messages`.
pub async fn answer(request: &Value, shared: &Shared) -> Result<Response<Body>, Refusal> {
    let prompt = prompt(request)?;
    let decision = agent::decide(request);
    let script = decision.fault.unwrap_or(shared.options.script);
    let answer = agent::leak(decision.answer, script);
    match script {
        Script::ServerError => {
            return Err(Refusal::new(500, "server_error", "the practice script 500 answers so"));
        }
        Script::Overflow => {
            let window = shared.options.window;
            let total = (prompt.len() as u64).max(window.saturating_add(1));
            return Err(Refusal::too_long(total, window));
        }
        Script::Slow(silence) => tokio::time::sleep(silence).await,
        Script::Normal
        | Script::Die(_)
        | Script::Garbage(_)
        | Script::Leak
        | Script::LeakText
        | Script::RestoreLies
        | Script::ErrorEvent(_) => {}
    }
    let job = Job {
        prompt,
        answer: answer.steps().into_iter().map(|step| step.token).collect(),
        max_tokens: request.get("max_tokens").and_then(Value::as_u64).unwrap_or(MAX_TOKENS).max(1),
    };
    let Some(mut ticket) = shared.runner.submit(job).await else {
        return Err(Refusal::stopping());
    };
    let found = |total, cached, too_long| Served {
        total,
        cached,
        too_long,
        tools: request.get("tools").and_then(Value::as_array).map_or(0, Vec::len),
        summary: agent::wants_summary(request),
    };
    let (total, cached) = match ticket.next().await {
        Some(Notice::Started { total, cached }) => {
            shared.remember(found(total, cached, false));
            (total, cached)
        }
        Some(Notice::TooLong { total, window }) => {
            shared.remember(found(total, 0, true));
            return Err(Refusal::too_long(total, window));
        }
        Some(Notice::Written(_) | Notice::Finished { .. }) | None => {
            return Err(Refusal::stopping());
        }
    };
    let frames = Frames::new(answer, ticket.id, cached, total - cached);
    let streams = request.get("stream").and_then(Value::as_bool).unwrap_or(false);
    if streams {
        let ping = shared.options.ping;
        return Ok(streamed(Stream { ticket, frames, script, ping, step: Step::Tokens }));
    }
    whole(ticket, &frames, script).await
}

/// An answer that is sent when it is complete.
async fn whole(
    mut ticket: Ticket,
    frames: &Frames,
    script: Script,
) -> Result<Response<Body>, Refusal> {
    while let Some(notice) = ticket.next().await {
        match (notice, script) {
            (Notice::Finished { written, stop }, _) => {
                return Ok(ok(&frames.message(written, stop)));
            }
            (Notice::Written(n), Script::Die(after)) if n > after => return Ok(cut()),
            (Notice::Written(n), Script::ErrorEvent(after)) if n > after => {
                return Err(Refusal::new(500, "server_error", FAILS));
            }
            (Notice::Started { .. } | Notice::TooLong { .. } | Notice::Written(_), _) => {}
        }
    }
    Err(Refusal::stopping())
}

/// An answer whose connection closes after the headers.
fn cut() -> Response<Body> {
    let dies = stream::once(async {
        // As in `Stream::chunk`: the headers leave while the body is pending.
        tokio::task::yield_now().await;
        Err::<Frame<Bytes>, _>(io::Error::other(DIES))
    });
    Response::new(StreamBody::new(Box::pin(dies)).boxed())
}

const DIES: &str = "the practice script dies here";
const FAILS: &str = "the practice script fails here";

/// Where a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Tokens,
    Die,
    Over,
}

/// A stream under way. When the client goes, hyper drops it, and the ticket cancels the task.
struct Stream {
    ticket: Ticket,
    frames: Frames,
    script: Script,
    ping: std::time::Duration,
    step: Step,
}

/// Headers leave now, at the beginning of the prefill; frames follow.
fn streamed(stream: Stream) -> Response<Body> {
    let frames = stream::unfold(stream, |mut stream| async move {
        let chunk = stream.chunk().await?;
        Some((chunk.map(|bytes| Frame::data(Bytes::from(bytes))), stream))
    });
    let mut answer = Response::new(StreamBody::new(Box::pin(frames)).boxed());
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    answer
}

impl Stream {
    /// The next bytes; an error closes the connection, `None` ends the stream properly.
    async fn chunk(&mut self) -> Option<io::Result<Vec<u8>>> {
        loop {
            match self.step {
                Step::Tokens => {}
                Step::Die => {
                    self.step = Step::Over;
                    // hyper throws away what it holds back when a body fails; while the body is
                    // pending, it sends it.
                    tokio::task::yield_now().await;
                    return Some(Err(io::Error::other(DIES)));
                }
                Step::Over => return None,
            }
            let Ok(notice) = tokio::time::timeout(self.ping, self.ticket.next()).await else {
                return Some(Ok(b":\n\n".to_vec()));
            };
            let bytes = match notice {
                Some(Notice::Written(n)) => self.token(n),
                Some(Notice::Finished { written, stop }) => {
                    self.step = Step::Over;
                    self.frames.end(written, stop).into_bytes()
                }
                Some(Notice::Started { .. }) => Vec::new(),
                Some(Notice::TooLong { .. }) | None => {
                    self.step = Step::Over;
                    return Some(Err(io::Error::other("the practice server is stopping")));
                }
            };
            if !bytes.is_empty() {
                return Some(Ok(bytes));
            }
        }
    }

    /// The bytes of written token `n`, counted from 1, and what the script makes of them.
    fn token(&mut self, n: u64) -> Vec<u8> {
        let frames = |stream: &mut Self| {
            let at = usize::try_from(n - 1).unwrap_or(usize::MAX);
            stream.frames.token(at).into_bytes()
        };
        match self.script {
            Script::Die(after) if n > after => {
                self.step = Step::Die;
                Vec::new()
            }
            Script::ErrorEvent(after) if n > after => {
                self.step = Step::Over;
                wire::error_frame(FAILS).into_bytes()
            }
            Script::Garbage(after) if n == after + 1 => {
                let mut bytes = GARBAGE.to_vec();
                bytes.extend(frames(self));
                bytes
            }
            Script::Normal
            | Script::ServerError
            | Script::Overflow
            | Script::Slow(_)
            | Script::Leak
            | Script::LeakText
            | Script::RestoreLies
            | Script::Die(_)
            | Script::Garbage(_)
            | Script::ErrorEvent(_) => frames(self),
        }
    }
}
