//! Runs esctest in a PTY whose other side is a terminal under test.

use std::{
    io::{Read, Write},
    path::Path,
};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

/// A terminal under test.
pub trait Core {
    /// Takes output of the suite; what it answers at once.
    fn feed(&mut self, bytes: &[u8]) -> Vec<u8>;

    /// The character in a cell, both from 0; a blank is a space.
    fn cell(&mut self, col: u16, row: u16) -> char;
}

/// A question for the checksum of a rectangle.
#[derive(Debug, PartialEq, Eq)]
pub struct Checksum {
    id: u32,
    /// Top, left, bottom, right, from 1.
    rect: [u16; 4],
}

/// The first such question in `bytes`: where it begins, where it ends.
pub fn find(bytes: &[u8]) -> Option<(usize, usize, Checksum)> {
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == 0x1b) {
        let start = from + at;
        from = start + 1;
        if bytes.get(start + 1) != Some(&b'[') {
            continue;
        }
        let body = &bytes[start + 2..];
        let digits = body.iter().take_while(|b| b.is_ascii_digit() || **b == b';').count();
        if body[digits..].starts_with(b"*y") {
            let text = std::str::from_utf8(&body[..digits]).ok()?;
            let mut numbers = text.split(';').map(|n| n.parse::<u32>().unwrap_or(0));
            let id = numbers.next()?;
            let _page = numbers.next();
            let mut rect = [1, 1, super::ROWS, super::COLS];
            for (slot, number) in rect.iter_mut().zip(numbers) {
                if number > 0 {
                    *slot = u16::try_from(number).unwrap_or(1);
                }
            }
            return Some((start, start + 2 + digits + 2, Checksum { id, rect }));
        }
    }
    None
}

impl Checksum {
    /// The answer, as xterm gave it before patch 279: the negative sum of the characters.
    pub fn answer(&self, core: &mut dyn Core) -> Vec<u8> {
        let [top, left, bottom, right] = self.rect;
        let mut sum = 0_u32;
        for row in top..=bottom.min(super::ROWS) {
            for col in left..=right.min(super::COLS) {
                sum = sum.wrapping_add(u32::from(core.cell(col - 1, row - 1)));
            }
        }
        format!("\x1bP{}!~{:04X}\x1b\\", self.id, 0_u32.wrapping_sub(sum) & 0xffff).into_bytes()
    }
}

/// Runs the suite to its end; it writes its log itself. Always true: a PTY is always there.
pub fn run(suite: &Path, log: &Path, include: &str, core: &mut dyn Core) -> bool {
    let size = PtySize { rows: super::ROWS, cols: super::COLS, ..PtySize::default() };
    let pair = native_pty_system().openpty(size).expect("a PTY");
    let mut command = CommandBuilder::new("python3");
    command.arg(suite.join("esctest/esctest.py"));
    command.args(["--expected-terminal=xterm", "--max-vt-level=4", "--timeout=0.25"]);
    command.args(["--no-print-logs", "--v=2"]);
    command.arg(format!("--include={include}"));
    command.arg(format!("--logfile={}", log.display()));
    command.cwd(suite.join("esctest"));
    command.env("TERM", "xterm-256color");
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let mut reader = pair.master.try_clone_reader().expect("a reader");
    let mut writer = pair.master.take_writer().expect("a writer");
    let mut child = pair.slave.spawn_command(command).expect("Python starts");
    drop(pair.slave);
    let (mut buffer, mut waiting) = (vec![0; 64 << 10], Vec::new());
    while let Ok(n @ 1..) = reader.read(&mut buffer) {
        waiting.extend_from_slice(&buffer[..n]);
        while let Some((start, end, question)) = find(&waiting) {
            let mut answer = core.feed(&waiting[..start]);
            answer.extend(question.answer(core));
            waiting.drain(..end);
            let _ = writer.write_all(&answer);
        }
        // A question may be cut; the suite writes nothing else that ends like its beginning.
        let keep = waiting.iter().rposition(|b| *b == 0x1b).filter(|at| {
            let tail = &waiting[at + 1..];
            tail.is_empty()
                || (tail[0] == b'['
                    && tail[1..].iter().all(|b| b.is_ascii_digit() || matches!(b, b';' | b'*')))
        });
        let ready = keep.unwrap_or(waiting.len());
        let answer = core.feed(&waiting[..ready]);
        waiting.drain(..ready);
        let _ = writer.write_all(&answer).and_then(|()| writer.flush());
    }
    let _ = child.wait();
    true
}
