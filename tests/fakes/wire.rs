//! HTTP by hand: one request a connection.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::{Value, json};

use super::{ANSWER, Core, Kind, dialect, pages, rendered, tokens};

pub fn answer(mut stream: TcpStream, core: &Core, child: bool) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok()).flatten()
    });
    let mut body = vec![0; length.unwrap_or(0)];
    if stream.read_exact(&mut body).is_err() {
        return;
    }
    let target = head.split(' ').nth(1).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    match path {
        "/v1/messages" if !child && core.kind != Kind::Llamafile093 => {
            messages(stream, core, &body);
        }
        "/v1/chat/completions" if core.kind == Kind::Llamafile093 => {
            completions(stream, core, &body);
        }
        "/v1/messages/count_tokens" if !child && counts(core.kind) => {
            let count = json!({ "input_tokens": tokens(&rendered(&body)) });
            send(&mut stream, core.kind, 200, &count.to_string());
        }
        _ => {
            let (status, page) = pages::page(core, path, child);
            send(&mut stream, core.kind, status, &page);
        }
    }
}

const fn counts(kind: Kind) -> bool {
    matches!(kind, Kind::LlamaServer | Kind::Vllm | Kind::Sglang)
}

fn send(stream: &mut TcpStream, kind: Kind, status: u16, body: &str) {
    let server = pages::server(kind).map(|s| format!("Server: {s}\r\n")).unwrap_or_default();
    let _ = write!(
        stream,
        "HTTP/1.1 {status} X\r\n{server}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}

/// The OpenAI path of the old llamafile: the answer in chunks, the usage with the last of them.
fn completions(mut stream: TcpStream, core: &Core, body: &Value) {
    let truth = core.read(body);
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    let _ = stream.write_all(head.as_bytes());
    let chunk = |delta: Value, finish: Value| {
        json!({
            "object": "chat.completion.chunk", "id": "chatcmpl-1", "model": "LLaMA_CPP",
            "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }],
        })
    };
    let mut last = chunk(json!({}), json!("stop"));
    last["usage"] = json!({
        "prompt_tokens": truth.total, "completion_tokens": truth.output,
        "total_tokens": truth.total + truth.output,
    });
    for frame in [chunk(json!({ "role": "assistant", "content": ANSWER }), Value::Null), last] {
        let _ = write!(stream, "data: {frame}\n\n");
    }
    let _ = stream.write_all(b"data: [DONE]\n\n");
    core.answered();
}

fn messages(mut stream: TcpStream, core: &Core, body: &Value) {
    const HEAD: &str =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    // llama.cpp alone answers before the prompt is read.
    let early = matches!(core.kind, Kind::LlamaServer | Kind::LlamaSwap);
    if early {
        let _ = stream.write_all(HEAD.as_bytes());
    }
    let truth = core.read(body);
    let (start, end) = dialect::usage(core.kind, &truth);
    let frames = [
        json!({ "type": "message_start", "message": {
            "id": "m", "type": "message", "role": "assistant", "content": [], "model": "m",
            "stop_reason": null, "usage": start,
        }}),
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": ANSWER } }),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn" }, "usage": end }),
        json!({ "type": "message_stop" }),
    ];
    if !early {
        let _ = stream.write_all(HEAD.as_bytes());
    }
    for frame in frames {
        let kind = frame["type"].as_str().unwrap_or_default();
        let _ = write!(stream, "event: {kind}\ndata: {frame}\n\n");
    }
    core.answered();
}
