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
