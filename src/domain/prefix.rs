//! What was done to keep a prompt's start the same, and how it compares with the prompt before.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::request::{Part, RequestId};

/// A rule that keeps the start of every prompt the same, so that the server need not read it
/// again. Each has a switch of its name in the configuration's `[prefix_care]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrefixRule {
    /// Leaves out the attribution line before the system prompt.
    Attribution,
    /// Moves the git status behind the first prompt.
    GitStatus,
    /// Moves the date behind the first prompt.
    Dates,
    /// Moves paths that hold the session's id behind the first prompt.
    SessionPaths,
    /// Moves the description of the surroundings before the first prompt.
    Environment,
    /// Makes system messages between the others a part of the user's.
    SystemMessages,
    /// Leaves out marks for a cloud's cache, which wander from request to request.
    CacheMarks,
    /// Puts the tools of MCP servers, and the keys of their schemas, into one order.
    ToolOrder,
}

impl PrefixRule {
    /// Every rule, in the order in which they are documented.
    pub const ALL: [Self; 8] = [
        Self::Attribution,
        Self::GitStatus,
        Self::Dates,
        Self::SessionPaths,
        Self::Environment,
        Self::SystemMessages,
        Self::CacheMarks,
        Self::ToolOrder,
    ];

    /// Its switch in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Attribution => "attribution",
            Self::GitStatus => "git_status",
            Self::Dates => "dates",
            Self::SessionPaths => "session_paths",
            Self::Environment => "environment",
            Self::SystemMessages => "system_messages",
            Self::CacheMarks => "cache_marks",
            Self::ToolOrder => "tool_order",
        }
    }

    /// Whether it changes what the model reads, and not only how the request is written.
    #[must_use]
    pub const fn changes_the_prompt(self) -> bool {
        match self {
            Self::CacheMarks => false,
            Self::Attribution
            | Self::GitStatus
            | Self::Dates
            | Self::SessionPaths
            | Self::Environment
            | Self::SystemMessages
            | Self::ToolOrder => true,
        }
    }
}

impl fmt::Display for PrefixRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which rules for the prompt's start are in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PrefixCare([bool; PrefixRule::ALL.len()]);

impl Default for PrefixCare {
    /// All of them.
    fn default() -> Self {
        Self([true; PrefixRule::ALL.len()])
    }
}

impl PrefixCare {
    /// None of them.
    pub const OFF: Self = Self([false; PrefixRule::ALL.len()]);

    /// Whether a rule is in force.
    #[must_use]
    pub fn has(self, rule: PrefixRule) -> bool {
        self.0.get(rule as usize).copied().unwrap_or(false)
    }

    /// The same with one rule on or off.
    #[must_use]
    pub fn with(mut self, rule: PrefixRule, on: bool) -> Self {
        if let Some(place) = self.0.get_mut(rule as usize) {
            *place = on;
        }
        self
    }
}

/// How a prompt compares with the main prompt before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// The request before.
    pub with: RequestId,
    /// Bytes that are the same from the start, as rendered.
    pub same_bytes: u64,
    /// Where the two part; `None`: this one begins with all of the one before.
    pub differs: Option<Difference>,
}

/// The first place where two prompts differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The part of the prompt it lies in.
    pub part: Part,
    /// Byte within that part.
    pub at_byte: u64,
    /// What happened to the part.
    pub change: Change,
    /// What in it is known to change, when it is that.
    pub sign: Option<ChangeSign>,
}

/// What happened to a part of the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Its text is another.
    Changed,
    /// It was not there before.
    Added,
    /// It is there no more.
    Removed,
    /// The conversation goes on from an earlier place: what came after this part is gone.
    Rewound,
}

/// Text that is known to change by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeSign {
    /// The attribution line.
    Attribution,
    /// The date.
    Date,
    /// The git status.
    GitStatus,
    /// The tokens that are left, told to the model.
    TokensLeft,
    /// A path with the session's id.
    SessionPath,
    /// The result of an old tool call was cleared.
    ClearedResult,
    /// Thinking of an old turn was dropped.
    DroppedThinking,
}
