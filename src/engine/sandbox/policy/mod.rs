//! The policy of the strict tier as pure values: facts in, a plan or a refusal out.

pub mod bwrap;
pub mod extra;
pub mod guard;
pub mod protected;
pub mod repository;
pub mod rlimits;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use extra::{Content, Extra};
pub use repository::{Repository, Role};
pub use rlimits::Limit;

/// The folder inside the sandbox that holds lcc's own program and the one it starts.
pub const TOOLS: &str = "/run/lcc/bin";
/// The port of lcc's endpoint inside the sandbox's own network namespace.
pub const PORT: u16 = 3128;
/// The user and group number that the caller gets inside.
pub const INNER_ID: u32 = 1000;
/// The search path inside; nothing on it is writable.
pub const PATH: &str = "/run/lcc/bin:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/// The folders of the private home that can be written: settings, caches and state of programs.
///
/// The home itself is read-only: a `~/.bashrc` or `~/.gitconfig` planted in one session would run
/// in the next.
pub const HOME_FOLDERS: [&str; 6] = [".cache", ".cargo", ".claude", ".config", ".local", ".npm"];

/// How one entry of the host's root folder looks, for `/bin`, `/lib64` and the like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootEntry {
    /// A symbolic link with this target (a merged `/usr`).
    Link(PathBuf),
    /// A folder of its own.
    Folder,
}

/// What is known about this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFacts {
    /// The bubblewrap program, absolute and resolved.
    pub bwrap: PathBuf,
    /// Its version, where it was asked.
    pub version: Option<String>,
    /// Every long option its help names, with the leading dashes.
    pub flags: BTreeSet<String>,
    /// The caller's effective user number.
    pub uid: u32,
    /// The caller's real home folder, if there is one.
    pub user_home: Option<PathBuf>,
    /// System folders at the root, besides `/usr`.
    pub root: BTreeMap<PathBuf, RootEntry>,
    /// Files and folders of `/etc` that exist and may be seen inside.
    pub etc: Vec<PathBuf>,
}

/// What a path is, without following a link at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, at the path itself or on the way to it.
    Link,
    /// A socket, pipe or device.
    Special,
}

/// Where the program to start is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// A bare name, looked up on the inner search path.
    Name(OsString),
    /// A path that is visible inside as it is (below the project, the home or a system folder).
    Visible(PathBuf),
    /// One file elsewhere, shown as [`TOOLS`]`/name`.
    File {
        /// The resolved file on the host.
        real: PathBuf,
        /// Its name inside.
        name: OsString,
    },
    /// A script that needs its package folder, shown as `/run/lcc/package`.
    Package {
        /// The package folder on the host.
        folder: PathBuf,
        /// The script, relative to it.
        script: PathBuf,
    },
}

/// What is known about the places of one start; every path is absolute and resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// The project.
    pub project: PathBuf,
    /// The user number that owns it.
    pub owner: u32,
    /// Its group number.
    pub group: u32,
    /// The home folder of the user who owns it, if there is one.
    pub owner_home: Option<PathBuf>,
    /// lcc's private state folder, which becomes the home.
    pub home: PathBuf,
    /// lcc's own program.
    pub lcc: PathBuf,
    /// Further folders that may be read.
    pub read_only: Vec<PathBuf>,
    /// Further mounts: toolchains, added folders.
    pub mounts: Vec<Extra>,
    /// The program to start.
    pub program: Program,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its environment.
    pub env: BTreeMap<String, String>,
    /// The protected paths that exist and the folders above them. Missing ones are absent.
    pub found: BTreeMap<PathBuf, Kind>,
    /// Those of them that lcc made to stand in for something: read-only as they are.
    pub placeholders: BTreeSet<PathBuf>,
    /// The project's git repositories.
    pub repositories: Vec<Repository>,
    /// What was found that the user should know.
    pub notes: Vec<String>,
}

/// One mount that must be there inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Where.
    pub path: PathBuf,
    /// Whether writing is allowed below it.
    pub writable: bool,
}

/// One word of bubblewrap's argument list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arg {
    /// A literal word.
    Word(OsString),
    /// The number of the file descriptor that carries [`Plan::data`] of this index.
    Data(usize),
}

/// Everything needed to start, as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The bubblewrap program.
    pub bwrap: PathBuf,
    /// Its options, in order.
    pub options: Vec<Arg>,
    /// Contents of files made up for the sandbox.
    pub data: Vec<Vec<u8>>,
    /// The program inside and its arguments.
    pub command: Vec<OsString>,
    /// The mounts that must be there, parents first.
    pub mounts: Vec<Mount>,
    /// Protected paths that are read-only inside, absolute.
    pub protected: Vec<PathBuf>,
    /// Folders on the way to them that cannot be renamed, absolute.
    pub pins: Vec<PathBuf>,
    /// Paths to look at again right before the start: they must be what they were.
    pub verify: Vec<(PathBuf, Kind)>,
    /// What is mounted from the host, besides the system's folders.
    pub sources: Vec<PathBuf>,
    /// The limits of every process inside.
    pub limits: Vec<Limit>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Why a start is refused, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the sandbox refuses {}: {reason}; {fix}", path.display())]
pub struct Refusal {
    /// The path in question.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
    /// The way out.
    pub fix: String,
}

impl Refusal {
    /// A refusal of `path`.
    pub fn new(path: &Path, reason: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { path: path.to_owned(), reason: reason.into(), fix: fix.into() }
    }
}

/// Whether the places of a start may become a sandbox, before anything is made there.
///
/// # Errors
/// A [`Refusal`] when one may not, or a symbolic link stands in a protected place.
pub fn check(host: &HostFacts, ground: &Ground) -> Result<(), Refusal> {
    guard::places(host, ground)?;
    protected::plain(&ground.found)
}

/// Plans the strict tier.
///
/// # Errors
/// A [`Refusal`] when a path must not become part of a sandbox.
pub fn plan(host: &HostFacts, ground: &Ground) -> Result<Plan, Refusal> {
    guard::places(host, ground)?;
    let shield = protected::shield(ground)?;
    Ok(bwrap::build(host, ground, shield))
}
