//! Who may put text into the clipboard of the user's terminal.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What happens when Claude Code, or a program it runs, writes the clipboard (OSC 52).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClipboardPolicy {
    /// The user is asked, and can say yes for the whole session.
    #[default]
    Ask,
    /// It is put there, bounded in size and rate.
    Allow,
    /// It is dropped.
    Never,
}

impl ClipboardPolicy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ask, Self::Allow, Self::Never];

    /// The name used in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Allow => "allow",
            Self::Never => "never",
        }
    }
}

impl fmt::Display for ClipboardPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ClipboardPolicy {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|p| p.name() == s)
            .ok_or_else(|| "expected ask, allow or never".to_owned())
    }
}
