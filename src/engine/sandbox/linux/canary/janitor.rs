//! The process with a secret in its environment. It also clears the canaries away when lcc is
//! killed: then its standard input ends.

use std::{
    ffi::OsString,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
};

use super::FILE;

/// The variable that holds the secret.
const VARIABLE: &str = "LCC_CANARY";
/// The hidden first argument of lcc that makes it this process.
pub const WORD: &str = "__canary";

/// The process; ended when dropped.
#[derive(Debug)]
pub(super) struct Janitor {
    child: Child,
}

impl Janitor {
    /// Starts `lcc` to hold `text` in its environment and to remove `files` should lcc die.
    pub(super) fn start(lcc: &Path, text: &str, files: &[PathBuf]) -> io::Result<Self> {
        let child = Command::new(lcc)
            .arg(WORD)
            .args(files)
            .env_clear()
            .env(VARIABLE, text)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { child })
    }

    /// Its process number.
    pub(super) fn id(&self) -> i32 {
        self.child.id().cast_signed()
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        // It is our own child and not reaped yet, so the number is its own.
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}

/// The life of that process: waits for the end of its input, then removes what it was told to.
#[must_use]
pub fn stay(files: Vec<OsString>) -> ExitCode {
    // A key or signal of the terminal is meant for lcc, not for this.
    crate::engine::sandbox::sys::ignore_keyboard_signals();
    let mut nothing = [0u8; 16];
    while matches!(io::stdin().read(&mut nothing), Ok(1..)) {}
    for file in files.into_iter().map(PathBuf::from) {
        if is_ours(&file) {
            // What is gone already needs no removing.
            let _gone =
                if file.is_dir() { fs::remove_dir_all(&file) } else { fs::remove_file(&file) };
        }
    }
    ExitCode::SUCCESS
}

/// Whether the name is one that canaries get.
pub(super) fn is_ours(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str()?.strip_prefix(FILE))
        .is_some_and(|id| uuid::Uuid::try_parse(id).is_ok())
}
