//! The system calls of the attempts, which no safe wrapper offers.
#![expect(unsafe_code, reason = "raw system calls, each argued at its place")]

use std::{
    ffi::CStr,
    fs::File,
    io::{self, Write as _},
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
    path::Path,
};

use nix::{
    errno::Errno,
    sys::{
        signal::Signal,
        wait::{WaitStatus, waitpid},
    },
};

/// An argument of a call. What the kernel reads or writes is borrowed for the call.
pub(super) enum Arg<'a> {
    /// A number.
    Number(i64),
    /// A pointer to nothing.
    Null,
    /// A string.
    Text(&'a CStr),
    /// Bytes that the kernel may read.
    Read(&'a [u8]),
    /// Bytes that the kernel may write.
    Write(&'a mut [u8]),
}

use Arg::{Null, Number, Read, Text, Write};

/// Makes a call by its number.
///
/// For calls of the attempts alone: every buffer is at least as long as the call in question reads
/// or writes, and none of them changes the memory map or this process's signals.
pub(super) fn call<const N: usize>(number: libc::c_long, args: [Arg<'_>; N]) -> Result<i64, Errno> {
    let mut words = [0i64; 6];
    for (word, arg) in words.iter_mut().zip(args) {
        *word = match arg {
            Number(number) => number,
            Null => 0,
            Text(text) => text.as_ptr() as i64,
            Read(bytes) => bytes.as_ptr() as i64,
            Write(bytes) => bytes.as_mut_ptr() as i64,
        };
    }
    let [a, b, c, d, e, f] = words;
    // SAFETY: every pointer comes from a borrow that lasts until here, long enough for the call as
    // the callers see to; numbers name no memory.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if result < 0 { Err(Errno::last()) } else { Ok(result) }
}

/// The same for a call that gives a descriptor.
pub(super) fn opens<const N: usize>(
    number: libc::c_long,
    args: [Arg<'_>; N],
) -> Result<OwnedFd, Errno> {
    let fd = RawFd::try_from(call(number, args)?).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// How a copy of this process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// By itself, with this code.
    Code(i32),
    /// By a signal.
    Killed(Signal),
}

/// Does in a copy of this process what would change it, or end it.
pub(super) fn in_copy(body: impl FnOnce() -> i32) -> io::Result<End> {
    let child = crate::engine::sandbox::sys::fork(body)?;
    loop {
        match waitpid(child, None) {
            Ok(WaitStatus::Exited(_, code)) => return Ok(End::Code(code)),
            Ok(WaitStatus::Signaled(_, signal, _)) => return Ok(End::Killed(signal)),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// A result as the exit code of a copy: 0, or the error number.
pub(super) fn code<T>(result: Result<T, Errno>) -> i32 {
    result.map_or_else(|error| error as i32, |_| 0)
}

/// The result that a copy gave as its exit code; `None` where it was killed.
pub(super) fn result(end: End) -> Option<Result<(), Errno>> {
    match end {
        End::Code(0) => Some(Ok(())),
        End::Code(code) => Some(Err(Errno::from_raw(code))),
        End::Killed(_) => None,
    }
}

/// Starts a process with a new namespace of the kind `flag`; the new process ends at once.
pub(super) fn clone(flag: libc::c_int) -> Result<(), Errno> {
    let flags = i64::from(flag | libc::SIGCHLD);
    // SAFETY: without memory of its own the new process is a copy, as fork makes one, and this is
    // the only thread.
    started(unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) })
}

/// The same by clone3.
pub(super) fn clone3(flag: libc::c_int) -> Result<(), Errno> {
    let mut arguments = [0u64; 11];
    arguments[0] = flag as u64;
    arguments[4] = libc::SIGCHLD as u64;
    // SAFETY: the arguments outlive the call and have the size that is given; else as for clone.
    started(unsafe { libc::syscall(libc::SYS_clone3, arguments.as_ptr(), size_of_val(&arguments)) })
}

fn started(child: libc::c_long) -> Result<(), Errno> {
    if child == 0 {
        // SAFETY: ends the new process at once.
        unsafe { libc::_exit(0) }
    }
    let child = i32::try_from(Errno::result(child)?).map_err(|_| Errno::EINVAL)?;
    let _end = waitpid(nix::unistd::Pid::from_raw(child), None);
    Ok(())
}

/// Ignores a signal in this process.
pub(super) fn ignore(which: Signal) -> Result<(), Errno> {
    // SAFETY: SIG_IGN is a valid disposition.
    let before = unsafe { libc::signal(which as i32, libc::SIG_IGN) };
    if before == libc::SIG_ERR { Err(Errno::last()) } else { Ok(()) }
}

/// Leaves a process in a session of its own behind that holds a lock on a file; returns when it
/// does. Its number stands in the file; it ends by itself after a minute.
pub(super) fn leave_behind(lock: &Path) -> io::Result<()> {
    const LIFE: u32 = 60;
    let file = File::create(lock)?;
    file.lock()?;
    let keep = file.as_raw_fd();
    // SAFETY: integers only, in a new process of one thread that then waits and ends.
    let end = in_copy(|| unsafe {
        libc::setsid();
        match libc::fork() {
            0 => {
                // Whoever waits for the end of the result must not wait for this process.
                for fd in (0..1024).filter(|fd| *fd != keep) {
                    libc::close(fd);
                }
                let mut left = LIFE;
                while left > 0 {
                    left = libc::sleep(left);
                }
                libc::_exit(0)
            }
            -1 => 1,
            child => i32::from(writeln!(&file, "{child}").is_err()),
        }
    })?;
    if end == End::Code(0) { Ok(()) } else { Err(io::Error::other("no process could be left")) }
}

/// Executes a script that lies in memory alone.
pub(super) fn run_from_memory(script: &[u8]) -> io::Result<End> {
    // Without the flag that closes it: the script's shell opens it again.
    let fd = opens(libc::SYS_memfd_create, [Text(c"lcc-attempt"), Number(0)])?;
    let mut file = File::from(fd);
    file.write_all(script)?;
    let none = [std::ptr::null::<libc::c_char>()];
    let words = [c"script".as_ptr(), std::ptr::null()];
    in_copy(|| {
        // SAFETY: both lists end with a null pointer and outlive the call, which returns only
        // when it fails.
        unsafe { libc::fexecve(file.as_raw_fd(), words.as_ptr(), none.as_ptr()) };
        1
    })
}

/// Makes a socket through the entry for 32-bit programs, which numbers calls differently. The
/// result as the kernel gives it: a descriptor, or a negative error number.
#[cfg(target_arch = "x86_64")]
pub(super) fn old_socket() -> Result<i32, Errno> {
    const SOCKETCALL: u64 = 102;
    const SOCKET: u64 = 1;
    const PAGE: usize = 4096;
    // SAFETY: a fresh private page; the low addresses are what a 32-bit call can point to.
    let page = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            PAGE,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT,
            -1,
            0,
        )
    };
    if page == libc::MAP_FAILED {
        return Err(Errno::last());
    }
    // SAFETY: the page is ours, aligned and large enough for three words.
    unsafe { page.cast::<[u32; 3]>().write([libc::AF_UNIX as u32, libc::SOCK_STREAM as u32, 0]) };
    let mut answer = SOCKETCALL;
    // SAFETY: the entry reads the three words at `page` and keeps every register but rax, r8 to
    // r11; rbx is put back as the compiler needs it.
    unsafe {
        std::arch::asm!(
            "xchg rbx, {first}",
            "int 0x80",
            "xchg rbx, {first}",
            first = inout(reg) SOCKET => _,
            inout("rax") answer,
            in("rcx") page as u64,
            in("rdx") 0u64,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    let answer = answer as u32 as i32;
    if answer < 0 { Err(Errno::from_raw(-answer)) } else { Ok(answer) }
}

/// Other processors enter the kernel for 32-bit programs only from 32-bit programs.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn old_socket() -> Result<i32, Errno> {
    Err(Errno::ENOSYS)
}

/// Types a letter into a terminal of our own, which becomes this process's controlling one.
/// Whether the letter came out as if it had been typed.
pub(super) fn type_into(slave: RawFd) -> Result<(), Errno> {
    // SAFETY: integers, and one byte that outlives the call.
    unsafe {
        if libc::setsid() < 0 || libc::ioctl(slave, libc::TIOCSCTTY as _, 0) < 0 {
            return Err(Errno::last());
        }
        Errno::result(libc::ioctl(slave, libc::TIOCSTI as _, c"x".as_ptr())).map(drop)
    }
}

/// Looks for `text` in a segment of shared memory.
pub(super) fn segment_holds(id: i32, text: &str) -> Result<bool, Errno> {
    // SAFETY: the kernel picks the place; the segment is only read.
    let at = unsafe { libc::shmat(id, std::ptr::null(), libc::SHM_RDONLY) };
    if at as isize == -1 {
        return Err(Errno::last());
    }
    // SAFETY: segments are whole pages, and the secret is shorter than one.
    let bytes = unsafe { std::slice::from_raw_parts(at.cast::<u8>(), text.len()) };
    let found = bytes == text.as_bytes();
    // SAFETY: attached above; `bytes` is not used any more.
    unsafe { libc::shmdt(at) };
    Ok(found)
}

/// The effective, permitted and inheritable capabilities, all of them asked for.
pub(super) fn take_capabilities() -> Result<(), Errno> {
    const VERSION_3: u32 = 0x2008_0522;
    let header = [VERSION_3, 0];
    let all = [u32::MAX, u32::MAX, 0, 0x1ff, 0x1ff, 0];
    // SAFETY: a header of two words and data of six, as version 3 has them.
    let result = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), all.as_ptr()) };
    Errno::result(result).map(drop)
}

/// The real-time policy of the scheduler for this process.
pub(super) fn take_processor() -> Result<(), Errno> {
    // SAFETY: a parameter block of plain numbers that outlives the call.
    let result = unsafe {
        let mut first: libc::sched_param = std::mem::zeroed();
        first.sched_priority = 1;
        libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const first)
    };
    Errno::result(result).map(drop)
}

