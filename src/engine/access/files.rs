//! Reading the files of an access; one that holds a secret must be its owner's alone.

use std::{
    fs::{File, OpenOptions},
    io::Read,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

/// No certificate or key is larger.
const LARGEST: u64 = 1 << 20;
/// What anyone but the owner may do with a file.
const OTHERS: u32 = 0o077;
/// The owner's right to run it.
const RUN: u32 = 0o100;

/// Reads a file that may be public. The error says what is wrong and what to do.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let file = open(path)?;
    whole(file)
}

/// Reads a file that holds a secret: a plain file with mode 0600 or 0400. What is judged is the
/// open file, so nobody can put another one in its place in between.
pub(super) fn read_secret(path: &Path) -> Result<Vec<u8>, String> {
    let file = open(path)?;
    let about = file.metadata().map_err(|e| e.to_string())?;
    let mode = about.mode() & 0o7777;
    if mode & (OTHERS | RUN) != 0 {
        return Err(format!(
            "it holds a secret and its mode is {mode:03o}, so others may read it; \
             chmod 600 {}",
            quoted(path)
        ));
    }
    whole(file)
}

fn open(path: &Path) -> Result<File, String> {
    // A pipe without a writer must not hold lcc up.
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let file = opened.map_err(|e| format!("cannot be read: {e}"))?;
    let about = file.metadata().map_err(|e| format!("cannot be read: {e}"))?;
    if !about.is_file() {
        return Err("is not a plain file; name one".to_owned());
    }
    Ok(file)
}

fn whole(file: File) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|e| format!("cannot be read: {e}"))?;
    if bytes.len() as u64 > LARGEST {
        return Err("is over 1 MiB; that is no certificate, key or token".to_owned());
    }
    Ok(bytes)
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:,".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a token");
        std::fs::write(&path, "sk-1").unwrap();
        for (mode, taken) in [
            (0o600, true),
            (0o400, true),
            (0o644, false),
            (0o640, false),
            (0o604, false),
            (0o700, false),
            (0o660, false),
            (0o602, false),
        ] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            match read_secret(&path) {
                Ok(bytes) => assert!(taken && bytes == b"sk-1", "{mode:o}"),
                Err(said) => {
                    assert!(!taken, "{mode:o}: {said}");
                    assert!(said.contains(&format!("mode is {mode:o}")), "{said}");
                    assert!(said.contains("chmod 600 '") && said.contains("a token'"), "{said}");
                }
            }
            assert_eq!(read(&path).unwrap(), b"sk-1");
        }
    }

    #[test]
    fn what_is_no_plain_file_is_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR).unwrap();
        for path in [dir.path(), &pipe] {
            assert!(read_secret(path).unwrap_err().contains("not a plain file"));
        }
        assert!(read(&dir.path().join("none")).unwrap_err().contains("cannot be read"));
    }
}
