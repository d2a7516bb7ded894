//! lcc's side of the start: takes the socket, judges the report, lets the program go.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use nix::sys::socket::{SockType, getsockopt, sockopt};

use super::{
    broker::{self, judge::Border},
    canary::Canary,
    channel,
    inner::{Battery, cases},
    points::stop_at,
    wire::{Landlock, Said, Told},
};
use crate::{
    domain::Tier,
    engine::sandbox::{
        LaunchError,
        egress::Attempts,
        probes::{Report, judge},
        sys,
    },
};

/// How long each answer of the inner stage may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long all attempts together may take: a fifth of a second, but for a machine that is busy
/// with much else. The kernel ends those that hang before.
const ATTEMPTS: Duration = Duration::from_secs(20);

/// What the handshake gave before the program starts.
#[derive(Debug)]
pub struct Proved {
    /// The socket, listening inside.
    pub listener: TcpListener,
    /// The program's process number on the host.
    pub program: i32,
    /// Handle on it.
    pub program_fd: OwnedFd,
    /// Handle on the first process of its namespace.
    pub init_fd: OwnedFd,
    /// The attempts with their outcomes, and what the canaries show.
    pub report: Report,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Takes the socket and has the attempts made.
///
/// # Errors
/// [`LaunchError::Broken`] for anything unexpected; the caller ends the child. Attempts that went
/// through are no error here: they stand in the report.
pub fn prove(
    ours: &OwnedFd,
    canary: &Canary,
    port: u16,
    battery: Battery,
) -> Result<Proved, LaunchError> {
    let ready = next(ours, "start of the inner stage")?;
    let netns = match ready.message {
        Said::Ready { netns } => netns,
        Said::Failed { stage, detail } => return Err(LaunchError::broken(stage, detail)),
        Said::Report { .. } | Said::Watched => {
            return Err(unexpected("a report before the socket"));
        }
    };
    let socket = ready.fd.ok_or_else(|| unexpected("no socket"))?;
    let program = ready.pid.filter(|pid| *pid > 0).ok_or_else(|| unexpected("no sender"))?;
    let listener = examine(TcpListener::from(socket), port)
        .map_err(|error| LaunchError::broken("socket", error.to_string()))?;
    let program_fd = sys::pidfd(program).map_err(LaunchError::io("watching the program"))?;
    let init = parent(program).map_err(LaunchError::io("reading /proc"))?;
    let init_fd = sys::pidfd(init).map_err(LaunchError::io("watching the sandbox"))?;
    let seen = fs::metadata(format!("/proc/{program}/ns/net"))
        .map(|about| std::os::unix::fs::MetadataExt::ino(&about));
    if seen.is_ok_and(|seen| seen != netns) {
        return Err(unexpected("the inner stage is in another network than it says"));
    }

    stop_at("socket-taken");
    tell(ours, Told::Probe)?;
    let (outcomes, landlock) = match within(ours, "probes", ATTEMPTS)?.message {
        Said::Report { probes, landlock } => (probes, landlock),
        Said::Failed { stage, detail } => return Err(LaunchError::broken(stage, detail)),
        Said::Ready { .. } | Said::Watched => return Err(unexpected("a second socket")),
    };
    let report = judge(&cases(battery), &outcomes, canary.touched(), Tier::Strict);
    Ok(Proved {
        listener,
        program,
        program_fd,
        init_fd,
        report,
        notes: match landlock {
            Landlock::Full => Vec::new(),
            Landlock::Partial => {
                vec!["this kernel enforces a part of Landlock only (6.12 knows all)".to_owned()]
            }
            Landlock::None => vec!["this kernel has no Landlock: one layer less".to_owned()],
        },
    })
}

/// Lets the program go, if the attempts and the canaries agree that nothing gets out; gives what is
/// told of its attempts to leave.
///
/// # Errors
/// [`LaunchError::Broken`] where something does, or the program cannot be started.
pub fn release(ours: &OwnedFd, report: &Report) -> Result<Attempts, LaunchError> {
    let broken = report.broken();
    if !broken.is_empty() {
        return Err(LaunchError::broken("probes", broken.join("; ")));
    }
    stop_at("probes-judged");
    tell(ours, Told::Start)?;
    let attempts = watch(ours)?;
    // The channel closes when the program replaces the inner stage, and says so if it cannot.
    match channel::receive::<Said>(ours, Instant::now() + PATIENCE) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(attempts),
        Err(error) => Err(LaunchError::broken("start of the program", error.to_string())),
        Ok(received) => Err(match received.message {
            Said::Failed { stage, detail } => LaunchError::broken(stage, detail),
            Said::Ready { .. } | Said::Report { .. } | Said::Watched => unexpected("more words"),
        }),
    }
}