/// Whether no program that is started can give this process new rights.
pub(super) fn no_new_rights() -> bool {
    // SAFETY: integers only.
    unsafe { libc::prctl(libc::PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 }
}

/// A TCP socket that sends data with the connection request; the data, where it went through.
pub(super) fn fast_open(tcp: RawFd, port: u16, with_connect: bool) -> Result<(), Errno> {
    let address = libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: port.to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes([127, 0, 0, 1]) },
        sin_zero: [0; 8],
    };
    let size = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    if !with_connect {
        // SAFETY: the kernel reads one byte and one address, both alive, of the sizes given.
        let sent = unsafe {
            libc::sendto(
                tcp,
                c"x".as_ptr().cast(),
                1,
                libc::MSG_FASTOPEN | libc::MSG_NOSIGNAL,
                (&raw const address).cast(),
                size,
            )
        };
        return if sent < 0 { Err(Errno::last()) } else { Ok(()) };
    }
    let on: libc::c_int = 1;
    // SAFETY: one word and one address, both alive, of the sizes given; then one byte.
    unsafe {
        let option = libc::setsockopt(
            tcp,
            libc::IPPROTO_TCP,
            libc::TCP_FASTOPEN_CONNECT,
            (&raw const on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        );
        Errno::result(option)?;
        Errno::result(libc::connect(tcp, (&raw const address).cast(), size))?;
        Errno::result(libc::send(tcp, c"x".as_ptr().cast(), 1, libc::MSG_NOSIGNAL)).map(drop)
    }
}
