//! Looking back, copying, saving, being called and being stopped, in the real cockpit with a
//! child that only plays Claude Code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
#![cfg(target_os = "linux")]

mod common;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use common::{Key, Lcc, Outer, Program, Project, Real};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

const SOON: Duration = Duration::from_secs(60);

const PLAY: &str = include_str!("fixtures/fake_claude.sh");

/// `lcc practice` as a process of its own.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(read_rate: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lcc"))
            .args(["practice", "--listen", "127.0.0.1:0", "--read-rate", read_rate])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, url }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Cockpit {
    outer: Outer,
    lcc: Lcc,
    _project: Project,
    _fake: tempfile::TempDir,
}

/// The child: writes three hundred lines first, and knows two more words.
fn fake() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::Builder::new().prefix("lcc-fake-").tempdir().unwrap();
    let path = dir.path().join("claude");
    let more = "fill) for i in {1..99}; do say \"filler $i\"; done ;;\n\
                count*) printf '\\e[?2004h'; say counting; head -c \"${text#count }\" | \
                LC_ALL=C wc -c | tr -d '\\n'; say ' bytes counted' ;;\n";
    let text = PLAY
        .replacen(
            "printf '❯ '",
            "for i in {1..300}; do say \"history line $i.\"; done\nprintf '❯ '",
            1,
        )
        .replacen("/compact)", &format!("{more}        /compact)"), 1)
        // The next prompt comes after the answer.
        .replacen(
            "post \"practice: say $text\" & request=$! ;;",
            "post \"practice: say $text\" ;;",
            1,
        );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    (dir, path)
}

impl Cockpit {
    fn open(server: &Server, more: impl Fn(Lcc) -> Lcc) -> Self {
        let (dir, path) = fake();
        let project = Project::new();
        let lcc = Lcc::new(project.path()).env("LCC_CLAUDE", path).args(["--server", &server.url]);
        let lcc = more(lcc);
        let mut outer = lcc.start();
        outer.wait_for("❯", SOON);
        Self { outer, lcc, _project: project, _fake: dir }
    }

    fn leader(&mut self, letter: &str) {
        self.outer.key(Key::Ctrl(']'));
        self.outer.type_text(letter);
    }

    fn line(&mut self, text: &str) {
        self.outer.type_text(text);
        self.outer.wait_for(&format!("❯ {text}"), SOON);
        self.outer.key(Key::Enter);
    }

    fn last_row(&mut self, what: &str, holds: impl Fn(&str) -> bool) {
        self.outer
            .wait_until(what, SOON, |s| holds(s.contents().lines().last().unwrap_or_default()));
    }

