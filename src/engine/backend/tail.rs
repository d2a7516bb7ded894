//! The end of a log file, line by line: bounded, and not confused by rotation or truncation.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// Read back at the start, to learn what still holds (the port of a child).
const BACK: u64 = 256 << 10;
/// Read in one look; who is further behind jumps ahead.
const MOST: u64 = 1 << 20;
/// A line without an end is given up at this length.
const LONGEST: usize = 64 << 10;

/// A log file that is followed.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    open: Option<Open>,
    /// Whether the file has been there before: a file that appears later is new from its start.
    looked: bool,
}

#[derive(Debug)]
struct Open {
    file: File,
    id: Option<u64>,
    at: u64,
    rest: Vec<u8>,
    /// The first line begins somewhere in its middle.
    partial: bool,
    /// Where the lines begin that were written while lcc looked.
    live: u64,
}

impl Tail {
    /// Follows the file at `path`, which need not exist yet.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path, open: None, looked: false }
    }

    /// Hands over the whole lines that were written since the last look, without their ends;
    /// invalid UTF-8 in them becomes U+FFFD. The flag is false for lines that were there before
    /// the first look. Reads a mebibyte at most.
    ///
    /// # Errors
    /// The system's, when the file is there and cannot be read.
    pub fn look(&mut self, mut each: impl FnMut(&str, bool)) -> io::Result<()> {
        let now = match std::fs::metadata(&self.path) {
            Ok(now) => now,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.looked = true;
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let same = self.open.as_ref().is_some_and(|o| o.id == id(&now) && o.at <= now.len());
        if !same {
            if let Some(open) = &mut self.open {
                // What was written to the old file before it was moved away.
                let end = open.file.metadata().map_or(open.at, |m| m.len());
                open.read(end, &mut each)?;
            }
            self.open = Some(Open::at_end(&self.path, !self.looked)?);
        }
        self.looked = true;
        match &mut self.open {
            Some(open) => open.read(now.len(), &mut each),
            None => Ok(()),
        }
    }
}

impl Open {
    /// `old`: what the file holds now was written before anybody looked.
    fn at_end(path: &Path, old: bool) -> io::Result<Self> {
        let file = File::open(path)?;
        let now = file.metadata()?;
        let at = now.len().saturating_sub(BACK);
        let live = if old { now.len() } else { 0 };
        Ok(Self { file, id: id(&now), at, rest: Vec::new(), partial: at > 0, live })
    }

    fn read(&mut self, end: u64, each: &mut impl FnMut(&str, bool)) -> io::Result<()> {
        if end.saturating_sub(self.at) > MOST {
            self.at = end - BACK;
            self.rest.clear();
            self.partial = true;
        }
        self.file.seek(SeekFrom::Start(self.at))?;
        let mut new = Vec::new();
        (&self.file).take(end.saturating_sub(self.at)).read_to_end(&mut new)?;
        for piece in new.split_inclusive(|b| *b == b'\n') {
            self.at += piece.len() as u64;
            self.rest.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                if !std::mem::take(&mut self.partial) {
                    let line = String::from_utf8_lossy(&self.rest);
                    each(line.trim_end_matches(['\n', '\r']), self.at > self.live);
                }
                self.rest.clear();
            } else if self.rest.len() > LONGEST {
                self.rest.clear();
                self.partial = true;
            }
        }
        Ok(())
    }
}

/// What stays the same while a file is the same file.
#[cfg(unix)]
fn id(meta: &std::fs::Metadata) -> Option<u64> {
    Some(std::os::unix::fs::MetadataExt::ino(meta))
}

/// What stays the same while a file is the same file: not known on this system.
#[cfg(not(unix))]
fn id(_meta: &std::fs::Metadata) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write};

    use super::*;

    fn lines(tail: &mut Tail) -> Vec<(String, bool)> {
        let mut all = Vec::new();
        tail.look(|line, live| all.push((line.to_owned(), live))).unwrap();
        all
    }

    fn append(path: &Path, bytes: &[u8]) {
        fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .unwrap()
            .write_all(bytes)
            .unwrap();
    }

    fn live(text: &str) -> (String, bool) {
        (text.to_owned(), true)
    }

    #[test]
    fn lines_come_whole_and_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        append(&path, b"old\nha");
        let mut tail = Tail::new(path.clone());
        assert_eq!(lines(&mut tail), [("old".to_owned(), false)]);
        assert_eq!(lines(&mut tail), []);
        append(&path, b"lf\r\nbad \xff\xfe\n\ntail");
        assert_eq!(lines(&mut tail), [live("half"), live("bad \u{fffd}\u{fffd}"), live("")]);
        append(&path, b"\n");
        assert_eq!(lines(&mut tail), [live("tail")]);
    }

    #[test]
    fn a_file_that_is_truncated_rotated_or_late_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut tail = Tail::new(path.clone());
        assert_eq!(lines(&mut tail), []);
        append(&path, b"one\n");
        assert_eq!(lines(&mut tail), [live("one")]);
        fs::write(&path, b"2\n").unwrap();
        assert_eq!(lines(&mut tail), [live("2")]);
        append(&path, b"last words\n");
        fs::rename(&path, dir.path().join("log.1")).unwrap();
        append(&path, b"three\n");
        assert_eq!(lines(&mut tail), [live("last words"), live("three")]);
        fs::remove_file(&path).unwrap();
        assert_eq!(lines(&mut tail), []);
    }

    #[test]
    fn ten_gigabytes_cost_no_more_than_their_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let file = File::create(&path).unwrap();
        // Sparse: it has the size, not the weight.
        file.set_len(10 << 30).unwrap();
        append(&path, b"\nlast\n");
        let mut tail = Tail::new(path.clone());
        assert_eq!(lines(&mut tail), [("last".to_owned(), false)]);
        // A flood between two looks: the newest lines count.
        file.set_len(11 << 30).unwrap();
        append(&path, b"\nnewest\n");
        assert_eq!(lines(&mut tail), [live("newest")]);
    }
}
