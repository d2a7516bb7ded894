//! llama-server's frames and bodies for `/v1/messages` and its errors.
//!
//! Shapes as a real llama-server (b11434) sends them: a block starts with its first token, all
//! blocks stop at the end of the message, `tool_use` starts without an `input`, and
//! `message_start` comes with the first token. `input_tokens` leaves the cached tokens out.

use serde_json::{Value, json};

use super::answer::{Answer, Shows, Step};
use super::machine::Stop;

/// The one model name the server knows.
pub const MODEL: &str = "practice";

/// Writes the frames of one streamed answer.
#[derive(Debug)]
pub struct Frames {
    answer: Answer,
    steps: Vec<Step>,
    id: String,
    cached: u64,
    read: u64,
    /// The open blocks in order of their index: thinking, text, calls.
    thinking: Option<usize>,
    text: Option<usize>,
    calls: Vec<usize>,
}

fn frame(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

fn delta(index: usize, delta: &Value) -> String {
    let data = json!({"type": "content_block_delta", "index": index, "delta": delta});
    frame("content_block_delta", &data)
}

fn begin(index: usize, block: &Value) -> String {
    let data = json!({"type": "content_block_start", "index": index, "content_block": block});
    frame("content_block_start", &data)
}

impl Frames {
    /// The frames of `answer` to the request of task `task`, whose prompt was `cached` tokens in
    /// the slot and `read` tokens besides.
    #[must_use]
    pub fn new(answer: Answer, task: u64, cached: u64, read: u64) -> Self {
        Self {
            steps: answer.steps(),
            answer,
            id: message_id(task),
            cached,
            read,
            thinking: None,
            text: None,
            calls: Vec::new(),
        }
    }

    fn open_blocks(&self) -> usize {
        usize::from(self.thinking.is_some()) + usize::from(self.text.is_some()) + self.calls.len()
    }

    /// The frames that token `n` (counted from 0) brings.
    pub fn token(&mut self, n: usize) -> String {
        let mut out = String::new();
        if n == 0 {
            let message = json!({
                "id": self.id, "type": "message", "role": "assistant", "content": [],
                "model": MODEL, "stop_reason": null, "stop_sequence": null,
                "usage": {
                    "cache_read_input_tokens": self.cached,
                    "input_tokens": self.read,
                    "output_tokens": 0,
                },
            });
            out += &frame("message_start", &json!({"type": "message_start", "message": message}));
        }
        let next = self.open_blocks();
        let Some(step) = self.steps.get(n) else { return out };
        match &step.shows {
            Shows::Nothing => {}
            Shows::Thinking(piece) => {
                let index = *self.thinking.get_or_insert_with(|| {
                    out += &begin(next, &json!({"type": "thinking", "thinking": ""}));
                    next
                });
                out += &delta(index, &json!({"type": "thinking_delta", "thinking": piece}));
            }
            Shows::Text(piece) => {
                let index = *self.text.get_or_insert_with(|| {
                    out += &begin(next, &json!({"type": "text", "text": ""}));
                    next
                });
                out += &delta(index, &json!({"type": "text_delta", "text": piece}));
            }
            Shows::CallBegins(call) => {
                if let Some(call) = self.answer.calls.get(*call) {
                    let block = json!({"type": "tool_use", "id": call.id, "name": call.name});
                    out += &begin(next, &block);
                }
                self.calls.push(next);
            }
            Shows::Input(call, piece) => {
                let index = self.calls.get(*call).copied().unwrap_or_default();
                let fragment = json!({"type": "input_json_delta", "partial_json": piece});
                out += &delta(index, &fragment);
            }
        }
        out
    }

    /// The frames that end the stream after `written` tokens.
    #[must_use]
    pub fn end(&self, written: u64, stop: Stop) -> String {
        let mut out = String::new();
        let close = |index: usize| {
            frame("content_block_stop", &json!({"type": "content_block_stop", "index": index}))
        };
        if let Some(index) = self.thinking {
            out += &delta(index, &json!({"type": "signature_delta", "signature": ""}));
            out += &close(index);
        }
        for index in self.text.iter().chain(&self.calls) {
            out += &close(*index);
        }
        let stop = stop_reason(&self.answer, stop);
        let data = json!({
            "type": "message_delta",
            "delta": {"stop_reason": stop, "stop_sequence": null},
            "usage": {"output_tokens": written},
        });
        out += &frame("message_delta", &data);
        out += &frame("message_stop", &json!({"type": "message_stop"}));
        out
    }

    /// The whole message, for a request without `stream`.
    #[must_use]
    pub fn message(&self, written: u64, stop: Stop) -> Value {
        let (mut thinking, mut text, mut content) = (String::new(), String::new(), Vec::new());
        let mut calls = 0;
        for step in self.steps.iter().take(usize::try_from(written).unwrap_or(usize::MAX)) {
            match &step.shows {
                Shows::Thinking(piece) => thinking += piece,
                Shows::Text(piece) => text += piece,
                Shows::CallBegins(call) => calls = call + 1,
                Shows::Nothing | Shows::Input(..) => {}
            }
        }
        if !thinking.is_empty() {
            content.push(json!({"type": "thinking", "thinking": thinking, "signature": ""}));
        }
        if !text.is_empty() {
            content.push(json!({"type": "text", "text": text}));
        }
        for call in self.answer.calls.iter().take(calls) {
            let (id, name, input) = (&call.id, &call.name, &call.input);
            content.push(json!({"type": "tool_use", "id": id, "name": name, "input": input}));
        }
        json!({
            "id": self.id, "type": "message", "role": "assistant", "content": content,
            "model": MODEL, "stop_reason": stop_reason(&self.answer, stop), "stop_sequence": null,
            "usage": {
                "cache_read_input_tokens": self.cached,
                "input_tokens": self.read,
                "output_tokens": written,
            },
        })
    }
}

fn message_id(task: u64) -> String {
    format!("practice-{task:08}")
}

fn stop_reason(answer: &Answer, stop: Stop) -> &'static str {
    match stop {
        Stop::Length => "max_tokens",
        Stop::End if answer.calls.is_empty() => "end_turn",
        Stop::End => "tool_use",
    }
}

