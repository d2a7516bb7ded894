//! The looks at a sandbox while its program runs.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::Duration,
};

use lcc::{
    domain::{SandboxLook, Tier},
    engine::{
        pty::Pty,
        sandbox::{self, Launched, Request, Terminal, Watch},
    },
};

struct Yard {
    root: tempfile::TempDir,
    launched: Launched,
    watch: Watch,
    /// Held open: the program's terminal.
    pty: Pty,
}

impl Yard {
    /// A shell that says when it is up and waits for a line.
    fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        let project = root.path().join("project");
        fs::create_dir_all(project.join(".git/objects")).unwrap();
        fs::create_dir_all(project.join(".git/refs")).unwrap();
        fs::write(project.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(project.join(".git/config"), "[core]\n\tbare = false\n").unwrap();
        fs::create_dir_all(root.path().join("state/home")).unwrap();
        let request = Request {
            tier: Tier::Strict,
            project,
            home: root.path().join("state/home"),
            state: root.path().join("state"),
            program: "sh".into(),
            args: ["-c", "sleep 1000 & echo up; read line"].map(Into::into).into(),
            env: [("PATH".to_owned(), "/usr/bin:/bin".to_owned())].into(),
            lcc: env!("CARGO_BIN_EXE_lcc").into(),
            read_only: Vec::new(),
            mounts: Vec::new(),
        };
        let pty = Pty::open(80, 24).unwrap();
        let endpoint = sandbox::endpoint(Tier::Strict).unwrap();
        let mut launched = sandbox::launch(request, endpoint, Terminal::Pty(&pty)).unwrap();
        let mut line = String::new();
        BufReader::new(pty.reader().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "up");
        let watch = launched.watch.take().unwrap();
        Self { root, launched, watch, pty }
    }

    /// The folder of canaries in the state folder.
    fn canaries(&self) -> PathBuf {
        fs::read_dir(self.root.path().join("state"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.file_name().unwrap().to_string_lossy().starts_with(".lcc-canary-"))
            .unwrap()
    }
}

#[test]
fn a_sandbox_that_holds_gives_no_word_until_something_is_touched() {
    let mut yard = Yard::start();
    let look = yard.watch.look();
    assert!(look.processes >= 2, "the shell and what it started: {look:?}");
    assert_eq!(look, SandboxLook { processes: look.processes, ..SandboxLook::default() });

    // What lies in the way of others was taken away when the program started.
    let canaries = yard.canaries();
    let id = canaries.file_name().unwrap().to_owned();
    assert!(!yard.root.path().join(&id).exists(), "beside the project");
    assert!(!PathBuf::from("/tmp").join(&id).exists());

    let _touch = UnixStream::connect(canaries.join("stream")).unwrap();
    let look = yard.watch.look();
    assert_eq!(look.warnings.len(), 1, "{look:?}");
    assert!(look.warnings[0].contains("a canary was touched"), "{look:?}");
    assert!(look.alarms.is_empty(), "the sandbox itself still holds: {look:?}");

    let config = yard.root.path().join("project/.git/config");
    fs::write(&config, "[core]\n\tbare = false\n\tpager = x\n").unwrap();
    let look = yard.watch.look();
    let expected = format!("{} changed while it is protected", config.display());
    assert_eq!(look.warnings, [expected]);
    assert_eq!(yard.watch.look().warnings, Vec::<String>::new(), "said once");
    drop(yard.pty);
}

#[test]
fn after_the_end_there_is_nothing_to_look_at_but_the_canaries() {
    let mut yard = Yard::start();
    yard.launched.child.terminate(Duration::ZERO).unwrap();
    assert_eq!(yard.watch.look(), SandboxLook::default());
    let _touch = UnixStream::connect(yard.canaries().join("stream")).unwrap();
    assert_eq!(yard.watch.look().warnings.len(), 1);
    let canaries = yard.canaries();
    drop(yard.watch);
    assert!(!canaries.exists());
}
