//! The answer to a client that must not think the server dead: a head and `event: ping` while a
//! prompt is being read, pings again wherever an answer falls silent.
//!
//! A server that has said nothing for a while may still refuse. Its status can then no longer be
//! an HTTP status: it becomes an `error` event. What is worth another try is told as
//! `overloaded_error`, which Claude Code repeats as it is; at any other error in a stream it asks
//! once more without a stream and then sees the server's own status.

use std::{fmt, io, pin::Pin, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, stream};
use http_body_util::BodyExt as _;
use hyper::{
    HeaderMap, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue},
};
use tokio::time::timeout;

use super::{answers::envelope, frame, handle::form, passage::ReplyBody, tap::Form, whole};

/// The event that says that the connection is alive.
const PING: &[u8] = b"event: ping\ndata: {\"type\": \"ping\"}\n\n";
/// Most bytes that are read of an answer which is no stream.
const MAX_WHOLE: usize = 16 << 20;

/// A body that is made piece by piece.
pub struct Pieces(Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>);

impl Pieces {
    /// The pieces of a stream.
    pub(super) fn new(pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        Self(Box::pin(pieces))
    }

    /// The pieces themselves.
    pub(super) fn stream(
        &mut self,
    ) -> Pin<&mut (dyn Stream<Item = io::Result<Bytes>> + Send + 'static)> {
        self.0.as_mut()
    }
}

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pieces")
    }
}

type Answer = Pin<Box<dyn Future<Output = Response<ReplyBody>> + Send>>;

/// Waits for `answer`, and from `every` on does not let the client wait in silence. `streams`:
/// whether the client asked for events; it is asked only when it matters.
pub(super) async fn patiently(
    answer: impl Future<Output = Response<ReplyBody>> + Send + 'static,
    every: Duration,
    streams: impl FnOnce() -> bool,
) -> Response<ReplyBody> {
    if every.is_zero() {
        return answer.await;
    }
    let mut answer: Answer = Box::pin(answer);
    let stage = match timeout(every, &mut answer).await {
        Ok(reply) => {
            let (head, body) = reply.into_parts();
            if !is_open_stream(head.status, &head.headers) {
                return Response::from_parts(head, body);
            }
            return Response::from_parts(head, pieces(every, Stage::Passing(body)));
        }
        Err(_silent) if !streams() => return answer.await,
        Err(_silent) => Stage::Waiting(answer),
    };
    let mut reply = Response::new(pieces(every, stage));
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    reply
}

/// A stream of events into which more may be put: its length is not told.
fn is_open_stream(status: StatusCode, headers: &HeaderMap) -> bool {
    status.is_success() && form(headers) == Form::Stream && !headers.contains_key(CONTENT_LENGTH)
}

fn pieces(every: Duration, stage: Stage) -> ReplyBody {
    // The first ping goes with the head: the client has waited long enough.
    let due = matches!(stage, Stage::Waiting(_));
    let course = Course { stage, every, due, seam: Seam::default() };
    ReplyBody::Pieces(Pieces::new(stream::unfold(course, |mut course| async move {
        let piece = course.next().await?;
        Some((piece, course))
    })))
}

enum Stage {
    /// The server has not answered.
    Waiting(Answer),
    /// Its stream passes.
    Passing(ReplyBody),
    Over,
}

struct Course {
    stage: Stage,
    every: Duration,
    due: bool,
    seam: Seam,
}

impl Course {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            if std::mem::take(&mut self.due) {
                return Some(Ok(Bytes::from_static(PING)));
            }
            match &mut self.stage {
                Stage::Waiting(answer) => match timeout(self.every, answer).await {
                    Err(_silent) => self.due = true,
                    Ok(reply) => {
                        if let Some(last) = self.arrived(reply).await {
                            return Some(Ok(last));
                        }
                    }
                },
                Stage::Passing(body) => match timeout(self.every, body.frame()).await {
                    Err(_silent) => self.due = self.seam.is_between_events(),
                    Ok(Some(Ok(frame))) => {
                        if let Ok(data) = frame.into_data() {
                            self.seam.pass(&data);
                            return Some(Ok(data));
                        }
                    }
                    Ok(Some(Err(error))) => {
                        self.stage = Stage::Over;
                        return Some(Err(error));
                    }
                    Ok(None) => self.stage = Stage::Over,
                },
                Stage::Over => return None,
            }
        }
    }

    /// The server has answered after all: goes on with its stream, or gives the last piece.
    async fn arrived(&mut self, reply: Response<ReplyBody>) -> Option<Bytes> {
        let (head, body) = reply.into_parts();
        if head.status.is_success() && form(&head.headers) == Form::Stream {
            self.stage = Stage::Passing(body);
            return None;
        }
        self.stage = Stage::Over;
        let body = collect(body).await;
        let text = String::from_utf8_lossy(&body);
        let events = if head.status.is_success() { whole::events(&text) } else { None };
        Some(Bytes::from(events.unwrap_or_else(|| late_error(head.status.as_u16(), &text))))
    }
}

