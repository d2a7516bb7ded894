//! Anthropic's Messages API ↔ OpenAI's chat completions, for servers that speak only the latter.
//!
//! Pure: bodies and bytes in, bodies and events out. [`request::translate`] turns what Claude Code
//! sent into a chat completion request, [`response::translate`] the plain answer back, and
//! [`stream::Translator`] the streamed one. [`errors::Failure`] puts a server's error into the
//! envelope that Claude Code reads.

mod blocks;
mod content;
pub mod errors;
pub mod event;
mod lines;
mod messages;
pub mod request;
pub mod response;
pub mod stream;
pub mod usage;

use serde_json::{Map, Value};

/// How to write a request for one server. The default suits a server of which only the API is
/// known.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Options {
    /// Replaces the model's name that Claude Code sent.
    pub model: Option<String>,
    /// What to do with pictures.
    pub images: Images,
    /// Where system messages between the turns go.
    pub system_messages: SystemMessages,
    /// Asks llama.cpp's server for `prompt_progress` and `timings` in the stream, and hands on the
    /// budget of thinking tokens in its own field. Other servers may refuse fields they do not know.
    pub llama_cpp: bool,
    /// Switches thinking off through the chat template, whatever Claude Code asked for.
    pub thinking_off: bool,
    /// Leaves the thinking of earlier turns out instead of sending it as `reasoning_content`.
    pub forget_thinking: bool,
    /// Further `chat_template_kwargs`; they win over those of the request.
    pub template_kwargs: Map<String, Value>,
}

/// What to do with a picture or a document that is not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Images {
    /// Refuse the request and name the message.
    #[default]
    Refuse,
    /// Send it as an `image_url` part, for a model that sees.
    Pass,
    /// Put a note in its place, so that a conversation with a picture in its past can go on.
    Note,
}

/// Where a message with the role `system` goes that does not stand at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SystemMessages {
    /// Into the user's turn, inside `<system-reminder>` tags: many chat templates raise an error
    /// for a system message that is not the first one, or for two turns of one role in a row.
    #[default]
    InUserTurn,
    /// Where it stands, with its role.
    InPlace,
}
