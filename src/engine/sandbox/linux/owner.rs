//! Whose rights the child gets: root lends its own to nobody but root's own projects.

use std::{
    ffi::{CString, OsStr},
    fs, io,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd, RawFd},
        unix::{ffi::OsStrExt, fs::MetadataExt},
    },
    path::{Path, PathBuf},
};

use nix::{
    fcntl::AtFlags,
    sys::stat::{FileStat, SFlag, fstat},
    unistd::{Gid, Uid, User, fchown, fchownat},
};

use super::{beneath, sys::Step};

/// The user that the child runs as, where it is not lcc's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The user number.
    pub user: u32,
    /// The group number: the user's own, or the project's where the user has no entry.
    pub group: u32,
}

impl Owner {
    /// Whom to become for a project with this owner and group; nobody, unless lcc runs as root in
    /// another user's project.
    #[must_use]
    pub fn to_become(lcc: u32, user: u32, group: u32) -> Option<Self> {
        if lcc != 0 || user == 0 {
            return None;
        }
        let entry = User::from_uid(Uid::from_raw(user)).ok().flatten();
        Some(Self { user, group: entry.map_or(group, |entry| entry.gid.as_raw()) })
    }

    /// As a pair.
    #[must_use]
    pub const fn ids(self) -> (u32, u32) {
        (self.user, self.group)
    }
}

/// The home folder of a user, resolved.
#[must_use]
pub fn home(user: u32) -> Option<PathBuf> {
    let home = User::from_uid(Uid::from_raw(user)).ok().flatten()?.dir;
    Some(fs::canonicalize(&home).unwrap_or(home)).filter(|home| home.parent().is_some())
}

/// Gives everything of root's below a private folder to the owner. Nothing is followed, and a file
/// with a second name is left alone: the other name may be anybody's.
///
/// # Errors
/// What the system says.
pub fn give_tree(root: &Path, owner: Owner) -> io::Result<()> {
    let folder = beneath::folder(root)?;
    give(&folder, OsStr::new("."), &beneath::about(&folder)?, owner)?;
    give_entries(root, &folder, owner)
}

fn give_entries(path: &Path, folder: &OwnedFd, owner: Owner) -> io::Result<()> {
    // Listed through the open folder: its path may lead elsewhere by now.
    for entry in fs::read_dir(format!("/proc/self/fd/{}", folder.as_raw_fd()))? {
        let name = entry?.file_name();
        let Ok(about) = beneath::stat(folder, &name) else { continue };
        give(folder, &name, &about, owner)?;
        if kind(&about) == SFlag::S_IFDIR {
            let below = beneath::subfolder(folder, Path::new(&name))?;
            give_entries(&path.join(&name), &below, owner)?;
        }
    }
    Ok(())
}

fn kind(about: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(about.st_mode) & SFlag::S_IFMT
}

fn give(folder: &OwnedFd, name: &OsStr, about: &FileStat, owner: Owner) -> io::Result<()> {
    let shared = kind(about) != SFlag::S_IFDIR && about.st_nlink > 1;
    if about.st_uid != 0 || shared {
        return Ok(());
    }
    let (user, group) = (Uid::from_raw(owner.user), Gid::from_raw(owner.group));
    Ok(fchownat(folder, name, Some(user), Some(group), AtFlags::AT_SYMLINK_NOFOLLOW)?)
}

/// Gives a stream of root's to the owner, so that the program can open it by its name again: lcc's
/// own terminal, or a pipe. A file or the user's terminal is left alone.
pub fn give_stream(stream: impl AsFd, own_terminal: bool, owner: Owner) {
    let Ok(about) = fstat(&stream) else { return };
    let fits = match kind(&about) {
        SFlag::S_IFIFO => true,
        SFlag::S_IFCHR => own_terminal,
        _ => false,
    };
    if fits && about.st_uid == 0 {
        // The streams still work where this fails; only their names do not.
        let _by_number_only =
            fchown(&stream, Some(Uid::from_raw(owner.user)), Some(Gid::from_raw(owner.group)));
    }
}

/// What the owner needs to reach every source of a mount: nothing where each can be reached.
#[derive(Debug, Default)]
pub struct Way {
    /// What the child does while it is still root.
    pub steps: Vec<Step>,
    /// Reserved numbers; open until the child has been started.
    pub reserved: Vec<OwnedFd>,
    /// The folders that are closed to the owner.
    pub closed: Vec<PathBuf>,
}

