//! What is measured: a bare PTY, tmux, zellij, lcc, each with the same child in it.

use std::{
    ffi::OsString,
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use lcc::engine::practice::{self, PracticeOptions, PracticeServer};

use super::{
    child,
    outer::{Outer, Program, on_path},
};

/// One of the things compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The child alone, read as fast as a PTY can be read.
    Bare,
    /// tmux with an empty configuration.
    Tmux,
    /// zellij with its default one, where it is installed.
    Zellij,
    /// The cockpit, every pane shown.
    Lcc,
}

impl Subject {
    /// Its name in a table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare PTY",
            Self::Tmux => "tmux",
            Self::Zellij => "zellij",
            Self::Lcc => "lcc",
        }
    }
}

/// Folders, the child's script, the flood's file, the practice server.
pub struct Stage {
    root: tempfile::TempDir,
    server: PracticeServer,
    runtime: tokio::runtime::Runtime,
    lcc: PathBuf,
    pub megabytes: usize,
    sessions: std::cell::Cell<u32>,
}

impl Stage {
    /// Makes it ready.
    pub fn set(quick: bool) -> Self {
        let root = tempfile::Builder::new().prefix("lcc-pace-").tempdir().expect("a folder");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        // Slow enough to be reading the child's prompt for as long as any case takes.
        let options = PracticeOptions { read_rate: 100.0, ..PracticeOptions::default() };
        let server = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            practice::start(listener, options).await.expect("the practice server")
        });
        let megabytes = if quick { 10 } else { 100 };
        for folder in ["project", "home", "tmux"] {
            fs::create_dir(root.path().join(folder)).expect("a folder");
        }
        let mut flood = fs::File::create(root.path().join("flood")).expect("a file");
        let line =
            |n: usize| format!("{n:8} the quick brown fox jumps over the lazy dog 0123456789\r\n");
        let (mut written, mut n) = (0, 0);
        let mut piece = String::new();
        while written < megabytes << 20 {
            piece.clear();
            for _ in 0..1_000 {
                piece.push_str(&line(n));
                n += 1;
            }
            flood.write_all(piece.as_bytes()).expect("room on the disk");
            written += piece.len();
        }
        let stage = Self {
            lcc: std::env::var_os("LCC_BENCH_LCC")
                .map_or_else(|| env!("CARGO_BIN_EXE_lcc").into(), PathBuf::from),
            root,
            server,
            runtime,
            megabytes,
            sessions: std::cell::Cell::new(0),
        };
        stage.script("busy", "");
        stage.script("idle", "export LCC_BENCH_IDLE=1\n");
        stage
    }

    /// A program that lcc takes for Claude Code.
    fn script(&self, name: &str, first: &str) {
        let own = std::env::current_exe().expect("this program");
        let path = self.path(name);
        let text = format!(
            "#!/bin/sh\n{first}exec '{}' --child '{}'\n",
            own.display(),
            self.path("flood").display()
        );
        fs::write(&path, text).expect("a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// What the figures are of.
    pub fn describe(&self) -> String {
        let tmux = std::process::Command::new("tmux").arg("-V").output();
        let tmux = tmux.map_or_else(
            |_| "no tmux".to_owned(),
            |out| String::from_utf8_lossy(&out.stdout).trim().to_owned(),
        );
        format!(
            "lcc {} ({}), {tmux}, {}x{}, {} processors",
            env!("CARGO_PKG_VERSION"),
            if cfg!(debug_assertions) { "DEBUG build: figures mean nothing" } else { "release" },
            super::outer::COLS,
            super::outer::ROWS,
            std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        )
    }

    /// Those that are installed, in the order of the tables.
    pub fn subjects(&self) -> Vec<Subject> {
        let mut all = vec![Subject::Bare];
        all.extend(on_path("tmux").map(|_| Subject::Tmux));
        all.extend(on_path("zellij").map(|_| Subject::Zellij));
        all.push(Subject::Lcc);
        all
    }

    /// How a subject is started. `busy`: with a model server that reads all the time.
    pub fn program(&self, subject: Subject, busy: bool) -> Program {
        let number = self.sessions.get() + 1;
        self.sessions.set(number);
        let script = self.path(if busy { "busy" } else { "idle" });
        let text = |word: &str| OsString::from(word);
        let mut env = self.environment();
        let (path, args) = match subject {
            Subject::Bare => (script, vec![]),
            Subject::Tmux => (
                on_path("tmux").expect("tmux"),
                vec![
                    text("-L"),
                    format!("lcc-bench-{}-{number}", std::process::id()).into(),
                    text("-f"),
                    text("/dev/null"),
                    text("new-session"),
                    script.into(),
                ],
            ),
            Subject::Zellij => {
                env.push(("SHELL".to_owned(), script.into()));
                let session = format!("lcc-bench-{}-{number}", std::process::id());
                (on_path("zellij").expect("zellij"), vec![text("--session"), session.into()])
            }
            Subject::Lcc => {
                env.push(("LCC_CLAUDE".to_owned(), script.into()));
                let url = format!("http://{}", self.server.addr());
                (
                    self.lcc.clone(),
                    vec![text("--server"), url.into(), text("--sandbox"), text("off")],
                )
            }
        };
        Program { path, args, env, cwd: self.path("project") }
    }

    fn environment(&self) -> Vec<(String, OsString)> {
        let set = |name: &str, value: OsString| (name.to_owned(), value);
        vec![
            set("PATH", std::env::var_os("PATH").unwrap_or_default()),
            set("HOME", self.path("home").into()),
            set("LCC_STATE_DIR", self.path("home/state").into()),
            set("TMUX_TMPDIR", self.path("tmux").into()),
            set("TERM", "xterm-256color".into()),
            set("COLORTERM", "truecolor".into()),
            set("LANG", "C.UTF-8".into()),
        ]
    }

    /// Starts a subject and waits until the child in it is ready.
    pub fn open(&self, subject: Subject, busy: bool, screen: bool) -> Outer {
        let program = self.program(subject, busy);
        let mut outer = Outer::start(&program, screen);
        let ready = child::READY.as_bytes();
        let came = outer.wait_bytes(ready, Instant::now(), Duration::from_secs(30));
        assert!(came.is_some(), "{}: the child is not ready:\n{}", subject.name(), outer.text());
        // The start's own work is over: queries answered, sizes told, the first figures drawn.
        outer.read_for(Duration::from_millis(1_500));
        outer
    }

    /// The processes whose time and memory a subject costs, without the child.
    pub fn processes(&self, subject: Subject, outer: &Outer) -> Vec<u32> {
        let mut pids = vec![outer.pid()];
        if subject == Subject::Tmux || subject == Subject::Zellij {
            let folder = self.root.path().display().to_string();
            pids.extend(servers(subject.name(), &folder));
            pids.dedup();
        }
        pids
    }
}

/// The processes of this name that were started with this folder in their environment.
fn servers(name: &str, folder: &str) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let is_ours = |dir: &Path| {
        let comm = fs::read_to_string(dir.join("comm")).unwrap_or_default();
        let environ = fs::read(dir.join("environ")).unwrap_or_default();
        comm.starts_with(name) && String::from_utf8_lossy(&environ).contains(folder)
    };
    entries
        .flatten()
        .filter(|entry| is_ours(&entry.path()))
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

impl Drop for Stage {
    fn drop(&mut self) {
        // The runtime must outlive the server that runs in it.
        let _guard = self.runtime.enter();
    }
}
