//! Throw-away homes: made for one start, gone after it, and swept when lcc was killed meanwhile.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// The name of lock files.
const LOCK: &str = "lock";
/// Files of the private `.claude` that change what Claude Code sends.
const FILES: [&str; 2] = ["settings.json", "CLAUDE.md"];
/// Folders of it that do.
const FOLDERS: [&str; 5] = ["agents", "commands", "skills", "output-styles", "rules"];
/// Largest file that is copied, and most of them.
const MAX_FILE: u64 = 1 << 20;
const MAX_FILES: usize = 500;
/// Folders below one of [`FOLDERS`], the deepest.
const MAX_DEPTH: usize = 4;

/// A home for one start; its lock tells others that it is in use.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: PathBuf,
    _in_use: File,
}

impl Scratch {
    /// Makes one below `all`, and removes those whose lcc was killed.
    pub(super) fn make(all: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(all)?;
        // One at a time: a folder without its lock yet would look abandoned.
        let turn = File::create(all.join(LOCK))?;
        turn.lock()?;
        for entry in fs::read_dir(all)?.flatten() {
            let abandoned =
                File::open(entry.path().join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
            if abandoned {
                let _left_over = fs::remove_dir_all(entry.path());
            }
        }
        // The sandbox wants a path without links on the way.
        let folder = all.canonicalize()?.join(uuid::Uuid::new_v4().to_string());
        DirBuilder::new().recursive(true).mode(0o700).create(folder.join("home"))?;
        let in_use = File::create(folder.join(LOCK))?;
        in_use.lock()?;
        Ok(Self { folder, _in_use: in_use })
    }

    /// The home itself.
    pub(super) fn home(&self) -> PathBuf {
        self.folder.join("home")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is private, and the next start tries again.
        let _left_over = fs::remove_dir_all(&self.folder);
    }
}

/// Copies what changes the first request from one private home to another: plain files only,
/// links are not followed. What cannot be copied is left out.
pub(super) fn equip(from: &Path, to: &Path) {
    let (from, to) = (from.join(".claude"), to.join(".claude"));
    if !is_folder(&from) {
        return;
    }
    let mut left = MAX_FILES;
    for name in FILES {
        copy(&from.join(name), &to.join(name), &mut left);
    }
    for name in FOLDERS {
        copy_folder(&from.join(name), &to.join(name), MAX_DEPTH, &mut left);
    }
}

fn is_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|m| m.is_dir())
}

fn copy_folder(from: &Path, to: &Path, depth: usize, left: &mut usize) {
    if depth == 0 || !is_folder(from) || DirBuilder::new().mode(0o700).create(to).is_err() {
        return;
    }
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if is_folder(&from) {
            copy_folder(&from, &to, depth - 1, left);
        } else {
            copy(&from, &to, left);
        }
    }
}

fn copy(from: &Path, to: &Path, left: &mut usize) {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
    let Ok(file) = OpenOptions::new().read(true).custom_flags(flags).open(from) else { return };
    if *left == 0 || !file.metadata().is_ok_and(|m| m.is_file() && m.len() <= MAX_FILE) {
        return;
    }
    *left -= 1;
    let mut content = Vec::new();
    if file.take(MAX_FILE).read_to_end(&mut content).is_ok() {
        let _left_out = fs::write(to, content);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_gone_afterwards_and_so_is_what_was_left_behind() {
        let dir = tempfile::tempdir().unwrap();
        let all = dir.path().join("capture");
        let old = all.join("old");
        fs::create_dir_all(&old).unwrap();
        File::create(old.join(LOCK)).unwrap();
        let scratch = Scratch::make(&all).unwrap();
        let other = Scratch::make(&all).unwrap();
        assert!(!old.exists());
        assert!(scratch.home().is_dir() && other.home().is_dir());
        let home = scratch.home();
        drop(scratch);
        assert!(!home.exists() && other.home().is_dir());
    }

    #[test]
    fn settings_come_along_and_links_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("a"), dir.path().join("b"));
        fs::create_dir_all(from.join(".claude/agents/deep")).unwrap();
        fs::create_dir_all(to.join(".claude")).unwrap();
        fs::write(dir.path().join("secret"), "s").unwrap();
        fs::write(from.join(".claude/settings.json"), "{}").unwrap();
        fs::write(from.join(".claude/history.jsonl"), "private").unwrap();
        fs::write(from.join(".claude/agents/deep/a.md"), "agent").unwrap();
        let link = std::os::unix::fs::symlink::<PathBuf, PathBuf>;
        link(dir.path().join("secret"), from.join(".claude/CLAUDE.md")).unwrap();
        link(dir.path().to_owned(), from.join(".claude/skills")).unwrap();
        equip(&from, &to);
        assert_eq!(fs::read_to_string(to.join(".claude/settings.json")).unwrap(), "{}");
        assert_eq!(fs::read_to_string(to.join(".claude/agents/deep/a.md")).unwrap(), "agent");
        for absent in ["CLAUDE.md", "skills", "history.jsonl"] {
            assert!(!to.join(".claude").join(absent).exists(), "{absent}");
        }
        equip(&dir.path().join("nowhere"), &to);
    }
}
