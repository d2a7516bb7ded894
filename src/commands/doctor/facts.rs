//! What the checks look at: plain values, gathered at the edge or written down by a test.

use crate::{
    domain::{ServerFacts, Tier},
    engine::claude::Version,
};

use super::{
    details::Details,
    memory::Budget,
    probe::{Reread, Smoke, Thinking},
};

/// What was found of Claude Code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaudeFact {
    /// It is there.
    Found {
        /// Where.
        path: String,
        /// Its version, when it could be read.
        version: Option<Version>,
    },
    /// It is not; the words say where it was looked for.
    Missing(String),
}

/// What was found of the sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SandboxFact {
    /// It can be had; the words say with what.
    Ready(String),
    /// It cannot; the words say why and what to do.
    Unavailable(String),
}

/// What was found of the model server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerFact {
    /// It answered.
    Found {
        /// Its base URL.
        url: String,
        /// Whether that is this machine.
        here: bool,
        /// What it said.
        facts: ServerFacts,
    },
    /// The one that was asked for did not answer.
    Silent {
        /// Its base URL.
        url: String,
        /// What happened.
        reason: String,
    },
    /// There is no way in to the one that was asked for: a certificate, a credential, its URL.
    Barred {
        /// What bars the way and, after a semicolon, what to do.
        reason: String,
    },
    /// None was asked for, none was found.
    Nowhere,
}

/// What was asked of the model by running it, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Probed<T> {
    /// Not asked: it costs inference, and nobody wanted it.
    NotAsked,
    /// Asked, without an answer to judge; why.
    Failed(String),
    /// Answered.
    Done(T),
}

/// The server's process, as far as this user may see it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Process {
    /// The arguments of the process and of those it started, one list each.
    pub commands: Vec<Vec<String>>,
    /// Its environment, only `OLLAMA_*` and `LLAMA_ARG_*`. `None`: it cannot be read.
    pub env: Option<Vec<(String, String)>>,
}

impl Process {
    /// The value of the last of these options, whichever process has it: `-c 4`, `-c=4`.
    #[must_use]
    pub fn option(&self, names: &[&str]) -> Option<&str> {
        let mut found = None;
        for command in &self.commands {
            for (at, word) in command.iter().enumerate() {
                if names.contains(&word.as_str()) {
                    found = command.get(at + 1).map(String::as_str).or(found);
                } else if let Some((name, value)) = word.split_once('=')
                    && names.contains(&name)
                {
                    found = Some(value);
                }
            }
        }
        found
    }

    /// Whether any of the processes has this word.
    #[must_use]
    pub fn has(&self, word: &str) -> bool {
        self.commands.iter().flatten().any(|w| w == word)
    }

    /// A variable that is set and not empty.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        let env = self.env.as_ref()?;
        env.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_str())
    }
}

/// Everything the checks look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The configuration file's problems; `Ok` with its path, or without a file.
    pub config: Result<Option<String>, String>,
    /// Claude Code.
    pub claude: ClaudeFact,
    /// Where `ANTHROPIC_API_KEY` or an `apiKeyHelper` stands: variables and files.
    pub api_keys: Vec<KeyPlace>,
    /// Project settings that would send Claude Code to another server, with their value.
    pub base_urls: Vec<(String, String)>,
    /// The sandbox that was asked for.
    pub tier: Tier,
    /// What can be had.
    pub sandbox: SandboxFact,
    /// The model server.
    pub server: ServerFact,
    /// What the server says beyond that.
    pub details: Details,
    /// The server's process.
    pub process: Option<Process>,
    /// The model that was asked for.
    pub model: Option<String>,
    /// The window that was asked for.
    pub window: Option<u64>,
    /// What the model may lie in.
    pub budget: Option<Budget>,
    /// Bytes of memory: total and available, when the system tells.
    pub memory: Option<(u64, u64)>,
    /// Bytes of swap in use, when the system tells.
    pub swap: Option<u64>,
    /// `TERM`, and whether stdout is a terminal.
    pub terminal: (Option<String>, bool),
    /// Both ways of thinking (`--deep`, `--smoke`).
    pub thinking: Probed<Thinking>,
    /// The same prefix twice (`--deep`).
    pub reread: Probed<Reread>,
    /// One tool call (`--smoke`).
    pub smoke: Probed<Smoke>,
}

/// A place with a key for the cloud in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// The environment lcc was started in; lcc does not pass it on.
    Shell,
    /// A settings file of the project, which Claude Code reads itself.
    Project {
        /// The file.
        file: String,
        /// The entry.
        entry: &'static str,
    },
}
