//! A process beside lcc that ends what a session leaves running, also when lcc itself was killed.
//!
//! macOS has neither process namespaces nor a signal at a parent's death. So the profile of every
//! session allows one name of a service that nobody has: the system can be asked of any process
//! whether its sandbox allows that name, and it does so in this session's alone.

use std::{
    io::{self, BufRead, Write},
    os::fd::AsFd,
    path::Path,
    process::{Command, ExitCode, Stdio},
    thread,
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::signal::{Signal, kill, killpg},
    unistd::{Pid, getpgid},
};
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

use super::{profile::session_service, sys};

/// The first argument that makes lcc sweep and nothing else.
pub const COMMAND: &str = "__sweep_macos";
/// How often the program is looked at.
const PAUSE_MS: u16 = 250;
/// A process may start another while it is ended: the sweep is done again, so often at most.
const ROUNDS: usize = 20;

/// Starts the sweeper for a program that runs.
///
/// # Errors
/// When it cannot be started; then the program must not go on.
pub fn start(lcc: &Path, program: u32, session: &str) -> io::Result<()> {
    let mut sweeper = Command::new(lcc)
        .arg(COMMAND)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir("/")
        .spawn()?;
    let stdin = sweeper.stdin.take();
    let mut stdin = stdin.ok_or_else(|| io::Error::other("the sweeper has no input"))?;
    writeln!(stdin, "{program} {session}")?;
    thread::Builder::new().name("lcc-sweeper".to_owned()).spawn(move || {
        // Open for as long as lcc lives: its closing is what tells of lcc's end.
        let _ended = sweeper.wait();
        drop(stdin);
    })?;
    Ok(())
}

/// Runs as the sweeper: waits until the program or lcc has ended, and ends what is left.
#[must_use]
pub fn main() -> ExitCode {
    let mut line = String::new();
    let told = io::stdin().lock().read_line(&mut line);
    let words = line.trim().split_once(' ');
    let order = words.and_then(|(pid, session)| Some((pid.parse::<i32>().ok()?, session)));
    let (Ok(_), Some((pid, session))) = (told, order) else { return ExitCode::from(125) };
    wait(Pid::from_raw(pid));
    let _none_left = killpg(Pid::from_raw(pid), Signal::SIGKILL);
    for _ in 0..ROUNDS {
        let Ok(left) = survivors(session) else { return ExitCode::FAILURE };
        if left.is_empty() {
            return ExitCode::SUCCESS;
        }
        for pid in left {
            let _ended_meanwhile = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
    ExitCode::FAILURE
}

/// Waits for the program's end, or for that of lcc, which closes the pipe.
fn wait(program: Pid) {
    let stdin = io::stdin();
    loop {
        let mut look = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
        match poll(&mut look, PollTimeout::from(PAUSE_MS)) {
            Ok(0) | Err(nix::errno::Errno::EINTR) => {}
            Ok(_) | Err(_) => return,
        }
        if getpgid(Some(program)).is_err() {
            return;
        }
    }
}

/// Processes whose sandbox is this session's.
fn survivors(session: &str) -> Result<Vec<i32>, sysinfo::Error> {
    let mut system = System::new()?;
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, ProcessRefreshKind::nothing());
    let ours = session_service(session);
    // A sandbox that allows this name too allows every one, and is not lcc's.
    let nobodys = session_service("of-nobody");
    let of_session = |pid: &i32| {
        sys::is_sandboxed(*pid) && sys::may_ask(*pid, &ours) && !sys::may_ask(*pid, &nobodys)
    };
    let all = system.processes().keys().filter_map(|pid| i32::try_from(pid.as_u32()).ok());
    Ok(all.filter(of_session).collect())
}
