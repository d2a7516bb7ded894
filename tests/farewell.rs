//! What lcc says at the end of a session, of files that other programs run; with a child that
//! only plays Claude Code, in the real sandbox.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use common::{Key, Lcc, Outer, Project, Real};
use lcc::engine::practice::{self, PracticeOptions, PracticeServer};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use portable_pty::ExitStatus;

const SOON: Duration = Duration::from_secs(30);

/// Runs what is typed, a line at a time.
const FAKE: &str = "#!/bin/sh\n\
    case \"$1\" in --version) echo '2.1.330 (Claude Code)'; exit;; esac\n\
    echo 'fake is ready'\n\
    while IFS= read -r line; do eval \"$line\"; echo 'line is done'; done\n";

struct Bench {
    lcc: Lcc,
    project: Project,
    _fake: tempfile::TempDir,
    _server: PracticeServer,
    _runtime: tokio::runtime::Runtime,
}

impl Bench {
    fn new() -> Option<Self> {
        Real::bwrap()?;
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let server = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            practice::start(listener, PracticeOptions::default()).await.unwrap()
        });
        let fake = tempfile::tempdir().unwrap();
        let program = fake.path().join("claude");
        fs::write(&program, FAKE).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let project = Project::with_git();
        project.write("Makefile", "all:\n\techo a\n");
        let lcc = Lcc::new(project.path())
            .env("LCC_CLAUDE", program)
            .env("LCC_WARM_START", "false")
            .args(["--server", &format!("http://{}", server.addr())]);
        Some(Self { lcc, project, _fake: fake, _server: server, _runtime: runtime })
    }

    fn start(&self) -> Outer {
        let mut outer = self.lcc.start();
        outer.wait_for("fake is ready", SOON);
        outer
    }

    /// What was written after the screen was given back.
    fn left(outer: &mut Outer) -> (ExitStatus, String) {
        let status = outer.leave(SOON);
        let raw = outer.raw();
        let said = String::from_utf8_lossy(&raw).into_owned();
        let after = said.rsplit("\x1b[?1049l").next().unwrap_or_default().to_owned();
        (status, after)
    }
}

fn play(outer: &mut Outer, line: &str) {
    outer.type_text(line);
    outer.wait_for(line, SOON);
    outer.key(Key::Enter);
    outer.wait_for("line is done", SOON);
}

#[test]
fn the_last_line_names_the_way_to_what_changed() {
    let Some(bench) = Bench::new() else { return };
    let mut outer = bench.start();
    play(&mut outer, "echo all: evil > Makefile; echo x > ordinary");
    let (status, said) = Bench::left(&mut outer);
    assert!(status.success(), "{said}");
    assert!(said.contains("1 file that other tools run was changed: lcc report --last"), "{said}");
    let shown = bench.lcc.run(&["report", "--last"]);
    assert!(shown.contains("-\techo a\n") && shown.contains("+all: evil\n"), "{shown}");
    let json: serde_json::Value =
        serde_json::from_str(&bench.lcc.run(&["report", "--last", "--json"])).unwrap();
    assert_eq!(json["left"]["changes"][0]["path"], "Makefile");
    assert_eq!(json["left"]["changes"][0]["held"], false);
}

#[test]
fn nothing_is_said_when_nothing_changed() {
    let Some(bench) = Bench::new() else { return };
    assert!(bench.lcc.run(&["report", "--last"]).contains("no session has ended"));
    let mut outer = bench.start();
    play(&mut outer, "echo x > ordinary");
    let (status, said) = Bench::left(&mut outer);
    assert!(status.success() && !said.contains("report"), "{said}");
    let shown = bench.lcc.run(&["report", "--last"]);
    assert!(shown.contains("no file that other programs run or heed changed"), "{shown}");
}

#[test]
fn a_change_of_what_is_held_ends_with_an_error() {
    let Some(bench) = Bench::new() else { return };
    let mut outer = bench.start();
    play(&mut outer, "echo x >> .git/config || true");
    // From outside, as only the user can.
    let config = bench.project.path().join(".git/config");
    let text = fs::read_to_string(&config).unwrap();
    assert!(!text.contains('x'), "{text}");
    fs::write(&config, text + "[alias]\n\tst = status\n").unwrap();
    let (status, said) = Bench::left(&mut outer);
    assert_eq!(status.exit_code(), 1, "{said}");
    assert!(said.contains(".git/config changed although the sandbox keeps it"), "{said}");
    assert!(bench.lcc.run(&["report", "--last"]).contains("WARNING"));
}

#[test]
fn what_a_killed_session_left_is_told_by_the_next() {
    let Some(bench) = Bench::new() else { return };
    let mut outer = bench.start();
    play(&mut outer, "echo all: evil > Makefile");
    kill(Pid::from_raw(outer.pid().try_into().unwrap()), Signal::SIGKILL).unwrap();
    outer.wait_end(SOON);
    let private = bench.lcc.state().join("projects");
    let kept = |name: &str| {
        let folders = fs::read_dir(&private).unwrap().flatten();
        let mut files = folders.flat_map(|folder| fs::read_dir(folder.path()).unwrap().flatten());
        files.any(|file| file.file_name().to_string_lossy().starts_with(name))
    };
    assert!(kept("trust-") && !kept("review.json"));
    let mut outer = bench.start();
    let end = Instant::now() + SOON;
    while !kept("review.json") {
        assert!(Instant::now() < end);
        std::thread::sleep(Duration::from_millis(20));
    }
    let shown = bench.lcc.run(&["report", "--last"]);
    assert!(shown.contains("it was cut off") && shown.contains("Makefile"), "{shown}");
    // Its own end replaces it: nothing changed since it began.
    let (status, said) = Bench::left(&mut outer);
    assert!(status.success() && !said.contains("lcc report"), "{said}");
    assert!(!kept("trust-"));
}
