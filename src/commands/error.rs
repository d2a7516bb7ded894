//! Why a command ended early, and the exit code that says so to scripts.

use thiserror::Error;

/// A command that could not do its work. Each kind has its exit code.
#[derive(Debug, Error)]
pub enum CommandError {
    /// Bad arguments, bad configuration, or nothing to work with. Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// No model server where one was asked for. Exit code 3.
    #[error("{0}")]
    NoServer(String),
    /// No sandbox, or one that does not hold. Exit code 4.
    #[error("{0}")]
    Sandbox(String),
    /// Anything else. Exit code 1.
    #[error("{0}")]
    Other(String),
}

impl CommandError {
    /// The program's exit code.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Other(_) => 1,
            Self::Usage(_) => 2,
            Self::NoServer(_) => 3,
            Self::Sandbox(_) => 4,
        }
    }

    /// An error of the second kind from anything that can be shown.
    pub fn usage(e: impl std::fmt::Display) -> Self {
        Self::Usage(e.to_string())
    }

    /// An error of the last kind from anything that can be shown.
    pub fn other(e: impl std::fmt::Display) -> Self {
        Self::Other(e.to_string())
    }
}
