//! What lcc does when the window runs out.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Who acts when the window runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// lcc says in time what can be done and what each way costs; the user chooses.
    #[default]
    Ask,
    /// lcc has the conversation compacted by itself and asks nothing.
    Auto,
    /// Figures only.
    Off,
}

impl Policy {
    /// All policies.
    pub const ALL: [Self; 3] = [Self::Ask, Self::Auto, Self::Off];

    /// The name used in flags and in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Auto => "auto",
            Self::Off => "off",
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Policy {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|p| p.name() == s)
            .ok_or_else(|| "expected ask, auto or off".to_owned())
    }
}
