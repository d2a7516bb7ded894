//! A model server whose every answer claims the usage the test wants.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

/// What the server was asked, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// A request of the conversation.
    Main,
    /// One for a summary.
    Compaction,
}

#[derive(Debug, Default)]
struct State {
    usage: u64,
    asked: Vec<Asked>,
    last: Option<Value>,
}

/// It looks like a llama-server with this window.
pub struct Scripted {
    pub url: String,
    state: Arc<Mutex<State>>,
}

impl Scripted {
    pub fn start(window: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State { usage: 4_000, ..State::default() }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let state = Arc::clone(&shared);
                thread::spawn(move || serve(&stream, window, &state));
            }
        });
        Self { url, state }
    }

    /// Tokens the next answers claim for prompt and answer together.
    pub fn claim(&self, usage: u64) {
        self.state.lock().unwrap().usage = usage;
    }

    /// What was asked since the last time.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.state.lock().unwrap().asked)
    }

    /// The last request of the conversation.
    pub fn last(&self) -> Option<Value> {
        self.state.lock().unwrap().last.clone()
    }
}

fn serve(stream: &TcpStream, window: u64, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut out = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let path = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
        let mut length = 0;
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header).unwrap_or(0) == 0 || header == "\r\n" {
                break;
            }
            if let Some((name, value)) = header.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let (kind, text) = answer(&path, &body, window, state);
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nserver: llama.cpp\r\ncontent-length: {}\r\n\r\n",
            text.len()
        );
        if out.write_all(head.as_bytes()).and_then(|()| out.write_all(text.as_bytes())).is_err() {
            return;
        }
    }
}

fn answer(path: &str, body: &[u8], window: u64, state: &Mutex<State>) -> (&'static str, String) {
    const JSON: &str = "application/json";
    let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    match path.split('?').next().unwrap_or_default() {
        "/v1/messages" => ("text/event-stream", message(&body, state)),
        "/v1/messages/count_tokens" => (JSON, json!({"input_tokens": 3_000}).to_string()),
        "/tokenize" => {
            let length = body["content"].as_str().map_or(0, str::len);
            (JSON, json!({"tokens": vec![1; length / 4]}).to_string())
        }
        "/props" => (
            JSON,
            json!({"default_generation_settings": {"n_ctx": window}, "total_slots": 1,
                   "model_path": "/models/scripted.gguf", "build_info": "b1"})
            .to_string(),
        ),
        "/health" => (JSON, json!({"status": "ok"}).to_string()),
        "/slots" => (
            JSON,
            json!([{"id": 0, "n_ctx": window, "is_processing": false, "id_task": -1}]).to_string(),
        ),
        "/v1/models" => (
            JSON,
            json!({"object": "list", "data": [{"id": "scripted", "object": "model",
                   "owned_by": "llamacpp", "meta": {"n_ctx": window, "n_ctx_train": window}}]})
            .to_string(),
        ),
        _ => (JSON, "{}".to_owned()),
    }
}

fn message(body: &Value, state: &Mutex<State>) -> String {
    let last = body["messages"].as_array().and_then(|m| m.last()).map(Value::to_string);
    let compaction = last.is_some_and(|text| text.contains("summary>"));
    let mut state = state.lock().unwrap();
    let usage = state.usage;
    let main = body["tools"].as_array().is_some_and(|tools| !tools.is_empty());
    if compaction {
        state.asked.push(Asked::Compaction);
        state.usage = 4_000;
    } else if main {
        state.asked.push(Asked::Main);
        state.last = Some(body.clone());
    }
    let text = if compaction {
        "<analysis>short</analysis>\n<summary>Words were said.</summary>".to_owned()
    } else {
        format!("said at {usage}")
    };
    let input = usage.saturating_sub(20);
    [
        json!({"type": "message_start", "message": {"id": format!("msg_{usage}"), "type": "message",
            "role": "assistant", "model": body["model"], "content": [], "stop_reason": null,
            "stop_sequence": null, "usage": {"input_tokens": input, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
               "usage": {"input_tokens": input, "output_tokens": 20}}),
        json!({"type": "message_stop"}),
    ]
    .iter()
    .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()))
    .collect()
}
