//! Looking into a project without following a link: what lies there was written by others.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read},
    os::{fd::OwnedFd, unix::ffi::OsStringExt},
    path::{Component, Path},
};

use nix::{
    dir::Dir,
    errno::Errno,
    fcntl::{AT_FDCWD, AtFlags, OFlag, openat, readlinkat},
    sys::stat::{FileStat, Mode, SFlag, fstatat},
};

use crate::engine::sandbox::policy::Kind;

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// What kind of thing.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u32,
    /// Bytes.
    pub size: u64,
    /// Names of it.
    pub links: u64,
    /// Inode and last change of anything about it, in seconds and nanoseconds: no program without
    /// privileges can set the latter.
    pub stamp: (u64, i64, i64),
}

/// A folder that was opened once; everything else is looked up below it.
#[derive(Debug)]
pub struct Root {
    folder: OwnedFd,
}

const FOLDER: OFlag =
    OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

impl Root {
    /// Opens the folder.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { folder: openat(AT_FDCWD, path, FOLDER, Mode::empty())? })
    }

    /// Opens a folder below, one name after the other.
    fn below(&self, path: &Path) -> nix::Result<OwnedFd> {
        let mut at = openat(&self.folder, ".", FOLDER, Mode::empty())?;
        for part in path.components() {
            let Component::Normal(name) = part else { return Err(Errno::EINVAL) };
            at = openat(&at, name, FOLDER, Mode::empty())?;
        }
        Ok(at)
    }

    fn parent<'a>(&self, path: &'a Path) -> nix::Result<(OwnedFd, &'a Path)> {
        let name = path.file_name().ok_or(Errno::EINVAL)?;
        Ok((self.below(path.parent().unwrap_or(Path::new("")))?, Path::new(name)))
    }

    /// What stands at a path; `None` where nothing does. A link on the way counts as a link.
    ///
    /// # Errors
    /// What the system says of a path that is there.
    pub fn about(&self, path: &Path) -> io::Result<Option<About>> {
        let found = self
            .parent(path)
            .and_then(|(folder, name)| fstatat(&folder, name, AtFlags::AT_SYMLINK_NOFOLLOW));
        match found {
            Ok(stat) => Ok(Some(about(&stat))),
            Err(Errno::ENOENT) => Ok(None),
            // Which of the two it is differs between systems: something on the way is no folder.
            Err(Errno::ENOTDIR | Errno::ELOOP) => Ok(self.link_on_the_way(path)),
            Err(error) => Err(error.into()),
        }
    }

    fn link_on_the_way(&self, path: &Path) -> Option<About> {
        let mut ways: Vec<&Path> = path.ancestors().skip(1).collect();
        ways.reverse();
        ways.into_iter().filter(|way| !way.as_os_str().is_empty()).find_map(|way| {
            let (folder, name) = self.parent(way).ok()?;
            let stat = fstatat(&folder, name, AtFlags::AT_SYMLINK_NOFOLLOW).ok()?;
            let about = about(&stat);
            (about.kind == Kind::Link).then_some(about)
        })
    }

    /// Reads a regular file of at most `most` bytes; `None` for anything else.
    ///
    /// # Errors
    /// What the system says.
    pub fn read(&self, path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
        let (folder, name) = self.parent(path)?;
        // A pipe must not be waited for.
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let file = File::from(openat(&folder, name, flags, Mode::empty())?);
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.len() > most {
            return Ok(None);
        }
        let mut content = Vec::new();
        file.take(most + 1).read_to_end(&mut content)?;
        Ok(if content.len() as u64 > most { None } else { Some(content) })
    }

    /// Where a link leads, as written.
    ///
    /// # Errors
    /// What the system says.
    pub fn target(&self, path: &Path) -> io::Result<OsString> {
        let (folder, name) = self.parent(path)?;
        Ok(readlinkat(&folder, name)?)
    }

    /// The names in a folder and what they are, in order.
    ///
    /// # Errors
    /// What the system says.
    pub fn list(&self, path: &Path) -> io::Result<Vec<(OsString, About)>> {
        let folder = self.below(path)?;
        let again = openat(&folder, ".", FOLDER, Mode::empty())?;
        let mut dir = Dir::from_fd(folder)?;
        let mut names: Vec<OsString> = dir
            .iter()
            .filter_map(Result::ok)
            .map(|entry| OsString::from_vec(entry.file_name().to_bytes().to_vec()))
            .filter(|name| name != "." && name != "..")
            .collect();
        names.sort();
        Ok(names
            .into_iter()
            .filter_map(|name| {
                // What is gone meanwhile is not there.
                let stat = fstatat(&again, Path::new(&name), AtFlags::AT_SYMLINK_NOFOLLOW).ok()?;
                Some((name, about(&stat)))
            })
            .collect())
    }
}

// The fields' types differ between systems.
#[allow(clippy::unnecessary_cast, clippy::useless_conversion)]
fn about(stat: &FileStat) -> About {
    let kind = match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
        SFlag::S_IFREG => Kind::File,
        SFlag::S_IFDIR => Kind::Folder,
        SFlag::S_IFLNK => Kind::Link,
        _ => Kind::Special,
    };
    About {
        kind,
        mode: u32::from(stat.st_mode) & 0o7777,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        links: stat.st_nlink as u64,
        stamp: (stat.st_ino as u64, stat.st_ctime as i64, stat.st_ctime_nsec as i64),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn links_are_seen_and_never_followed() {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        fs::create_dir_all(outside.join("hooks")).unwrap();
        fs::write(outside.join("hooks/x"), "secret").unwrap();
        let project = dir.path().join("p");
        fs::create_dir_all(project.join("real")).unwrap();
        fs::write(project.join("real/f"), "text").unwrap();
        symlink(&outside, project.join(".git")).unwrap();
        symlink("real/f", project.join("l")).unwrap();
        nix::unistd::mkfifo(&project.join("pipe"), Mode::S_IRWXU).unwrap();
        let root = Root::open(&project).unwrap();
        let kind = |path: &str| root.about(Path::new(path)).unwrap().map(|about| about.kind);
        assert_eq!(kind("real"), Some(Kind::Folder));
        assert_eq!(kind("real/f"), Some(Kind::File));
        assert_eq!(kind("l"), Some(Kind::Link));
        assert_eq!(kind(".git/hooks/x"), Some(Kind::Link));
        assert_eq!(kind("pipe"), Some(Kind::Special));
        assert_eq!(kind("none"), None);
        assert_eq!(kind("real/f/x"), None);
        assert!(root.read(Path::new(".git/hooks/x"), 99).is_err());
        assert!(root.read(Path::new("l"), 99).is_err());
        assert_eq!(root.read(Path::new("pipe"), 99).unwrap(), None);
        assert_eq!(root.read(Path::new("real/f"), 3).unwrap(), None);
        assert_eq!(root.read(Path::new("real/f"), 4).unwrap().unwrap(), b"text");
        assert!(root.list(Path::new(".git")).is_err());
        assert!(root.about(Path::new("../outside")).is_err());
        assert_eq!(root.target(Path::new("l")).unwrap(), "real/f");
        let names: Vec<OsString> =
            root.list(Path::new("")).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, [".git", "l", "pipe", "real"]);
    }
}
