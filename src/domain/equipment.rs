//! What Claude Code is equipped with: one of lcc's profiles, or the user's own built on one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Profile;

/// A profile with everything that makes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Equipment {
    /// Its name: `lean`, or what the user called it.
    pub name: String,
    /// The profile it is, or is built on.
    pub base: Profile,
    /// The built-in tools, instead of the base's; `None`: the base's.
    #[serde(default)]
    pub tools: Option<Vec<String>>,
    /// Environment variables over the base's. An empty value takes one of the base's away.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Further flags, word by word.
    #[serde(default)]
    pub flags: Vec<String>,
}

impl From<Profile> for Equipment {
    fn from(base: Profile) -> Self {
        Self {
            name: base.name().to_owned(),
            base,
            tools: None,
            env: BTreeMap::new(),
            flags: Vec::new(),
        }
    }
}
