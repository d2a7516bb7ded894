//! A program in a PTY, watched by an independent terminal emulator (`vt100`).

use std::{
    ffi::OsString,
    io::{Read, Write},
    num::NonZeroU16,
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use vt100::{Parser, Screen};

use super::{replies::Replies, restored};

/// What to run. The environment is exactly `env`: nothing is inherited.
pub struct Program {
    pub program: PathBuf,
    pub args: Vec<OsString>,
    pub env: Vec<(String, OsString)>,
    pub cwd: PathBuf,
    pub cols: u16,
    pub rows: u16,
}

/// A key as a person presses it.
#[derive(Debug, Clone, Copy)]
pub enum Key {
    /// F1 to F10.
    F(u8),
    /// Ctrl and a letter or one of `[ \ ] ^ _`.
    Ctrl(char),
    Enter,
    Escape,
    Tab,
    Backspace,
    Up,
    Down,
    PageUp,
    PageDown,
}

impl Key {
    /// The bytes xterm sends for it.
    pub fn bytes(self) -> Vec<u8> {
        match self {
            Self::F(n @ 1..=4) => vec![0x1b, b'O', b'P' + n - 1],
            Self::F(n) => {
                let code = [15, 17, 18, 19, 20, 21][usize::from(n) - 5];
                format!("\x1b[{code}~").into_bytes()
            }
            Self::Ctrl(c) => vec![(c.to_ascii_uppercase() as u8) & 0x1f],
            Self::Enter => b"\r".to_vec(),
            Self::Escape => b"\x1b".to_vec(),
            Self::Tab => b"\t".to_vec(),
            Self::Backspace => b"\x7f".to_vec(),
            Self::Up => b"\x1b[A".to_vec(),
            Self::Down => b"\x1b[B".to_vec(),
            Self::PageUp => b"\x1b[5~".to_vec(),
            Self::PageDown => b"\x1b[6~".to_vec(),
        }
    }
}

struct Seen {
    parser: Parser<Replies>,
    raw: Vec<u8>,
    ended: bool,
    first_byte: Option<Instant>,
}

/// What lcc needs at most to end its own child and leave.
const GRACE: Duration = Duration::from_secs(5);

type Shared = Arc<(Mutex<Seen>, Condvar)>;

/// The running program and its terminal. The program is killed when this is dropped.
pub struct Outer {
    shared: Shared,
    writer: Arc<Mutex<Box<dyn Write + Send>>>,
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    line_before: String,
    started: Instant,
}

fn lock(shared: &Shared) -> MutexGuard<'_, Seen> {
    // A test that failed while it held the lock says so itself.
    shared.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn cells(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).expect("a terminal has at least one cell")
}

impl Outer {
    /// Starts a program.
    pub fn start(program: &Program) -> Self {
        let size = PtySize { rows: program.rows, cols: program.cols, ..PtySize::default() };
        let pair = native_pty_system().openpty(size).expect("a PTY");
        let mut command = CommandBuilder::new(&program.program);
        command.args(&program.args);
        command.cwd(&program.cwd);
        command.env_clear();
        for (name, value) in &program.env {
            command.env(name, value);
        }
        let line_before = line_settings(&*pair.master);
        let started = Instant::now();
        let child = pair
            .slave
            .spawn_command(command)
            .unwrap_or_else(|error| panic!("{} starts: {error}", program.program.display()));
        drop(pair.slave);

        let parser = Parser::new_with_callbacks(
            cells(program.rows),
            cells(program.cols),
            1_000,
            Replies::default(),
        );
        let seen = Seen { parser, raw: Vec::new(), ended: false, first_byte: None };
        let shared: Shared = Arc::new((Mutex::new(seen), Condvar::new()));
        let writer = Arc::new(Mutex::new(pair.master.take_writer().expect("a writer")));
        let reader = pair.master.try_clone_reader().expect("a reader");
        thread::spawn({
            let (shared, writer) = (Arc::clone(&shared), Arc::clone(&writer));
            move || watch(reader, &shared, &writer)
        });
        Self { shared, writer, master: pair.master, child, line_before, started }
    }

