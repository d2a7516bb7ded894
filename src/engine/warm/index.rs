//! The index of snapshots on disk, shared by all sessions of this user; and their files, where lcc
//! can see them.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::files::{private_dir, read_plain, write_private};
use crate::engine::window::warm::{Entry, Shelf};

/// A file larger than this was not written here.
const LARGEST: u64 = 8 << 20;

/// The index in lcc's state folder.
#[derive(Debug, Clone)]
pub struct Index {
    state: PathBuf,
}

impl Index {
    /// The one in this state folder.
    #[must_use]
    pub const fn at(state: PathBuf) -> Self {
        Self { state }
    }

    /// The folder that `lcc serve` gives its servers.
    #[must_use]
    pub fn own_folder(&self) -> PathBuf {
        self.state.join("slots")
    }

    fn file(&self) -> PathBuf {
        self.state.join("snapshots.json")
    }

    /// What is in it; a damaged one is empty.
    #[must_use]
    pub fn read(&self) -> Shelf {
        let bytes = read_plain(&self.file(), LARGEST);
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// Changes it while no other session does, and gives back what `change` gives.
    ///
    /// # Errors
    /// What the system said; nothing is changed then.
    pub fn change<T>(&self, change: impl FnOnce(&mut Shelf) -> T) -> io::Result<T> {
        if !self.state.is_dir() {
            private_dir(&self.state)?;
        }
        let lock = self.state.join("snapshots.lock");
        let lock: File =
            OpenOptions::new().create(true).write(true).truncate(false).mode(0o600).open(lock)?;
        lock.lock()?;
        let before = self.read();
        let mut shelf = before.clone();
        let out = change(&mut shelf);
        if shelf != before {
            write_private(&self.file(), &serde_json::to_vec_pretty(&shelf)?)?;
        }
        Ok(out)
    }
}

/// Where a file of this name and size lies, of the folders a server may write to. It is made
/// private on the way.
#[must_use]
pub fn locate(folders: &[PathBuf], file: &str, bytes: u64) -> Option<String> {
    folders.iter().find_map(|folder| {
        let path = folder.join(file);
        let meta = fs::symlink_metadata(&path).ok()?;
        if !meta.is_file() || (bytes > 0 && meta.len() != bytes) {
            return None;
        }
        // Another user's server wrote it: then it is not lcc's to change.
        let _ = fs::set_permissions(&path, fs::Permissions::from_mode(0o600));
        Some(folder.to_string_lossy().into_owned())
    })
}

/// Removes a snapshot's file. `false`: lcc does not see it, so it is still there.
///
/// # Errors
/// What the system said.
pub fn remove(entry: &Entry) -> io::Result<bool> {
    let Some(folder) = &entry.folder else { return Ok(false) };
    // The index is a file that could have been changed: only names that are made here are removed.
    let ours = entry.file.starts_with(PREFIX) && !entry.file.contains('/');
    if !ours {
        return Ok(false);
    }
    match fs::remove_file(Path::new(folder).join(&entry.file)) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(e) => Err(e),
    }
}

/// Removes files of lcc's own folder that no index names and that are older than an hour: saves
/// that were cut off by the end of their session.
pub fn sweep(index: &Index) {
    const OLD: std::time::Duration = std::time::Duration::from_secs(3_600);
    let known = index.read();
    for entry in fs::read_dir(index.own_folder()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let ours = name.starts_with(PREFIX) && name.ends_with(".bin");
        let changed = entry.metadata().and_then(|m| m.modified()).ok();
        let old = changed.and_then(|at| at.elapsed().ok()).is_some_and(|age| age > OLD);
        if ours && old && !known.entries.iter().any(|e| e.file == *name) {
            // Another session may have been quicker.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Every snapshot's file begins so.
pub const PREFIX: &str = "lcc-";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Kept, ServerKind},
        engine::window::warm::ServerMark,
    };

    fn entry(id: &str, folder: Option<&Path>) -> Entry {
        Entry {
            id: id.into(),
            file: format!("{PREFIX}{id}.bin"),
            folder: folder.map(|f| f.to_string_lossy().into_owned()),
            url: "u".into(),
            kept: Kept::Fixed,
            session: None,
            prefix: 1,
            project: "/p".into(),
            mark: ServerMark {
                kind: ServerKind::LlamaServer,
                build: None,
                model: None,
                model_bytes: None,
                model_changed: None,
                ftype: None,
                window: None,
                options: Vec::new(),
            },
            tokens: 1,
            bytes: 4,
            made: 1,
            used: 1,
            proven: false,
        }
    }

    #[test]
    fn the_index_is_private_and_outlives_damage() {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::at(dir.path().to_owned());
        assert_eq!(index.read(), Shelf::default());
        index.change(|shelf| shelf.put(entry("a", None))).unwrap();
        assert_eq!(index.read().entries.len(), 1);
        let mode = fs::metadata(index.file()).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        fs::write(index.file(), "[").unwrap();
        assert_eq!(index.read(), Shelf::default());
        index.change(|shelf| shelf.put(entry("b", None))).unwrap();
        assert_eq!(index.read().entries[0].id, "b");
    }

    #[test]
    fn two_sessions_lose_nothing_of_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::at(dir.path().to_owned());
        std::thread::scope(|scope| {
            for half in 0..2 {
                let index = &index;
                scope.spawn(move || {
                    for n in 0..20 {
                        let id = format!("{half}-{n}");
                        index.change(|shelf| shelf.put(entry(&id, None))).unwrap();
                    }
                });
            }
        });
        assert_eq!(index.read().entries.len(), 40);
    }

    #[test]
    fn files_are_found_made_private_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let folders = [dir.path().join("none"), dir.path().to_owned()];
        let made = entry("a", Some(dir.path()));
        fs::write(dir.path().join(&made.file), "1234").unwrap();
        assert_eq!(locate(&folders, &made.file, 5), None, "another size is another file");
        assert_eq!(locate(&folders, &made.file, 4), made.folder);
        let mode = fs::metadata(dir.path().join(&made.file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(remove(&made).unwrap());
        assert!(!dir.path().join(&made.file).exists());
        assert!(remove(&made).unwrap(), "gone is gone");
        assert!(!remove(&entry("b", None)).unwrap());
    }

    #[test]
    fn only_old_files_that_nobody_knows_are_swept() {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::at(dir.path().to_owned());
        fs::create_dir(index.own_folder()).unwrap();
        index.change(|shelf| shelf.put(entry("known", None))).unwrap();
        let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(7_200);
        for (name, old) in [
            ("lcc-known.bin", true),
            ("lcc-orphan.bin", true),
            ("lcc-new.bin", false),
            ("mine.bin", true),
        ] {
            let file = File::create(index.own_folder().join(name)).unwrap();
            if old {
                file.set_modified(long_ago).unwrap();
            }
        }
        sweep(&index);
        let mut left: Vec<String> = fs::read_dir(index.own_folder())
            .unwrap()
            .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        left.sort();
        assert_eq!(left, ["lcc-known.bin", "lcc-new.bin", "mine.bin"]);
    }

    #[test]
    fn a_changed_index_removes_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("in")).unwrap();
        for (name, folder) in
            [("keep", dir.path().to_owned()), ("lcc-x/../../keep", dir.path().join("in"))]
        {
            fs::write(dir.path().join("keep"), "x").unwrap();
            let wrong = Entry { file: name.into(), ..entry("a", Some(&folder)) };
            assert!(!remove(&wrong).unwrap());
            assert!(dir.path().join("keep").exists());
        }
    }
}
