//! What the scripted model answers, as Anthropic's frames or as one message.

use serde_json::{Value, json};

/// One tool call.
#[derive(Debug, Clone)]
pub struct Call {
    pub name: &'static str,
    pub input: Value,
}

/// An answer: text, then calls.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub text: String,
    pub calls: Vec<Call>,
}

impl Answer {
    /// Words alone: the turn ends.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), calls: Vec::new() }
    }

    /// One call: the turn goes on.
    pub fn call(name: &'static str, input: Value) -> Self {
        Self { text: "I look at it.".to_owned(), calls: vec![Call { name, input }] }
    }

    /// What the model would have written, to count its tokens.
    pub fn written(&self) -> String {
        let mut text = self.text.clone();
        for call in &self.calls {
            text += &json!({"name": call.name, "arguments": call.input}).to_string();
        }
        text
    }

    fn stop_reason(&self) -> &'static str {
        if self.calls.is_empty() { "end_turn" } else { "tool_use" }
    }

    fn blocks(&self, id: usize) -> Vec<Value> {
        let mut blocks = vec![json!({"type": "text", "text": self.text})];
        for (n, call) in self.calls.iter().enumerate() {
            blocks.push(json!({
                "type": "tool_use", "id": format!("toolu_{id:06}_{n}"),
                "name": call.name, "input": call.input,
            }));
        }
        blocks
    }

    /// The whole message, for a client that did not ask for a stream.
    pub fn message(&self, id: usize, model: &Value, usage: &Value) -> Value {
        json!({
            "id": format!("msg_{id:06}"), "type": "message", "role": "assistant", "model": model,
            "content": self.blocks(id), "stop_reason": self.stop_reason(),
            "stop_sequence": null, "usage": usage,
        })
    }

    /// The frames that come with the first token.
    pub fn head(id: usize, model: &Value, usage: &Value) -> String {
        let message = json!({
            "id": format!("msg_{id:06}"), "type": "message", "role": "assistant", "model": model,
            "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage,
        });
        frame("message_start", &json!({"type": "message_start", "message": message}))
    }

    /// All frames after it.
    pub fn rest(&self, id: usize, output_tokens: u64) -> String {
        let mut out = String::new();
        for (index, block) in self.blocks(id).into_iter().enumerate() {
            let (start, delta) = if block["type"] == "text" {
                let delta = json!({"type": "text_delta", "text": block["text"]});
                (json!({"type": "text", "text": ""}), delta)
            } else {
                let input = block["input"].to_string();
                let delta = json!({"type": "input_json_delta", "partial_json": input});
                let mut start = block.clone();
                start["input"] = json!({});
                (start, delta)
            };
            let named = |kind: &str| json!({"type": kind, "index": index});
            let mut begin = named("content_block_start");
            begin["content_block"] = start;
            out += &frame("content_block_start", &begin);
            let mut more = named("content_block_delta");
            more["delta"] = delta;
            out += &frame("content_block_delta", &more);
            out += &frame("content_block_stop", &named("content_block_stop"));
        }
        let end = json!({
            "type": "message_delta",
            "delta": {"stop_reason": self.stop_reason(), "stop_sequence": null},
            "usage": {"output_tokens": output_tokens},
        });
        out += &frame("message_delta", &end);
        out + &frame("message_stop", &json!({"type": "message_stop"}))
    }
}

fn frame(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

/// The answer to a title request.
pub fn title() -> Answer {
    Answer::text(r#"{"title": "Work through the steps"}"#)
}

/// The answer to a compaction request: a summary of a usual size. It names the last step, so that
/// a turn that was compacted in its middle goes on.
pub fn summary(step: u32) -> Answer {
    let line = "The user asked for one step after the other; each step read one file of the \
                folder data and found nothing that has to be mended. ";
    Answer::text(format!(
        "<analysis>\nThe steps were done in order.\n</analysis>\n<summary>\n1. Primary request: \
         work through the steps.\n2. Done so far: {}\n3. Last named: {}\n</summary>",
        line.repeat(6),
        crate::record::mark(step),
    ))
}
