//! The built `lcc` with a home, state and configuration of its own.

use std::{ffi::OsString, fs, path::Path, path::PathBuf, process::Command};

use lcc::protocol::Snapshot;
use tempfile::TempDir;

use super::outer::{Outer, Program};

/// An `lcc` to be started, in a PTY or as a plain command. Its folders live as long as this does.
pub struct Lcc {
    home: TempDir,
    args: Vec<OsString>,
    env: Vec<(String, OsString)>,
    cwd: PathBuf,
    size: (u16, u16),
}

impl Lcc {
    /// At 120x40, in this folder, with nothing of the caller's environment but PATH.
    pub fn new(cwd: &Path) -> Self {
        let home = tempfile::Builder::new().prefix("lcc-home-").tempdir().expect("a folder");
        let env = scrubbed(home.path());
        Self { home, args: Vec::new(), env, cwd: cwd.to_owned(), size: (120, 40) }
    }

    /// Adds arguments.
    pub fn args<S: Into<OsString>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Sets the window's size.
    pub fn size(mut self, cols: u16, rows: u16) -> Self {
        self.size = (cols, rows);
        self
    }

    /// Writes `config.toml`.
    pub fn config(self, text: &str) -> Self {
        let dir = self.home.path().join(".config/lcc");
        fs::create_dir_all(&dir).expect("the configuration folder");
        fs::write(dir.join("config.toml"), text).expect("the configuration");
        self
    }

    /// The throw-away home.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The state folder.
    pub fn state(&self) -> PathBuf {
        self.home.path().join("state")
    }

    /// Starts it in a PTY.
    pub fn start(&self) -> Outer {
        Outer::start(&Program {
            program: env!("CARGO_BIN_EXE_lcc").into(),
            args: self.args.clone(),
            env: self.env.clone(),
            cwd: self.cwd.clone(),
            cols: self.size.0,
            rows: self.size.1,
        })
    }

    /// The figures of the session that runs with these folders, by `lcc status --json`; `None`
    /// when none is running.
    pub fn figures(&self) -> Option<Snapshot> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lcc"));
        command.args(["status", "--json"]).env_clear();
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        let out = command.output().expect("lcc starts");
        out.status.success().then(|| serde_json::from_slice(&out.stdout).expect("a snapshot"))
    }

    /// What another command of the same lcc prints, in the same folder; it must succeed.
    pub fn run(&self, args: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lcc"));
        command.args(args).current_dir(&self.cwd).env_clear();
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        let out = command.output().expect("lcc starts");
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    /// The same as a plain command, without a terminal.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lcc"));
        command.args(&self.args).current_dir(&self.cwd).env_clear();
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// The environment of a person with an empty home on a modern terminal.
pub fn scrubbed(home: &Path) -> Vec<(String, OsString)> {
    let set = |name: &str, value: OsString| (name.to_owned(), value);
    vec![
        set("PATH", std::env::var_os("PATH").unwrap_or_default()),
        set("HOME", home.into()),
        set("LCC_STATE_DIR", home.join("state").into()),
        set("TERM", "xterm-256color".into()),
        set("COLORTERM", "truecolor".into()),
        set("LANG", "C.UTF-8".into()),
        set("SHELL", "/bin/sh".into()),
    ]
}
