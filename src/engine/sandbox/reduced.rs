//! The reduced tier as data: what may be read and written, and what is missing against strict.

use std::path::PathBuf;

/// What this tier lacks, in whole sentences; shown for as long as it is in force.
pub const LACKS: [&str; 9] = [
    "Files of the project that other tools execute (.git/hooks, .git/config, .claude, .mcp.json, \
     .envrc) can be changed: look at them before you use the project outside.",
    "Names, sizes and dates of files outside can be seen, though not what is in them.",
    "Other processes of this machine can be listed, though not read, signalled or traced.",
    "The network is the host's: connections are refused one by one, by lcc, and not for want of a \
     network.",
    "Servers cannot be started inside: bind, listen and accept are refused.",
    "There is no private /tmp and no /dev/shm; TMPDIR names a folder of lcc's.",
    "Programs cannot open terminals of their own (script, tmux, expect).",
    "The system's list of users and its host name can be read.",
    "What a program leaves running is found and ended by lcc, and not with its namespace.",
];

/// What a user without namespaces is told, after the reason why there is no strict tier.
pub const HINT: &str = "weaker, but without namespaces: lcc --sandbox reduced (Landlock, seccomp \
    and lcc's own connection broker; docs/SANDBOX.md tells what it lacks)";

/// The folder for temporary files, below the private home.
pub const TMP: &str = ".cache/tmp";

/// System folders and files that may be read; programs in them may be executed.
pub const READABLE: [&str; 14] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/gnu/store",
    "/run/current-system",
    "/proc",
    "/sys/devices/system",
    "/etc/claude-code",
    "/dev/urandom",
];

/// Files of `/etc` that may be read besides those that the strict tier shows: programs look their
/// user up in them, and shells complain where they see what they may not read.
pub const NAMES: [&str; 11] = [
    "/etc/passwd",
    "/etc/group",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/bash.bashrc",
    "/etc/bashrc",
    "/etc/inputrc",
    "/etc/profile",
    "/etc/profile.d",
    "/etc/zsh",
];

/// Devices that may be read and written.
pub const DEVICES: [&str; 6] =
    ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];

/// Trees of one start.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Trees {
    /// May be read, and programs in them executed.
    pub readable: Vec<PathBuf>,
    /// May be changed.
    pub writable: Vec<PathBuf>,
}
