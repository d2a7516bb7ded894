//! Figures of what runs beside the conversation: side requests and subagents.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Requests beside the conversation: titles, suggestions, recaps, probes and others.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SideFigures {
    /// Answered by lcc.
    pub answered: u64,
    /// Held until the conversation was done, then sent.
    pub held: u64,
    /// Sent to a slot that does not hold the conversation.
    pub slotted: u64,
    /// Sent as they came.
    pub passed: u64,
    /// Given up by Claude Code while they were held.
    pub abandoned: u64,
    /// Held now.
    pub waiting: u64,
    /// Seconds that those held have waited, all together.
    pub held_s: f64,
    /// Tokens of prompts that lcc answered and the server need not read; an estimate.
    pub spared_tokens: u64,
    /// How many by kind.
    pub by_kind: BTreeMap<String, u64>,
}

impl SideFigures {
    /// All that are over or under way at the server.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.answered + self.held + self.slotted + self.passed + self.abandoned
    }
}

/// What subagents cost. Never part of the window's figures.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentsFigures {
    /// Subagents seen.
    pub seen: u64,
    /// Seconds in which at least one of them had a request under way.
    pub seconds: f64,
    /// An account for each, oldest first; of very many the last ones.
    pub list: Vec<AgentFigures>,
}

/// One subagent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentFigures {
    /// Its id, from Claude Code's header.
    pub id: String,
    /// What it does.
    pub state: AgentState,
    /// Requests it has made.
    pub requests: u64,
    /// Tokens of its prompts, reused ones included.
    pub prompt_tokens: u64,
    /// Of these, tokens reused from the cache.
    pub cached_tokens: u64,
    /// Tokens of the answers.
    pub output_tokens: u64,
    /// Seconds in which it had a request under way.
    pub seconds: f64,
}

/// What a subagent does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AgentState {
    /// The server reads its prompt.
    Reading,
    /// The server writes its answer.
    Writing,
    /// It has no request under way: it runs tools, or it is done.
    Resting,
}
