//! The system calls that no safe wrapper offers; all of the sandbox's unsafe code is here.
#![expect(unsafe_code, reason = "raw system calls, each argued at its place")]

use std::{
    io,
    os::{
        fd::{FromRawFd, OwnedFd, RawFd},
        unix::process::CommandExt,
    },
    process::Command,
};

/// Takes over a descriptor number that was handed to this process.
///
/// # Errors
/// When nothing is open under that number.
pub fn adopt(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: F_GETFD has no memory effect and proves that the descriptor is open.
    if fd < 3 || unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
        return Err(io::Error::other(format!("descriptor {fd} was not handed over")));
    }
    // SAFETY: the number was handed over by exec or SCM_RIGHTS and has no other owner here.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// What happens in the child between fork and exec.
#[derive(Debug, Clone, Default)]
pub struct Prepare {
    /// Start a session and make standard input its controlling terminal.
    pub session: bool,
    /// Leave keyboard signals to the program inside: they would end bubblewrap itself.
    pub ignore_keyboard: bool,
    /// Descriptors that stay open; every other one above 2 is closed at exec.
    pub keep: Vec<RawFd>,
    /// Die when the thread that starts the child dies.
    pub die_with_parent: bool,
}

/// Arranges for `prepare` to happen in the child.
pub fn prepare(command: &mut Command, prepare: Prepare) {
    // SAFETY: the closure makes async-signal-safe system calls only and does not allocate.
    unsafe {
        command.pre_exec(move || in_child(&prepare));
    }
}

