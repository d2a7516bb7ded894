//! What the host plants in the kernel itself: a key and a segment of shared memory.
#![expect(unsafe_code, reason = "raw system calls, each argued at its place")]

use std::{ffi::CString, io};

/// Seconds after which the kernel forgets the key by itself.
const LIFE_OF_KEY: libc::c_long = 120;
const SESSION_KEYRING: libc::c_long = -3;
const KEYCTL_UNLINK: libc::c_long = 9;
const KEYCTL_SET_TIMEOUT: libc::c_long = 15;
/// Bytes of the segment.
const SEGMENT: usize = 4096;

/// A key in the session keyring of this thread; taken out when dropped.
#[derive(Debug)]
pub(super) struct Key {
    serial: i32,
}

impl Key {
    /// Plants `text` under `name`.
    pub(super) fn plant(name: &str, text: &str) -> io::Result<Self> {
        let name = CString::new(name)?;
        // SAFETY: the kernel reads two strings and `text.len()` bytes, all alive.
        let serial = unsafe {
            libc::syscall(
                libc::SYS_add_key,
                c"user".as_ptr(),
                name.as_ptr(),
                text.as_ptr(),
                text.len(),
                SESSION_KEYRING,
            )
        };
        if serial < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: integers only. Without it the key stays until the session ends.
        let _kept_longer =
            unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_SET_TIMEOUT, serial, LIFE_OF_KEY) };
        Ok(Self { serial: i32::try_from(serial).map_err(io::Error::other)? })
    }

    /// Its number.
    pub(super) fn serial(&self) -> i32 {
        self.serial
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: integers only. A key that stays is forgotten after its time.
        let _forgotten_later =
            unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_UNLINK, self.serial, SESSION_KEYRING) };
    }
}

/// A segment of shared memory that vanishes with this process.
#[derive(Debug)]
pub(super) struct Segment {
    id: i32,
    at: usize,
}

impl Segment {
    /// Plants `text`.
    pub(super) fn plant(text: &str) -> io::Result<Self> {
        if text.len() >= SEGMENT {
            return Err(io::Error::other("too long for the segment"));
        }
        // SAFETY: integers only.
        let id = unsafe { libc::shmget(libc::IPC_PRIVATE, SEGMENT, libc::IPC_CREAT | 0o666) };
        if id < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel picks the place; no flag that would replace a mapping is given.
        let at = unsafe { libc::shmat(id, std::ptr::null(), 0) };
        let attached = at as isize != -1;
        // SAFETY: a null buffer is what this command takes. Marked for removal it lives while it
        // is attached, here or by whoever finds it, and needs nobody to clear it away.
        let marked = unsafe { libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut()) };
        if !attached || marked < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the segment is attached, larger than the text and shared with nobody yet.
        unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), at.cast::<u8>(), text.len()) };
        Ok(Self { id, at: at as usize })
    }

    /// Its number.
    pub(super) fn id(&self) -> i32 {
        self.id
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        // SAFETY: attached in `plant`, and no reference into it was kept.
        let _ends_with_the_process = unsafe { libc::shmdt(self.at as *const libc::c_void) };
    }
}

/// Keeps a descriptor open across an exec, as a careless program would.
pub(super) fn leak(file: &std::fs::File) -> io::Result<()> {
    // SAFETY: integers only.
    let result = unsafe { libc::fcntl(std::os::fd::AsRawFd::as_raw_fd(file), libc::F_SETFD, 0) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
