//! A project folder to work in, thrown away at the end.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// A small project in a temporary folder.
pub struct Project {
    dir: TempDir,
}

impl Project {
    /// A README and one source file.
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("lcc-project-").tempdir().expect("a folder");
        let project = Self { dir };
        project.write("README.md", "# demo\n\nA small project for tests.\n");
        project.write("src/main.py", "print(\"hello\")\n");
        project
    }

    /// The same as a git repository with one commit; needs git, not its configuration.
    pub fn with_git() -> Self {
        let project = Self::new();
        for args in [
            &["init", "--quiet", "--initial-branch=main"][..],
            &["add", "."],
            &["commit", "--quiet", "--message=first"],
        ] {
            let identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
            let status = Command::new("git")
                .args(identity)
                .args(args)
                .current_dir(project.path())
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .env("GIT_CONFIG_NOSYSTEM", "1")
                .status()
                .expect("git runs");
            assert!(status.success(), "git {args:?}");
        }
        project
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file, folders included.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(&path, text).expect("a file");
        path
    }

    /// Reads a file; `None` where there is none.
    pub fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path().join(name)).ok()
    }
}
