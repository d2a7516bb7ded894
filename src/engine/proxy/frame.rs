//! Pure reading of one event's data: the parts of Anthropic's stream that lcc looks at.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// One event's data, whichever it is; fields that it lacks are `None`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Frame<'a> {
    /// `message_start`, `content_block_delta`, …
    #[serde(rename = "type", borrow)]
    pub kind: Option<Cow<'a, str>>,
    /// Of `message_start`.
    pub message: Option<Started>,
    /// Of `message_delta`.
    pub usage: Option<Usage>,
    /// Of `content_block_start`.
    #[serde(borrow)]
    pub content_block: Option<BlockStart<'a>>,
    /// Of `content_block_delta` and `message_delta`.
    #[serde(borrow)]
    pub delta: Option<Delta<'a>>,
    /// Of `error` in Anthropic's envelope.
    #[serde(borrow)]
    pub error: Option<&'a RawValue>,
}

/// The message that `message_start` announces.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Started {
    /// Its usage so far.
    pub usage: Option<Usage>,
}

/// Token counts. `input_tokens` leaves out cached ones where `cache_read_input_tokens` is there.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Prompt tokens.
    pub input_tokens: Option<u64>,
    /// Prompt tokens from the cache.
    pub cache_read_input_tokens: Option<u64>,
    /// Generated tokens.
    pub output_tokens: Option<u64>,
}

/// A content block that begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct BlockStart<'a> {
    /// `text`, `thinking`, `tool_use`.
    #[serde(rename = "type", borrow)]
    pub kind: Option<Cow<'a, str>>,
    /// The tool's name.
    #[serde(borrow)]
    pub name: Option<Cow<'a, str>>,
}

/// A piece of a block, or the end of the message.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Delta<'a> {
    /// Of `text_delta`.
    #[serde(borrow)]
    pub text: Option<Cow<'a, str>>,
    /// Of `thinking_delta`.
    #[serde(borrow)]
    pub thinking: Option<Cow<'a, str>>,
    /// Of `input_json_delta`.
    #[serde(borrow)]
    pub partial_json: Option<Cow<'a, str>>,
    /// Of `message_delta`.
    #[serde(borrow)]
    pub stop_reason: Option<Cow<'a, str>>,
}

/// A whole answer of a request without streaming.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Whole<'a> {
    /// Why the model stopped.
    #[serde(borrow)]
    pub stop_reason: Option<Cow<'a, str>>,
    /// Token counts.
    pub usage: Option<Usage>,
    /// What it wrote.
    #[serde(borrow)]
    pub content: Vec<WholeBlock<'a>>,
}

/// One block of a whole answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct WholeBlock<'a> {
    /// `text`, `thinking`, `tool_use`.
    #[serde(rename = "type", borrow)]
    pub kind: Option<Cow<'a, str>>,
    /// Of `text`.
    #[serde(borrow)]
    pub text: Option<Cow<'a, str>>,
    /// Of `thinking`.
    #[serde(borrow)]
    pub thinking: Option<Cow<'a, str>>,
    /// Of `tool_use`.
    #[serde(borrow)]
    pub name: Option<Cow<'a, str>>,
    /// Of `tool_use`.
    #[serde(borrow)]
    pub input: Option<&'a RawValue>,
}

/// Type and message of an error, from Anthropic's envelope, from the nested form of OpenAI's kind
/// or from llama-server's bare one. `None` when the text is no such error.
#[must_use]
pub fn error(text: &str) -> Option<(Option<String>, String)> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    let inner = value.get("error").unwrap_or(&value);
    if let Some(message) = inner.as_str() {
        return Some((None, message.to_owned()));
    }
    let message = inner.get("message")?.as_str()?.to_owned();
    let kind = inner.get("type").and_then(serde_json::Value::as_str).map(str::to_owned);
    Some((kind, message))
}
