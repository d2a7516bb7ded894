//! The events of Anthropic's stream, and how each is written on the wire.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{errors::Failure, usage::Usage};

/// One event of an Anthropic stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The answer begins: the first generated token is here and the prefill is over.
    MessageStart {
        /// The message's id.
        id: String,
        /// The model's name.
        model: String,
        /// What is known of the tokens by now.
        usage: Usage,
    },
    /// A block begins.
    BlockStart {
        /// Its place in the message, from 0.
        index: usize,
        /// What it is.
        block: Block,
    },
    /// A piece of the open block.
    BlockDelta {
        /// The block's place.
        index: usize,
        /// The piece.
        delta: Delta,
    },
    /// The open block is complete.
    BlockStop {
        /// Its place.
        index: usize,
    },
    /// Why the answer ended and what it took.
    MessageDelta {
        /// Anthropic's stop reason.
        stop_reason: &'static str,
        /// The stop sequence that was hit, when the server tells.
        stop_sequence: Option<String>,
        /// The counts as far as the server told them.
        usage: Usage,
    },
    /// The answer is complete.
    MessageStop,
    /// The answer broke off.
    Error(Failure),
}

/// What a block is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// Text for the user.
    Text,
    /// Thinking.
    Thinking,
    /// A tool call.
    ToolUse {
        /// Its id, unique within the answer.
        id: String,
        /// The tool's name.
        name: String,
    },
}

/// A piece of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delta {
    /// Of a text block.
    Text(String),
    /// Of a thinking block.
    Thinking(String),
    /// Of a tool call's input: JSON in pieces.
    InputJson(String),
    /// The signature that ends a thinking block. Empty: no local server signs.
    Signature,
}

impl Event {
    /// The event's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::MessageStart { .. } => "message_start",
            Self::BlockStart { .. } => "content_block_start",
            Self::BlockDelta { .. } => "content_block_delta",
            Self::BlockStop { .. } => "content_block_stop",
            Self::MessageDelta { .. } => "message_delta",
            Self::MessageStop => "message_stop",
            Self::Error(_) => "error",
        }
    }

    /// The event's `data`.
    #[must_use]
    pub fn data(&self) -> Value {
        match self {
            Self::MessageStart { id, model, usage } => json!({
                "type": "message_start",
                "message": {
                    "id": id,
                    "type": "message",
                    "role": "assistant",
                    "model": model,
                    "content": [],
                    "stop_reason": null,
                    "stop_sequence": null,
                    "usage": usage.to_json(),
                },
            }),
            Self::BlockStart { index, block } => json!({
                "type": "content_block_start",
                "index": index,
                "content_block": match block {
                    Block::Text => json!({"type": "text", "text": ""}),
                    Block::Thinking => json!({"type": "thinking", "thinking": "", "signature": ""}),
                    Block::ToolUse { id, name } => {
                        json!({"type": "tool_use", "id": id, "name": name, "input": {}})
                    }
                },
            }),
            Self::BlockDelta { index, delta } => json!({
                "type": "content_block_delta",
                "index": index,
                "delta": match delta {
                    Delta::Text(text) => json!({"type": "text_delta", "text": text}),
                    Delta::Thinking(text) => json!({"type": "thinking_delta", "thinking": text}),
                    Delta::InputJson(text) => {
                        json!({"type": "input_json_delta", "partial_json": text})
                    }
                    Delta::Signature => json!({"type": "signature_delta", "signature": ""}),
                },
            }),
            Self::BlockStop { index } => json!({"type": "content_block_stop", "index": index}),
            Self::MessageDelta { stop_reason, stop_sequence, usage } => json!({
                "type": "message_delta",
                "delta": {"stop_reason": stop_reason, "stop_sequence": stop_sequence},
                "usage": usage.to_json(),
            }),
            Self::MessageStop => json!({"type": "message_stop"}),
            Self::Error(failure) => failure.to_json(),
        }
    }

    /// The event as it goes over the wire: `event: …`, `data: …` and a blank line.
    #[must_use]
    pub fn frame(&self) -> String {
        let mut out = String::with_capacity(128);
        // Writing to a string cannot fail.
        let _ = write!(out, "event: {}\ndata: {}\n\n", self.name(), self.data());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_written_as_anthropic_writes_them() {
        let usage = Usage { input: Some(95), cached: Some(8), output: None };
        let id = "msg_1".to_owned();
        for (event, frame) in [
            (
                Event::MessageStart { id, model: "m".to_owned(), usage },
                "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":95,\"cache_read_input_tokens\":8,\"output_tokens\":0}}}\n\n",
            ),
            (
                Event::BlockDelta { index: 1, delta: Delta::Text("a\nb".to_owned()) },
                "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\\nb\"}}\n\n",
            ),
            (Event::MessageStop, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"),
        ] {
            assert_eq!(event.frame(), frame);
        }
    }
}
