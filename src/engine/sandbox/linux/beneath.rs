//! Looks at files and makes them without following a link: the project is its last session's work.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read, Write},
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, AtFlags, OFlag, OpenHow, ResolveFlag, openat2},
    sys::stat::{FileStat, Mode, SFlag, fstat, fstatat, mkdirat},
    unistd::{Gid, Uid, UnlinkatFlags, fchownat, unlinkat},
};
use serde::{Deserialize, Serialize};

use super::sys;
use crate::engine::sandbox::policy::Kind;

/// Which file it is, for as long as it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The number of its file system.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
}

impl Identity {
    fn of(about: &FileStat) -> Self {
        #[allow(clippy::unnecessary_cast, clippy::useless_conversion)]
        Self { device: about.st_dev as u64, inode: about.st_ino as u64 }
    }
}

fn how(flags: OFlag, resolve: ResolveFlag) -> OpenHow {
    OpenHow::new().flags(flags | OFlag::O_CLOEXEC).mode(Mode::empty()).resolve(resolve)
}

fn below() -> ResolveFlag {
    ResolveFlag::RESOLVE_BENEATH
        | ResolveFlag::RESOLVE_NO_SYMLINKS
        | ResolveFlag::RESOLVE_NO_MAGICLINKS
}

/// Opens a folder by its whole path, on which no link may lie.
///
/// # Errors
/// When it is not there, no folder, or behind a link.
pub fn folder(path: &Path) -> io::Result<OwnedFd> {
    let how = how(OFlag::O_PATH | OFlag::O_DIRECTORY, ResolveFlag::RESOLVE_NO_SYMLINKS);
    openat2(AT_FDCWD, path, how).map_err(|error| match error {
        Errno::ENOSYS => io::Error::other(
            "the kernel is older than 5.6, or lcc runs inside another sandbox; start it outside",
        ),
        other => other.into(),
    })
}

/// Opens a folder below another one; the empty path is that folder itself.
///
/// # Errors
/// When it is not there, no folder, or behind a link.
pub fn subfolder(root: &OwnedFd, path: &Path) -> io::Result<OwnedFd> {
    if path.as_os_str().is_empty() {
        return root.try_clone();
    }
    Ok(openat2(root, path, how(OFlag::O_PATH | OFlag::O_DIRECTORY, below()))?)
}

/// What the system says about an open file.
///
/// # Errors
/// What the system says.
pub fn about(file: impl AsFd) -> io::Result<FileStat> {
    Ok(fstat(file)?)
}

/// What stands at a path below a folder, and which file it is; `None` where nothing does.
///
/// # Errors
/// When it cannot be looked at.
pub fn look(root: &OwnedFd, path: &Path) -> io::Result<Option<(Kind, Identity)>> {
    if path.as_os_str().is_empty() {
        return Ok(Some((Kind::Folder, Identity::of(&about(root)?))));
    }
    match openat2(root, path, how(OFlag::O_PATH | OFlag::O_NOFOLLOW, below())) {
        Ok(fd) => {
            let about = about(&fd)?;
            let kind = match SFlag::from_bits_truncate(about.st_mode) & SFlag::S_IFMT {
                SFlag::S_IFREG => Kind::File,
                SFlag::S_IFDIR => Kind::Folder,
                SFlag::S_IFLNK => Kind::Link,
                _ => Kind::Special,
            };
            Ok(Some((kind, Identity::of(&about))))
        }
        Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(None),
        Err(Errno::ELOOP | Errno::EXDEV) => {
            Ok(Some((Kind::Link, Identity { device: 0, inode: 0 })))
        }
        Err(error) => Err(error.into()),
    }
}

/// Opens a plain file or folder by its name in a folder, only to be named.
///
/// # Errors
/// When it is not there, a link or something special.
pub fn plain(folder: &OwnedFd, name: &Path) -> io::Result<OwnedFd> {
    let fd = openat2(folder, name, how(OFlag::O_PATH | OFlag::O_NOFOLLOW, below()))?;
    match SFlag::from_bits_truncate(about(&fd)?.st_mode) & SFlag::S_IFMT {
        SFlag::S_IFREG | SFlag::S_IFDIR => Ok(fd),
        _ => Err(io::Error::other("it is neither a file nor a folder")),
    }
}

/// What the system says about a name in a folder; a link is not followed.
///
/// # Errors
/// When nothing bears it.
pub fn stat(folder: &OwnedFd, name: &OsStr) -> io::Result<FileStat> {
    Ok(fstatat(folder, name, AtFlags::AT_SYMLINK_NOFOLLOW)?)
}

/// Reads a regular file below a folder, at most `limit` bytes of it.
///
/// # Errors
/// When there is none, or it is something else: a pipe would never answer.
pub fn read(root: &OwnedFd, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = File::from(openat2(root, path, how(flags, below()))?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Makes an empty folder, or a file with this content, under a name that is free.
///
/// # Errors
/// When the name is taken or the folder cannot be written.
pub fn make(folder: &OwnedFd, name: &OsStr, file: Option<&str>) -> io::Result<()> {
    let Some(content) = file else {
        return Ok(mkdirat(folder, name, Mode::from_bits_truncate(0o755))?);
    };
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW;
    let how = how(flags, below()).mode(Mode::from_bits_truncate(0o644));
    File::from(openat2(folder, Path::new(name), how)?).write_all(content.as_bytes())
}

/// Gives a file to a user, without following a link.
///
/// # Errors
/// When this process is not root.
pub fn give(folder: &OwnedFd, name: &OsStr, (user, group): (u32, u32)) -> io::Result<()> {
    let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
    Ok(fchownat(folder, name, Some(user), Some(group), AtFlags::AT_SYMLINK_NOFOLLOW)?)
}

/// Gives a new name to a file; one that bears the name already is left alone.
///
/// # Errors
/// `AlreadyExists` when the name is taken, or what the file system says.
pub fn rename_new(folder: &OwnedFd, from: &OsStr, to: &OsStr) -> io::Result<()> {
    sys::rename_new(folder, from, to)
}

/// Removes an empty folder or a file.
///
/// # Errors
/// When the folder is not empty or cannot be changed.
pub fn remove(folder: &OwnedFd, name: &OsStr, is_folder: bool) -> io::Result<()> {
    let flags = if is_folder { UnlinkatFlags::RemoveDir } else { UnlinkatFlags::NoRemoveDir };
    Ok(unlinkat(folder, name, flags)?)
}
