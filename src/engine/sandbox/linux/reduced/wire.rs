//! What lcc and the inner stage of the reduced tier tell each other.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::engine::sandbox::reduced::Trees;

/// Handed to the inner stage in a memory file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    /// lcc's port on the host's loopback address.
    pub port: u16,
    /// The project: the working folder.
    pub project: PathBuf,
    /// The private home.
    pub home: PathBuf,
    /// What may be read and changed.
    pub trees: Trees,
    /// What the probes try to reach.
    pub targets: Targets,
}

/// Things on the host that nothing inside may reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Targets {
    /// A file with a secret.
    pub secret: PathBuf,
    /// A folder to write into.
    pub outside: PathBuf,
    /// A port of the host's loopback address that listens.
    pub tcp_port: u16,
    /// lcc's own process.
    pub host_pid: i32,
}

/// One escape attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    /// Its name.
    pub name: String,
    /// What stopped it; or else what went through, or why it could not be tried.
    pub outcome: Result<String, String>,
}

/// From the inner stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum Said {
    /// The checks passed.
    Ready,
    /// The listener of a filter in force comes with this message.
    Watched,
    /// The probes ran, one entry each.
    Report {
        /// How they went.
        probes: Vec<Probed>,
    },
    /// The program has taken the place of the restricted process.
    Started,
    /// A step failed; the inner stage ends.
    Failed {
        /// Which step.
        stage: String,
        /// What was seen.
        detail: String,
    },
}

/// From lcc.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// Run the probes.
    Probe,
    /// Nothing got out: start the program.
    Start,
}
