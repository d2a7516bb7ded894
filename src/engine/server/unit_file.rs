//! Writing and removing the service's file: whole or not at all, and only ever lcc's own.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::unit::{MARKER, Manager};

/// The file was left as it was.
#[derive(Debug, thiserror::Error)]
pub enum UnitFileError {
    /// A file stands there that lcc did not write.
    #[error("{} was not written by lcc and stays as it is. Move it away first", .0.display())]
    Foreign(PathBuf),
    /// There is nothing to remove.
    #[error("{}: there is no such service", .0.display())]
    Absent(PathBuf),
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Where the service's file belongs. `config` is the user's configuration folder for systemd,
/// `home` the home folder for launchd.
#[must_use]
pub fn path(manager: Manager, home: &Path, config: &Path) -> PathBuf {
    match manager {
        Manager::Systemd => config.join("systemd/user").join(manager.file_name()),
        Manager::Launchd => home.join("Library/LaunchAgents").join(manager.file_name()),
    }
}

/// Writes the file; whoever reads it sees the old text or the new one.
///
/// # Errors
/// [`UnitFileError`] when the place is taken by a foreign file or cannot be written.
pub fn write(path: &Path, text: &str) -> Result<(), UnitFileError> {
    let io = |source| UnitFileError::Io { path: path.to_owned(), source };
    match is_ours(path) {
        Ok(Some(false)) => return Err(UnitFileError::Foreign(path.to_owned())),
        Ok(Some(true) | None) => {}
        Err(e) => return Err(io(e)),
    }
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(io)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(name);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // What is half written is nobody's.
        let _ = fs::remove_file(&temporary);
    }
    written.map_err(io)
}

/// Removes the file.
///
/// # Errors
/// [`UnitFileError`] when it is not there, is not lcc's, or cannot be removed.
pub fn remove(path: &Path) -> Result<(), UnitFileError> {
    let io = |source| UnitFileError::Io { path: path.to_owned(), source };
    match is_ours(path).map_err(io)? {
        None => Err(UnitFileError::Absent(path.to_owned())),
        Some(false) => Err(UnitFileError::Foreign(path.to_owned())),
        Some(true) => fs::remove_file(path).map_err(io),
    }
}

/// Whether lcc wrote it; `None` when there is none. Says so by its first two lines.
///
/// # Errors
/// The system's word when it cannot be read.
pub fn is_ours(path: &Path) -> io::Result<Option<bool>> {
    match fs::read(path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            Ok(Some(text.lines().take(2).any(|line| line.contains(MARKER))))
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_our_own_file_is_written_over_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let file = path(Manager::Systemd, Path::new("/none"), dir.path());
        assert!(matches!(remove(&file), Err(UnitFileError::Absent(_))));
        let ours = |n: u8| format!("# {MARKER}\n[Unit]\n# {n}\n");
        write(&file, &ours(1)).unwrap();
        write(&file, &ours(2)).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), ours(2));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let left: Vec<_> = fs::read_dir(file.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
        remove(&file).unwrap();
        assert!(!file.exists());

        for foreign in ["[Unit]\n".to_owned(), format!("a\nb\n# {MARKER}\n"), String::new()] {
            fs::write(&file, &foreign).unwrap();
            assert!(matches!(write(&file, &ours(3)), Err(UnitFileError::Foreign(_))));
            assert!(matches!(remove(&file), Err(UnitFileError::Foreign(_))));
            assert_eq!(fs::read_to_string(&file).unwrap(), foreign);
        }
    }

    #[test]
    fn a_folder_in_the_way_is_an_error_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = path(Manager::Launchd, dir.path(), Path::new("/none"));
        fs::create_dir_all(&file).unwrap();
        assert!(matches!(write(&file, "x"), Err(UnitFileError::Io { .. })));
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    }
}
