//! The one call of macOS that no safe wrapper offers: what another process's sandbox allows.
#![expect(unsafe_code, reason = "a function of libSystem, argued at its place")]

use std::ffi::CString;

/// Nothing more is asked than whether there is a sandbox.
const NO_FILTER: libc::c_int = 0;
/// The name of a service follows.
const GLOBAL_NAME: libc::c_int = 2;
/// The question is not written into the system's log.
const NO_REPORT: libc::c_int = 0x4000_0000;

unsafe extern "C" {
    /// 0: allowed, or no sandbox; 1: not allowed, or a sandbox; -1: no such process.
    fn sandbox_check(
        pid: libc::pid_t,
        operation: *const libc::c_char,
        filter: libc::c_int,
        ...
    ) -> libc::c_int;
}

/// Whether a process runs in a sandbox.
#[must_use]
pub fn is_sandboxed(pid: i32) -> bool {
    // SAFETY: without an operation no further argument is read.
    unsafe { sandbox_check(pid, std::ptr::null(), NO_FILTER | NO_REPORT) == 1 }
}

/// Whether a process's sandbox lets it ask for a service of this name.
#[must_use]
pub fn may_ask(pid: i32, service: &str) -> bool {
    let Ok(service) = CString::new(service) else { return false };
    // SAFETY: both strings end with a zero and outlive the call, which reads exactly one further
    // argument for this filter.
    let said = unsafe {
        sandbox_check(pid, c"mach-lookup".as_ptr(), GLOBAL_NAME | NO_REPORT, service.as_ptr())
    };
    said == 0
}
