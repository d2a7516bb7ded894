//! What a server's log or metrics page tells besides the progress of a prompt.

use serde::{Deserialize, Serialize};

/// A line of the server's log that says what became of a prompt, its cache or its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
pub enum ServerLine {
    /// Something that was cached was thrown away to make room.
    Evicted {
        /// Tokens of it, when the line counts them.
        tokens: Option<u64>,
    },
    /// The whole prompt is read again although it was known.
    Reread,
    /// Tokens in the middle were thrown away while the answer was written.
    Shifted {
        /// How many.
        discarded: Option<u64>,
    },
    /// The start or the middle of the conversation was dropped before it was read.
    Truncated {
        /// Tokens of the prompt as it came.
        prompt: Option<u64>,
        /// Tokens that were kept.
        kept: Option<u64>,
    },
    /// The answer ended because the window was full.
    AnswerCut,
    /// An HTTP call, as the server's access log tells it.
    Access {
        /// The method.
        method: String,
        /// The path without its query.
        path: String,
        /// HTTP status given.
        status: u16,
    },
    /// The most memory the engine used for a request.
    PeakMemory {
        /// In bytes.
        bytes: u64,
    },
}

impl ServerLine {
    /// The line in words, for the log pane.
    #[must_use]
    pub fn words(&self) -> String {
        let some = |n: &Option<u64>| n.map_or_else(String::new, |n| format!(" {n}"));
        match self {
            Self::Evicted { tokens } => {
                format!("the cache made room: evicted{} tokens", some(tokens))
            }
            Self::Reread => "the whole prompt is read again although it was known".to_owned(),
            Self::Shifted { discarded } => {
                format!("the window was full while writing: dropped{} tokens", some(discarded))
            }
            Self::Truncated { prompt, kept } => {
                format!("the prompt of{} tokens was cut to{}", some(prompt), some(kept))
            }
            Self::AnswerCut => "the answer ended because the window was full".to_owned(),
            Self::Access { method, path, status } => format!("{method} {path} {status}"),
            Self::PeakMemory { bytes } => {
                format!("the engine used {} at most", super::units::bytes(*bytes))
            }
        }
    }
}

/// How busy a server is, by its metrics page or a line of its log.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ServerLoad {
    /// Requests it works on.
    pub running: Option<u64>,
    /// Requests that wait for a slot.
    pub waiting: Option<u64>,
    /// Used part of the KV cache, percent.
    pub kv_percent: Option<f64>,
    /// Prompt tokens found in the prefix cache since it started.
    pub prefix_hits: Option<u64>,
    /// Prompt tokens looked up in the prefix cache since it started.
    pub prefix_queries: Option<u64>,
    /// Prompt tokens it has read since it started, without those it found in its cache.
    #[serde(default)]
    pub prompt_read: Option<u64>,
}
