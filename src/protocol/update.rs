//! What the engine tells its fronts.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{log::LogLine, snapshot::Snapshot};

/// One piece of news from the engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Update {
    /// Bytes that Claude Code wrote to its terminal.
    Output(Bytes),
    /// All figures, anew. Sent when they change, at most ten times a second.
    Snapshot(Box<Snapshot>),
    /// Something the user should read.
    Notice(Notice),
    /// New lines of the log, oldest first; at most ten times a second.
    Log(Vec<LogLine>),
    /// Claude Code is about to start in a blank terminal; the front clears the pane.
    ChildStarting,
    /// Claude Code ended by itself.
    ChildEnded {
        /// Its exit code, when it exited by itself.
        code: Option<i32>,
        /// What happened, in words.
        message: String,
    },
    /// The engine could not start Claude Code, and why.
    Failed {
        /// The reason and the way out.
        message: String,
    },
    /// The session is over; nothing follows.
    Ended,
}

/// One line for the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// How much it matters.
    pub level: NoticeLevel,
    /// What to say: one sentence.
    pub text: String,
}

/// How much a notice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NoticeLevel {
    /// Good to know; goes away by itself.
    Info,
    /// Amber: stays until something changes or it is dismissed.
    Warning,
    /// Red: something is false or lost.
    Error,
}