    fn wait_raw(&self, what: &str, holds: impl Fn(&str) -> bool) {
        let end = Instant::now() + SOON;
        while !holds(&String::from_utf8_lossy(&self.outer.raw())) {
            assert!(Instant::now() < end, "{what} never came:\n{}", self.outer.screen_text());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn quit(&mut self) {
        assert!(self.outer.leave(SOON).success());
        assert_eq!(self.outer.leftovers(), Vec::<String>::new());
    }
}

#[test]
fn searched_copied_and_saved() {
    if Real::bwrap().is_none() {
        return;
    }
    let server = Server::start("0");
    let mut cockpit = Cockpit::open(&server, |lcc| lcc);
    // What is above, and back.
    cockpit.outer.key(Key::PageUp);
    cockpit.outer.wait_for("Esc returns", SOON);
    cockpit.outer.key(Key::Escape);
    cockpit.outer.wait_until("the end", SOON, |s| !s.contents().contains("Esc returns"));
    // Found while it is typed, copied with its line.
    cockpit.leader("/");
    cockpit.outer.type_text("LINE 7");
    cockpit.last_row("eleven places", |row| row.contains("/LINE 7") && row.contains("11/11"));
    cockpit.outer.type_text("7");
    cockpit.last_row("one place", |row| row.contains("1/1"));
    cockpit.outer.key(Key::Enter);
    cockpit.outer.wait_for("history line 77.", SOON);
    cockpit.outer.type_text("Vy");
    cockpit.outer.wait_for("copied 16 characters", SOON);
    let osc = format!("\x1b]52;c;{}\x07", BASE64_STANDARD.encode("history line 77."));
    cockpit.wait_raw("the clipboard", |raw| raw.contains(&osc));
    // Saved to a new file, and never over one.
    for (says, name) in [("saved: ", "talk.txt"), ("is there already", "talk.txt")] {
        cockpit.leader("s");
        cockpit.outer.wait_for("save as ", SOON);
        cockpit.outer.key(Key::Ctrl('u'));
        cockpit.outer.type_text(name);
        cockpit.last_row("the name", |row| row.contains(name));
        cockpit.outer.key(Key::Enter);
        cockpit.outer.wait_for(says, SOON);
    }
    cockpit.outer.key(Key::Escape);
    cockpit.last_row("no name", |row| row.starts_with(" read"));
    cockpit.outer.key(Key::Escape);
    let saved = fs::read_to_string(cockpit.lcc.state().join("saved/talk.txt")).unwrap();
    assert!(saved.starts_with("history line 1.\nhistory line 2.\n"), "{saved}");
    assert!(saved.lines().any(|line| line == "history line 300."));
    cockpit.last_row("lcc's keys", |row| row.contains("F10 quit"));
    cockpit.quit();
}

#[test]
fn from_turn_to_turn() {
    if Real::bwrap().is_none() {
        return;
    }
    let server = Server::start("0");
    let mut cockpit = Cockpit::open(&server, |lcc| lcc);
    for word in ["first", "second"] {
        cockpit.line(word);
        cockpit.outer.wait_for("turn done", SOON);
        cockpit.line("fill");
        cockpit.outer.wait_until("the filling", SOON, |s| {
            s.contents().contains("filler 99") && !s.contents().contains("turn done")
        });
    }
    for (turn, word) in [("turn 2 of 2", "second"), ("turn 1 of 2", "first")] {
        cockpit.leader("k");
        cockpit.outer.wait_for(turn, SOON);
        // The prompt stands in the pane's first row.
        let row = cockpit.outer.screen_text().lines().nth(2).unwrap().to_owned();
        assert!(row.contains(&format!("❯ {word}")), "{row}");
    }
    cockpit.outer.key(Key::Escape);
    cockpit.outer.wait_until("the end", SOON, |s| !s.contents().contains("Esc returns"));
    cockpit.quit();
}

/// Takes one request at a time and hands its body on.
fn listener() -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/lcc", listener.local_addr().unwrap());
    let (send, bodies) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut seen = Vec::new();
            let mut buffer = [0; 1024];
            while !seen.ends_with(b"}") {
                match stream.read(&mut buffer) {
                    Ok(n @ 1..) => seen.extend_from_slice(&buffer[..n]),
                    Ok(0) | Err(_) => break,
                }
            }
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
            if send.send(String::from_utf8_lossy(&seen).into_owned()).is_err() {
                break;
            }
        }
    });
    (url, bodies)
}

#[test]
fn who_looks_elsewhere_is_called() {
    if Real::bwrap().is_none() {
        return;
    }
    // Eight tokens a second: every turn is a long one.
    let server = Server::start("8");
    let (url, bodies) = listener();
    let mut cockpit = Cockpit::open(&server, |lcc| {
        let told = lcc.home().join("told");
        let command = format!(
            "[attention]\nafter = 1\ncommand = [\"/bin/sh\", \"-c\", \"echo $LCC_EVENT >> {}\"]\n",
            told.display()
        );
        lcc.config(&command)
            .env("LCC_ATTENTION_WEBHOOK", &url)
            .env("TERM_PROGRAM", "ghostty")
            .env("TERM_PROGRAM_VERSION", "1.2.0")
            .env("LCC_WARM_START", "false")
    });
    let turn = |cockpit: &mut Cockpit, focus: &[u8], word: &str| {
        cockpit.outer.send(focus);
        // New words enough to be read for some seconds; what was read before is cached.
        cockpit.line(&format!("{word} {word} 1 {word} 2 {word} 3 {word} 4 {word} 5 {word} 6"));
        cockpit.last_row("a turn", |row| row.contains("reading"));
        cockpit.last_row("its end", |row| row.contains("idle"));
    };
    let notified = |raw: &str| raw.matches("\x1b]777;notify;lcc;").count();
    // Somebody looks: nothing.
    turn(&mut cockpit, b"\x1b[I", "one");
    turn(&mut cockpit, b"\x1b[O", "two");
    let body = bodies.recv_timeout(SOON).unwrap();
    assert!(body.contains("\"event\":\"turn-ended\""), "{body}");
    cockpit.wait_raw("a notification", |raw| notified(raw) == 1);
    turn(&mut cockpit, b"\x1b[I", "three");
    turn(&mut cockpit, b"\x1b[O", "four");
    bodies.recv_timeout(SOON).unwrap();
    cockpit.wait_raw("one more", |raw| notified(raw) == 2);
    let raw = String::from_utf8_lossy(&cockpit.outer.raw()).into_owned();
    assert!(raw.contains("the turn has ended after"), "the words");
    assert!(raw.contains("\x1b]9;4;1;"), "the task bar shows how far the prompt is");
    assert!(raw.contains("\x1b]2;reading "), "and so does the title");
    let told = cockpit.lcc.home().join("told");
    let end = Instant::now() + SOON;
    while fs::read_to_string(&told).unwrap_or_default() != "turn-ended\nturn-ended\n" {
        assert!(Instant::now() < end, "{:?}", fs::read_to_string(&told));
        thread::sleep(Duration::from_millis(20));
    }
    cockpit.outer.send(b"\x1b[I");
    cockpit.quit();
    let raw = String::from_utf8_lossy(&cockpit.outer.raw()).into_owned();
    let last = raw.rsplit("\x1b]9;4;").next().unwrap();
    assert!(last.starts_with("0;0\x07"), "the task bar is given back");
}

