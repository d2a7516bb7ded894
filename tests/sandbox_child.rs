//! The sandbox as lcc itself uses it: a child on a terminal, its socket, its end.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};

use common::Real;
use lcc::{
    domain::Tier,
    engine::{
        pty::Pty,
        sandbox::{self, LaunchError, Launched, Request, Terminal},
    },
};

struct Bench {
    root: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("project")).unwrap();
        fs::create_dir_all(root.path().join("state/home")).unwrap();
        Self { root }
    }

    fn request(&self, program: impl AsRef<Path>, args: &[&str]) -> Request {
        let env = [("TERM", "xterm-256color"), ("PATH", "/usr/bin:/bin")];
        Request {
            tier: Tier::Strict,
            project: self.root.path().join("project"),
            home: self.root.path().join("state/home"),
            state: self.root.path().join("state"),
            program: program.as_ref().to_owned(),
            args: args.iter().map(Into::into).collect(),
            env: env.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            lcc: env!("CARGO_BIN_EXE_lcc").into(),
            read_only: Vec::new(),
            mounts: Vec::new(),
        }
    }
}

fn launch(request: Request, pty: &Pty) -> Result<Launched, LaunchError> {
    let endpoint = sandbox::endpoint(request.tier).unwrap();
    sandbox::launch(request, endpoint, Terminal::Pty(pty))
}

/// Everything the terminal shows, as it comes.
struct Screen {
    bytes: mpsc::Receiver<Vec<u8>>,
    seen: String,
}

