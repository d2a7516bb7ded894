//! Escape attempts as plain data: what each tries, what should stop it, how it went.

mod verdict;

use serde::{Deserialize, Serialize};

pub use verdict::{Report, Totals, Tried, judge};

/// What an attempt is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Reading and changing files outside of the project and the private home.
    Files,
    /// Leaving something in the project that a program of the host runs later.
    Persistence,
    /// Reaching the machine through calls into the kernel.
    Kernel,
    /// Reaching other processes, and more rights.
    Processes,
    /// Reaching anything by a socket.
    Network,
    /// Reaching the user through the terminal.
    Terminal,
}

impl Group {
    /// All of them, in the order of the list.
    pub const ALL: [Self; 6] = [
        Self::Files,
        Self::Persistence,
        Self::Kernel,
        Self::Processes,
        Self::Network,
        Self::Terminal,
    ];

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Persistence => "persistence",
            Self::Kernel => "kernel",
            Self::Processes => "processes",
            Self::Network => "network",
            Self::Terminal => "terminal",
        }
    }
}

/// The layer that should stop an attempt; others often stop it as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// What is not mounted cannot be reached; what is mounted read-only cannot be changed.
    Mounts,
    /// The process namespace with a `/proc` of its own.
    Pids,
    /// The network namespace: one loopback interface, no route.
    Net,
    /// The namespace of shared memory and message queues.
    Ipc,
    /// The system-call filters.
    Seccomp,
    /// No capability in any set, and no way to new ones.
    Privileges,
    /// Limits on what one process may use.
    Limits,
    /// Closed descriptors.
    Descriptors,
    /// No layer: it works, and is said.
    Nothing,
}

impl Layer {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mounts => "mounts",
            Self::Pids => "pid namespace",
            Self::Net => "net namespace",
            Self::Ipc => "ipc namespace",
            Self::Seccomp => "seccomp",
            Self::Privileges => "privileges",
            Self::Limits => "limits",
            Self::Descriptors => "descriptors",
            Self::Nothing => "none",
        }
    }
}

/// One attempt of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    /// Its number, which stays.
    pub number: u16,
    /// What it is, in a few words.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub tries: &'static str,
    /// What it is about.
    pub group: Group,
    /// The layer that should stop it.
    pub layer: Layer,
    /// Whether every start makes it; the others are made by `lcc sandbox check` alone.
    pub at_start: bool,
    /// Whether only the strict tier promises to stop it.
    pub strict_only: bool,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Outcome {
    /// It was stopped.
    Blocked {
        /// The system's error number, where one was given.
        errno: Option<i32>,
        /// What was seen.
        detail: String,
    },
    /// It went through.
    Open {
        /// What was seen.
        detail: String,
    },
    /// It could not be tried, which proves nothing.
    CouldNotRun {
        /// What was in the way.
        detail: String,
    },
    /// It works by design, or there is nothing to try it on; no promise is made of it.
    Note {
        /// What the user should know.
        detail: String,
    },
}

impl Outcome {
    /// Stopped, without an error number.
    pub fn blocked(detail: impl Into<String>) -> Self {
        Self::Blocked { errno: None, detail: detail.into() }
    }

    /// Went through.
    pub fn open(detail: impl Into<String>) -> Self {
        Self::Open { detail: detail.into() }
    }

    /// Not tried.
    pub fn could_not_run(detail: impl Into<String>) -> Self {
        Self::CouldNotRun { detail: detail.into() }
    }

    /// Works, and is said.
    pub fn note(detail: impl Into<String>) -> Self {
        Self::Note { detail: detail.into() }
    }

    /// The word for it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Blocked { .. } => "blocked",
            Self::Open { .. } => "OPEN",
            Self::CouldNotRun { .. } => "UNPROVED",
            Self::Note { .. } => "note",
        }
    }

    /// What was seen.
    #[must_use]
    pub fn detail(&self) -> &str {
        match self {
            Self::Blocked { detail, .. }
            | Self::Open { detail }
            | Self::CouldNotRun { detail }
            | Self::Note { detail } => detail,
        }
    }
}

/// The outcome of the attempt of this number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbered {
    /// The attempt's number.
    pub number: u16,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
}
