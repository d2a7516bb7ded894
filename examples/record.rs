//! Records what the real Claude Code writes to its terminal, for the replays of `tests/terminal`.
//!
//! `cargo run --example record -- CLAUDE OUT [--full] [--minutes N] [--project DIR]`:
//! the practice server answers, lcc's own emulator answers what is asked of a terminal, and
//! prompts are typed until the time is over. Nothing but the loopback is reached. DIR is shown in
//! the recording: its default is neutral.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    io::{Read, Write},
    path::PathBuf,
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use lcc::{
    domain::{Profile, Tier},
    engine::{
        claude::{self, Conversation, EnvironmentInputs, state::Look},
        practice::{self, PracticeOptions},
        window::believe,
    },
    front::terminal::{Options, Size, Terminal, TerminalEvent},
};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};

const SIZE: Size = Size { cols: 100, rows: 30 };
/// What is typed, in turn. Words for the practice server, then what only the client acts on.
const LINES: [&str; 12] = [
    "practice: say Three things to do: one, **two**, `three`. 👨\u{200d}👩\u{200d}👧 👍🏽 ❤\u{fe0f} 🇩🇪 家族 हिन्दी العربية",
    "look around and leave a note",
    "practice: say | name | width |\\n|---|---|\\n| 日本語 | 6 |\\n| 👍🏽 | 2 |",
    "!ls -la",
    "practice: say ```rust\\nfn main() { println!(\"{}\", 1 + 1); }\\n```",
    "/help",
    "\x1b",
    "practice: say a long line that has to be wrapped because it does not fit into the columns \
     that there are, and then some more words of it so that it is wrapped a second time as well",
    "@no",
    "\x15",
    "practice: say # A heading\\n\\n1. first\\n2. second\\n\\n> a quotation",
    "?",
];

struct Session {
    terminal: Terminal,
    from: Receiver<Vec<u8>>,
    writer: Box<dyn Write + Send>,
    recorded: Vec<u8>,
    start: Instant,
}

impl Session {
    /// Takes what comes until nothing has come for `quiet`, `limit` at most.
    fn settle(&mut self, quiet: Duration, limit: Duration) {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            let Ok(bytes) = self.from.recv_timeout(quiet) else { return };
            self.recorded.extend_from_slice(&bytes);
            let mut events = self.terminal.feed(&bytes);
            let now = lcc::domain::Moment::from_duration(self.start.elapsed());
            events.extend(self.terminal.stop_sync(now));
            for event in events {
                if let TerminalEvent::Reply(bytes) = event {
                    let _ = self.writer.write_all(&bytes);
                }
            }
            let _ = self.writer.flush();
        }
    }

    /// Types as a person does, a key at a time.
    fn type_line(&mut self, line: &str) {
        for c in line.chars() {
            let mut bytes = [0; 4];
            let _ = self.writer.write_all(c.encode_utf8(&mut bytes).as_bytes());
            let _ = self.writer.flush();
            self.settle(Duration::from_millis(12), Duration::from_millis(40));
        }
        self.settle(Duration::from_millis(300), Duration::from_secs(2));
        if !line.starts_with(char::is_control) && line != "?" && line != "@no" {
            let _ = self.writer.write_all(b"\r");
            let _ = self.writer.flush();
        }
    }
}

fn main() {
    let mut words = std::env::args().skip(1);
    let program = PathBuf::from(words.next().expect("the program of Claude Code"));
    let out = PathBuf::from(words.next().expect("the file to write"));
    let (mut full, mut minutes, mut project) = (false, 10, PathBuf::from("/tmp/p"));
    while let Some(word) = words.next() {
        match word.as_str() {
            "--full" => full = true,
            "--minutes" => minutes = words.next().unwrap().parse().unwrap(),
            "--project" => project = words.next().unwrap().into(),
            other => panic!("{other}: no such flag"),
        }
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options =
            PracticeOptions { read_rate: 4_000.0, write_rate: 60.0, ..PracticeOptions::default() };
        practice::start(listener, options).await.unwrap()
    });
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(&project).unwrap();
    claude::state::seed(home.path(), &project, Look::Dark).unwrap();
    let version = claude::version::from_package(&program);
    let options = claude::options(&Profile::Lean.into(), version);
    let mut env = claude::environment(&EnvironmentInputs {
        base_url: &format!("http://{}", server.addr()),
        token: "t",
        model: "practice",
        belief: believe(claude::compacts(version), 32_768, 4_096, 26_947),
        options: &options,
        tier: Tier::Strict,
        home: &home.path().display().to_string(),
        path: "/usr/bin:/bin",
        lang: None,
        tz: None,
        bare_root: true,
        more: &std::collections::BTreeMap::new(),
    });
    if full {
        env.insert("CLAUDE_CODE_NO_FLICKER".to_owned(), "1".to_owned());
    }
    let conversation = Conversation::New(uuid::Uuid::new_v4().to_string());
    let mut command = CommandBuilder::new(&program);
    command.args(claude::arguments(&options, Tier::Strict, "practice", &conversation, &[]));
    command.cwd(&project);
    command.env_clear();
    for (name, value) in env {
        command.env(name, value);
    }
    let size = PtySize { rows: SIZE.rows, cols: SIZE.cols, ..PtySize::default() };
    let pair = native_pty_system().openpty(size).unwrap();
    let mut reader = pair.master.try_clone_reader().unwrap();
    let writer = pair.master.take_writer().unwrap();
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let (to, from) = channel();
    thread::spawn(move || {
        let mut buffer = [0; 65_536];
        while let Ok(n @ 1..) = reader.read(&mut buffer) {
            if to.send(buffer[..n].to_vec()).is_err() {
                break;
            }
        }
    });
    let terminal = Terminal::new(SIZE, Options::default());
    let start = Instant::now();
    let mut session = Session { terminal, from, writer, recorded: Vec::new(), start };
    session.settle(Duration::from_secs(3), Duration::from_secs(20));
    let end = start + Duration::from_secs(60 * minutes);
    for line in LINES.iter().cycle() {
        if Instant::now() >= end {
            break;
        }
        session.type_line(line);
        // Longer than any gap of an answer; a person reads meanwhile.
        session.settle(Duration::from_secs(8), Duration::from_secs(40));
        eprintln!("{:6.1} s {:8} bytes", start.elapsed().as_secs_f64(), session.recorded.len());
    }
    let _ = child.kill();
    let _ = child.wait();
    std::fs::write(&out, &session.recorded).unwrap();
}
