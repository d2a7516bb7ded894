//! What lcc and the inner stage of the reduced tier tell each other.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::engine::sandbox::{linux::inner::Aim, probes::Numbered, reduced::Trees};

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
    /// What the attempts are told.
    pub aim: Aim,
}

/// From the inner stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum Said {
    /// The checks passed.
    Ready,
    /// The listener of a filter in force comes with this message.
    Watched,
    /// The attempts were made, one entry each.
    Report {
        /// How they went.
        probes: Vec<Numbered>,
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
