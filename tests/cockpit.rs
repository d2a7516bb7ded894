//! The cockpit under bad luck, with a child that only plays Claude Code, in the real sandbox.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
#![cfg(target_os = "linux")]

mod common;

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use common::{Key, Lcc, Outer, Project, Real};
use lcc::{domain::Phase, protocol::Snapshot};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

const SOON: Duration = Duration::from_secs(30);

/// `lcc practice` as a process of its own, so that it can be killed.
struct Server {
    child: Child,
    addr: String,
}

impl Server {
    fn start(listen: &str, read_rate: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lcc"))
            .args(["practice", "--listen", listen, "--read-rate", read_rate])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addr = line.trim().strip_prefix("listening on http://").unwrap().to_owned();
        Self { child, addr }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A cockpit with the fake child, whose program has a name that no other process has.
struct Cockpit {
    outer: Outer,
    lcc: Lcc,
    project: Project,
    fake: Fake,
}

struct Fake {
    dir: tempfile::TempDir,
    state: PathBuf,
}

impl Fake {
    fn new(text: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("lcc-fake-").tempdir().unwrap();
        let fake = Self { dir, state: PathBuf::from("/nowhere") };
        fs::write(fake.path(), text).unwrap();
        fs::set_permissions(fake.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fake
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("claude")
    }

    /// The processes that run in the sandbox with this program's project: their environment is
    /// Claude Code's and names the private home below the state folder of this test.
    fn processes(&self) -> Vec<i32> {
        let home = format!("HOME={}", self.state.display());
        let all = fs::read_dir("/proc").unwrap().flatten();
        let ids = all.filter_map(|e| e.file_name().to_str()?.parse::<i32>().ok());
        ids.filter(|id| {
            let words = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
            words.split(|b| *b == 0).any(|w| w.starts_with(home.as_bytes()))
        })
        .collect()
    }

    fn wait_gone(&self) {
        let end = Instant::now() + SOON;
        while !self.processes().is_empty() {
            assert!(Instant::now() < end, "survivors: {:?}", self.processes());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

const PLAY: &str = include_str!("fixtures/fake_claude.sh");

impl Cockpit {
    fn open(server: &Server) -> Self {
        Self::with(server, Fake::new(PLAY), |lcc| lcc)
    }

    fn with(server: &Server, mut fake: Fake, more: impl Fn(Lcc) -> Lcc) -> Self {
        let project = Project::new();
        let lcc = Lcc::new(project.path())
            .env("LCC_CLAUDE", fake.path())
            .args(["--server", &format!("http://{}", server.addr)]);
        let lcc = more(lcc);
        fake.state = lcc.state();
        Self { outer: lcc.start(), lcc, project, fake }
    }

    fn line(&mut self, text: &str) {
        self.outer.type_text(text);
        self.outer.wait_for(text, SOON);
        self.outer.key(Key::Enter);
    }

    fn wait_figures(&mut self, what: &str, limit: Duration, holds: impl Fn(&Snapshot) -> bool) {
        let end = Instant::now() + limit;
        loop {
            let figures = self.lcc.figures();
            if figures.as_ref().is_some_and(&holds) {
                return;
            }
            assert!(Instant::now() < end, "{what}: {figures:#?}\n{}", self.outer.screen_text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A turn that takes long, so that questions can be asked meanwhile.
    fn busy(&mut self) {
        self.outer.wait_for("❯", SOON);
        self.line("long");
        self.wait_figures("a busy server", SOON, |f| f.phase == Phase::Prefill);
        // The front asks by what it knows: its key bar must have heard of it.
        self.outer.wait_until("the phase on screen", SOON, |s| {
            s.contents().lines().last().is_some_and(|l| l.contains("reading"))
        });
    }

    fn quit(&mut self) {
        calm(&mut self.outer);
        self.outer.key(Key::F(10));
        assert!(self.outer.wait_end(SOON).success());
        assert_eq!(self.outer.leftovers(), Vec::<String>::new());
        self.fake.wait_gone();
    }
}

/// Waits until the key bar tells of no turn, so that F10 asks nothing.
fn calm(outer: &mut Outer) {
    outer.wait_until("a calm session", SOON, |s| {
        let text = s.contents();
        let bar = text.lines().last().unwrap_or_default();
        ["idle", "stopped", "starting"].iter().any(|word| bar.contains(word))
    });
}

#[test]
fn a_child_that_was_killed_is_told_and_f5_starts_another() {
    if Real::bwrap().is_none() {
        return;
    }
    let server = Server::start("127.0.0.1:0", "0");
    let mut cockpit = Cockpit::open(&server);
    cockpit.outer.wait_for("❯", SOON);
    for id in cockpit.fake.processes() {
        let _ = kill(Pid::from_raw(id), Signal::SIGKILL);
    }
    cockpit.outer.wait_for("Claude Code was ended by signal 9", SOON);
    cockpit.outer.key(Key::F(5));
    cockpit.outer.wait_until("a new child", SOON, |s| {
        s.contents().contains('❯') && !s.contents().contains("Claude Code was ended")
    });
    cockpit.line("hello");
    cockpit.outer.wait_for("turn done", SOON);
    cockpit.quit();
}

#[test]
fn the_last_words_of_a_child_that_ends_at_once_can_be_read() {
    if Real::bwrap().is_none() {
        return;
    }
    let server = Server::start("127.0.0.1:0", "0");
    let fake = Fake::new("#!/bin/sh\necho 'error: no such option --session-id'\nexit 7\n");
    let mut cockpit = Cockpit::with(&server, fake, |lcc| lcc);
    cockpit.outer.wait_for("error: no such option --session-id", SOON);
    cockpit.outer.wait_for("Claude Code ended with exit code 7", SOON);
    cockpit.quit();
}

#[test]
fn signals_give_the_terminal_back_and_leave_no_process() {
    if Real::bwrap().is_none() {
        return;
    }
    let server = Server::start("127.0.0.1:0", "0");
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT] {
        let mut cockpit = Cockpit::open(&server);
        cockpit.outer.wait_for("❯", SOON);
        assert!(!cockpit.fake.processes().is_empty(), "the child can be seen");
        kill(Pid::from_raw(cockpit.outer.pid().cast_signed()), signal).unwrap();
        cockpit.outer.wait_end(SOON);
        assert_eq!(cockpit.outer.leftovers(), Vec::<String>::new(), "{signal}");
        cockpit.fake.wait_gone();
    }
}

#[test]
fn kill_9_leaves_no_process_and_the_next_start_tidies_up() {
    if Real::bwrap().is_none() {
        return;
    }
    let server = Server::start("127.0.0.1:0", "0");
    let mut cockpit = Cockpit::open(&server);
    cockpit.outer.wait_for("❯", SOON);
    let sessions = cockpit.lcc.state().join("sessions");
    let names = || -> Vec<_> {
        fs::read_dir(&sessions).unwrap().flatten().map(|e| e.file_name()).collect()
    };
    let before = names();
    assert_eq!(before.len(), 1);
    kill(Pid::from_raw(cockpit.outer.pid().cast_signed()), Signal::SIGKILL).unwrap();
    cockpit.outer.wait_end(SOON);
    cockpit.fake.wait_gone();
    assert_eq!(names(), before, "nobody could tidy up");
    cockpit.outer = cockpit.lcc.start();
    cockpit.outer.wait_for("❯", SOON);
    let after = names();
    assert_eq!(after.len(), 1);
    assert_ne!(after, before, "the dead session is gone");
    cockpit.quit();
    assert!(names().is_empty());
}

#[test]
fn two_in_one_project_both_work() {
    if Real::bwrap().is_none() {
        return;
    }
    let server = Server::start("127.0.0.1:0", "0");
    let mut one = Cockpit::open(&server);
    one.outer.wait_for("❯", SOON);
    let mut two = one.lcc.start();
    two.wait_for("❯", SOON);
    one.line("first");
    one.outer.wait_for("turn done", SOON);
    two.type_text("second");
    two.wait_for("second", SOON);
    two.key(Key::Enter);
    two.wait_for("turn done", SOON);
    calm(&mut two);
    two.key(Key::F(10));
    assert!(two.wait_end(SOON).success());
    one.line("third");
    one.outer
        .wait_until("a second answer", SOON, |s| s.contents().matches("turn done").count() == 2);
    one.quit();
}

#[test]
fn a_server_killed_in_mid_stream_is_told_and_comes_back() {
    if Real::bwrap().is_none() {
        return;
    }
    let mut server = Server::start("127.0.0.1:0", "100");
    let mut cockpit = Cockpit::open(&server);
    cockpit.busy();
    server.kill();
    let killed = Instant::now();
    cockpit.wait_figures("word of the lost server", Duration::from_secs(10), |f| {
        f.phase != Phase::Prefill && f.server.healthy == Some(false)
    });
    let told = killed.elapsed();
    cockpit.outer.wait_for("model server lost", SOON);
    println!("the lost server was told after {told:?}");
    let server = Server::start(&server.addr, "0");
    cockpit.wait_figures("the server to be back", SOON, |f| f.server.healthy == Some(true));
    cockpit.line("again");
    cockpit.outer.wait_for("turn done", SOON);
    cockpit.quit();
    drop(server);
}

#[test]
fn questions_while_a_turn_runs() {
    if Real::bwrap().is_none() {
        return;
    }
    let server = Server::start("127.0.0.1:0", "100");
    let mut cockpit = Cockpit::open(&server);
    cockpit.busy();
    for (key, title) in [(2, "╭ compact"), (5, "╭ restart fresh"), (10, "╭ quit")] {
        cockpit.outer.key(Key::F(key));
        cockpit.outer.wait_for(title, SOON);
        cockpit.outer.type_text("c");
        cockpit.outer.wait_until("no dialog", SOON, |s| !s.contents().contains(title));
    }
    // Interrupting compacts at once.
    cockpit.outer.key(Key::F(2));
    cockpit.outer.wait_for("╭ compact", SOON);
    cockpit.outer.type_text("i");
    cockpit.outer.wait_for("interrupted", SOON);
    cockpit.outer.wait_for("compact was typed", SOON);
    // Restarting after a yes.
    cockpit.busy();
    cockpit.outer.key(Key::F(5));
    cockpit.outer.wait_for("╭ restart fresh", SOON);
    cockpit.outer.type_text("r");
    cockpit.outer.wait_until("an empty conversation", SOON, |s| {
        s.contents().contains('❯') && !s.contents().contains("compact was typed")
    });
    // Quitting after a yes.
    cockpit.busy();
    cockpit.outer.key(Key::F(10));
    cockpit.outer.wait_for("╭ quit", SOON);
    cockpit.outer.type_text("q");
    assert!(cockpit.outer.wait_end(SOON).success());
    assert_eq!(cockpit.outer.leftovers(), Vec::<String>::new());
    cockpit.fake.wait_gone();
}

#[test]
fn waiting_with_f2_compacts_when_the_turn_has_ended() {
    if Real::bwrap().is_none() {
        return;
    }
    let server = Server::start("127.0.0.1:0", "700");
    let mut cockpit = Cockpit::open(&server);
    cockpit.busy();
    cockpit.outer.key(Key::F(2));
    cockpit.outer.wait_for("╭ compact", SOON);
    cockpit.outer.type_text("w");
    cockpit.outer.wait_for("compact was typed", SOON);
    let text = cockpit.outer.screen_text();
    assert!(text.find("turn done").unwrap() < text.find("compact was typed").unwrap(), "{text}");
    cockpit.quit();
}

#[test]
fn sizes_keys_clicks_and_no_colour() {
    if Real::bwrap().is_none() {
        return;
    }
    let server = Server::start("127.0.0.1:0", "0");
    let mut cockpit = Cockpit::with(&server, Fake::new(PLAY), |lcc| lcc.env("NO_COLOR", "1"));
    cockpit.outer.wait_for("❯", SOON);
    for step in 0..60_u16 {
        cockpit.outer.resize(20 + (step * 37) % 180, 4 + (step * 11) % 60);
    }
    cockpit.outer.resize(120, 40);
    // The last size wins: the key bar stands in the last row, whole, under the header.
    cockpit.outer.wait_until("the screen at 120x40", SOON, |s| {
        let text = s.contents();
        let last = text.lines().nth(39).unwrap_or_default();
        last.starts_with(" F1 help") && last.contains("F10 quit") && text.starts_with(" lcc")
    });
    let click = "\x1b[<0;3;40M\x1b[<0;3;40m";
    cockpit.outer.send(click.as_bytes());
    cockpit.outer.wait_for("Ctrl-]", SOON);
    cockpit.outer.key(Key::Escape);
    cockpit.outer.wait_until("no help", SOON, |s| !s.contents().contains("Ctrl-]"));
    calm(&mut cockpit.outer);
    // The leader and a letter do what the key does; unknown letters do nothing.
    cockpit.outer.send(b"\x1dq");
    assert!(cockpit.outer.wait_end(SOON).success());
    assert_eq!(cockpit.outer.leftovers(), Vec::<String>::new());
    let raw = String::from_utf8_lossy(&cockpit.outer.raw()).into_owned();
    for colour in ["\x1b[38;2;", "\x1b[48;2;", "\x1b[38;5;", "\x1b[31m", "\x1b[32m"] {
        assert!(!raw.contains(colour), "{colour:?} in spite of NO_COLOR");
    }
    cockpit.fake.wait_gone();
    drop(cockpit.project);
}

#[test]
fn a_state_folder_that_cannot_be_used() {
    if Real::bwrap().is_none() {
        return;
    }
    let server = Server::start("127.0.0.1:0", "0");
    let file = tempfile::NamedTempFile::new().unwrap();
    let state = file.path().join("state");
    let mut cockpit =
        Cockpit::with(&server, Fake::new(PLAY), |lcc| lcc.env("LCC_STATE_DIR", &state));
    cockpit.outer.wait_for("LCC_STATE_DIR", SOON);
    let text = cockpit.outer.screen_text();
    assert!(text.contains("Not a directory"), "{text}");
    cockpit.quit();
}
