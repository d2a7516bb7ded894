//! Claude Code's terminal: a stand-in with the names of the real one; shows plain lines only.
#![allow(missing_docs)]

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub cols: u16,
    pub rows: u16,
}

#[derive(Debug, Clone, Default)]
pub struct Options {
    pub scrollback: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminalEvent {
    Reply(Vec<u8>),
    Title(String),
    Bell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Modes {
    pub focus_events: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub col: u16,
    pub row: u16,
}

pub struct Terminal {
    text: String,
}

impl Terminal {
    #[must_use]
    pub fn new(_size: Size, _options: Options) -> Self {
        Self { text: String::new() }
    }

    pub fn feed(&mut self, bytes: &[u8]) -> Vec<TerminalEvent> {
        self.text.push_str(&String::from_utf8_lossy(bytes));
        if bytes.contains(&7) { vec![TerminalEvent::Bell] } else { Vec::new() }
    }

    pub fn resize(&mut self, _size: Size) {}

    #[must_use]
    pub fn modes(&self) -> Modes {
        Modes::default()
    }

    #[must_use]
    pub fn cursor(&self) -> Option<Cursor> {
        let row = self.text.lines().count().saturating_sub(1);
        let col = self.text.lines().last().map_or(0, |l| l.chars().count());
        Some(Cursor { col: u16::try_from(col).ok()?, row: u16::try_from(row).ok()? })
    }

    pub fn draw(&self, area: Rect, buf: &mut Buffer) {
        for (y, line) in (area.y..area.bottom()).zip(self.text.lines()) {
            buf.set_stringn(area.x, y, line, usize::from(area.width), Style::new());
        }
    }

    pub fn scroll(&mut self, _lines: i32) {}
}