    /// Waits until the screen satisfies `holds`; fails with the screen's text after `timeout`, or
    /// as soon as the program has ended without it.
    pub fn wait_until(&mut self, what: &str, timeout: Duration, holds: impl Fn(&Screen) -> bool) {
        let end = Instant::now() + timeout;
        let shared = Arc::clone(&self.shared);
        let mut seen = lock(&shared);
        loop {
            if holds(seen.parser.screen()) {
                return;
            }
            let left = end.saturating_duration_since(Instant::now());
            if seen.ended || left.is_zero() {
                let why = if seen.ended { "the program ended" } else { "time is up" };
                let text = framed(seen.parser.screen());
                drop(seen);
                panic!("waited for {what}; {why} ({timeout:?} allowed). The screen:\n{text}");
            }
            let waited = shared.1.wait_timeout(seen, left);
            seen = waited.unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
    }

    /// Waits until a text is on the screen.
    pub fn wait_for(&mut self, text: &str, timeout: Duration) {
        self.wait_until(&format!("{text:?}"), timeout, |screen| screen.contents().contains(text));
    }

    /// Waits until nothing was printed for `quiet`: for pictures, not for assertions.
    pub fn settle(&mut self, quiet: Duration, timeout: Duration) {
        let end = Instant::now() + timeout;
        let shared = Arc::clone(&self.shared);
        let mut seen = lock(&shared);
        while !seen.ended && Instant::now() < end {
            let waited = shared.1.wait_timeout(seen, quiet);
            let (next, time) = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
            seen = next;
            if time.timed_out() {
                return;
            }
        }
    }

    /// Waits until the program has ended and all its output was seen.
    pub fn wait_end(&mut self, timeout: Duration) -> ExitStatus {
        let end = Instant::now() + timeout;
        let shared = Arc::clone(&self.shared);
        let mut seen = lock(&shared);
        while !seen.ended {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let text = framed(seen.parser.screen());
                drop(seen);
                panic!("the program did not end within {timeout:?}. The screen:\n{text}");
            }
            let waited = shared.1.wait_timeout(seen, left);
            seen = waited.unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
        drop(seen);
        self.child.wait().expect("an exit status")
    }

    /// Leaves lcc as a person does: F10, and F10 again where it asks whether to end a turn that
    /// still runs (the real client asks the model for things of its own at any time).
    pub fn leave(&mut self, timeout: Duration) -> ExitStatus {
        const ASKS: &str = "Quitting ends it.";
        self.key(Key::F(10));
        let end = Instant::now() + timeout;
        let shared = Arc::clone(&self.shared);
        let mut seen = lock(&shared);
        while !seen.ended && !seen.parser.screen().contents().contains(ASKS) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = shared.1.wait_timeout(seen, left);
            seen = waited.unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
        let asked = !seen.ended && seen.parser.screen().contents().contains(ASKS);
        drop(seen);
        if asked {
            self.key(Key::F(10));
        }
        self.wait_end(timeout)
    }

    /// Types a text.
    pub fn type_text(&mut self, text: &str) {
        self.send(text.as_bytes());
    }

    /// Presses a key.
    pub fn key(&mut self, key: Key) {
        self.send(&key.bytes());
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) {
        let mut writer = self.writer.lock().expect("the writer");
        writer.write_all(bytes).and_then(|()| writer.flush()).expect("the program reads");
    }

    /// Makes the window another size.
    pub fn resize(&mut self, cols: u16, rows: u16) {
        // The emulator first: what the program draws for the new size must find it.
        lock(&self.shared).parser.set_size(cells(rows), cells(cols));
        self.master.resize(PtySize { rows, cols, ..PtySize::default() }).expect("a resize");
    }

    /// The screen's text, one line a row, ends trimmed.
    pub fn screen_text(&self) -> String {
        lock(&self.shared).parser.screen().contents()
    }

    /// A copy of the screen, for cells and colours.
    pub fn screen(&self) -> Screen {
        lock(&self.shared).parser.screen().clone()
    }

    /// The window title the program set last.
    pub fn title(&self) -> String {
        lock(&self.shared).parser.callbacks().title.clone()
    }

    /// Every byte the program has sent.
    pub fn raw(&self) -> Vec<u8> {
        lock(&self.shared).raw.clone()
    }

    /// Time from the start to the first byte.
    pub fn first_byte(&self) -> Option<Duration> {
        lock(&self.shared).first_byte.map(|at| at.duration_since(self.started))
    }

    /// What the program left switched on: modes, keyboard protocol, alternate screen, hidden
    /// cursor, line settings. Empty when the terminal is as it was before.
    pub fn leftovers(&self) -> Vec<String> {
        let (raw, screen) = (self.raw(), self.screen());
        let mut left = restored::leftovers(&raw);
        if screen.alternate_screen() {
            left.push("alternate screen".to_owned());
        }
        if screen.hide_cursor() {
            left.push("cursor hidden".to_owned());
        }
        let line = line_settings(&*self.master);
        if line != self.line_before {
            left.push(format!("line settings: {line}, before {}", self.line_before));
        }
        left
    }

    /// The process id of the program.
    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("a process id")
    }
}

impl Drop for Outer {
    /// Closes the window as a person would: hang up, time to leave in order, then kill.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        if let Some(pid) = self.child.process_id() {
            let pid = nix::unistd::Pid::from_raw(pid.cast_signed());
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGHUP);
        }
        let end = Instant::now() + GRACE;
        let mut seen = lock(&self.shared);
        while !seen.ended && Instant::now() < end {
            let left = end.saturating_duration_since(Instant::now());
            let waited = self.shared.1.wait_timeout(seen, left);
            seen = waited.unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
        drop(seen);
        // It may have ended by now, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn watch(mut reader: Box<dyn Read + Send>, shared: &Shared, writer: &Mutex<Box<dyn Write + Send>>) {
    let mut buffer = [0; 65_536];
    // On Linux the end of the program reads as EIO.
    while let Ok(count @ 1..) = reader.read(&mut buffer) {
        let mut seen = lock(shared);
        seen.first_byte.get_or_insert_with(Instant::now);
        seen.raw.extend_from_slice(&buffer[..count]);
        seen.parser.process(&buffer[..count]);
        let replies = std::mem::take(&mut seen.parser.callbacks_mut().pending);
        drop(seen);
        if !replies.is_empty()
            && let Ok(mut writer) = writer.lock()
        {
            // A program that asked and left gets no answer.
            let _ = writer.write_all(&replies).and_then(|()| writer.flush());
        }
        shared.1.notify_all();
    }
    lock(shared).ended = true;
    shared.1.notify_all();
}

/// The line discipline's flags as text, to compare before and after.
fn line_settings(master: &dyn MasterPty) -> String {
    master.get_termios().map_or_else(String::new, |t| {
        format!("{:?} {:?} {:?}", t.local_flags, t.input_flags, t.output_flags)
    })
}

fn framed(screen: &Screen) -> String {
    let (_, cols) = screen.size();
    let line = "─".repeat(usize::from(cols.get()));
    let rows: Vec<_> = screen.rows(0, cols.get()).map(|row| format!("│{row}")).collect();
    format!("┌{line}\n{}\n└{line}", rows.join("\n"))
}
