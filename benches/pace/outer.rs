//! The outer terminal: a PTY whose every piece of output gets the time at which it came.

use std::{
    ffi::OsString,
    io::{Read, Write},
    num::NonZeroU16,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Columns and rows of every outer terminal.
pub const COLS: u16 = 160;
pub const ROWS: u16 = 50;

/// What is to be run.
#[derive(Debug, Clone)]
pub struct Program {
    pub path: PathBuf,
    pub args: Vec<OsString>,
    pub env: Vec<(String, OsString)>,
    pub cwd: PathBuf,
}

/// A piece of output with the time of its reading.
struct Piece {
    at: Instant,
    bytes: Vec<u8>,
}

/// A program in a terminal.
pub struct Outer {
    _master: Box<dyn MasterPty + Send>,
    pieces: Receiver<Piece>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    screen: Option<vt100::Parser>,
    /// The end of what was read before, so that a mark may be cut.
    tail: Vec<u8>,
    /// Bytes read so far.
    pub bytes: u64,
    /// When it was started.
    pub started: Instant,
}

impl Outer {
    /// Starts it. `screen`: keep a terminal's screen of what it draws.
    pub fn start(program: &Program, screen: bool) -> Self {
        let size = PtySize { rows: ROWS, cols: COLS, ..PtySize::default() };
        let pair = native_pty_system().openpty(size).expect("a PTY");
        let mut command = CommandBuilder::new(&program.path);
        command.args(&program.args);
        command.cwd(&program.cwd);
        command.env_clear();
        for (name, value) in &program.env {
            command.env(name, value);
        }
        let reader = pair.master.try_clone_reader().expect("a reader");
        let writer = pair.master.take_writer().expect("a writer");
        let started = Instant::now();
        let child = pair.slave.spawn_command(command).expect("the program starts");
        drop(pair.slave);
        // Bounded: a program that floods is slowed down by its terminal, as ever.
        let (to, pieces) = sync_channel(64);
        thread::spawn(move || pass(reader, &to));
        let cells = |n| NonZeroU16::new(n).expect("not zero");
        Self {
            _master: pair.master,
            pieces,
            writer,
            child,
            screen: screen.then(|| vt100::Parser::new(cells(ROWS), cells(COLS), 0)),
            tail: Vec::new(),
            bytes: 0,
            started,
        }
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).and_then(|()| self.writer.flush()).expect("it reads");
    }

    /// Takes what came within this time; `None` when nothing did.
    fn read(&mut self, within: Duration) -> Option<Piece> {
        let piece = self.pieces.recv_timeout(within).ok()?;
        self.bytes += piece.bytes.len() as u64;
        if let Some(screen) = &mut self.screen {
            screen.process(&piece.bytes);
        }
        // Whoever asks what terminal this is gets an answer at once, as from a terminal.
        if find(&piece.bytes, b"\x1b[c") || find(&piece.bytes, b"\x1b[0c") {
            let _ = self.writer.write_all(b"\x1b[?62;22c").and_then(|()| self.writer.flush());
        }
        Some(piece)
    }

    /// Reads until these bytes came; how long after `since` that was.
    pub fn wait_bytes(&mut self, mark: &[u8], since: Instant, limit: Duration) -> Option<Duration> {
        let end = Instant::now() + limit;
        let mut tail = std::mem::take(&mut self.tail);
        while Instant::now() < end {
            let Some(piece) = self.read(Duration::from_millis(100)) else {
                if self.ended() {
                    return None;
                }
                continue;
            };
            let at = piece.at.saturating_duration_since(since);
            tail.extend_from_slice(&piece.bytes);
            if find(&tail, mark) {
                self.tail.clear();
                return Some(at);
            }
            let keep = tail.len().saturating_sub(mark.len() - 1);
            tail.drain(..keep);
        }
        self.tail = tail;
        None
    }

    /// Reads until the screen holds this text.
    pub fn wait_text(&mut self, text: &str, since: Instant, limit: Duration) -> Option<Duration> {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            let Some(piece) = self.read(Duration::from_millis(100)) else {
                if self.ended() {
                    return None;
                }
                continue;
            };
            let at = piece.at.saturating_duration_since(since);
            if self.text().contains(text) {
                return Some(at);
            }
        }
        None
    }

    /// Reads for so long; how many bytes came.
    pub fn read_for(&mut self, time: Duration) -> u64 {
        let (before, end) = (self.bytes, Instant::now() + time);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let _ = self.read(left);
        }
        self.bytes - before
    }

    /// The screen's text; empty where none is kept.
    pub fn text(&self) -> String {
        self.screen.as_ref().map_or_else(String::new, |screen| screen.screen().contents())
    }

    fn ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("a process")
    }
}

impl Drop for Outer {
    fn drop(&mut self) {
        if let Some(pid) = self.child.process_id() {
            let pid = nix::unistd::Pid::from_raw(pid.cast_signed());
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGHUP);
        }
        let end = Instant::now() + Duration::from_secs(5);
        while !self.ended() && Instant::now() < end {
            let _ = self.read(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn pass(mut from: Box<dyn Read + Send>, to: &SyncSender<Piece>) {
    let mut buffer = vec![0; 256 << 10];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        let piece = Piece { at: Instant::now(), bytes: buffer[..n].to_vec() };
        if to.send(piece).is_err() {
            break;
        }
    }
}

fn find(bytes: &[u8], mark: &[u8]) -> bool {
    let Some(first) = mark.first() else { return true };
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        rest = &rest[at..];
        if rest.starts_with(mark) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}

/// Processor time of a process in seconds, from `/proc`.
pub fn cpu(pid: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let rest = stat.rsplit_once(')')?.1;
    let mut fields = rest.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    let tick = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok()??;
    #[allow(clippy::cast_precision_loss)]
    Some((user + system) / tick as f64)
}

/// A figure of `/proc/PID/status` in KiB, such as `VmRSS`.
pub fn memory(pid: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Whether a program is on `PATH`.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir: PathBuf| dir.join(name)).find(|p: &PathBuf| is_file(p))
}

fn is_file(path: &Path) -> bool {
    path.is_file()
}
