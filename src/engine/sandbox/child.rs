//! A started child: watched by one thread that lives as long as it does.

use std::{
    io,
    os::fd::OwnedFd,
    process::{Command, ExitStatus},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};

/// How long a killed tree may take to vanish before lcc says so.
const KILL_LIMIT: Duration = Duration::from_secs(10);

/// The child and everything it started.
#[derive(Debug)]
pub struct Child {
    pid: i32,
    own_group: bool,
    inside: Option<Inside>,
    keeper: Option<OwnedFd>,
    shared: Arc<Shared>,
}

/// Handles on the inside of a process-id namespace.
#[derive(Debug)]
pub struct Inside {
    /// The program, as the host numbers it.
    pub program: i32,
    /// Handle on the program.
    pub program_fd: OwnedFd,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    status: Option<ExitStatus>,
    /// The first process of the namespace: when it is gone, all are.
    init: Option<OwnedFd>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Child {
    /// Starts `command` from a thread of its own. A child that asks to die with its parent dies
    /// with the *thread* that started it, so this thread stays until the child has ended. `keep`
    /// is closed as soon as the child has its copies.
    ///
    /// # Errors
    /// What the system says about the thread or the program.
    pub fn spawn(mut command: Command, keep: Vec<OwnedFd>, own_group: bool) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (started, pid) = mpsc::channel();
        let watched = Arc::clone(&shared);
        thread::Builder::new().name("lcc-child".to_owned()).spawn(move || {
            let spawned = command.spawn();
            drop(command);
            drop(keep);
            match spawned {
                Ok(child) => {
                    let told = started.send(i32::try_from(child.id()).map_err(io::Error::other));
                    drop(started);
                    if told.is_ok() {
                        watch(child, &watched);
                    }
                }
                Err(error) => drop(started.send(Err(error))),
            }
        })?;
        let pid = pid.recv().map_err(io::Error::other)??;
        Ok(Self { pid, own_group, inside: None, keeper: None, shared })
    }

    /// Adds what the handshake found out about the inside.
    pub fn set_inside(&mut self, inside: Inside, init: OwnedFd) {
        self.inside = Some(inside);
        self.shared.lock().init = Some(init);
    }

    /// Says that the child is a process of lcc's own above the program: asked to end, it ends all
    /// below it first. It does the same when lcc's end of the channel closes.
    pub fn set_keeper(&mut self, inside: Inside, channel: OwnedFd) {
        self.inside = Some(inside);
        self.keeper = Some(channel);
    }

    /// The program's process number on the host.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.inside.as_ref().map_or(self.pid, |inside| inside.program).unsigned_abs()
    }

    /// The exit status, if the child has ended and nothing of its namespace is left.
    ///
    /// # Errors
    /// None at present; the signature leaves room for systems that have to ask.
    pub fn try_wait(&self) -> io::Result<Option<ExitStatus>> {
        Ok(self.shared.lock().status)
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// None at present, as for [`Self::try_wait`].
    pub fn wait(&self) -> io::Result<ExitStatus> {
        let mut state = self.shared.lock();
        loop {
            if let Some(status) = state.status {
                return Ok(status);
            }
            state = self.shared.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for the end, at most so long.
    #[must_use]
    pub fn wait_for(&self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        let mut state = self.shared.lock();
        while state.status.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let waited = self.shared.ended.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.status
    }

    /// Asks the child to end, and after `grace` ends it and everything it started.
    ///
    /// # Errors
    /// When something could not be killed within ten seconds (a process stuck in the kernel).
    pub fn terminate(&self, grace: Duration) -> io::Result<ExitStatus> {
        self.ask();
        if let Some(status) = self.wait_for(grace) {
            self.sweep();
            return Ok(status);
        }
        self.kill();
        self.wait_for(KILL_LIMIT)
            .ok_or_else(|| io::Error::other(format!("process {} does not end", self.pid)))
    }

    fn ask(&self) {
        // The lock keeps the number from being given to another process meanwhile.
        let state = self.shared.lock();
        if state.status.is_some() {
            return;
        }
        match &self.inside {
            // bubblewrap itself must not get the signal: it would take the program with it at once.
            #[cfg(target_os = "linux")]
            Some(inside) => {
                let _ended_meanwhile =
                    super::sys::pidfd_signal(&inside.program_fd, Signal::SIGTERM);
            }
            #[cfg(not(target_os = "linux"))]
            Some(_) => {}
            None => signal(self.pid, self.own_group, Signal::SIGTERM),
        }
    }

    /// The child's uppermost process on the host.
    #[must_use]
    pub const fn root(&self) -> u32 {
        self.pid.unsigned_abs()
    }

    /// A handle that ends the child and everything it started, from any thread.
    #[must_use]
    pub fn killer(&self) -> Killer {
        let keeper = self.keeper.is_some();
        Killer {
            pid: self.pid,
            own_group: self.own_group,
            keeper,
            shared: Arc::clone(&self.shared),
        }
    }

    fn kill(&self) {
        self.killer().kill();
    }

    /// Ends what a child without a namespace left in its group.
    fn sweep(&self) {
        if self.own_group && self.inside.is_none() {
            let _empty_group = killpg(Pid::from_raw(self.pid), Signal::SIGKILL);
        }
    }
}

/// Ends a child.
#[derive(Debug, Clone)]
pub struct Killer {
    pid: i32,
    own_group: bool,
    keeper: bool,
    shared: Arc<Shared>,
}

impl Killer {
    /// Ends the child and everything it started; nothing where it has ended.
    pub fn kill(&self) {
        // The lock keeps the number from being given to another process meanwhile.
        let state = self.shared.lock();
        if state.status.is_some() {
            return;
        }
        if self.keeper {
            // A keeper that was killed could end nobody any more.
            let _ended_meanwhile = kill(Pid::from_raw(self.pid), Signal::SIGTERM);
        } else {
            signal(self.pid, self.own_group, Signal::SIGKILL);
        }
    }
}

/// The caller holds the lock, so the child is not reaped yet and its number is its own.
fn signal(pid: i32, own_group: bool, signal: Signal) {
    let pid = Pid::from_raw(pid);
    if own_group {
        let _ended_meanwhile = killpg(pid, signal);
    }
    let _ended_meanwhile = kill(pid, signal);
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

fn watch(mut child: std::process::Child, shared: &Shared) {
    // Not reaped yet: until the lock is held the number stays the child's own.
    let _interrupted = super::sys::wait_without_reaping(child.id());
    let init = shared.lock().init.take();
    #[cfg(target_os = "linux")]
    if let Some(init) = init {
        let _timeout = super::linux::channel::readable(&init, Instant::now() + KILL_LIMIT);
    }
    #[cfg(not(target_os = "linux"))]
    drop(init);
    let mut state = shared.lock();
    // A status that cannot be read counts as a failure, never as success.
    state.status = Some(
        child.wait().unwrap_or_else(|_| std::os::unix::process::ExitStatusExt::from_raw(255 << 8)),
    );
    drop(state);
    shared.ended.notify_all();
}