fn in_child(prepare: &Prepare) -> io::Result<()> {
    for signal in [
        libc::SIGCHLD,
        libc::SIGHUP,
        libc::SIGINT,
        libc::SIGQUIT,
        libc::SIGTERM,
        libc::SIGALRM,
        libc::SIGTSTP,
        libc::SIGTTIN,
        libc::SIGTTOU,
    ] {
        let keyboard = matches!(signal, libc::SIGINT | libc::SIGQUIT);
        let action =
            if keyboard && prepare.ignore_keyboard { libc::SIG_IGN } else { libc::SIG_DFL };
        // SAFETY: SIG_DFL and SIG_IGN are valid dispositions.
        unsafe { libc::signal(signal, action) };
    }
    if prepare.session {
        // SAFETY: no memory is involved; descriptor 0 is the terminal's slave side.
        check(unsafe { libc::setsid() })?;
        check(unsafe { libc::ioctl(0, libc::TIOCSCTTY as _, 0) })?;
    }
    close_others(&prepare.keep)?;
    #[cfg(target_os = "linux")]
    if prepare.die_with_parent {
        // SAFETY: a plain prctl with an integer.
        check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) })?;
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn close_others(keep: &[RawFd]) -> io::Result<()> {
    close_range(3, true)?;
    for fd in keep {
        // SAFETY: fcntl with integers.
        check(unsafe { libc::fcntl(*fd, libc::F_SETFD, 0) })?;
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn close_others(keep: &[RawFd]) -> io::Result<()> {
    for fd in 3..1024 {
        let flags = if keep.contains(&fd) { 0 } else { libc::FD_CLOEXEC };
        // SAFETY: fcntl with integers; a closed number fails harmlessly.
        unsafe { libc::fcntl(fd, libc::F_SETFD, flags) };
    }
    Ok(())
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Ignores keyboard signals in this process while a child owns the terminal.
pub fn ignore_keyboard_signals() {
    for signal in [libc::SIGINT, libc::SIGQUIT] {
        // SAFETY: SIG_IGN is a valid disposition.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// Gives keyboard signals their usual meaning again.
pub fn restore_keyboard_signals() {
    for signal in [libc::SIGINT, libc::SIGQUIT] {
        // SAFETY: SIG_DFL is a valid disposition.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// Waits until a child has ended, and leaves it to be reaped.
///
/// # Errors
/// When there is no such child.
pub fn wait_without_reaping(pid: u32) -> io::Result<()> {
    loop {
        let mut info = std::mem::MaybeUninit::<libc::siginfo_t>::uninit();
        // SAFETY: the kernel writes one siginfo into the room for one; it is not read.
        let result = unsafe {
            libc::waitid(libc::P_PID, pid, info.as_mut_ptr(), libc::WEXITED | libc::WNOWAIT)
        };
        match check(result) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other.map(drop),
        }
    }
}

#[cfg(target_os = "linux")]
pub use linux::*;

#[cfg(target_os = "linux")]
mod linux {
    use std::os::fd::AsRawFd;

    use super::{FromRawFd, OwnedFd, RawFd, check, io};

    /// Closes every descriptor from `first` on, now or (`at_exec`) at the next exec.
    ///
    /// # Errors
    /// When the kernel is older than 5.11.
    pub fn close_range(first: u32, at_exec: bool) -> io::Result<()> {
        let flags = if at_exec { libc::CLOSE_RANGE_CLOEXEC } else { 0 };
        // SAFETY: closing descriptors has no memory effect; owners below never use them again
        // because exec or _exit follows.
        let result = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, flags) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Runs `body` in a forked copy of this process; that copy ends with the code it returns.
    ///
    /// # Errors
    /// When there is no room for another process, or more than one thread runs.
    pub fn fork(body: impl FnOnce() -> i32) -> io::Result<nix::unistd::Pid> {
        if std::fs::read_dir("/proc/self/task")?.count() != 1 {
            return Err(io::Error::other("fork with several threads"));
        }
        // SAFETY: there is one thread, so no lock can be held by another in the copy.
        match unsafe { nix::unistd::fork() }? {
            nix::unistd::ForkResult::Parent { child } => Ok(child),
            nix::unistd::ForkResult::Child => {
                let code = body();
                // SAFETY: ends the process at once, without running the parent's exit handlers.
                unsafe { libc::_exit(code) }
            }
        }
    }

    /// A handle that becomes readable when the process ends.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn pidfd(pid: i32) -> io::Result<OwnedFd> {
        // SAFETY: integers only; the result is a fresh descriptor.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        let fd = check(i32::try_from(fd).map_err(io::Error::other)?)?;
        // SAFETY: the kernel just made this descriptor for us.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }

    /// Sends a signal to exactly the process behind the handle.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn pidfd_signal(pidfd: &OwnedFd, signal: nix::sys::signal::Signal) -> io::Result<()> {
        let null = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: a null siginfo asks the kernel to fill in its own.
        let result = unsafe {
            libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal as i32, null, 0)
        };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// The kernel's number for the network namespace of a socket.
    ///
    /// # Errors
    /// When the kernel is older than 5.14.
    pub fn netns_cookie(socket: &impl AsRawFd) -> io::Result<u64> {
        const SO_NETNS_COOKIE: libc::c_int = 71;
        let mut cookie = 0u64;
        let mut size: libc::socklen_t = 8;
        // SAFETY: the kernel writes at most `size` bytes into `cookie`, which holds 8.
        check(unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                SO_NETNS_COOKIE,
                (&raw mut cookie).cast(),
                &raw mut size,
            )
        })?;
        Ok(cookie)
    }

    /// Sends a byte together with the connection request to a port of 127.0.0.1.
    ///
    /// # Errors
    /// What stopped it.
    pub fn fast_open(tcp: &OwnedFd, port: u16) -> io::Result<()> {
        let address = libc::sockaddr_in {
            sin_family: libc::AF_INET as libc::sa_family_t,
            sin_port: port.to_be(),
            sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes([127, 0, 0, 1]) },
            sin_zero: [0; 8],
        };
        // SAFETY: the kernel reads one byte and one address, both alive, of the sizes given.
        let sent = unsafe {
            libc::sendto(
                tcp.as_raw_fd(),
                c"x".as_ptr().cast(),
                1,
                libc::MSG_FASTOPEN | libc::MSG_NOSIGNAL,
                (&raw const address).cast(),
                size_of::<libc::sockaddr_in>() as libc::socklen_t,
            )
        };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// A forbidden system call, made with arguments that do nothing where it is allowed.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Attempt {
        /// Typing into a terminal on behalf of its user.
        TypeIntoTerminal,
        /// A queue that makes system calls unseen by seccomp.
        IoUring,
        /// Keys of the user's session.
        Keyring,
        /// Looking into one's own debugger state.
        Ptrace,
        /// Loading kernel programs.
        Bpf,
        /// Reading performance counters of the machine.
        PerfEvent,
        /// Handling page faults in user space.
        UserFault,
        /// Reading another process's memory.
        ReadProcess,
        /// Making a mount.
        Mount,
        /// Cloning the file view.
        OpenTree,
        /// Opening a file by its number, past all folders.
        OpenByHandle,
        /// A process in new namespaces, by the extensible call.
        Clone3,
        /// A character device node.
        DeviceNode,
        /// The kernel's log.
        KernelLog,
    }

    /// Makes the call; the error the kernel gave, or `None` where it succeeded.
    #[must_use]
    pub fn attempt(what: Attempt, fd: RawFd) -> Option<i32> {
        let null = std::ptr::null::<libc::c_void>();
        // SAFETY: every pointer is null, or to a constant that outlives the call and that the
        // kernel only reads; the numbers name no memory.
        let result = unsafe {
            match what {
                Attempt::TypeIntoTerminal => {
                    libc::c_long::from(libc::ioctl(fd, libc::TIOCSTI, c"".as_ptr()))
                }
                Attempt::IoUring => libc::syscall(libc::SYS_io_uring_setup, 4, null),
                Attempt::Keyring => libc::syscall(libc::SYS_keyctl, 0, -3, 0),
                Attempt::Ptrace => {
                    libc::syscall(libc::SYS_ptrace, libc::PTRACE_PEEKUSER, 1, null, null)
                }
                Attempt::Bpf => libc::syscall(libc::SYS_bpf, 0, null, 0),
                Attempt::PerfEvent => libc::syscall(libc::SYS_perf_event_open, null, 0, -1, -1, 0),
                Attempt::UserFault => libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC | 1),
                Attempt::ReadProcess => {
                    libc::syscall(libc::SYS_process_vm_readv, 1, null, 0, null, 0, 0)
                }
                Attempt::Mount => libc::syscall(
                    libc::SYS_mount,
                    c"none".as_ptr(),
                    c"/tmp".as_ptr(),
                    c"tmpfs".as_ptr(),
                    0,
                    null,
                ),
                Attempt::OpenTree => libc::syscall(
                    libc::SYS_open_tree,
                    libc::AT_FDCWD,
                    c"/tmp".as_ptr(),
                    libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC,
                ),
                Attempt::OpenByHandle => {
                    libc::syscall(libc::SYS_open_by_handle_at, libc::AT_FDCWD, null, 0)
                }
                Attempt::Clone3 => libc::syscall(libc::SYS_clone3, null, 0),
                Attempt::DeviceNode => libc::syscall(
                    libc::SYS_mknodat,
                    libc::AT_FDCWD,
                    c"/tmp/lcc-probe-node".as_ptr(),
                    libc::S_IFCHR | 0o600,
                    libc::makedev(1, 5),
                ),
                Attempt::KernelLog => libc::syscall(libc::SYS_syslog, 10, null, 0),
            }
        };
        if result < 0 { io::Error::last_os_error().raw_os_error() } else { None }
    }
}
