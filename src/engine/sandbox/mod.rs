//! The sandbox around Claude Code: a pure policy and the systems that enforce it.

pub mod child;
pub mod egress;
pub mod limits;
#[cfg(target_os = "linux")]
pub mod linux;
pub mod macos;
pub mod manifest;
pub mod off;
pub mod policy;
pub mod probes;
pub mod reduced;
pub mod sys;
pub mod toolchain;
pub mod unavailable;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
};

use thiserror::Error;

pub use child::{Child, Killer};
pub use policy::{HostFacts, Refusal};
pub use unavailable::Unavailable;

use self::egress::Attempts;
use crate::{domain::Tier, engine::pty::Pty};

/// What to start and how far it may reach.
#[derive(Debug, Clone)]
pub struct Request {
    /// The wanted tier. It is given or the start fails; nothing weaker is tried.
    pub tier: Tier,
    /// The project: the working folder and the one tree of the user's that can be written.
    pub project: PathBuf,
    /// lcc's private state folder for this child, which becomes `HOME` at the same path.
    pub home: PathBuf,
    /// lcc's own state folder, never visible inside: what was made in projects is noted there.
    pub state: PathBuf,
    /// The program: an absolute path (links are resolved) or a bare name for the search path.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its whole environment; nothing else is passed.
    pub env: BTreeMap<String, String>,
    /// lcc's own program.
    pub lcc: PathBuf,
    /// Further folders that may be read, at their own paths.
    pub read_only: Vec<PathBuf>,
    /// Further mounts: toolchains and added folders.
    pub mounts: Vec<policy::Extra>,
}

/// Where the child finds lcc.
#[derive(Debug)]
pub struct Endpoint {
    /// The port on 127.0.0.1 as the child sees it.
    pub port: u16,
    /// The socket, where it is made outside; inside the strict Linux tier it is made by the child.
    pub listener: Option<TcpListener>,
}

/// Where the child's input and output go.
#[derive(Debug, Clone, Copy)]
pub enum Terminal<'a> {
    /// A pseudo-terminal of lcc's own.
    Pty(&'a Pty),
    /// The streams of this process.
    Inherit,
}

#[cfg(target_os = "linux")]
pub use linux::watch::Watch;
/// Nothing to look after.
#[cfg(not(target_os = "linux"))]
pub type Watch = std::convert::Infallible;

/// A child that runs.
#[derive(Debug)]
pub struct Launched {
    /// The child.
    pub child: Child,
    /// The socket it connects to; accept on it.
    pub listener: TcpListener,
    /// What was found at the start.
    pub report: StartReport,
    /// What looks after it while it runs, where the tier has something to look after.
    pub watch: Option<Watch>,
    /// Attempts to leave, as they are stopped.
    pub attempts: Attempts,
    /// What this tier lacks against the strict one, in whole sentences.
    pub lacks: Vec<String>,
}

/// What the start proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartReport {
    /// The tier in force.
    pub tier: Tier,
    /// Escape attempts made from inside before the program started.
    pub probes: u64,
    /// How many of them were stopped.
    pub blocked: u64,
    /// What the user should know, in whole sentences.
    pub notes: Vec<String>,
}

/// Why nothing was started.
#[derive(Debug, Error)]
pub enum LaunchError {
    /// The machine cannot give this tier.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// A path must not become part of a sandbox.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The tier is not built.
    #[error(
        "sandbox tier `{0}` is not available in this version on this system; use `strict`, or `off` \
         to run Claude Code with its own permission prompts"
    )]
    NotBuilt(Tier),
    /// A check or a probe inside the sandbox failed; nothing was started.
    #[error("the sandbox did not hold ({stage}): {detail}; nothing was started")]
    Broken {
        /// Which step failed.
        stage: String,
        /// What was seen.
        detail: String,
    },
    /// The program is not there.
    #[error("cannot start {}: {reason}", path.display())]
    Program {
        /// The program.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Something of the operating system failed.
    #[error("cannot start the sandbox: {what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// The system's error.
        source: io::Error,
    },
}

impl LaunchError {
    fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    fn broken(stage: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Broken { stage: stage.into(), detail: detail.into() }
    }
}

/// Makes the endpoint of a tier: a fixed port inside the sandbox's own network, or a socket bound
/// to the host's loopback address.
///
/// # Errors
/// When no port can be bound.
pub fn endpoint(tier: Tier) -> io::Result<Endpoint> {
    if cfg!(target_os = "linux") && tier == Tier::Strict {
        return Ok(Endpoint { port: policy::PORT, listener: None });
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(Endpoint { port: listener.local_addr()?.port(), listener: Some(listener) })
}

/// Whether this machine can give the strict tier, tried for real.
///
/// # Errors
/// What is missing, and the fix.
pub fn preflight() -> Result<HostFacts, Unavailable> {
    #[cfg(target_os = "linux")]
    {
        let facts = linux::preflight::gather()?;
        linux::preflight::trial(&facts)?;
        let version = Some(linux::preflight::version(&facts.bwrap)?);
        Ok(HostFacts { version, ..facts })
    }
    #[cfg(not(target_os = "linux"))]
    {
        macos::launch::preflight()
    }
}

/// Whether this machine can give the reduced tier.
///
/// # Errors
/// What is missing.
pub fn preflight_reduced() -> Result<(), Unavailable> {
    #[cfg(target_os = "linux")]
    {
        linux::reduced::preflight()
    }
    #[cfg(not(target_os = "linux"))]
    {
        Err(Unavailable::System { reason: "the reduced tier is Linux's alone".to_owned() })
    }
}

/// Starts the program in its tier and waits until that tier has proved itself.
///
/// # Errors
/// A [`LaunchError`]; then nothing of the program has run and nothing of it is left.
pub fn launch(
    request: Request,
    endpoint: Endpoint,
    terminal: Terminal<'_>,
) -> Result<Launched, LaunchError> {
    match request.tier {
        Tier::Strict => strict(request, endpoint, terminal),
        Tier::Reduced => weaker(request, endpoint, terminal),
        Tier::Off => off::launch(&request, endpoint, terminal),
    }
}

#[cfg(target_os = "linux")]
fn strict(
    request: Request,
    endpoint: Endpoint,
    terminal: Terminal<'_>,
) -> Result<Launched, LaunchError> {
    let Endpoint { port, listener } = endpoint;
    // The socket is made inside; one of the host's would be reachable by others.
    drop(listener);
    linux::launch(request, port, terminal)
}

#[cfg(target_os = "linux")]
fn weaker(
    request: Request,
    endpoint: Endpoint,
    terminal: Terminal<'_>,
) -> Result<Launched, LaunchError> {
    linux::reduced::launch(request, endpoint, terminal)
}

#[cfg(not(target_os = "linux"))]
fn weaker(_: Request, _: Endpoint, _: Terminal<'_>) -> Result<Launched, LaunchError> {
    Err(LaunchError::NotBuilt(Tier::Reduced))
}

#[cfg(target_os = "macos")]
fn strict(
    request: Request,
    endpoint: Endpoint,
    terminal: Terminal<'_>,
) -> Result<Launched, LaunchError> {
    macos::launch::launch(request, endpoint, terminal)
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn strict(_: Request, _: Endpoint, _: Terminal<'_>) -> Result<Launched, LaunchError> {
    Err(LaunchError::NotBuilt(Tier::Strict))
}
