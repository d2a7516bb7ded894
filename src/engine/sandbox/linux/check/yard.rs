//! A throw-away project with everything that an attempt looks for, and stand-ins for the system.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt, symlink},
    path::{Path, PathBuf},
};

use crate::engine::sandbox::linux::canary::targets::Places;

/// Folders below one throw-away folder, which the caller removes.
#[derive(Debug, Clone)]
pub struct Yard {
    /// The project.
    pub project: PathBuf,
    /// The private home.
    pub home: PathBuf,
    /// What stands in for the system's folders.
    pub system: PathBuf,
}

/// Folders of the project.
const FOLDERS: [&str; 7] = [
    ".git/hooks",
    ".git/info",
    ".git/objects/info",
    ".git/objects/pack",
    ".git/refs/heads",
    ".claude",
    "src",
];
/// Files of the project: a git repository without a commit, and one program.
const FILES: [(&str, &str); 5] = [
    (".git/HEAD", "ref: refs/heads/main\n"),
    (".git/config", "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n"),
    (".git/info/exclude", ""),
    (".claude/settings.json", "{}\n"),
    ("src/main.py", "print(\"hello\")\n"),
];
/// Folders of a system and of a user.
const SYSTEM: [&str; 20] = [
    "bin",
    "etc/cron.d",
    "etc/profile.d",
    "etc/ssh",
    "tools",
    "user/.aws",
    "user/.config/autostart",
    "user/.config/fish",
    "user/.config/gh",
    "user/.config/lcc",
    "user/.config/systemd/user",
    "user/.gnupg",
    "user/.local/bin",
    "user/.ssh",
    "usr/bin",
    "usr/lib",
    "usr/local/bin",
    "var/lib",
    "var/spool/cron/crontabs",
    "var/tmp",
];
/// Files of a system and of a user.
const SYSTEM_FILES: [&str; 11] = [
    "etc/machine-id",
    "etc/shadow",
    "etc/ssh/ssh_host_ed25519_key",
    "tools/lcc",
    "user/.bash_profile",
    "user/.bashrc",
    "user/.gitconfig",
    "user/.netrc",
    "user/.profile",
    "user/.zshenv",
    "user/.zshrc",
];

impl Yard {
    /// Makes project and home below `root`.
    ///
    /// # Errors
    /// When something cannot be made.
    pub fn make(root: &Path) -> io::Result<Self> {
        let yard = Self {
            project: root.join("work/project"),
            home: root.join("state/home"),
            system: root.join("system"),
        };
        folder(&yard.home)?;
        for name in FOLDERS {
            folder(&yard.project.join(name))?;
        }
        for (name, text) in FILES {
            fs::write(yard.project.join(name), text)?;
        }
        Ok(yard)
    }

    /// Makes what stands in for the system: its folders, and a home with keys and start files.
    ///
    /// # Errors
    /// When something cannot be made.
    pub fn make_system(&self) -> io::Result<Places> {
        for name in SYSTEM {
            folder(&self.system.join(name))?;
        }
        for name in SYSTEM_FILES {
            fs::write(self.system.join(name), "")?;
        }
        symlink("var/tmp", self.system.join("tmp"))?;
        Ok(Places::stand_in(&self.system))
    }
}

fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}
