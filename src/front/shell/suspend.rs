//! Ctrl-Z and what stops and wakes lcc from outside: the terminal is given back before, and taken
//! again after.

use std::io::{self, Write};

use nix::{
    sys::signal::{Signal as Sig, kill},
    unistd::{Pid, getpgrp, getsid},
};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::outer::Outer;

/// Waits for SIGTSTP and SIGCONT.
pub(super) struct Stops {
    stop: Signal,
    wake: Signal,
    /// A SIGCONT that is on its way belongs to a stop that has been dealt with.
    awake: bool,
}

/// What came from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// Somebody wants lcc to stop.
    Stop,
    /// Somebody has woken it.
    Wake,
}

impl Stops {
    pub(super) fn new() -> io::Result<Self> {
        let of = |sig: Sig| signal(SignalKind::from_raw(sig as i32));
        Ok(Self { stop: of(Sig::SIGTSTP)?, wake: of(Sig::SIGCONT)?, awake: false })
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Came {
        tokio::select! {
            _ = self.stop.recv() => Came::Stop,
            _ = self.wake.recv() => Came::Wake,
        }
    }

    /// Stops lcc, where a shell can bring it back; says whether it could. Comes back when woken.
    pub(super) fn stop(&mut self, outer: &Outer) -> io::Result<bool> {
        if !can_stop() {
            return Ok(false);
        }
        outer.pause()?;
        let mut stdout = io::stdout();
        writeln!(stdout, "lcc is stopped, and Claude Code waits with it; fg brings both back")?;
        stdout.flush()?;
        // The whole job, as the terminal would: a script around lcc stops with it. SIGTSTP has a
        // handler here; this one stops for certain.
        let stopped = kill(Pid::from_raw(0), Sig::SIGSTOP);
        self.awake = true;
        outer.resume()?;
        stopped.map_err(io::Error::from)?;
        Ok(true)
    }

    /// Somebody has woken lcc who had stopped it without asking (SIGSTOP): the shell has used
    /// the terminal meanwhile. Says whether it had to be taken anew.
    pub(super) fn woken(&mut self, outer: &Outer) -> io::Result<bool> {
        if std::mem::take(&mut self.awake) {
            return Ok(false);
        }
        outer.pause()?;
        outer.resume()?;
        Ok(true)
    }
}

/// Whether a shell with job control has started this job: it leads the session, in a group of
/// its own. Else nobody could bring lcc back.
fn can_stop() -> bool {
    getsid(None).is_ok_and(|leader| leader != getpgrp())
}
