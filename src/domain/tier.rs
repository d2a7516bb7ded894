//! How strong the sandbox around Claude Code is.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The tier of the sandbox that is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Namespaces, a private file view, Landlock and seccomp (Linux); a deny-default profile (macOS).
    Strict,
    /// Landlock and seccomp alone; weaker, asked for explicitly.
    Reduced,
    /// No sandbox. Claude Code keeps its own permission prompts.
    Off,
}

impl Tier {
    /// All tiers, strongest first.
    pub const ALL: [Self; 3] = [Self::Strict, Self::Reduced, Self::Off];

    /// The name used in flags and in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Reduced => "reduced",
            Self::Off => "off",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Tier {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|t| t.name() == s)
            .ok_or_else(|| "expected strict, reduced or off".to_owned())
    }
}
