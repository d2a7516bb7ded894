//! What can be wrong with settings, each problem with its place.

use std::{fmt, path::PathBuf};

/// Where a problem is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A line of the file, counted from 1.
    File {
        /// The file as it was named.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// An environment variable.
    Env,
    /// A flag of the command line.
    Flag,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands.
    pub place: Place,
    /// The offending text as it was written, e.g. `window = "32k"`; empty for a syntax error.
    pub text: String,
    /// What is wrong and what is expected.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File { path, line } => write!(f, "{}:{line}: ", path.display())?,
            Place::Env | Place::Flag => {}
        }
        if !self.text.is_empty() {
            write!(f, "{}: ", self.text)?;
        }
        f.write_str(&self.message)
    }
}

/// Everything that is wrong with the settings, in the order of the layers; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError {
    /// The problems.
    pub problems: Vec<Problem>,
}