impl Screen {
    fn of(pty: &Pty) -> Self {
        let mut reader = pty.reader().unwrap();
        let (out, bytes) = mpsc::channel();
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut chunk) {
                if out.send(chunk[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { bytes, seen: String::new() }
    }

    fn until(&mut self, text: &str) {
        while !self.seen.contains(text) {
            match self.bytes.recv_timeout(Duration::from_secs(30)) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(error) => panic!("no {text:?} ({error}) in {:?}", self.seen),
            }
        }
    }
}

fn alive(mark: &str) -> usize {
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .filter(|line| String::from_utf8_lossy(line).contains(mark))
        .count()
}

#[test]
fn the_child_owns_its_terminal() {
    for tier in [Tier::Strict, Tier::Off] {
        let bench = Bench::new();
        let pty = Pty::open(100, 30).unwrap();
        let mut screen = Screen::of(&pty);
        let script = "trap 'stty size; exit 9' WINCH; stty size; echo tty > /dev/tty; \
                      while :; do read line; echo got $line; done";
        let request = Request { tier, ..bench.request("bash", &["-c", script]) };
        let launched = launch(request, &pty).unwrap();
        screen.until("30 100");
        screen.until("tty");
        let mut writer = pty.writer().unwrap();
        writer.write_all(b"hello\n").unwrap();
        screen.until("got hello");
        pty.resize(90, 20).unwrap();
        writer.write_all(b"\n").unwrap();
        screen.until("20 90");
        assert_eq!(launched.child.wait().unwrap().code(), Some(9), "{tier}");
    }
}

#[test]
fn the_keyboards_interrupt_reaches_the_program_and_not_the_sandbox() {
    let bench = Bench::new();
    let pty = Pty::open(80, 24).unwrap();
    let mut screen = Screen::of(&pty);
    let script = "trap 'echo interrupted; exit 4' INT; echo ready; while :; do read x; done";
    let launched = launch(bench.request("bash", &["-c", script]), &pty).unwrap();
    screen.until("ready");
    let mut writer = pty.writer().unwrap();
    writer.write_all(b"\x03").unwrap();
    screen.until("interrupted");
    assert_eq!(launched.child.wait().unwrap().code(), Some(4));
}

#[test]
fn the_socket_made_inside_is_accepted_on_outside() {
    let bench = Bench::new();
    let pty = Pty::open(80, 24).unwrap();
    let script =
        "exec 3<>/dev/tcp/127.0.0.1/3128; echo question >&3; read -u 3 a; echo $a > answer";
    let launched = launch(bench.request("bash", &["-c", script]), &pty).unwrap();
    assert_eq!(launched.report.tier, Tier::Strict);
    assert!(launched.report.probes >= 30);
    assert_eq!(launched.report.probes, launched.report.blocked);
    // The port exists in the sandbox alone.
    let address = launched.listener.local_addr().unwrap();
    assert!(TcpStream::connect(address).is_err());
    let (mut stream, _) = launched.listener.accept().unwrap();
    let mut question = [0; 9];
    stream.read_exact(&mut question).unwrap();
    assert_eq!(&question, b"question\n");
    stream.write_all(b"reply\n").unwrap();
    assert!(launched.child.wait().unwrap().success());
    let answer = fs::read_to_string(bench.root.path().join("project/answer")).unwrap();
    assert_eq!(answer, "reply\n");
}

#[test]
fn terminate_asks_first_and_leaves_nothing() {
    for (tier, trap, code) in [
        (Tier::Strict, "trap 'exit 3' TERM", Some(3)),
        (Tier::Strict, "trap '' TERM", None),
        (Tier::Off, "trap 'exit 3' TERM", Some(3)),
        (Tier::Off, "trap '' TERM", None),
    ] {
        let bench = Bench::new();
        let mark = format!("76543{}{}", std::process::id(), trap.len());
        let pty = Pty::open(80, 24).unwrap();
        let mut screen = Screen::of(&pty);
        let script = format!("{trap}; sleep {mark} & echo ready; while :; do wait; done");
        let request = Request { tier, ..bench.request("bash", &["-c", &script]) };
        let launched = launch(request, &pty).unwrap();
        screen.until("ready");
        assert_eq!(launched.child.try_wait().unwrap(), None);
        let grace = if code.is_some() { Duration::from_secs(20) } else { Duration::ZERO };
        let status = launched.child.terminate(grace).unwrap();
        assert_eq!(status.code(), code, "{tier} {trap}");
        if code.is_none() {
            assert_eq!(status.signal(), Some(9), "{tier} {trap}");
        }
        while alive(&mark) > 0 {
            assert_eq!(tier, Tier::Off, "the strict tier waits for the last process");
            thread::yield_now();
        }
        assert_eq!(launched.child.terminate(Duration::ZERO).unwrap(), status);
    }
}

#[test]
fn dropping_the_child_ends_it() {
    let bench = Bench::new();
    let pty = Pty::open(80, 24).unwrap();
    let mark = format!("65432{}", std::process::id());
    let launched = launch(bench.request("sleep", &[&mark]), &pty).unwrap();
    let pid = launched.child.id();
    assert!(Path::new(&format!("/proc/{pid}")).exists());
    drop(launched);
    while alive(&mark) > 0 {
        thread::yield_now();
    }
}

#[test]
fn the_child_outlives_the_thread_that_started_it() {
    // bubblewrap dies with the thread that spawned it: that one must last, not the caller's.
    let bench = Bench::new();
    let pty = Pty::open(80, 24).unwrap();
    let mut screen = Screen::of(&pty);
    let request = bench.request("bash", &["-c", "echo up; read x; echo got $x; exit 6"]);
    let (launched, pty) =
        thread::spawn(move || (launch(request, &pty).unwrap(), pty)).join().unwrap();
    screen.until("up");
    let mut writer = pty.writer().unwrap();
    writer.write_all(b"word\n").unwrap();
    screen.until("got word");
    assert_eq!(launched.child.wait().unwrap().code(), Some(6));
}

#[test]
fn this_machine_passes_the_preflight() {
    let facts = sandbox::preflight().unwrap();
    assert!(facts.bwrap.is_absolute());
    assert!(facts.flags.contains("--unshare-net"));
}

/// A model server that answers every request with one short message.
fn answer(mut stream: TcpStream) {
    let mut request = Vec::new();
    let mut chunk = [0; 65_536];
    let body_at =
        |request: &[u8]| request.windows(4).position(|at| at == b"\r\n\r\n").map(|at| at + 4);
    loop {
        if let Some(body) = body_at(&request) {
            let head = String::from_utf8_lossy(&request[..body]).to_ascii_lowercase();
            let length: usize = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
                .unwrap_or(0);
            if request.len() < body + length {
                // Not whole yet.
            } else if head.starts_with("post /v1/messages") && !head.contains("count_tokens") {
                let _closed = stream.write_all(&message());
                return;
            } else {
                let _closed = stream.write_all(
                    b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
                );
                return;
            }
        }
        match stream.read(&mut chunk) {
            Ok(count @ 1..) => request.extend_from_slice(&chunk[..count]),
            Ok(0) | Err(_) => return,
        }
    }
}

fn message() -> Vec<u8> {
    let events = [
        (
            "message_start",
            r#"{"type":"message_start","message":{"id":"m1","type":"message","role":"assistant","model":"stub","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":5,"output_tokens":1}}}"#,
        ),
        (
            "content_block_start",
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        ),
        (
            "content_block_delta",
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"stub says hello"}}"#,
        ),
        ("content_block_stop", r#"{"type":"content_block_stop","index":0}"#),
        (
            "message_delta",
            r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":4}}"#,
        ),
        ("message_stop", r#"{"type":"message_stop"}"#),
    ];
    let mut out =
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n".to_vec();
    for (name, data) in events {
        out.extend(format!("event: {name}\ndata: {data}\n\n").into_bytes());
    }
    out
}

#[test]
fn the_real_claude_code_answers_from_inside() {
    for claude in ["2.1.197", "2.1.330"].into_iter().filter_map(Real::claude) {
        let bench = Bench::new();
        let pty = Pty::open(120, 40).unwrap();
        let mut screen = Screen::of(&pty);
        let mut request =
            bench.request(&claude, &["--dangerously-skip-permissions", "-p", "say hello"]);
        let home: PathBuf = request.home.clone();
        request.env.extend(BTreeMap::from(
            [
                ("ANTHROPIC_BASE_URL", format!("http://127.0.0.1:{}", sandbox::policy::PORT)),
                ("ANTHROPIC_API_KEY", "stub".to_owned()),
                ("CLAUDE_CONFIG_DIR", home.join(".claude").display().to_string()),
                ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1".to_owned()),
                ("DISABLE_TELEMETRY", "1".to_owned()),
                ("DISABLE_ERROR_REPORTING", "1".to_owned()),
                ("DISABLE_AUTOUPDATER", "1".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        ));
        let launched = launch(request, &pty).unwrap();
        let listener = launched.listener;
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(|| answer(stream));
            }
        });
        screen.until("stub says hello");
        assert!(launched.child.wait().unwrap().success(), "{}", claude.display());
    }
}