/// Takes the listener of the program's filters and answers on it.
fn watch(ours: &OwnedFd) -> Result<Attempts, LaunchError> {
    let received = next(ours, "filters")?;
    match received.message {
        Said::Watched => {}
        Said::Failed { stage, detail } => return Err(LaunchError::broken(stage, detail)),
        Said::Ready { .. } | Said::Report { .. } => return Err(unexpected("more words")),
    }
    let attempts = Attempts::default();
    if let Some(listener) = received.fd {
        broker::start(listener, Border::OwnNetwork, attempts.clone())
            .map_err(LaunchError::io("starting the broker"))?;
    }
    Ok(attempts)
}

fn next(ours: &OwnedFd, stage: &str) -> Result<channel::Received<Said>, LaunchError> {
    within(ours, stage, PATIENCE)
}

fn within(
    ours: &OwnedFd,
    stage: &str,
    patience: Duration,
) -> Result<channel::Received<Said>, LaunchError> {
    channel::receive(ours, Instant::now() + patience).map_err(|error| {
        let detail = match error.kind() {
            io::ErrorKind::UnexpectedEof => "it ended".to_owned(),
            io::ErrorKind::TimedOut => format!("no answer within {} s", patience.as_secs()),
            _ => error.to_string(),
        };
        LaunchError::broken(stage, detail)
    })
}

fn tell(ours: &OwnedFd, told: Told) -> Result<(), LaunchError> {
    channel::send(ours, &told, None)
        .map_err(|error| LaunchError::broken("handshake", error.to_string()))
}

fn unexpected(what: &str) -> LaunchError {
    LaunchError::broken("handshake", what)
}

/// Checks that the socket is what was agreed on, and of another network than ours.
fn examine(listener: TcpListener, port: u16) -> io::Result<TcpListener> {
    let agreed = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let address = listener.local_addr()?;
    if address != agreed {
        return Err(io::Error::other(format!("it listens on {address}, not on {agreed}")));
    }
    if getsockopt(&listener, sockopt::SockType)? != SockType::Stream
        || !getsockopt(&listener, sockopt::AcceptConn)?
    {
        return Err(io::Error::other("it does not listen"));
    }
    let own = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    // Kernels before 5.14 cannot tell; the inner stage compares namespaces there alone.
    if let (Ok(theirs), Ok(ours)) = (sys::netns_cookie(&listener), sys::netns_cookie(&own))
        && theirs == ours
    {
        return Err(io::Error::other("it belongs to the host's network"));
    }
    listener.set_nonblocking(false)?;
    Ok(listener)
}

fn parent(pid: i32) -> io::Result<i32> {
    fs::read_to_string(format!("/proc/{pid}/status"))?
        .lines()
        .find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok())
        .filter(|parent| *parent > 1)
        .ok_or_else(|| io::Error::other("no parent of the inner stage"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_of_the_host_is_not_taken() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let error = examine(listener.try_clone().unwrap(), port).unwrap_err();
        assert!(error.to_string().contains("host's network"), "{error}");
        let error = examine(listener, port.wrapping_add(1)).unwrap_err();
        assert!(error.to_string().contains("not on"), "{error}");
        let wide = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = wide.local_addr().unwrap().port();
        assert!(examine(wide, port).is_err());
    }
}
