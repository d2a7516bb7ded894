//! One call at the director: passed on as it is, or read in earnest and answered from the script.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    Request, Response, StatusCode,
    body::{Frame, Incoming},
    header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, TRANSFER_ENCODING},
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{
    director::{House, Piece, lock, usage},
    record::{Kind, Record},
    script::{self, Answer},
};

type Reply = Response<BoxBody<Bytes, Infallible>>;

/// Answers one call.
pub async fn answer(house: Arc<House>, call: Request<Incoming>) -> Result<Reply, Infallible> {
    let (head, body) = call.into_parts();
    let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
        return Ok(whole(StatusCode::BAD_REQUEST, Bytes::new()));
    };
    let target = head.uri.path_and_query().map_or("/", |t| t.as_str()).to_owned();
    let mut onward = house.client.request(head.method.clone(), house.url(&target));
    for (name, value) in &head.headers {
        if ![HOST, CONTENT_LENGTH, TRANSFER_ENCODING, hyper::header::CONNECTION].contains(name) {
            onward = onward.header(name, value);
        }
    }
    let message = head.method == hyper::Method::POST && head.uri.path() == "/v1/messages";
    let parsed = message.then(|| serde_json::from_slice::<Value>(&body).ok()).flatten();
    let Some(parsed) = parsed else {
        let sent = onward.body(body).send().await;
        return Ok(pass_on(sent));
    };
    let id = house.open(parsed.clone(), body.len());
    // A client that goes away before the head of the answer takes this future with it.
    let _left = Left { house: Arc::clone(&house), id };
    let (kind, streams) = (lock(&house.book).requests[id].kind, parsed["stream"] == true);
    let mut asked = parsed;
    if kind != Kind::Warm {
        asked["max_tokens"] = json!(1);
        asked["stream"] = json!(true);
    }
    let sent = onward.body(asked.to_string()).send().await;
    let upstream = match sent {
        Ok(upstream) => upstream,
        Err(error) => {
            house.note(id, |r, _| r.status = Some(502));
            return Ok(down(&error));
        }
    };
    let status = upstream.status();
    house.note(id, |r, _| r.status = Some(status.as_u16()));
    if kind == Kind::Warm || status != StatusCode::OK {
        return Ok(watched(house, id, upstream));
    }
    let (tell, said) = mpsc::channel(16);
    let model = asked["model"].clone();
    tokio::spawn(read_and_answer(Arc::clone(&house), id, upstream, model, streams, tell));
    if streams {
        return Ok(streamed(StatusCode::OK, "text/event-stream", said));
    }
    let mut said = said;
    let mut text = Vec::new();
    while let Some(Ok(frame)) = said.recv().await {
        text.extend(frame.into_data().unwrap_or_default());
    }
    Ok(whole(StatusCode::OK, text.into()))
}

/// Notes on a request that was left before the server answered that it was.
struct Left {
    house: Arc<House>,
    id: usize,
}

impl Drop for Left {
    fn drop(&mut self) {
        if lock(&self.house.book).requests[self.id].status.is_none() {
            self.house.note(self.id, |r, _| r.status = Some(499));
        }
    }
}

/// Follows the server's answer to its end, then says the scripted one. When the client has gone
/// the upstream's connection is closed at once.
async fn read_and_answer(
    house: Arc<House>,
    id: usize,
    mut upstream: reqwest::Response,
    model: Value,
    streams: bool,
    tell: mpsc::Sender<Piece>,
) {
    let mut seen = Seen::default();
    loop {
        let chunk = tokio::select! {
            () = tell.closed() => {
                house.note(id, |r, _| r.status = Some(499));
                return;
            }
            chunk = upstream.chunk() => chunk,
        };
        match chunk {
            Ok(Some(chunk)) => {
                seen.feed(&chunk);
                if seen.first {
                    house.note(id, |r, since| seen.write(r, since));
                } else if streams && seen.silent() {
                    // Pings and comments of the server, as it sends them.
                    let _ = tell.send(Ok(Frame::data(chunk))).await;
                }
            }
            Ok(None) => break,
            Err(_) => {
                house.note(id, |r, _| r.status = Some(502));
                return;
            }
        }
    }
    let record = lock(&house.book).requests[id].clone();
    if !seen.first {
        house.note(id, |r, _| r.status = Some(500));
        let _ = tell.send(piece(seen.text)).await;
        return;
    }
    let answer = scripted(&house, &record);
    let written = count(&house, &answer.written()).await;
    house.note(id, |r, since| {
        r.calls = answer.calls.len();
        r.end_s = Some(since);
    });
    let text = if streams {
        Answer::head(id, &model, &usage(&record, 0)) + &answer.rest(id, written)
    } else {
        answer.message(id, &model, &usage(&record, written)).to_string()
    };
    let _ = tell.send(piece(text)).await;
}

fn piece(text: String) -> Piece {
    Ok(Frame::data(Bytes::from(text)))
}

