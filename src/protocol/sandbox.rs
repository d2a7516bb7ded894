//! What holds Claude Code in: its tier, what tried to leave it, and the caps on it.

use serde::{Deserialize, Serialize};

use crate::domain::{EgressWay, Tier};

/// What holds Claude Code in.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SandboxFigures {
    /// The tier in force. `None` before the start.
    pub tier: Option<Tier>,
    /// Probes run at the start.
    pub probes: Option<u64>,
    /// Probes that were blocked, as they must be.
    pub blocked: Option<u64>,
    /// Attempts to leave the sandbox, each of which was stopped.
    pub egress_blocked: u64,
    /// Calls that were refused at the proxy, for whatever reason.
    #[serde(default)]
    pub refused_calls: u64,
    /// The attempts to leave by program and destination, the newest first; a dozen at most.
    #[serde(default)]
    pub egress: Vec<EgressFigures>,
    /// Bytes that the kernel accepted from the sandbox for any destination but lcc's proxy.
    /// `None`: nothing measures them.
    #[serde(default)]
    pub left_bytes: Option<u64>,
    /// The host of the model server, when it is another machine and lcc sends prompts there.
    #[serde(default)]
    pub remote: Option<String>,
    /// Bytes of the requests that lcc sent to it.
    #[serde(default)]
    pub remote_bytes: Option<u64>,
    /// Caps on what Claude Code and its programs may use.
    #[serde(default)]
    pub limits: Option<LimitFigures>,
    /// What this tier lacks against the strict one, in whole sentences.
    #[serde(default)]
    pub lacks: Vec<String>,
    /// What ended the last Claude Code, in words.
    #[serde(default)]
    pub ended: Option<String>,
}

/// Attempts of one program to reach one destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EgressFigures {
    /// The program's name; `None` where the proxy cannot tell who called.
    pub program: Option<String>,
    /// Where to.
    pub destination: String,
    /// How it was tried.
    pub how: EgressWay,
    /// How often.
    pub times: u64,
}

/// Caps on what Claude Code and its programs may use, and what they use.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LimitFigures {
    /// What holds the caps: `systemd scope`, `cgroup` or `watchdog`.
    pub held_by: String,
    /// Bytes of memory they may take together; `None`: no cap.
    pub memory: Option<u64>,
    /// Bytes they take now.
    pub memory_used: Option<u64>,
    /// Processes and threads there may be at once; `None`: no cap.
    pub processes: Option<u64>,
    /// Processes there are now.
    pub processes_used: Option<u64>,
    /// Bytes of free disk below which Claude Code is ended; `None`: not watched.
    pub disk_free_least: Option<u64>,
    /// Bytes free where project and state lie, the lesser of both.
    pub disk_free: Option<u64>,
}
