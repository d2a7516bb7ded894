//! Where a transcript lies, and reading it without following what was planted there.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use nix::{
    fcntl::{AT_FDCWD, OFlag, openat},
    sys::stat::Mode,
};
use thiserror::Error;

use super::parse;
use crate::domain::Transcript;

/// Of a longer file the beginning, where the task stands, and the end are read.
const WHOLE: u64 = 64 << 20;
/// Bytes of the beginning of a longer file.
const BEGINNING: u64 = 1 << 20;

/// Why there is no transcript to read.
#[derive(Debug, Error)]
pub enum TranscriptError {
    /// Nothing was said in this session, so Claude Code has written none.
    #[error("nothing was said in this session yet")]
    Nothing,
    /// It is there and cannot be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

/// Reads the transcript of `session` below Claude Code's private `home`; of the session that was
/// written last when it is `None`.
///
/// # Errors
/// [`TranscriptError::Nothing`] when there is none or nobody said anything in it.
pub fn read(home: &Path, session: Option<&str>) -> Result<Transcript, TranscriptError> {
    let projects = home.join(".claude/projects");
    let place = find(&projects, session).ok_or(TranscriptError::Nothing)?;
    let path = projects.join(&place.folder).join(&place.file);
    let fail = |source| TranscriptError::Io { path: path.display().to_string(), source };
    let (text, cut) = open(home, &place).and_then(bytes).map_err(fail)?;
    let session = place.file.strip_suffix(".jsonl").unwrap_or(&place.file);
    let mut transcript = parse(&text);
    if transcript.entries.is_empty() {
        return Err(TranscriptError::Nothing);
    }
    session.clone_into(&mut transcript.session);
    transcript.cut = cut;
    Ok(transcript)
}

/// A transcript below the folder of all projects.
struct Place {
    folder: String,
    file: String,
}

/// The folder's name is the project's path with other characters replaced, cut and numbered when
/// it is long: it is found and not made up. A private home holds one project as a rule.
fn find(projects: &Path, session: Option<&str>) -> Option<Place> {
    let folders = fs::read_dir(projects).ok()?.flatten();
    let folders = folders.filter(|e| e.file_type().is_ok_and(|t| t.is_dir()));
    let folders = folders.filter_map(|e| e.file_name().into_string().ok());
    let regular = |path: PathBuf| fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file);
    match session {
        Some(id) => {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
            if id.is_empty() || !id.chars().all(plain) {
                return None;
            }
            let file = format!("{id}.jsonl");
            let mut folders = folders;
            let folder = folders.find(|f| regular(projects.join(f).join(&file)).is_some())?;
            Some(Place { folder, file })
        }
        None => folders
            .flat_map(|folder| {
                let files = fs::read_dir(projects.join(&folder)).into_iter().flatten().flatten();
                files.map(move |entry| (folder.clone(), entry))
            })
            .filter_map(|(folder, entry)| {
                let file = entry.file_name().into_string().ok()?;
                let written = regular(entry.path())?.modified().ok()?;
                file.ends_with(".jsonl").then_some((written, Place { folder, file }))
            })
            .max_by_key(|(written, _)| *written)
            .map(|(_, place)| place),
    }
}

/// Opens it step by step from the home, so that no link planted from inside the sandbox leads
/// anywhere else.
fn open(home: &Path, place: &Place) -> io::Result<File> {
    let folder = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_RDONLY;
    let mut at: OwnedFd = openat(AT_FDCWD, home, folder, Mode::empty())?;
    for step in [".claude", "projects", place.folder.as_str()] {
        at = openat(&at, step, folder, Mode::empty())?;
    }
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    Ok(File::from(openat(&at, place.file.as_str(), flags, Mode::empty())?))
}

/// The file's bytes, and whether its middle was left out.
fn bytes(mut file: File) -> io::Result<(Vec<u8>, bool)> {
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let length = meta.len();
    let mut text = Vec::with_capacity(usize::try_from(length.min(WHOLE)).unwrap_or(0) + 1);
    if length <= WHOLE {
        // It may grow while it is read: the bound stays.
        file.take(WHOLE).read_to_end(&mut text)?;
        return Ok((text, false));
    }
    (&mut file).take(BEGINNING).read_to_end(&mut text)?;
    // The two pieces must not join into one line.
    text.push(b'\n');
    file.seek(SeekFrom::Start(length - (WHOLE - BEGINNING)))?;
    file.take(WHOLE - BEGINNING).read_to_end(&mut text)?;
    Ok((text, true))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::domain::Entry;

    const ID: &str = "0b6f3d2e-0000-4000-8000-000000000001";

    fn said(text: &str) -> String {
        format!(
            r#"{{"type":"user","uuid":"u","parentUuid":null,"message":{{"content":"{text}"}}}}"#
        )
    }

    fn home() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join(".claude/projects/-some-project");
        fs::create_dir_all(&folder).unwrap();
        (dir, folder)
    }

    #[test]
    fn the_session_asked_for_or_the_last_one_written() {
        let (home, folder) = home();
        assert!(matches!(read(home.path(), None), Err(TranscriptError::Nothing)));
        fs::write(folder.join(format!("{ID}.jsonl")), said("one")).unwrap();
        fs::write(folder.join("later.jsonl"), said("two")).unwrap();
        let old = File::options().append(true).open(folder.join(format!("{ID}.jsonl"))).unwrap();
        old.set_modified(std::time::UNIX_EPOCH).unwrap();
        let asked = read(home.path(), Some(ID)).unwrap();
        assert_eq!(asked.session, ID);
        assert_eq!(asked.entries, [Entry::Prompt("one".to_owned())]);
        assert_eq!(read(home.path(), None).unwrap().session, "later");
        for wrong in ["", "nobody", "../../x", "a/b"] {
            assert!(matches!(read(home.path(), Some(wrong)), Err(TranscriptError::Nothing)));
        }
    }

    #[test]
    fn a_file_in_which_nobody_said_anything_is_nothing() {
        let (home, folder) = home();
        let lines = "{\"type\":\"mode\",\"mode\":\"normal\"}\n\n{\"type\":\"user\"";
        fs::write(folder.join(format!("{ID}.jsonl")), lines).unwrap();
        assert!(matches!(read(home.path(), Some(ID)), Err(TranscriptError::Nothing)));
    }

    #[test]
    fn planted_links_are_not_followed() {
        let (home, folder) = home();
        let secret = home.path().join("secret");
        fs::write(&secret, said("secret")).unwrap();
        symlink(&secret, folder.join(format!("{ID}.jsonl"))).unwrap();
        assert!(matches!(read(home.path(), Some(ID)), Err(TranscriptError::Nothing)));
        let other = home.path().join("other/-p");
        fs::create_dir_all(&other).unwrap();
        fs::write(other.join("x.jsonl"), said("secret")).unwrap();
        fs::remove_dir_all(home.path().join(".claude/projects")).unwrap();
        symlink(home.path().join("other"), home.path().join(".claude/projects")).unwrap();
        assert!(matches!(read(home.path(), Some("x")), Err(TranscriptError::Io { .. })));
    }
}
