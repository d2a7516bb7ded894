//! One request to the model, seen from outside: what it is for and what it weighs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Number of a request within one engine, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub u64);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    /// Carries tools and the conversation.
    Main,
    /// No tools or a short fixed prompt.
    Side(SideKind),
    /// Sent by a subagent (`x-claude-code-agent-id`).
    Subagent(String),
    /// A main request whose last message asks for a summary of the conversation.
    Compaction,
}

impl RequestKind {
    /// Whether the request carries the user's conversation and so fills the window.
    #[must_use]
    pub const fn is_main(&self) -> bool {
        matches!(self, Self::Main)
    }
}

/// What a side request is for, as far as its prompt tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SideKind {
    /// Writes a title for the session.
    Title,
    /// Asks whether a new topic begins (older versions).
    Topic,
    /// Guesses what the user may type next. Carries the whole conversation.
    Suggestion,
    /// Tells a user who comes back where the work stands. Carries the whole conversation.
    Recap,
    /// Asks for one token: whether the model answers at all, or how long a prompt is.
    Probe,
    /// Anything else without tools.
    Other,
}

impl SideKind {
    /// The name shown to people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Topic => "topic",
            Self::Suggestion => "suggestion",
            Self::Recap => "recap",
            Self::Probe => "probe",
            Self::Other => "side",
        }
    }

    /// Whether its prompt begins with the conversation's own: it needs the conversation's slot
    /// and evicts nothing from it.
    #[must_use]
    pub const fn shares_prefix(self) -> bool {
        match self {
            Self::Suggestion | Self::Recap => true,
            Self::Title | Self::Topic | Self::Probe | Self::Other => false,
        }
    }
}

/// A part of the prompt, in the order the server renders it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The n-th block of the system prompt.
    System(usize),
    /// A tool's name, description and schema.
    Tool(String),
    /// The n-th message of the conversation.
    Message(usize),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(n) => write!(f, "system[{n}]"),
            Self::Tool(name) => write!(f, "tool {name}"),
            Self::Message(n) => write!(f, "messages[{n}]"),
        }
    }
}

/// One part of a prompt with its weight and a digest to compare it by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Which part it is.
    pub part: Part,
    /// Bytes of what the server renders: texts and schemas, not the JSON around them.
    pub bytes: u64,
    /// Digest of the rendered text; equal texts have equal digests, however the JSON wrote them.
    pub digest: u64,
}

/// What the last message of a main request is, which tells where in a turn it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tail {
    /// The user's own words: a turn begins.
    Prompt,
    /// Results of tools: the turn goes on.
    ToolResults {
        /// How many results.
        count: usize,
        /// Their bytes.
        bytes: u64,
    },
    /// Something else (an assistant message to go on from, nothing at all).
    Other,
}

/// The part of a prompt that makes it too long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Culprit {
    /// The tool that gave the result; `None`: the user's own words.
    pub tool: Option<String>,
    /// What the tool was asked for, shortened: its command, its path.
    pub asked: Option<String>,
    /// Tokens of it, estimated.
    pub tokens: u64,
}

impl fmt::Display for Culprit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tokens = super::units::count(self.tokens);
        match (&self.tool, &self.asked) {
            (Some(tool), Some(asked)) => {
                write!(f, "the result of {tool} ({asked}) is ~{tokens} tok")
            }
            (Some(tool), None) => write!(f, "the result of {tool} is ~{tokens} tok"),
            (None, _) => write!(f, "your prompt is ~{tokens} tok"),
        }
    }
}
