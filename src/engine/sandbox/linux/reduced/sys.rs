//! The system calls that give up capabilities.
#![expect(unsafe_code, reason = "raw system calls, each argued at its place")]

use std::io;

/// Version 3 of the capability interface, which takes two words of 32 bits a set.
const VERSION: u32 = 0x2008_0522;
/// More than any kernel has.
const MOST: libc::c_ulong = 64;

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Sets {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Gives up every capability for good: of the process, and of all that it may execute.
///
/// # Errors
/// When the kernel does not let go of them.
pub fn drop_capabilities() -> io::Result<()> {
    for capability in 0..MOST {
        // An ordinary user may not touch the bounding set, and gains nothing from it: no new
        // privileges are in force. The check afterwards decides.
        // SAFETY: a plain prctl with integers.
        unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
    }
    // SAFETY: a plain prctl with integers.
    unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) };
    let header = Header { version: VERSION, pid: 0 };
    let none = [Sets { effective: 0, permitted: 0, inheritable: 0 }; 2];
    // SAFETY: the kernel reads one header and two sets, which version 3 is made of.
    let result = unsafe { libc::syscall(libc::SYS_capset, &raw const header, &raw const none) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
