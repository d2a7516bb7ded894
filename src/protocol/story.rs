//! What happened turn by turn, and what fills the window part by part.

use serde::{Deserialize, Serialize};

use super::{cache_break::CacheBreak, snapshot::CompactionLast};

/// One turn: from the user's prompt to the answer that calls no tool.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TurnFigures {
    /// Its number, from 1.
    pub number: u64,
    /// How it stands.
    pub state: TurnState,
    /// Second of the session at which it began.
    pub began_s: f64,
    /// Seconds of reading prompts.
    pub prefill_s: f64,
    /// Seconds of writing answers.
    pub generate_s: f64,
    /// Seconds of running tools.
    pub tools_s: f64,
    /// Seconds of compactions in it, or between it and the next one.
    pub compaction_s: f64,
    /// Main requests.
    pub requests: u64,
    /// Tokens of its last prompt, reused ones included.
    pub prompt_tokens: Option<u64>,
    /// Tokens that the server read for it.
    pub read_tokens: u64,
    /// Tokens that it reused.
    pub cached_tokens: u64,
    /// Tokens it wrote.
    pub output_tokens: u64,
    /// Whether some of `output_tokens` are estimated.
    pub output_estimated: bool,
    /// Tokens read ÷ seconds of reading them. `None` where too few were read to tell.
    pub rate: Option<f64>,
    /// Cached ÷ prompt tokens over its main requests, 0 to 1.
    pub hit: Option<f64>,
    /// Tokens in the window after it.
    pub used: Option<u64>,
    /// Tokens by which it filled the window. `None` when not known or when a compaction fell
    /// into it.
    pub added: Option<u64>,
    /// Tools that were called, by name, the most used first.
    pub tools: Vec<ToolCount>,
    /// Breaks of the cache in it, oldest first; of many the last ones.
    pub breaks: Vec<CacheBreak>,
    /// Compactions in it, or between it and the next one.
    pub compactions: Vec<CompactionLast>,
}

impl TurnFigures {
    /// Seconds of reading, writing, tools and compacting together.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.prefill_s + self.generate_s + self.tools_s + self.compaction_s
    }
}

/// How often a tool was called.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ToolCount {
    /// Its name.
    pub name: String,
    /// Calls.
    pub count: u64,
}

/// How a turn stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnState {
    /// It goes on.
    #[default]
    Running,
    /// It came to its end.
    Done,
    /// It was given up, failed, or its session was left.
    Stopped,
}

/// What fills the window: the parts of the last main prompt, and the answer to it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PromptFigures {
    /// Tokens of all parts together. `None` before the first request.
    pub total: Option<u64>,
    /// Whether `total` is an estimate.
    pub estimated: bool,
    /// The parts in the order of the prompt. No texts.
    pub parts: Vec<PromptPart>,
}

/// One part of the prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptPart {
    /// What it is.
    pub section: PromptSection,
    /// Where it stands: `system[1]`, `tool Bash`, `messages[7]`.
    pub part: String,
    /// The tool that is called or that gave the result.
    #[serde(default)]
    pub tool: Option<String>,
    /// Bytes of its text.
    pub bytes: u64,
    /// Its tokens.
    pub tokens: Option<u64>,
    /// Whether the server's own tokenizer counted them; else they are its share by bytes.
    pub counted: bool,
}

/// What a part of the prompt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromptSection {
    /// A block of the system prompt.
    System,
    /// A tool's description.
    Tools,
    /// The words of the model's own template around them.
    Template,
    /// What a compaction left of the conversation.
    Summary,
    /// What Claude Code adds to the conversation by itself.
    Reminders,
    /// The user's words.
    Prompts,
    /// The model's words.
    Answers,
    /// Its thinking.
    Thinking,
    /// Calls of tools.
    Calls,
    /// Results of tools.
    Results,
    /// Images and documents.
    Attachments,
    /// Messages that could not be looked into.
    Messages,
}

impl PromptSection {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 12] = [
        Self::System,
        Self::Tools,
        Self::Template,
        Self::Summary,
        Self::Reminders,
        Self::Prompts,
        Self::Answers,
        Self::Thinking,
        Self::Calls,
        Self::Results,
        Self::Attachments,
        Self::Messages,
    ];

    /// What people call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "system prompt",
            Self::Tools => "tool descriptions",
            Self::Template => "template",
            Self::Summary => "summary",
            Self::Reminders => "reminders",
            Self::Prompts => "your words",
            Self::Answers => "answers",
            Self::Thinking => "thinking",
            Self::Calls => "tool calls",
            Self::Results => "tool results",
            Self::Attachments => "attachments",
            Self::Messages => "messages",
        }
    }
}
