//! tmux under test: esctest runs in a window of a server of its own, through a go-between that
//! answers for cells from `capture-pane`.

use std::{
    io::{Read, Write},
    path::Path,
    process::Command,
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};

use super::{
    COLS, ROWS,
    host::{self, Core},
};

/// Runs the suite in tmux; false where there is none.
pub fn run(suite: &Path, log: &Path, include: &str) -> bool {
    let Ok(home) = tempfile::Builder::new().prefix("lcc-tmux-").tempdir() else { return false };
    let socket = home.path().join("socket");
    let own = std::env::current_exe().expect("this program");
    let tmux = |words: &[&str]| {
        Command::new("tmux").arg("-S").arg(&socket).args(["-f", "/dev/null"]).args(words).output()
    };
    let (cols, rows) = (COLS.to_string(), ROWS.to_string());
    let inside = format!(
        "exec '{}' --inside '{}' '{}' '{include}'",
        own.display(),
        suite.display(),
        log.display()
    );
    let started = tmux(&["new-session", "-d", "-x", &cols, "-y", &rows, &inside]);
    if !started.is_ok_and(|out| out.status.success()) {
        return false;
    }
    let _ = tmux(&["set-option", "-g", "status", "off"]);
    // The server goes when its only program has ended.
    while tmux(&["has-session"]).is_ok_and(|out| out.status.success()) {
        thread::sleep(Duration::from_millis(500));
    }
    true
}

/// The go-between, run by tmux.
pub fn inside(suite: &Path, log: &Path, include: &str) {
    let stdin = std::io::stdin();
    let mut raw = tcgetattr(&stdin).expect("a terminal");
    cfmakeraw(&mut raw);
    tcsetattr(&stdin, SetArg::TCSANOW, &raw).expect("raw mode");
    let (to, from) = channel();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        let mut stdin = std::io::stdin().lock();
        while let Ok(n @ 1..) = stdin.read(&mut buffer) {
            if to.send(buffer[..n].to_vec()).is_err() {
                break;
            }
        }
    });
    host::run(suite, log, include, &mut Tmux { from, cells: None, left: Vec::new() });
}

struct Tmux {
    from: Receiver<Vec<u8>>,
    /// The screen as captured, until more is written.
    cells: Option<Vec<Vec<char>>>,
    left: Vec<u8>,
}

/// Asks for the cursor; no test's own question looks like its answer's end.
const SYNC: &[u8] = b"\x1b[5n";
const SYNCED: &[u8] = b"\x1b[0n";

impl Tmux {
    /// Writes, then waits until tmux has taken it all in; what else it answered.
    fn exchange(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(bytes).and_then(|()| out.write_all(SYNC)).and_then(|()| out.flush());
        let end = Instant::now() + Duration::from_millis(200);
        let mut got = std::mem::take(&mut self.left);
        loop {
            if let Some(at) = got.windows(SYNCED.len()).position(|window| window == SYNCED) {
                got.drain(at..at + SYNCED.len());
                return got;
            }
            match self.from.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(more) => got.extend(more),
                Err(_) => return got,
            }
        }
    }
}

impl Core for Tmux {
    fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        if bytes.is_empty() {
            return Vec::new();
        }
        self.cells = None;
        self.exchange(bytes)
    }

    fn cell(&mut self, col: u16, row: u16) -> char {
        let cells = self.cells.get_or_insert_with(|| {
            let out = Command::new("tmux").args(["capture-pane", "-p"]).output().expect("tmux");
            let text = String::from_utf8_lossy(&out.stdout).into_owned();
            text.lines().map(|line| line.chars().collect()).collect()
        });
        cells
            .get(usize::from(row))
            .and_then(|line| line.get(usize::from(col)))
            .copied()
            .unwrap_or(' ')
    }
}
