//! How much of Claude Code's own equipment is loaded into the window.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A named choice of Claude Code's tools and features, by what it costs in the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Six core tools, nothing that sends requests of its own. For windows under 64K.
    Lean,
    /// Claude Code's own tools without what needs the network.
    Standard,
    /// Claude Code as it comes.
    Full,
}

impl Profile {
    /// All profiles, leanest first.
    pub const ALL: [Self; 3] = [Self::Lean, Self::Standard, Self::Full];

    /// The name used in flags and in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lean => "lean",
            Self::Standard => "standard",
            Self::Full => "full",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|p| p.name() == s)
            .ok_or_else(|| "expected lean, standard or full".to_owned())
    }
}
