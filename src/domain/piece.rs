//! What the messages of a prompt hold, without a word of their texts.

use serde::{Deserialize, Serialize};

/// Blocks of one kind in one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Which message, from 0.
    pub message: usize,
    /// What they are.
    pub kind: PieceKind,
    /// The tool that is called or that gave the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// Bytes as the server renders them.
    pub bytes: u64,
}

/// What a block of a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PieceKind {
    /// What Claude Code adds by itself: reminders, instructions in the midst of a conversation.
    Reminder,
    /// The user's own words.
    Prompt,
    /// What the model wrote for the user.
    Answer,
    /// What the model thought.
    Thinking,
    /// A tool that the model calls, with what it is asked.
    Call,
    /// What a tool gave back.
    Result,
    /// An image or a document; its tokens do not follow from its bytes.
    Attachment,
}
