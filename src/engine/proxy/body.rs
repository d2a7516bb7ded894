//! Pure reading of a request's body: what it asks for and the texts the server will render.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// What lcc reads of a `POST /v1/messages`; everything borrows from the body.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Body<'a> {
    /// The model asked for.
    #[serde(borrow)]
    pub model: Option<Cow<'a, str>>,
    /// Output tokens allowed at most.
    pub max_tokens: Option<u64>,
    /// Whether the answer comes as events.
    pub stream: Option<bool>,
    /// Text, or blocks of text.
    #[serde(borrow)]
    pub system: Option<&'a RawValue>,
    /// The tools in their order.
    #[serde(borrow)]
    pub tools: Option<Vec<Tool<'a>>>,
    /// The conversation.
    #[serde(borrow)]
    pub messages: Vec<Message<'a>>,
    /// The thinking switch as Claude Code sends it.
    #[serde(borrow)]
    pub thinking: Option<Thinking<'a>>,
    /// The form of the answer.
    #[serde(borrow)]
    pub output_config: Option<&'a RawValue>,
    /// Switches of the chat template.
    pub chat_template_kwargs: Option<TemplateKwargs>,
}

/// One tool.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tool<'a> {
    /// Its name.
    #[serde(borrow)]
    pub name: Option<Cow<'a, str>>,
    /// What the model is told about it.
    #[serde(borrow)]
    pub description: Option<Cow<'a, str>>,
    /// The JSON schema of its input.
    #[serde(borrow)]
    pub input_schema: Option<&'a RawValue>,
}

/// One message of the conversation.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Message<'a> {
    /// `user`, `assistant`, or `system` in the middle of a conversation.
    #[serde(borrow)]
    pub role: Option<Cow<'a, str>>,
    /// Text, or blocks.
    #[serde(borrow)]
    pub content: Option<&'a RawValue>,
}

/// One block of a message's content.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Block<'a> {
    /// `text`, `thinking`, `tool_use`, `tool_result`, `image`, …
    #[serde(rename = "type", borrow)]
    pub kind: Option<Cow<'a, str>>,
    /// The text of a `text` block.
    #[serde(borrow)]
    pub text: Option<Cow<'a, str>>,
    /// The text of a `thinking` block.
    #[serde(borrow)]
    pub thinking: Option<Cow<'a, str>>,
    /// The tool of a `tool_use` block.
    #[serde(borrow)]
    pub name: Option<Cow<'a, str>>,
    /// What a `tool_use` block calls the tool with.
    #[serde(borrow)]
    pub input: Option<&'a RawValue>,
    /// What a `tool_result` block holds: text, or blocks.
    #[serde(borrow)]
    pub content: Option<&'a RawValue>,
    /// An image's or document's source.
    #[serde(borrow)]
    pub source: Option<&'a RawValue>,
}

/// The thinking switch.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Thinking<'a> {
    /// `enabled`, `disabled` or `adaptive`.
    #[serde(rename = "type", borrow)]
    pub kind: Option<Cow<'a, str>>,
}

/// Switches of the chat template that lcc knows.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TemplateKwargs {
    /// Whether the template lets the model think.
    pub enable_thinking: Option<bool>,
}

impl<'a> Body<'a> {
    /// Reads a body; `None` when it is no request that lcc understands.
    #[must_use]
    pub fn read(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Whether the server may think when it gets this body: neither switch is off.
    #[must_use]
    pub fn thinking_allowed(&self) -> bool {
        let disabled =
            self.thinking.as_ref().is_some_and(|t| t.kind.as_deref() == Some("disabled"));
        let switched_off =
            self.chat_template_kwargs.as_ref().is_some_and(|k| k.enable_thinking == Some(false));
        !(disabled || switched_off)
    }
}

/// Blocks of a content field: a plain string counts as one text block. Empty when it is neither.
#[must_use]
pub fn blocks(content: &RawValue) -> Vec<Block<'_>> {
    if content.get().starts_with('"') {
        #[derive(Deserialize)]
        struct Plain<'a>(#[serde(borrow)] Cow<'a, str>);
        let text = serde_json::from_str::<Plain<'_>>(content.get()).ok().map(|p| p.0);
        return vec![Block { kind: Some(Cow::Borrowed("text")), text, ..Block::default() }];
    }
    serde_json::from_str(content.get()).unwrap_or_default()
}
