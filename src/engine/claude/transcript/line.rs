//! One line of a transcript: the fields that are read, everything else passed over.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A line of any kind.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Line<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) uuid: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) parent_uuid: Option<Cow<'a, str>>,
    /// Of the line a compaction left: what its parent would be without it.
    #[serde(borrow)]
    pub(super) logical_parent_uuid: Option<Cow<'a, str>>,
    pub(super) is_sidechain: Option<bool>,
    /// Written by Claude Code itself into the conversation.
    pub(super) is_meta: Option<bool>,
    pub(super) is_compact_summary: Option<bool>,
    /// Claude Code's own words for a failed request, not the model's.
    pub(super) is_api_error_message: Option<bool>,
    #[serde(borrow)]
    pub(super) origin: Option<Origin<'a>>,
    #[serde(borrow)]
    pub(super) message: Option<Message<'a>>,
}

/// Who wrote a user message.
#[derive(Debug, Deserialize)]
pub(super) struct Origin<'a> {
    #[serde(borrow)]
    pub(super) kind: Option<Cow<'a, str>>,
}

/// The message of a line.
#[derive(Debug, Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) content: Option<&'a RawValue>,
}

/// A message's content: a text, or blocks.
#[derive(Debug)]
pub(super) enum Content<'a> {
    Text(String),
    Blocks(Vec<&'a RawValue>),
}

impl<'a> Content<'a> {
    /// By hand: an untagged enum cannot borrow its raw parts.
    pub(super) fn read(raw: &'a RawValue) -> Option<Self> {
        if raw.get().starts_with('"') {
            serde_json::from_str(raw.get()).ok().map(Self::Text)
        } else {
            serde_json::from_str(raw.get()).ok().map(Self::Blocks)
        }
    }
}

/// One block.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Block<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
    pub(super) text: Option<String>,
    /// Of a call.
    pub(super) id: Option<String>,
    /// Of a call: the tool's name.
    pub(super) name: Option<String>,
    #[serde(borrow)]
    pub(super) input: Option<&'a RawValue>,
    /// Of a result: the call's id.
    pub(super) tool_use_id: Option<String>,
    pub(super) is_error: Option<bool>,
    /// Of a result.
    #[serde(borrow)]
    pub(super) content: Option<&'a RawValue>,
}

/// What of a call's input is read, of all tools together.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Input<'a> {
    /// `Bash`.
    pub(super) command: Option<String>,
    /// `Write`, `Edit`, `MultiEdit`.
    #[serde(rename = "file_path")]
    pub(super) file_path: Option<String>,
    #[serde(rename = "notebook_path")]
    pub(super) notebook_path: Option<String>,
    /// `TodoWrite`.
    #[serde(borrow)]
    pub(super) todos: Option<&'a RawValue>,
    /// `TaskCreate`, `TaskUpdate`.
    pub(super) subject: Option<String>,
    /// `TaskUpdate`.
    pub(super) task_id: Option<String>,
    pub(super) status: Option<String>,
    /// `ExitPlanMode`.
    pub(super) plan: Option<String>,
}

/// One of `TodoWrite`'s.
#[derive(Debug, Deserialize)]
pub(super) struct TodoItem {
    #[serde(default)]
    pub(super) content: String,
    #[serde(default)]
    pub(super) status: String,
}
