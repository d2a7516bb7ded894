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
    /// A turn has begun: the user's prompt is on its way to the server. Comes in order with
    /// [`Update::Output`].
    TurnStarted {
        /// Which one of this session, from 1.
        number: u64,
    },
    /// Something the user should read.
    Notice(Notice),
    /// New lines of the log, oldest first; at most ten times a second.
    Log(Vec<LogLine>),
    /// The note that was asked for.
    Handover(Handover),
    /// What a text weighs.
    Weighed {
        /// Of which text.
        revision: u64,
        /// Its tokens.
        tokens: u64,
        /// Whether lcc estimated them because the server has no tokenizer to ask.
        estimated: bool,
    },
    /// The project's files by their paths below it, sorted; of very many the first ones.
    Files(Vec<String>),
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

/// A note from one session to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    /// The note, Markdown.
    pub text: String,
    /// Its tokens.
    pub tokens: u64,
    /// Whether they are estimated because the server has no tokenizer to ask.
    pub estimated: bool,
    /// Claude Code's id of the session it was taken from.
    pub session: String,
    /// Lines of the transcript that could not be read.
    pub broken: u64,
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
