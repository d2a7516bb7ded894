//! What lcc and its inner stage tell each other before the program starts.

use std::{os::fd::RawFd, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::engine::sandbox::policy::Mount;

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
        /// One entry a probe.
        probes: Vec<ProbeResult>,
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

/// One escape attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeResult {
    /// Its name.
    pub name: String,
    /// How it went.
    pub verdict: Verdict,
    /// The error number or what was seen.
    pub detail: String,
}

/// How an attempt went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The system stopped it.
    Blocked,
    /// It went through.
    Open,
    /// It could not be tried, which counts as open.
    Failed,
}
