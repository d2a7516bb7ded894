//! What a session is doing now, and how near its window is to full.

use serde::{Deserialize, Serialize};

/// What the session is doing at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The child or the server is not ready yet.
    #[default]
    Starting,
    /// Waiting for the user.
    Idle,
    /// The server reads the prompt; no token has been generated yet.
    Prefill,
    /// The server writes.
    Generate,
    /// The answer called tools; they run, and the next request has not come yet.
    Tools,
    /// A compaction request is under way.
    Compacting,
    /// The child has ended.
    Stopped,
}

impl Phase {
    /// The word shown on screen.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Idle => "idle",
            Self::Prefill => "reading",
            Self::Generate => "writing",
            Self::Tools => "tools",
            Self::Compacting => "compacting",
            Self::Stopped => "stopped",
        }
    }

    /// Whether a turn is under way, so that ending the child would lose work.
    #[must_use]
    pub const fn is_busy(self) -> bool {
        match self {
            Self::Prefill | Self::Generate | Self::Tools | Self::Compacting => true,
            Self::Starting | Self::Idle | Self::Stopped => false,
        }
    }
}

/// How near the window is to its limit.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// The largest turn seen so far would still fit.
    #[default]
    None,
    /// The next turn of the largest size seen would cross the limit.
    Near,
    /// The next request as known would cross the limit.
    Now,
}
