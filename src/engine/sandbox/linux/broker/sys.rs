//! The system calls of a seccomp listener; all of the broker's unsafe code is here.
#![expect(unsafe_code, reason = "raw system calls, each argued at its place")]

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
};

use seccompiler::BpfProgram;

/// A system call that waits for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// The kernel's name for this very call.
    pub id: u64,
    /// The thread that makes it, as this process numbers it; 0 where it is not visible here.
    pub thread: u32,
    /// The call's number.
    pub call: i64,
    /// Its arguments.
    pub args: [u64; 6],
}

/// Puts a filter in force and gives the listener on which its calls arrive.
///
/// # Errors
/// When the kernel is older than 5.0, or a filter with a listener is in force already.
pub fn install(program: &BpfProgram) -> io::Result<OwnedFd> {
    let length = u16::try_from(program.len()).map_err(io::Error::other)?;
    let filter = libc::sock_fprog {
        len: length,
        // The two types are the same structure of the kernel under two names.
        filter: program.as_ptr().cast_mut().cast(),
    };
    let listener = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    // With the second flag a call that was taken up is not torn by signals; older kernels lack it.
    for flags in [listener | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, listener] {
        // SAFETY: the kernel reads `len` instructions from the program, which outlives the call.
        let result = unsafe {
            libc::syscall(
                libc::SYS_seccomp,
                libc::SECCOMP_SET_MODE_FILTER,
                flags,
                &raw const filter,
            )
        };
        if result >= 0 {
            let number = i32::try_from(result).map_err(io::Error::other)?;
            // SAFETY: the kernel just made this descriptor for us.
            return Ok(unsafe { OwnedFd::from_raw_fd(number) });
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::EINVAL) {
            return Err(error);
        }
    }
    Err(io::ErrorKind::Unsupported.into())
}

fn call<T>(listener: &OwnedFd, request: libc::Ioctl, value: &mut T) -> io::Result<i32> {
    // SAFETY: each caller passes the structure that belongs to its request, alive and writable.
    let result = unsafe { libc::ioctl(listener.as_raw_fd(), request, std::ptr::from_mut(value)) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Takes up the next call.
///
/// # Errors
/// `NotFound` when its thread died meanwhile; `Interrupted`.
pub fn take(listener: &OwnedFd) -> io::Result<Waiting> {
    // SAFETY: all-zero is a valid value, and the one that the kernel asks for.
    let mut told: libc::seccomp_notif = unsafe { std::mem::zeroed() };
    call(listener, libc::SECCOMP_IOCTL_NOTIF_RECV, &mut told)?;
    Ok(Waiting {
        id: told.id,
        thread: told.pid,
        call: i64::from(told.data.nr),
        args: told.data.args,
    })
}

/// Whether the call still waits: what was read of its thread since it was taken up was its own.
pub fn still_waits(listener: &OwnedFd, waiting: &Waiting) -> bool {
    let mut id = waiting.id;
    call(listener, libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &mut id).is_ok()
}

/// Lets the call fail with this error number, or (0) succeed without having been made.
///
/// # Errors
/// `NotFound` when its thread died meanwhile.
pub fn answer(listener: &OwnedFd, waiting: &Waiting, error: i32) -> io::Result<()> {
    respond(listener, libc::seccomp_notif_resp { id: waiting.id, val: 0, error: -error, flags: 0 })
}

/// Lets the kernel make the call as if nobody had been asked. What it then reads may differ from
/// what was looked at: for calls that can do no harm alone.
///
/// # Errors
/// `NotFound` when its thread died meanwhile.
pub fn go_on(listener: &OwnedFd, waiting: &Waiting) -> io::Result<()> {
    let flags = u32::try_from(libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE).map_err(io::Error::other)?;
    respond(listener, libc::seccomp_notif_resp { id: waiting.id, val: 0, error: 0, flags })
}

fn respond(listener: &OwnedFd, mut response: libc::seccomp_notif_resp) -> io::Result<()> {
    call(listener, libc::SECCOMP_IOCTL_NOTIF_SEND, &mut response).map(drop)
}

/// Puts a copy of `fd` in the place of the waiting thread's descriptor `place`.
///
/// # Errors
/// `NotFound` when the thread died meanwhile.
pub fn replace(
    listener: &OwnedFd,
    waiting: &Waiting,
    fd: BorrowedFd<'_>,
    place: u32,
    close_on_exec: bool,
) -> io::Result<()> {
    let narrow = |wide: libc::c_ulong| u32::try_from(wide).map_err(io::Error::other);
    let mut order = libc::seccomp_notif_addfd {
        id: waiting.id,
        flags: narrow(libc::SECCOMP_ADDFD_FLAG_SETFD)?,
        srcfd: fd.as_raw_fd().unsigned_abs(),
        newfd: place,
        newfd_flags: if close_on_exec { libc::O_CLOEXEC.unsigned_abs() } else { 0 },
    };
    call(listener, libc::SECCOMP_IOCTL_NOTIF_ADDFD, &mut order).map(drop)
}
