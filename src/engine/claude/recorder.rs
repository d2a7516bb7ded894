//! A listener that answers Claude Code with next to nothing and hands over what it was asked.

use std::{convert::Infallible, io};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    HeaderMap, Request, Response,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};

use crate::{
    domain::RequestKind,
    engine::proxy::{body::Body, classify},
};

/// Most bytes of a request's body.
const MAX_BODY: usize = 64 << 20;

/// One request to the model.
#[derive(Debug, Clone)]
pub(super) struct Recorded {
    /// Path and query.
    pub target: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// A recording under way; it stops when this is dropped.
#[derive(Debug)]
pub(super) struct Recording(AbortHandle);

impl Drop for Recording {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Answers on `listener` and hands over every main request of a conversation.
pub(super) fn record(
    listener: std::net::TcpListener,
    found: mpsc::Sender<Recorded>,
) -> io::Result<Recording> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let task = tokio::spawn(async move {
        // Dropped with this task, and with it every connection.
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let found = found.clone();
            connections.spawn(async move {
                let service = service_fn(move |request| answer(request, found.clone()));
                // How the connection ends is of no interest here.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok(Recording(task.abort_handle()))
}

async fn answer(
    request: Request<Incoming>,
    found: mpsc::Sender<Recorded>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let target = head.uri.path_and_query().map_or("/", |t| t.as_str()).to_owned();
    let path = head.uri.path();
    if path != "/v1/messages" {
        let counted = path.ends_with("/count_tokens");
        let text = if counted { r#"{"input_tokens":1}"# } else { "{}" };
        return Ok(reply("application/json", text.to_owned()));
    }
    let Ok(body) =
        Limited::new(body, MAX_BODY).collect().await.map(http_body_util::Collected::to_bytes)
    else {
        return Ok(reply("application/json", "{}".to_owned()));
    };
    let (main, stream) = read(&body);
    if main {
        let recorded = Recorded { target, headers: head.headers, body };
        // Only the first is wanted; nobody waits for another.
        let _ = found.try_send(recorded);
    }
    Ok(if stream {
        reply("text/event-stream", events())
    } else {
        reply("application/json", message("ok").to_string())
    })
}

/// Whether it opens a conversation, and whether the answer is to be streamed.
fn read(body: &[u8]) -> (bool, bool) {
    let Some(body) = std::str::from_utf8(body).ok().and_then(Body::read) else {
        return (false, false);
    };
    (classify::kind(&body, None) == RequestKind::Main, body.stream == Some(true))
}

fn reply(kind: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn message(text: &str) -> Value {
    let content = if text.is_empty() { json!([]) } else { json!([{"type": "text", "text": text}]) };
    json!({
        "id": "msg_recorder", "type": "message", "role": "assistant", "model": "recorder",
        "content": content, "stop_reason": if text.is_empty() { Value::Null } else { "end_turn".into() },
        "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 1},
    })
}

/// The smallest whole answer: one word, the end of the turn.
fn events() -> String {
    [
        json!({"type": "message_start", "message": message("")}),
        json!({"type": "content_block_start", "index": 0,
               "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0,
               "delta": {"type": "text_delta", "text": "ok"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
               "usage": {"output_tokens": 1}}),
        json!({"type": "message_stop"}),
    ]
    .iter()
    .map(|event| {
        format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default())
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_not_the_conversation() {
        let main = json!({"stream": true, "tools": [{"name": "Read"}],
                          "messages": [{"role": "user", "content": "hello"}]});
        assert_eq!(read(main.to_string().as_bytes()), (true, true));
        let title = json!({"system": "Write a title for this session",
                           "messages": [{"role": "user", "content": "hello"}]});
        assert_eq!(read(title.to_string().as_bytes()), (false, false));
        assert_eq!(read(b"\xff"), (false, false));
    }

    #[test]
    fn the_answer_is_whole() {
        let text = events();
        let names: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix("event: ")).collect();
        assert_eq!(names.first().copied(), Some("message_start"));
        assert_eq!(names.last().copied(), Some("message_stop"));
        for data in text.lines().filter_map(|l| l.strip_prefix("data: ")) {
            serde_json::from_str::<Value>(data).unwrap();
        }
    }
}
