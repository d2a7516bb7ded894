//! What is done with requests that Claude Code makes beside the conversation.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What the user wants done with side requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SidePolicy {
    /// Answered by lcc where its answer is as good, else in a slot of their own, else held.
    Auto,
    /// Answered by lcc wherever an answer does no harm, even an empty one; the others as `Auto`.
    Answer,
    /// Held until the conversation's turn is done.
    Hold,
    /// In a slot of their own; held where the server has only one.
    Slot,
    /// As they come.
    #[default]
    Pass,
}

impl SidePolicy {
    /// All policies.
    pub const ALL: [Self; 5] = [Self::Auto, Self::Answer, Self::Hold, Self::Slot, Self::Pass];

    /// The name used in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Answer => "answer",
            Self::Hold => "hold",
            Self::Slot => "slot",
            Self::Pass => "pass",
        }
    }
}

impl fmt::Display for SidePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SidePolicy {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|p| p.name() == s)
            .ok_or_else(|| "expected auto, answer, hold, slot or pass".to_owned())
    }
}

/// What the proxy did with a side request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SideStep {
    /// Answered by lcc; the server never saw it.
    Answered,
    /// Waits for the conversation.
    Waiting,
    /// Has waited and goes to the server now.
    Released,
    /// Claude Code gave it up while it waited.
    Abandoned,
    /// Goes to a slot that does not hold the conversation.
    Slotted,
}
