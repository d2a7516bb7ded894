//! The looks at the sandbox after the start, as figures.

use serde::{Deserialize, Serialize};

/// How the sandbox was found since Claude Code started.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RecheckFigures {
    /// Looks since the start.
    pub looks: u64,
    /// Whole minutes since the last one; `None` before the first.
    pub minutes_ago: Option<u64>,
    /// Processes inside at the last one.
    pub processes: u64,
    /// Layers that were found gone. Anything here ended Claude Code.
    pub alarms: Vec<String>,
    /// What was told besides: touched canaries, mounts that came or went, protected files that
    /// changed.
    pub warnings: Vec<String>,
}
