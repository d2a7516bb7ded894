//! The project's files, to be named in a prompt: git's list where there is one, else a bounded
//! walk.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Engine, git};
use crate::protocol::Update;

/// Files that are told at most: more are no list to pick from.
const MOST: usize = 20_000;
/// Folders that are looked into at most where git does not say what belongs to the project.
const FOLDERS: usize = 4_000;
/// Folders that hold what others made.
const MADE: [&str; 4] = ["node_modules", "target", "__pycache__", "venv"];

impl Engine {
    /// Lists the files beside the loop; they come as an update of their own.
    pub(super) fn list_files(&self) {
        let project = self.settings.project.clone();
        let path = self.settings.surroundings.path.clone();
        let updates = self.updates.clone();
        tokio::spawn(async move {
            let files = list(project, path).await;
            let _ = updates.send(Update::Files(files)).await;
        });
    }
}

async fn list(project: PathBuf, path: Option<String>) -> Vec<String> {
    let files = match git::listed(&project, path.as_deref(), MOST).await {
        Some(files) => files,
        None => tokio::task::spawn_blocking(move || walk(&project)).await.unwrap_or_default(),
    };
    let mut files: Vec<String> =
        files.into_iter().filter(|name| !name.chars().any(char::is_control)).collect();
    files.sort_unstable();
    files.dedup();
    files
}

/// Files by their paths below `project`, breadth first, so that a bound cuts what lies deepest.
/// Hidden ones are left out, and links are not followed.
fn walk(project: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = std::collections::VecDeque::from([PathBuf::new()]);
    let mut seen = 0;
    while let Some(folder) = folders.pop_front() {
        seen += 1;
        let entries = fs::read_dir(project.join(&folder)).into_iter().flatten().flatten();
        for entry in entries {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let Ok(kind) = entry.file_type() else { continue };
            if name.starts_with('.') {
                continue;
            }
            let path = folder.join(&name);
            if kind.is_dir() && !MADE.contains(&name.as_str()) && seen + folders.len() < FOLDERS {
                folders.push_back(path);
            } else if kind.is_file() {
                files.extend(path.to_str().map(str::to_owned));
            }
            if files.len() >= MOST {
                return files;
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_git_what_is_plain() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.rs", "src/a.rs", ".hidden/x", "node_modules/y.js", "src/deep/er/z"] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        std::os::unix::fs::symlink("/etc", dir.path().join("etc")).unwrap();
        let files = list(dir.path().to_owned(), None).await;
        assert_eq!(files, ["b.rs", "src/a.rs", "src/deep/er/z"]);
    }

    #[tokio::test]
    async fn with_git_what_is_not_ignored_and_nothing_of_the_repository_is_run() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let init = std::process::Command::new("git")
            .args(["init", "-q"])
            .current_dir(dir.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .status();
        if !init.is_ok_and(|status| status.success()) {
            eprintln!("SKIPPED: no git on this machine");
            return;
        }
        let marker = at("ran");
        let config = format!("[core]\n\tfsmonitor = \"touch {}\"\n", marker.display());
        fs::write(at(".git/config"), config).unwrap();
        for (name, text) in [
            (".gitignore", "*.log\n/out/\n!keep.log\n"),
            ("a.rs", ""),
            ("x.log", ""),
            ("keep.log", ""),
            ("out/b", ""),
            ("src/out/c", ""),
        ] {
            fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            fs::write(at(name), text).unwrap();
        }
        let files = list(dir.path().to_owned(), std::env::var("PATH").ok()).await;
        assert_eq!(files, [".gitignore", "a.rs", "keep.log", "src/out/c"]);
        assert!(!marker.exists());
    }
}
