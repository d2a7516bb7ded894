//! A prompt that was read again although the server had known it.

use serde::{Deserialize, Serialize};

/// A prompt that was read again although the server had known it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CacheBreak {
    /// First token that was read again.
    pub at_token: u64,
    /// The part of the prompt it lies in.
    pub section: String,
    /// Why, in words, as far as it is known.
    pub cause: String,
    /// What would prevent it.
    pub fix: Option<String>,
    /// Why, as one of the known kinds.
    #[serde(default)]
    pub kind: BreakKind,
    /// Tokens that were read again.
    #[serde(default)]
    pub tokens: u64,
    /// Seconds it took to read them, by their part in what was read with them.
    #[serde(default)]
    pub seconds: Option<f64>,
    /// Whether `tokens` is worked out from bytes.
    #[serde(default)]
    pub estimated: bool,
}

/// Why a prompt was read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakKind {
    /// The prompt itself differs from the one before.
    TextChanged,
    /// A side request took the slot.
    SideRequest,
    /// A subagent took the slot.
    Subagent,
    /// The server threw the slot's content away to make room.
    SlotEvicted,
    /// The model cannot go back in what it has read: sliding window or recurrent.
    SlidingWindow,
    /// The server was started anew.
    ServerRestarted,
    /// The server unloaded the model, as nobody had asked it for a while.
    KeepAliveExpired,
    /// Somebody else used the server.
    OtherClient,
    /// Another model was asked for or loaded.
    ModelChanged,
    /// Nothing that lcc could see explains it.
    #[default]
    Unknown,
}
