//! The practice server: llama-server's dialect, a real prefix cache, a scripted agent, no model.
//!
//! It tokenizes what it is sent, keeps it in slots, reads at a settable rate and answers by a
//! script, so everything that can be measured on a model server can be measured on it, and twice
//! the same. It says `Server: lcc-practice`, `build_info` `practice-<version>` and the model name
//! `practice`: it claims to be neither a model nor llama.cpp.
//!
//! Pure: [`tokenize`], [`render`], [`slots`], [`machine`], [`view`], [`answer`], [`wire`],
//! [`agent`], [`script`]. Effects: `serve` alone.

pub mod agent;
pub mod answer;
pub mod machine;
pub mod render;
pub mod script;
mod serve;
pub mod slots;
pub mod tokenize;
pub mod view;
pub mod wire;

use std::{path::PathBuf, time::Duration};

pub use script::Script;
pub use serve::{PracticeServer, Served, start};

/// What the server calls its build.
pub const BUILD: &str = concat!("practice-", env!("CARGO_PKG_VERSION"));

/// How the practice server behaves.
#[derive(Debug, Clone, PartialEq)]
pub struct PracticeOptions {
    /// Tokens of a prompt read in a second, for each slot; 0 or infinite reads at once.
    pub read_rate: f64,
    /// Tokens written in a second, for each slot; 0 or infinite writes at once.
    pub write_rate: f64,
    /// Tokens one slot can hold.
    pub window: u64,
    /// Requests worked on at once; at least one.
    pub slots: usize,
    /// The fault to play on every request of `/v1/messages`.
    pub script: Script,
    /// Tokens read in one step; `/slots` moves by so much.
    pub batch: u64,
    /// Whether the model cannot go back in what it has read, as one with a sliding window.
    pub rigid: bool,
    /// Where a log is written in llama-server's words; `None`: nowhere.
    pub log: Option<PathBuf>,
    /// Silence on a stream after which a comment (`:`) is sent. llama-server: 30 s.
    pub ping: Duration,
    /// Folder for saved slots; `None`: none are saved.
    pub slots_dir: Option<PathBuf>,
}

impl Default for PracticeOptions {
    /// A small laptop's speed and Claude Code's smallest comfortable window.
    fn default() -> Self {
        Self {
            read_rate: 1_500.0,
            write_rate: 60.0,
            window: 32_768,
            slots: 1,
            script: Script::Normal,
            batch: 512,
            rigid: false,
            log: None,
            ping: Duration::from_secs(30),
            slots_dir: None,
        }
    }
}
