//! Writes the bodies of requests into a file, when the user asked for it and only then.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::domain::Moment;

/// The file that bodies are written to: one JSON object a line, for its owner's eyes only.
#[derive(Debug)]
pub struct BodyLog {
    file: File,
}

/// Why bodies cannot be written there.
#[derive(Debug, thiserror::Error)]
#[error("--log-bodies {}: {why}", path.display())]
pub struct BodyLogError {
    /// The file.
    pub path: PathBuf,
    /// What is in the way, and the way out.
    pub why: String,
}

impl BodyLog {
    /// Opens the file and goes on at its end. It is made with mode 0600; one that others may read,
    /// that belongs to somebody else or that is no plain file is refused.
    ///
    /// # Errors
    /// [`BodyLogError`] with the way out.
    pub fn open(path: &Path) -> Result<Self, BodyLogError> {
        let wrong = |why: String| BodyLogError { path: path.to_owned(), why };
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC)
            .open(path)
            .map_err(|error| match error.raw_os_error() {
                Some(libc::ELOOP) => {
                    wrong("it is a symbolic link; name the file itself".to_owned())
                }
                _ => wrong(format!("{error}; name a file in a folder of yours")),
            })?;
        let about = file.metadata().map_err(|error| wrong(error.to_string()))?;
        if !about.is_file() || about.nlink() != 1 {
            return Err(wrong("it is no plain file with one name; name a new one".to_owned()));
        }
        if about.uid() != nix::unistd::geteuid().as_raw() {
            return Err(wrong("it belongs to another user; name a new one".to_owned()));
        }
        if about.permissions().mode() & 0o077 != 0 {
            let fix = format!("others may read it; chmod 600 {}", path.display());
            return Err(wrong(fix));
        }
        Ok(Self { file })
    }

    /// Writes one body down.
    ///
    /// # Errors
    /// What the system says, such as a full disk.
    pub fn write(&mut self, at: Moment, method: &str, target: &str, body: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(body);
        // As JSON where it is; else as the text that came.
        let body: Value =
            serde_json::from_slice(body).unwrap_or_else(|_| Value::String(text.into_owned()));
        let line = json!({"at": at, "method": method, "target": target, "body": body});
        let mut line = line.to_string();
        line.push('\n');
        // One write a line: what else is appended to the file cannot come in between.
        self.file.write_all(line.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn one_line_a_body_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bodies.jsonl");
        let mut log = BodyLog::open(&path).unwrap();
        log.write(Moment(7), "POST", "/v1/messages", b"{\"a\":\"1\\n2\"}").unwrap();
        drop(log);
        BodyLog::open(&path).unwrap().write(Moment(8), "POST", "/x", b"\xff\n").unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["body"]["a"], "1\n2");
        assert_eq!((&lines[0]["at"], &lines[0]["target"]), (&json!(7), &json!("/v1/messages")));
        assert_eq!(lines[1]["body"], "\u{fffd}\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn files_that_others_may_read_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("open"), "").unwrap();
        fs::set_permissions(at("open"), fs::Permissions::from_mode(0o644)).unwrap();
        BodyLog::open(&at("mine")).unwrap();
        std::os::unix::fs::symlink(at("mine"), at("link")).unwrap();
        BodyLog::open(&at("two")).unwrap();
        fs::hard_link(at("two"), at("names")).unwrap();
        for (name, word) in [
            ("open", "chmod 600"),
            ("link", "symbolic link"),
            ("two", "one name"),
            ("", "folder"),
            ("none/x", "folder"),
        ] {
            let error = BodyLog::open(&at(name)).unwrap_err().to_string();
            assert!(error.contains(word), "{name}: {error}");
        }
    }
}
