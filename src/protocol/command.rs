//! What a front may ask of the engine.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// One wish of a front.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Bytes for Claude Code's terminal: keys, pastes, mouse reports, replies to its queries.
    Input(Bytes),
    /// The pane has a new size in cells.
    Resize {
        /// Columns.
        cols: u16,
        /// Rows.
        rows: u16,
    },
    /// Have Claude Code compact its conversation.
    Compact(CompactWhen),
    /// End Claude Code and start it again with an empty conversation.
    RestartFresh,
    /// Write a note from this session's transcript for the next one; answered with
    /// [`super::Update::Handover`] or a notice that says why there is none.
    Handover,
    /// End Claude Code and start it again with an empty conversation and this first prompt.
    StartWith(String),
    /// Send a prompt once Claude Code is idle: these bytes, a paste as its terminal takes it, and
    /// Enter after them.
    Prompt(Bytes),
    /// Weigh a text; answered with [`super::Update::Weighed`], newer texts first.
    Weigh {
        /// Comes back with the answer.
        revision: u64,
        /// The text.
        text: String,
    },
    /// List the project's files, for a prompt that names them; answered with
    /// [`super::Update::Files`].
    Files,
    /// End the session.
    Quit,
}

/// When a compaction begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CompactWhen {
    /// As soon as Claude Code is idle, at once when it is.
    Idle,
    /// Interrupt what runs, then compact.
    Interrupt,
}
