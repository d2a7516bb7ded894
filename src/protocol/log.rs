//! One line of the log: what the proxy saw, what the server wrote, in one list.

use serde::{Deserialize, Serialize};

use crate::domain::Moment;

/// One line. Text without control characters, shortened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When, on the engine's clock.
    pub at: Moment,
    /// Who says so.
    pub origin: LogOrigin,
    /// How much it matters.
    pub weight: LogWeight,
    /// Lines of one kind that follow each other are shown as one with a count; `None`: never.
    pub fold: Option<LogFold>,
    /// What happened.
    pub text: String,
}

/// Who wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogOrigin {
    /// lcc's proxy, of what passed through it.
    Proxy,
    /// The model server, in its own log.
    Server,
    /// The session itself: the server's health, Claude Code's start and end.
    Session,
}

/// How much a line matters, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LogWeight {
    /// Without effect on the work.
    Noise,
    /// As it should be.
    Plain,
    /// Something was lost or is slower for it: an eviction, a leak, a request that was dropped.
    Notable,
    /// Something failed or was refused.
    Error,
}

/// Which lines are shown as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LogFold {
    /// Calls without effect on the work.
    Noise,
    /// Calls refused at the proxy.
    Refused,
    /// Attempts to leave the sandbox.
    Stopped,
}

impl LogFold {
    /// What such a run is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Noise => "without effect",
            Self::Refused => "refused",
            Self::Stopped => "attempts to leave, stopped",
        }
    }
}