async fn collect(mut body: ReplyBody) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        if let Some(data) = frame.data_ref() {
            all.extend_from_slice(data);
        }
        if all.len() > MAX_WHOLE {
            break;
        }
    }
    all
}

/// A refusal whose status came too late, as an event.
fn late_error(status: u16, body: &str) -> String {
    let (kind, message) = frame::error(body).unwrap_or_else(|| {
        let said = body.trim();
        let said = if said.is_empty() { "it gave no explanation" } else { said };
        (None, format!("the model server answered {status}: {}", super::words::shorten(said)))
    });
    let kind = match status {
        // Worth another try: full, ill, gone, restarting.
        408 | 409 | 429 | 500.. => "overloaded_error".to_owned(),
        401 => "authentication_error".to_owned(),
        403 => "permission_error".to_owned(),
        404 => "not_found_error".to_owned(),
        413 => "request_too_large".to_owned(),
        200..300 => "api_error".to_owned(),
        _ => kind.unwrap_or_else(|| "invalid_request_error".to_owned()),
    };
    format!("event: error\ndata: {}\n\n", envelope(&kind, &message))
}

/// Whether a stream stands between two events, where another one may be put.
#[derive(Debug, Default)]
struct Seam {
    /// The last two line ends, `\r` left out; or anything else.
    last: [u8; 2],
    begun: bool,
}

impl Seam {
    fn pass(&mut self, bytes: &[u8]) {
        self.begun |= !bytes.is_empty();
        let mut ends = bytes.iter().rev().filter(|b| **b != b'\r').copied();
        match (ends.next(), ends.next()) {
            (Some(last), Some(before)) => self.last = [before, last],
            (Some(last), None) => self.last = [self.last[1], last],
            (None, _) => {}
        }
    }

    fn is_between_events(&self) -> bool {
        !self.begun || self.last == *b"\n\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ping_stands_between_events_only() {
        let table = [
            ("", true),
            ("event: x\n", false),
            ("event: x\ndata: {}\n\n", true),
            ("event: x\r\ndata: {}\r\n\r\n", true),
            ("event: x\r\ndata: {}\r\n", false),
            (": keep-alive\n\n", true),
            (": keep-alive\n", false),
        ];
        for (text, between) in table {
            // However it is cut.
            for size in 1..=text.len().max(1) {
                let mut seam = Seam::default();
                text.as_bytes().chunks(size).for_each(|piece| seam.pass(piece));
                assert_eq!(seam.is_between_events(), between, "{text:?} by {size}");
            }
        }
    }

    #[test]
    fn a_late_refusal_says_whether_another_try_is_worth_it() {
        let envelope = r#"{"type":"error","error":{"type":"rate_limit_error","message":"full"}}"#;
        let long = r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 5 tokens > 4 maximum"}}"#;
        let table = [
            (429, envelope, "overloaded_error", "full"),
            (503, "", "overloaded_error", "the model server answered 503: it gave no explanation"),
            (400, long, "invalid_request_error", "prompt is too long: 5 tokens > 4 maximum"),
            (404, "404 page not found", "not_found_error", "answered 404: 404 page not found"),
            (400, "what?", "invalid_request_error", "answered 400: what?"),
        ];
        for (status, body, kind, message) in table {
            let event = late_error(status, body);
            let data = event.strip_prefix("event: error\ndata: ").unwrap().trim_end();
            assert_eq!(frame::error(data).unwrap().0.as_deref(), Some(kind), "{status}");
            assert!(event.contains(message), "{event}");
            assert!(event.ends_with("\n\n"));
        }
    }
}
