//! The front in a real PTY: the first frame comes at once, and the terminal is given back as it
//! was, however the front ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
#![cfg(unix)]

use std::{
    env,
    io::{Read, Write},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use lcc::{
    front::{
        input::Keymap,
        shell::{AsideOptions, Border, FrontError, FrontOptions, Title, run},
        theme::{Depth, builtin},
    },
    protocol::{Command, Update},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tokio::sync::mpsc;

/// Set in the process that plays the front.
const ROLE: &str = "LCC_TEST_FRONT";
/// Longer than any of this takes on a busy machine; only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Started by the tests below in a PTY of its own; without them there is nothing to play.
#[test]
fn front() {
    if env::var_os(ROLE).is_none() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = FrontOptions {
        theme: builtin().remove(0),
        themes: builtin(),
        depth: Depth::TrueColour,
        keymap: Keymap::default(),
        title: Title { project: "demo".to_owned(), practice: true },
        scrollback: 100,
        border: Border::default(),
        aside: AsideOptions::default(),
        panes: lcc::front::shell::Arrangement::default(),
        column: true,
        screen_reader: false,
        remarks: Vec::new(),
        files: lcc::front::shell::Files::default(),
    };
    let result = runtime.block_on(async {
        let (commands, wishes) = mpsc::unbounded_channel();
        let (news, updates) = mpsc::channel(16);
        tokio::spawn(engine(wishes, news));
        run(options, commands, updates).await
    });
    match result {
        Ok(()) => println!("END fine"),
        Err(FrontError::EngineGone) => println!("END engine gone"),
        Err(error) => println!("END {error}"),
    }
}

/// An engine that says nothing until it is spoken to.
async fn engine(mut wishes: mpsc::UnboundedReceiver<Command>, news: mpsc::Sender<Update>) {
    while let Some(wish) = wishes.recv().await {
        match wish {
            Command::Input(bytes) if bytes == "s" => {
                let hello = Update::Output(Bytes::from_static(b"hello from the child\r\n> "));
                news.send(hello).await.unwrap();
            }
            Command::Input(bytes) if bytes == "p" => {
                thread::spawn(|| panic!("on purpose")).join().unwrap_err();
                news.send(Update::Output(Bytes::from_static(b"more"))).await.unwrap();
            }
            Command::Input(bytes) if bytes == "g" => return,
            Command::Quit => news.send(Update::Ended).await.unwrap(),
            Command::Input(_)
            | Command::Resize { .. }
            | Command::Compact(_)
            | Command::RestartFresh
            | Command::Handover
            | Command::StartWith(_)
            | Command::Prompt(_)
            | Command::Files
            | Command::Weigh { .. } => {}
        }
    }
}

/// The modes of a PTY, as text.
fn modes(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().unwrap())
}

/// The outer terminal: a PTY whose bytes an independent emulator takes in.
struct Outer {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    input: Box<dyn Write + Send>,
    bytes: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    raw: Vec<u8>,
    /// Its modes before the front came.
    cooked: String,
}

impl Outer {
    fn open() -> Self {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env::current_exe().unwrap());
        command.args(["--exact", "front", "--nocapture"]);
        command.env(ROLE, "1");
        command.env("TERM", "xterm-256color");
        command.env("RUST_BACKTRACE", "0");
        command.cwd(env::current_dir().unwrap());
        let cooked = modes(&*pair.master);
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let input = pair.master.take_writer().unwrap();
        let (send, bytes) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                if send.send(buffer[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        let screen = vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0);
        Self { master: pair.master, child, input, bytes, screen, raw: Vec::new(), cooked }
    }

    /// Takes bytes in until the screen shows `text`.
    fn wait_for(&mut self, text: &str) {
        let start = Instant::now();
        while !self.screen.screen().contents().contains(text) {
            let left = PATIENCE.saturating_sub(start.elapsed());
            match self.bytes.recv_timeout(left) {
                Ok(bytes) => self.take(&bytes),
                Err(error) => {
                    panic!("{text:?} never came ({error}):\n{}", self.screen.screen().contents())
                }
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.screen.process(bytes);
        self.raw.extend_from_slice(bytes);
    }

    fn keys(&mut self, keys: &str) {
        self.input.write_all(keys.as_bytes()).unwrap();
        self.input.flush().unwrap();
    }

    fn signal(&self, signal: Signal) {
        let id = self.child.process_id().unwrap();
        kill(Pid::from_raw(i32::try_from(id).unwrap()), signal).unwrap();
    }

    /// Takes bytes in until the front is gone.
    fn end(&mut self) {
        let start = Instant::now();
        loop {
            match self.bytes.recv_timeout(PATIENCE.saturating_sub(start.elapsed())) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("the front does not end"),
            }
        }
        self.child.wait().unwrap();
    }

    fn raw_contains(&self, bytes: &[u8]) -> bool {
        self.raw.windows(bytes.len()).any(|window| window == bytes)
    }
}

/// Brings a front up, ends it by `end`, and looks at what it leaves.
fn given_back(end: impl FnOnce(&mut Outer), says: &str) {
    let mut outer = Outer::open();
    outer.wait_for("starting…");
    assert_ne!(modes(&*outer.master), outer.cooked, "raw mode");
    assert!(outer.screen.screen().alternate_screen());
    outer.keys("s");
    outer.wait_for("hello from the child");
    end(&mut outer);
    // The last words stand on the main screen, after everything was given back.
    outer.wait_for(says);
    assert_eq!(modes(&*outer.master), outer.cooked, "cooked mode");
    outer.end();
    let screen = outer.screen.screen();
    assert!(!screen.alternate_screen());
    assert!(!screen.hide_cursor());
    assert!(!screen.bracketed_paste());
    assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    for (on, off) in [("\x1b[?1004h", "\x1b[?1004l"), ("\x1b[>1u", "\x1b[<1u")] {
        assert!(outer.raw_contains(on.as_bytes()), "{on:?}");
        assert!(outer.raw_contains(off.as_bytes()), "{off:?}");
    }
}

#[test]
fn by_its_key() {
    given_back(|outer| outer.keys("\x1b[21~"), "END fine");
}

#[test]
fn by_sigterm() {
    given_back(|outer| outer.signal(Signal::SIGTERM), "END fine");
}

#[test]
fn by_sighup() {
    given_back(|outer| outer.signal(Signal::SIGHUP), "END fine");
}

#[test]
fn by_an_engine_that_is_gone() {
    given_back(|outer| outer.keys("g"), "END engine gone");
}

#[test]
fn by_a_panic_in_another_thread() {
    given_back(|outer| outer.keys("p"), "END lcc failed inside");
}

#[test]
fn a_new_size_reaches_the_screen() {
    let mut outer = Outer::open();
    outer.wait_for("starting…");
    let size = PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 };
    outer.screen.screen_mut().set_size(40.try_into().unwrap(), 120.try_into().unwrap());
    outer.master.resize(size).unwrap();
    outer.wait_for("prefill");
    outer.keys("\x1b[21~");
    outer.end();
}
