//! A server's process group: nothing of it outlives its guard.

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    os::unix::process::{CommandExt as _, ExitStatusExt},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::process::{Child, Command};

use super::{cause::Exit, log::Log, plan::Plan, refused};

/// For what a dead server left behind to be gone.
const CLEAR: Duration = Duration::from_secs(2);
const CLEAR_STEP: Duration = Duration::from_millis(5);

/// A running server: the leader of its group, and whoever it started.
pub(super) struct Group {
    pub child: Child,
    pid: u32,
    /// Left running when the guard goes.
    keep: bool,
    /// Ends it when lcc itself is killed; none for one that is kept.
    _watchdog: Option<Watchdog>,
}

impl Group {
    /// Starts the plan's program in a group of its own; what it writes goes into the log.
    pub(super) fn spawn(plan: &Plan, log: &Log, keep: bool) -> io::Result<Self> {
        let out = log.open()?;
        let mut command = Command::new(&plan.program);
        let inherited =
            std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(refused::inherits));
        command
            .args(&plan.args)
            .env_clear()
            .envs(inherited)
            .envs(plan.env.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .process_group(0);
        let child = command.spawn()?;
        let pid = child.id().ok_or_else(|| io::Error::other("it ended at once"))?;
        let watchdog = (!keep).then(|| Watchdog::start(pid)).transpose()?;
        Ok(Self { child, pid, keep, _watchdog: watchdog })
    }

    pub(super) const fn pid(&self) -> u32 {
        self.pid
    }

    pub(super) fn signal(&self, signal: Signal) {
        // An empty group is what is wanted.
        let _ = killpg(Pid::from_raw(self.pid.cast_signed()), signal);
    }

    /// The leader has ended: whoever it left behind ends too, kept or not. Waits until nothing of
    /// the group is left, so that its port and its memory are free.
    pub(super) async fn clear(mut self) {
        self.keep = false;
        let end = Instant::now() + CLEAR;
        let group = Pid::from_raw(self.pid.cast_signed());
        // What is dead but was not waited for still counts: hence the bound.
        while killpg(group, Signal::SIGKILL).is_ok() && Instant::now() < end {
            tokio::time::sleep(CLEAR_STEP).await;
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.keep {
            self.signal(Signal::SIGKILL);
        }
    }
}

/// Waits for the end of lcc and then kills a group: for an lcc that could not do it itself.
struct Watchdog {
    child: std::process::Child,
    /// Open for as long as lcc lives.
    _alive: std::process::ChildStdin,
}

impl Watchdog {
    /// A shell that reads until its input is closed. Nothing that ends lcc by the terminal ends it.
    fn start(group: u32) -> io::Result<Self> {
        const WAIT: &str = "trap '' HUP INT QUIT TERM; read -r _; kill -s KILL -- \"-$1\"";
        let mut child = std::process::Command::new("/bin/sh")
            .args(["-c", WAIT, "lcc-watchdog", &group.to_string()])
            .env_clear()
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let alive =
            child.stdin.take().ok_or_else(|| io::Error::other("no pipe to the watchdog"))?;
        Ok(Self { child, _alive: alive })
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // Before the pipe closes: the group may be somebody else's by now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a process ended.
pub(super) fn exit(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, signal) => Exit::Signal(signal.unwrap_or(0)),
    }
}

/// Whether the port can be listened on now.
pub(super) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
