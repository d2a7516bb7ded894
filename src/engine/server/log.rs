//! The server's log file: appended to by the server itself, bounded, kept once more as `.1`.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// The log is set aside when it has grown so large, in bytes.
pub const MOST_BYTES: u64 = 8 << 20;
/// So much of the end is looked at for the last lines.
const TAIL_BYTES: u64 = 64 << 10;

/// A log that a server writes into.
#[derive(Debug, Clone)]
pub struct Log {
    path: PathBuf,
    most: u64,
}

impl Log {
    /// The log at `path`, `most` bytes at most (and as much again in `.1`).
    #[must_use]
    pub const fn new(path: PathBuf, most: u64) -> Self {
        Self { path, most }
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it for a server to append to; only its owner can read it.
    ///
    /// # Errors
    /// When it or its folder cannot be made.
    pub fn open(&self) -> io::Result<File> {
        if let Some(dir) = self.path.parent() {
            fs::create_dir_all(dir)?;
        }
        OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path)
    }

    /// Sets a log that has grown too large aside. The file stays the same one, since the server
    /// holds it open: it is copied and emptied, and what the server writes between the two is lost.
    ///
    /// # Errors
    /// When the copy cannot be written; the log is then left as it was.
    pub fn rotate(&self) -> io::Result<bool> {
        let Ok(size) = fs::metadata(&self.path).map(|m| m.len()) else { return Ok(false) };
        if size <= self.most {
            return Ok(false);
        }
        let mut file = OpenOptions::new().read(true).write(true).open(&self.path)?;
        // A log that grew past all bounds between two looks must not fill the disk twice.
        file.seek(SeekFrom::Start(size.saturating_sub(self.most)))?;
        let mut old = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(self.old())?;
        io::copy(&mut file.by_ref().take(self.most), &mut old)?;
        file.set_len(0)?;
        Ok(true)
    }

    /// The file that holds what was set aside.
    #[must_use]
    pub fn old(&self) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".1");
        PathBuf::from(name)
    }

    /// Its size in bytes: the mark for [`Self::tail`].
    #[must_use]
    pub fn size(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |m| m.len())
    }

    /// The last `lines` lines that were written after `mark` bytes, whatever bytes are in them.
    #[must_use]
    pub fn tail(&self, mark: u64, lines: usize) -> Vec<String> {
        let read = || -> io::Result<Vec<u8>> {
            let mut file = File::open(&self.path)?;
            let size = file.metadata()?.len();
            // Set aside meanwhile: all that is there is new.
            let mark = if size < mark { 0 } else { mark };
            file.seek(SeekFrom::Start(mark.max(size.saturating_sub(TAIL_BYTES))))?;
            let mut bytes = Vec::new();
            file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let all: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let clean = |line: &&str| line.chars().filter(|c| !c.is_control()).collect();
        all.iter().skip(all.len().saturating_sub(lines)).map(clean).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_tail_begins_after_the_mark_and_bears_any_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::new(dir.path().join("state/server.log"), 1_000);
        assert_eq!(log.tail(0, 5), Vec::<String>::new());
        let mut file = log.open().unwrap();
        file.write_all(b"before\n").unwrap();
        let mark = log.size();
        file.write_all(b"one\n\n\xff\xfetwo\x1b[2J\nthree\n").unwrap();
        assert_eq!(log.tail(mark, 9), ["one", "\u{fffd}\u{fffd}two[2J", "three"]);
        assert_eq!(log.tail(mark, 1), ["three"]);
        assert_eq!(log.tail(9_999, 9)[0], "before");
    }

    #[test]
    fn a_log_that_is_too_large_is_set_aside_while_the_server_writes() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::new(dir.path().join("server.log"), 1_000);
        let mut file = log.open().unwrap();
        file.write_all(&[b'a'; 900]).unwrap();
        assert!(!log.rotate().unwrap());
        file.write_all(&[b'b'; 900]).unwrap();
        assert!(log.rotate().unwrap());
        // The same open file goes on at the new beginning.
        file.write_all(b"after\n").unwrap();
        assert_eq!(log.tail(0, 9), ["after"]);
        let old = fs::read(log.old()).unwrap();
        assert_eq!((old.len(), old[0], old[999]), (1_000, b'a', b'b'));
    }
}