/// Looks for sources behind folders that the owner may not enter, such as root's home. The child
/// gets a file view of its own in which each such folder is covered by one in memory that shows
/// these sources at their own places and nothing else.
///
/// # Errors
/// When a source cannot be looked at.
pub fn way(sources: &[PathBuf], owner: Owner) -> io::Result<Way> {
    let mut way = Way::default();
    let mut shown: Vec<&Path> = Vec::new();
    let mut sorted: Vec<&PathBuf> = sources.iter().collect();
    sorted.sort();
    sorted.dedup();
    let mut closed: Vec<(PathBuf, Vec<&Path>)> = Vec::new();
    for source in sorted {
        // What lies in a tree that is shown already comes with it.
        if shown.iter().any(|above| source.starts_with(above)) {
            continue;
        }
        let Some(door) = first_closed(source, owner)? else { continue };
        shown.push(source);
        match closed.iter_mut().find(|(known, _)| *known == door) {
            Some((_, behind)) => behind.push(source),
            None => closed.push((door, vec![source])),
        }
    }
    let text = |path: &Path| CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other);
    let mut shows = Vec::new();
    for source in &shown {
        let reserved = OwnedFd::from(fs::File::open("/dev/null")?);
        let number: RawFd = reserved.as_raw_fd();
        way.steps.push(Step::Hold(text(source)?, number));
        way.reserved.push(reserved);
        shows.push((*source, number));
    }
    for (door, behind) in closed {
        way.steps.push(Step::Cover(text(&door)?));
        let mut made: Vec<&Path> = Vec::new();
        for source in behind {
            let mut above: Vec<&Path> = source
                .ancestors()
                .skip(1)
                .take_while(|path| path.starts_with(&door) && **path != *door)
                .collect();
            above.reverse();
            for path in above.into_iter().filter(|path| !made.contains(path)).collect::<Vec<_>>() {
                way.steps.push(Step::Folder(text(path)?));
                made.push(path);
            }
            let is_folder = fs::metadata(source)?.is_dir();
            let place = text(source)?;
            way.steps.push(if is_folder { Step::Folder(place) } else { Step::File(place) });
            for (_, number) in shows.iter().filter(|(path, _)| *path == source) {
                way.steps.push(Step::Show(*number, text(source)?));
            }
        }
        way.closed.push(door);
    }
    Ok(way)
}

/// The topmost folder on the way to a path that the owner may not enter, by its permission bits.
fn first_closed(path: &Path, owner: Owner) -> io::Result<Option<PathBuf>> {
    let mut above: Vec<&Path> = path.ancestors().skip(1).collect();
    above.reverse();
    for folder in above {
        let about = fs::metadata(folder)?;
        let bit = if about.uid() == owner.user {
            0o100
        } else if about.gid() == owner.group {
            0o010
        } else {
            0o001
        };
        if about.mode() & bit == 0 {
            return Ok(Some(folder.to_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_root_in_anothers_project_becomes_another() {
        assert_eq!(Owner::to_become(1000, 1000, 1000), None);
        assert_eq!(Owner::to_become(1000, 0, 0), None);
        assert_eq!(Owner::to_become(0, 0, 0), None);
        let foreign = Owner { user: 4_000_001, group: 77 };
        assert_eq!(Owner::to_become(0, foreign.user, 77), Some(foreign));
    }

    #[test]
    fn a_closed_folder_is_covered_and_shows_only_what_is_needed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::set_permissions(&root, fs::Permissions::from_mode(0o711)).unwrap();
        let door = root.join("closed");
        fs::create_dir_all(door.join("a/b")).unwrap();
        fs::write(door.join("a/file"), "").unwrap();
        fs::create_dir(root.join("open")).unwrap();
        fs::set_permissions(&door, fs::Permissions::from_mode(0o700)).unwrap();
        let owner = Owner { user: 4_000_001, group: 4_000_001 };
        let sources =
            [door.join("a/file"), root.join("open"), door.join("a/b"), door.join("a/b/below")];
        let way = way(&sources, owner).unwrap();
        assert_eq!(way.closed, [door.as_path()]);
        let text = |name: &str| CString::new(door.join(name).as_os_str().as_bytes()).unwrap();
        let (folder, file) = (way.reserved[0].as_raw_fd(), way.reserved[1].as_raw_fd());
        assert_eq!(
            way.steps,
            [
                Step::Hold(text("a/b"), folder),
                Step::Hold(text("a/file"), file),
                Step::Cover(CString::new(door.as_os_str().as_bytes()).unwrap()),
                Step::Folder(text("a")),
                Step::Folder(text("a/b")),
                Step::Show(folder, text("a/b")),
                Step::File(text("a/file")),
                Step::Show(file, text("a/file")),
            ]
        );
    }
}