/// The frame of an error in mid-stream.
#[must_use]
pub fn error_frame(message: &str) -> String {
    frame("error", &json!({"code": 500, "message": message, "type": "server_error"}))
}

/// The body of an error before the stream: not Anthropic's envelope, as on llama-server.
#[must_use]
pub fn error(code: u16, kind: &str, message: &str) -> Value {
    json!({"error": {"code": code, "message": message, "type": kind}})
}

/// The body for a prompt of `total` tokens that does not fit `window`.
#[must_use]
pub fn too_long(total: u64, window: u64) -> Value {
    json!({"error": {
        "code": 400,
        "message": format!(
            "request ({total} tokens) exceeds the available context size ({window} tokens), try increasing it"
        ),
        "type": "exceed_context_size_error",
        "n_prompt_tokens": total,
        "n_ctx": window,
    }})
}

#[cfg(test)]
mod tests {
    use super::super::answer::Call;
    use super::*;

    fn answer() -> Answer {
        Answer {
            thinking: "hm".to_owned(),
            text: "I look".to_owned(),
            calls: vec![Call {
                id: "t".to_owned(),
                name: "Bash".to_owned(),
                input: json!({"command": "ls"}),
            }],
        }
    }

    #[test]
    fn a_stream_has_the_frames_of_the_real_server() {
        let mut frames = Frames::new(answer(), 3, 2048, 6144);
        let mut stream = String::new();
        let count = answer().steps().len();
        for n in 0..count {
            stream += &frames.token(n);
        }
        stream += &frames.end(count as u64, Stop::End);
        insta::assert_snapshot!(stream);
    }

    #[test]
    fn a_cut_message_says_max_tokens() {
        let frames = Frames::new(answer(), 0, 0, 9);
        let message = frames.message(4, Stop::Length);
        assert_eq!(message["stop_reason"], "max_tokens");
        assert_eq!(
            message["content"],
            json!([
                {"type": "thinking", "thinking": "hm", "signature": ""},
                {"type": "text", "text": "I"},
            ])
        );
        assert_eq!(message["usage"]["output_tokens"], 4);
        let whole = frames.message(99, Stop::End);
        assert_eq!(whole["stop_reason"], "tool_use");
        assert_eq!(whole["content"][2]["input"], json!({"command": "ls"}));
    }

    #[test]
    fn errors_have_the_bodies_of_the_real_server() {
        assert_eq!(
            too_long(40_000, 32_768).to_string(),
            r#"{"error":{"code":400,"message":"request (40000 tokens) exceeds the available context size (32768 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":40000,"n_ctx":32768}}"#
        );
        assert!(error_frame("x").starts_with("event: error\ndata: {\"code\":500,"));
    }
}