#[test]
fn an_address_on_another_machine_is_refused_at_the_start() {
    let project = Project::new();
    let out = Lcc::new(project.path())
        .env("LCC_ATTENTION_WEBHOOK", "http://192.0.2.1/told")
        .command()
        .output()
        .unwrap();
    assert!(!out.status.success());
    let words = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(
        words.contains("LCC_ATTENTION_WEBHOOK") && words.contains("another machine"),
        "{words}"
    );
}

#[test]
fn stopped_by_ctrl_z_in_a_shell_and_brought_back() {
    if Real::bwrap().is_none() {
        return;
    }
    let server = Server::start("0");
    let (_fake, path) = fake();
    let project = Project::new();
    let lcc = Lcc::new(project.path());
    let mut env = common::lcc::scrubbed(lcc.home());
    env.push(("LCC_CLAUDE".to_owned(), path.into()));
    env.push(("PS1".to_owned(), "shell> ".into()));
    let mut outer = Outer::start(&Program {
        program: "/bin/bash".into(),
        args: vec!["--norc".into(), "--noprofile".into(), "-i".into()],
        env,
        cwd: project.path().to_owned(),
        cols: 120,
        rows: 40,
    });
    outer.wait_for("shell>", SOON);
    let command = format!("{} --server {}\r", env!("CARGO_BIN_EXE_lcc"), server.url);
    outer.type_text(&command);
    outer.wait_for("❯", SOON);
    outer.key(Key::Ctrl('z'));
    outer.wait_until("the shell", SOON, |s| {
        let text = s.contents();
        text.contains("lcc is stopped") && text.contains("Stopped") && !s.alternate_screen()
    });
    outer.type_text("stty size; echo back $((40 + 2))\r");
    outer.wait_for("back 42", SOON);
    outer.resize(100, 30);
    outer.type_text("fg\r");
    outer.wait_until("lcc at the new size", SOON, |s| {
        let text = s.contents();
        s.alternate_screen() && text.lines().nth(29).is_some_and(|row| row.contains("F10 quit"))
    });
    outer.type_text("hello");
    outer.wait_for("❯ hello", SOON);
    outer.key(Key::F(10));
    outer.wait_until("the shell again", SOON, |s| !s.alternate_screen());
    outer.type_text("exit\r");
    outer.wait_end(SOON);
    assert_eq!(outer.leftovers(), Vec::<String>::new());
}

#[test]
fn stopped_from_outside() {
    if Real::bwrap().is_none() {
        return;
    }
    let server = Server::start("0");
    let mut cockpit = Cockpit::open(&server, |lcc| lcc);
    let id = Pid::from_raw(cockpit.outer.pid().cast_signed());
    // Nobody could bring it back: it goes on and says so.
    kill(id, Signal::SIGTSTP).unwrap();
    cockpit.outer.wait_for("not started from a shell", SOON);
    // What cannot be refused is mended when it is over.
    let taken = |raw: &str| raw.matches("\x1b[?1049h").count();
    kill(id, Signal::SIGSTOP).unwrap();
    kill(id, Signal::SIGCONT).unwrap();
    cockpit.wait_raw("the terminal taken anew", |raw| taken(raw) == 2);
    cockpit.last_row("the keys", |row| row.contains("F10 quit"));
    cockpit.outer.type_text("alive");
    cockpit.outer.wait_for("❯ alive", SOON);
    cockpit.quit();
}

#[test]
fn a_large_paste_arrives_whole() {
    if Real::bwrap().is_none() {
        return;
    }
    let long = std::env::var_os("LCC_TEST_LONG").is_some();
    let bytes = if long { 5_000_000 } else { 500_000 };
    let server = Server::start("0");
    let mut cockpit = Cockpit::open(&server, |lcc| lcc);
    // The paste with its brackets, to the byte.
    cockpit.line(&format!("count {}", bytes + 12));
    cockpit.outer.wait_for("counting", SOON);
    let text = "0123456789 text\r".repeat(bytes / 16);
    let mut paste = b"\x1b[200~".to_vec();
    paste.extend_from_slice(text.as_bytes());
    paste.extend_from_slice(b"\x1b[201~");
    cockpit.outer.send(&paste);
    cockpit.outer.wait_for(&format!("{} bytes counted", bytes + 12), SOON);
    cockpit.quit();
}
