//! The process above the program: reaps what the program leaves, and ends it with the program.

use std::{
    collections::BTreeSet,
    fs,
    os::fd::{AsFd, OwnedFd},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask},
        signalfd::{SfdFlags, SignalFd},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};

/// How long what is left may take to vanish; only a process stuck in the kernel takes long.
const SWEEP: Duration = Duration::from_secs(8);
/// What ends the program and all it started.
const ORDERS: [Signal; 2] = [Signal::SIGTERM, Signal::SIGHUP];

/// The keeper's ear: signals come as data, so that none is lost between two looks.
pub(super) struct Ear(SignalFd);

impl Ear {
    /// Begins to listen; call it before the program is forked, which calls [`Ear::close`].
    pub(super) fn open() -> nix::Result<Self> {
        let mask = heard();
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&mask), None)?;
        SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).map(Self)
    }

    /// In the program's process: signals mean what they usually do.
    pub(super) fn close() -> nix::Result<()> {
        sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&heard()), None)
    }
}

fn heard() -> SigSet {
    let mut mask = SigSet::empty();
    mask.add(Signal::SIGCHLD);
    for signal in ORDERS {
        mask.add(signal);
    }
    mask
}

/// Waits for the program's end, or for an order to end it: a signal, or lcc's end of the channel
/// closed. Then ends everything below this process. Gives the exit code, as shells do.
pub(super) fn keep(program: Pid, ear: &Ear, channel: &OwnedFd) -> u8 {
    let mut ended = None;
    while ended.is_none() {
        let mut fds = [
            PollFd::new(ear.0.as_fd(), PollFlags::POLLIN),
            PollFd::new(channel.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => break,
        }
        let closed = fds.get(1).and_then(PollFd::revents).is_some_and(|seen| !seen.is_empty());
        let mut ordered = closed;
        while let Ok(Some(told)) = ear.0.read_signal() {
            ordered |= ORDERS.iter().any(|order| *order as u32 == told.ssi_signo);
        }
        ended = reap(program);
        if ordered {
            break;
        }
    }
    let last = sweep(program);
    ended.or(last).unwrap_or(128 + Signal::SIGKILL as u8)
}

/// Takes note of all that ended; the program's exit code if it is among them.
fn reap(program: Pid) -> Option<u8> {
    let mut code = None;
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, status)) if pid == program => {
                code = Some(u8::try_from(status).unwrap_or(255));
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == program => {
                code = Some(128 + signal as u8);
            }
            Ok(WaitStatus::StillAlive) | Err(_) => return code,
            Ok(_) => {}
        }
    }
}

/// Stops everything below this process until no more appears, then kills it. Orphans come up to
/// this process, which is their subreaper, so nobody can slip away.
fn sweep(program: Pid) -> Option<u8> {
    let deadline = Instant::now() + SWEEP;
    let mut code = None;
    loop {
        code = code.or(reap(program));
        let mut stopped = BTreeSet::new();
        loop {
            let found = descendants();
            let new: Vec<i32> = found.difference(&stopped).copied().collect();
            if new.is_empty() {
                break;
            }
            for pid in new {
                // What is stopped forks no more.
                let _ended_meanwhile = kill(Pid::from_raw(pid), Signal::SIGSTOP);
                stopped.insert(pid);
            }
        }
        for pid in &stopped {
            let _ended_meanwhile = kill(Pid::from_raw(*pid), Signal::SIGKILL);
        }
        if stopped.is_empty() || Instant::now() > deadline {
            return code.or_else(|| reap(program));
        }
        std::thread::yield_now();
    }
}

/// All processes below this one that have not ended.
fn descendants() -> BTreeSet<i32> {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        parents.extend(parent(&stat).map(|(state, parent)| (pid, state, parent)));
    }
    let mut below = BTreeSet::from([own]);
    loop {
        let before = below.len();
        for (pid, _, parent) in &parents {
            if below.contains(parent) {
                below.insert(*pid);
            }
        }
        if below.len() == before {
            break;
        }
    }
    parents
        .iter()
        .filter(|(pid, state, _)| *pid != own && *state != 'Z' && below.contains(pid))
        .map(|(pid, ..)| *pid)
        .collect()
}

/// State and parent from the text of `/proc/PID/stat`. The name in it may hold anything.
fn parent(stat: &str) -> Option<(char, i32)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_lie_about_its_parent() {
        for (stat, expected) in [
            ("12 (sh) S 7 12 12 0", Some(('S', 7))),
            ("12 (a) R 1 (x) Z 9 12", Some(('Z', 9))),
            ("12 (sh", None),
            ("", None),
        ] {
            assert_eq!(parent(stat), expected, "{stat}");
        }
    }

    #[test]
    fn a_child_is_found_until_it_has_ended() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        assert!(descendants().contains(&pid));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!descendants().contains(&pid));
    }
}
