//! What lcc and its inner stage tell each other before the program starts.

use std::{os::fd::RawFd, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    beneath::Identity,
    canary::targets::Targets,
    inner::{Aim, Battery},
    weak::Weakness,
};
use crate::engine::sandbox::{
    policy::{Limit, Mount},
    probes::Numbered,
};

/// Handed to the inner stage in a memory file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    /// Where to listen.
    pub port: u16,
    /// The host's network namespace, which must be another one.
    pub host_netns: u64,
    /// The mounts that must be there.
    pub mounts: Vec<Mount>,
    /// Read-only paths within the project.
    pub protected: Vec<PathBuf>,
    /// Folders of the project that cannot be renamed.
    pub pins: Vec<PathBuf>,
    /// The project.
    pub project: PathBuf,
    /// The home.
    pub home: PathBuf,
    /// The program's standard error; until it starts, bubblewrap's words go elsewhere.
    pub stderr: RawFd,
    /// The limits of every process.
    pub limits: Vec<Limit>,
    /// Which files stood on the host where the project, the home and every protected path are.
    pub identities: Vec<(PathBuf, Identity)>,
    /// What the attempts try to reach.
    pub targets: Targets,
    /// Which attempts are made.
    pub battery: Battery,
    /// What is left out of the sandbox so that a test sees the attempts fail.
    #[serde(default)]
    pub weakness: Option<Weakness>,
}

impl Orders {
    /// What the attempts are told of it.
    #[must_use]
    pub fn aim(&self) -> Aim {
        Aim {
            project: self.project.clone(),
            home: self.home.clone(),
            pins: self.pins.clone(),
            protected: self.protected.clone(),
            targets: self.targets.clone(),
            battery: self.battery,
            sandboxed: true,
        }
    }
}

/// From the inner stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum Said {
    /// The checks passed; the listening socket comes with this message.
    Ready {
        /// The network namespace inside.
        netns: u64,
    },
    /// The probes ran.
    Report {
        /// One entry an attempt.
        probes: Vec<Numbered>,
        /// How much of Landlock the kernel enforces.
        landlock: Landlock,
    },
    /// The filters are in force. The listener of those whose calls lcc answers comes along; none
    /// where the kernel gives no listener, and refuses those calls itself.
    Watched,
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
    /// The socket is good: run the probes.
    Probe,
    /// The probes and the canaries agree: start the program.
    Start,
}

/// How much of Landlock is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Landlock {
    /// All that lcc asks for.
    Full,
    /// What an older kernel knows.
    Partial,
    /// The kernel has none.
    None,
}