fn scripted(house: &House, record: &Record) -> Answer {
    match (record.kind, record.step) {
        (Kind::Main, Some(step)) => {
            let script = Arc::clone(&lock(&house.script));
            script(step, record.results)
        }
        (Kind::Compaction, step) => script::summary(step.unwrap_or(0)),
        (Kind::Side, _) => script::title(),
        (Kind::Main | Kind::Warm | Kind::Other, _) => Answer::text("ok"),
    }
}

/// Tokens of a text by the server's tokenizer; 1 where it does not say.
async fn count(house: &House, text: &str) -> u64 {
    let sent = house.client.post(house.url("/tokenize")).json(&json!({"content": text}));
    let tokens = async { sent.send().await.ok()?.json::<Value>().await.ok() }.await;
    tokens.and_then(|t| t["tokens"].as_array().map(|t| t.len() as u64)).unwrap_or(1)
}

/// What the events of the server's answer told so far.
#[derive(Default)]
struct Seen {
    text: String,
    start: Option<Value>,
    /// The first token came.
    first: bool,
}

impl Seen {
    fn feed(&mut self, chunk: &[u8]) {
        self.text += &String::from_utf8_lossy(chunk);
        let lines = self.text.lines().filter_map(|line| line.strip_prefix("data: "));
        for event in lines.filter_map(|data| serde_json::from_str::<Value>(data).ok()) {
            match event["type"].as_str() {
                Some("message_start") => self.start = Some(event["message"]["usage"].clone()),
                Some("content_block_start" | "content_block_delta" | "message_delta") => {
                    self.first = true;
                }
                Some(_) | None => {}
            }
        }
    }

    /// Nothing but signs of life yet.
    fn silent(&self) -> bool {
        self.start.is_none()
    }

    fn write(&self, record: &mut Record, since: f64) {
        if record.first_s.is_some() {
            return;
        }
        record.first_s = Some(since);
        record.take_usage(self.start.as_ref().unwrap_or(&Value::Null));
    }
}

/// Passes a `/v1/messages` answer on as it is, and takes its usage.
fn watched(house: Arc<House>, id: usize, mut upstream: reqwest::Response) -> Reply {
    let (tell, said) = mpsc::channel(16);
    let (status, kind) = (upstream.status(), content_type(&upstream));
    tokio::spawn(async move {
        let mut seen = Seen::default();
        while let Some(chunk) = tokio::select! {
            () = tell.closed() => None,
            chunk = upstream.chunk() => chunk.ok().flatten(),
        } {
            seen.feed(&chunk);
            if seen.first {
                house.note(id, |r, since| seen.write(r, since));
            }
            let _ = tell.send(Ok(Frame::data(chunk))).await;
        }
        let plain = serde_json::from_str::<Value>(&seen.text).unwrap_or_default();
        house.note(id, |r, since| {
            if tell.is_closed() {
                r.status = Some(499);
            }
            if plain["usage"].is_object() {
                r.first_s = Some(since);
                r.take_usage(&plain["usage"]);
            }
            r.end_s = Some(since);
        });
    });
    streamed(status, &kind, said)
}

/// Passes any other answer on as it is.
fn pass_on(sent: Result<reqwest::Response, reqwest::Error>) -> Reply {
    let mut upstream = match sent {
        Ok(upstream) => upstream,
        Err(error) => return down(&error),
    };
    let (tell, said) = mpsc::channel(16);
    let (status, kind) = (upstream.status(), content_type(&upstream));
    // What lcc tells the server and its start by.
    let marks: Vec<_> = ["server", "process-start-time-unix"]
        .into_iter()
        .filter_map(|name| Some((name, upstream.headers().get(name)?.clone())))
        .collect();
    tokio::spawn(async move {
        while let Some(chunk) = tokio::select! {
            () = tell.closed() => None,
            chunk = upstream.chunk() => chunk.ok().flatten(),
        } {
            let _ = tell.send(Ok(Frame::data(chunk))).await;
        }
    });
    let mut reply = streamed(status, &kind, said);
    for (name, value) in marks {
        reply.headers_mut().insert(HeaderName::from_static(name), value);
    }
    reply
}

fn content_type(upstream: &reqwest::Response) -> String {
    let kind = upstream.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
    kind.unwrap_or("application/json").to_owned()
}

fn streamed(status: StatusCode, kind: &str, said: mpsc::Receiver<Piece>) -> Reply {
    let stream = futures_util::stream::unfold(said, |mut said| async move {
        let piece = said.recv().await?;
        Some((piece, said))
    });
    reply(status, kind, BodyExt::boxed(StreamBody::new(Box::pin(stream))))
}

/// The answer of a server that is not there.
fn down(error: &reqwest::Error) -> Reply {
    let said =
        json!({"type": "error", "error": {"type": "api_error", "message": error.to_string()}});
    whole(StatusCode::BAD_GATEWAY, said.to_string().into())
}

fn whole(status: StatusCode, body: Bytes) -> Reply {
    reply(status, "application/json", Full::new(body).boxed())
}

fn reply(status: StatusCode, kind: &str, body: BoxBody<Bytes, Infallible>) -> Reply {
    let built = Response::builder().status(status).header(CONTENT_TYPE, kind).body(body);
    built.expect("a status and a content type make an answer")
}
