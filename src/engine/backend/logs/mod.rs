//! What the lines of a server's log say: one file a dialect, and the story they make together.
//!
//! All of it is pure. Lines are matched by their key words and never by column: levels, times,
//! function names and line numbers in front differ from build to build.

mod llama;
mod lm_studio;
mod mlx_lm;
mod ollama;
mod sglang;
mod story;
mod vllm;
mod words;

pub use story::{LogNews, LogProgress, Story};

use crate::domain::{ServerLine, ServerLoad};

/// Longer lines say nothing that lcc wants.
const LONGEST: usize = 16 << 10;

/// What one line says.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// A prompt of so many tokens is begun.
    NewPrompt {
        /// The server's number for it.
        task: Option<u64>,
        /// All its tokens.
        total: u64,
    },
    /// So many tokens lie in the slot before the next batch: the first time it is the cache hit.
    Cached {
        /// The server's number for the prompt.
        task: Option<u64>,
        /// Tokens.
        tokens: u64,
    },
    /// So many tokens were decoded, reused ones not among them.
    Decoded {
        /// The server's number for the prompt.
        task: Option<u64>,
        /// Tokens.
        tokens: u64,
        /// Read part of the prompt, 0 to 1.
        share: Option<f64>,
    },
    /// So many tokens lie in the slot, reused ones among them.
    InSlot {
        /// The server's number for the prompt.
        task: Option<u64>,
        /// Tokens.
        tokens: u64,
        /// Read part of the prompt, 0 to 1.
        share: Option<f64>,
    },
    /// The prompt is read; so many tokens had to be decoded.
    PromptRead {
        /// Tokens.
        tokens: u64,
    },
    /// So many tokens of the answer are written.
    Writing {
        /// Tokens; 0 where the line does not count them.
        tokens: u64,
    },
    /// The request is over.
    Ended,
    /// How much of the prompt the chosen slot knows.
    Similar {
        /// 0 to 1.
        share: f64,
    },
    /// A prompt of so many tokens is begun, of which so many are reused (MLX).
    Lookup {
        /// All its tokens.
        total: u64,
        /// Reused tokens.
        cached: u64,
    },
    /// Of what the cache left to be read, so much is read (MLX).
    OfRest {
        /// Tokens read.
        read: u64,
        /// Tokens that were to be read.
        rest: u64,
    },
    /// Read part of the prompt, 0 to 1 (LM Studio).
    Share(f64),
    /// A chunk of a prompt was read (`SGLang`).
    Chunk {
        /// Tokens of the chunk.
        new: u64,
        /// Reused tokens; told with the first chunk.
        cached: u64,
        /// Tokens that are left.
        pending: Option<u64>,
        /// How busy the server is.
        load: ServerLoad,
    },
    /// How busy the server is.
    Load(ServerLoad),
    /// The port on this machine where a child of the server serves the model.
    ChildPort(u16),
    /// Anything else worth telling.
    Line(ServerLine),
}

/// What a line says, whichever server wrote it. `None`: nothing that matters here.
#[must_use]
pub fn read(line: &str) -> Option<Said> {
    if line.len() > LONGEST {
        return None;
    }
    ollama::read(line)
        .or_else(|| lm_studio::read(line))
        .or_else(|| mlx_lm::read(line))
        .or_else(|| sglang::read(line))
        .or_else(|| vllm::read(line))
        .or_else(|| llama::read(line))
}

#[cfg(test)]
mod tests;
