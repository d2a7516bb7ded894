//! What a look at a running sandbox found.

use serde::{Deserialize, Serialize};

/// A look from outside at the sandbox of a running Claude Code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxLook {
    /// Processes inside that were looked at; none once it has ended.
    pub processes: u64,
    /// A layer is gone: Claude Code must end. One phrase each.
    #[serde(default)]
    pub alarms: Vec<String>,
    /// What the user should know of at once; said once. One sentence each.
    #[serde(default)]
    pub warnings: Vec<String>,
}
