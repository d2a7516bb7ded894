//! System calls of the strict tier that no safe wrapper offers.
#![expect(unsafe_code, reason = "raw system calls, each argued at its place")]

use std::{
    ffi::{CStr, CString, OsStr},
    io,
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
        unix::{ffi::OsStrExt, process::CommandExt},
    },
    process::Command,
    ptr,
};

/// Gives a new name to a file in a folder, unless something bears that name already.
///
/// # Errors
/// `AlreadyExists`, or what the file system says.
pub fn rename_new(folder: &OwnedFd, from: &OsStr, to: &OsStr) -> io::Result<()> {
    let (from, to) = (CString::new(from.as_bytes())?, CString::new(to.as_bytes())?);
    let fd = folder.as_raw_fd();
    // SAFETY: both names end with a zero and outlive the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_renameat2,
            fd,
            from.as_ptr(),
            fd,
            to.as_ptr(),
            libc::RENAME_NOREPLACE,
        )
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The user namespace that owns another namespace.
///
/// # Errors
/// When this user may not know it.
pub fn owner_of(namespace: &impl AsRawFd) -> io::Result<OwnedFd> {
    const NS_GET_USERNS: libc::c_ulong = 0xb701;
    // SAFETY: the request takes no argument and gives a fresh descriptor.
    let fd = check(unsafe { libc::ioctl(namespace.as_raw_fd(), NS_GET_USERNS as _) })?;
    // SAFETY: the kernel just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Mounts a file or folder onto itself, read-only, in this process's file view.
///
/// # Errors
/// When the kernel is older than 5.12, or this process has no right to.
pub fn mount_again(place: &OwnedFd) -> io::Result<()> {
    /// `struct mount_attr`, first version.
    #[repr(C)]
    struct Attributes {
        set: u64,
        clear: u64,
        propagation: u64,
        user_namespace: u64,
    }
    const READ_ONLY: u64 = 1;
    const NO_SET_ID: u64 = 2;
    const NO_DEVICES: u64 = 4;
    const CLONE: libc::c_int = 1;
    const FROM_AND_TO_DESCRIPTORS: libc::c_uint = 0x44;
    let empty = c"".as_ptr();
    let call = |result: libc::c_long| {
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
    };
    let attributes = Attributes {
        set: READ_ONLY | NO_SET_ID | NO_DEVICES,
        clear: 0,
        propagation: 0,
        user_namespace: 0,
    };
    // SAFETY: the paths are empty constants; the attributes outlive the call that reads them, of
    // the size given; the descriptor is fresh.
    unsafe {
        let flags = CLONE | libc::O_CLOEXEC | libc::AT_EMPTY_PATH;
        let tree = call(libc::syscall(libc::SYS_open_tree, place.as_raw_fd(), empty, flags))?;
        let tree = OwnedFd::from_raw_fd(i32::try_from(tree).map_err(io::Error::other)?);
        call(libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_raw_fd(),
            empty,
            libc::AT_EMPTY_PATH,
            &raw const attributes,
            size_of::<Attributes>(),
        ))?;
        call(libc::syscall(
            libc::SYS_move_mount,
            tree.as_raw_fd(),
            empty,
            place.as_raw_fd(),
            empty,
            FROM_AND_TO_DESCRIPTORS,
        ))?;
    }
    Ok(())
}

/// One step of showing another user what only root may reach, in a file view of the child's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Opens the path and keeps it under this reserved number.
    Hold(CString, RawFd),
    /// Covers a folder by an empty one in memory.
    Cover(CString),
    /// Makes a folder in it.
    Folder(CString),
    /// Makes an empty file in it.
    File(CString),
    /// Mounts what is held under the number at this path.
    Show(RawFd, CString),
}

/// Arranges for the child to become another user, after the steps of `way` if there are any.
///
/// Call it before anything else is arranged: a wish to die with the parent is lost with the user.
pub fn become_user(command: &mut Command, user: u32, group: u32, way: Vec<Step>) {
    let names: Vec<(RawFd, CString)> = way
        .iter()
        .filter_map(|step| match step {
            Step::Show(fd, _) => Some((*fd, CString::new(format!("/proc/self/fd/{fd}")).ok()?)),
            Step::Hold(..) | Step::Cover(_) | Step::Folder(_) | Step::File(_) => None,
        })
        .collect();
    // SAFETY: the closure makes async-signal-safe system calls only and does not allocate.
    unsafe {
        command.pre_exec(move || {
            if !way.is_empty() {
                check(libc::unshare(libc::CLONE_NEWNS))?;
                mount(None, c"/", None, libc::MS_REC | libc::MS_PRIVATE, None)?;
            }
            for step in &way {
                take(step, &names)?;
            }
            check(libc::setgroups(0, ptr::null()))?;
            check(libc::setresgid(group, group, group))?;
            check(libc::setresuid(user, user, user))?;
            Ok(())
        });
    }
}

fn take(step: &Step, names: &[(RawFd, CString)]) -> io::Result<()> {
    match step {
        Step::Hold(path, number) => {
            // SAFETY: the path ends with a zero; the reserved number is this child's own copy.
            unsafe {
                let fd = check(libc::open(path.as_ptr(), libc::O_PATH | libc::O_CLOEXEC))?;
                check(libc::dup3(fd, *number, libc::O_CLOEXEC))?;
                check(libc::close(fd))?;
            }
        }
        Step::Cover(path) => {
            let flags = libc::MS_NOSUID | libc::MS_NODEV;
            mount(Some(c"lcc"), path, Some(c"tmpfs"), flags, Some(c"mode=0755,size=1M"))?;
        }
        Step::Folder(path) => {
            // SAFETY: the path ends with a zero.
            check(unsafe { libc::mkdir(path.as_ptr(), 0o755) })?;
        }
        Step::File(path) => {
            let flags = libc::O_CREAT | libc::O_EXCL | libc::O_WRONLY | libc::O_CLOEXEC;
            // SAFETY: the path ends with a zero; the fresh descriptor is closed at once.
            unsafe {
                let fd = check(libc::open(path.as_ptr(), flags, 0o644))?;
                check(libc::close(fd))?;
            }
        }
        Step::Show(number, path) => {
            let Some((_, held)) = names.iter().find(|(fd, _)| fd == number) else {
                return Err(io::Error::from_raw_os_error(libc::EBADF));
            };
            mount(Some(held), path, None, libc::MS_BIND | libc::MS_REC, None)?;
        }
    }
    Ok(())
}

fn mount(
    source: Option<&CStr>,
    target: &CStr,
    kind: Option<&CStr>,
    flags: libc::c_ulong,
    data: Option<&CStr>,
) -> io::Result<()> {
    let pointer = |text: Option<&CStr>| text.map_or(ptr::null(), CStr::as_ptr);
    // SAFETY: every text ends with a zero and outlives the call; a null means none.
    let result = unsafe {
        libc::mount(pointer(source), target.as_ptr(), pointer(kind), flags, pointer(data).cast())
    };
    check(result).map(drop)
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
