//! Claude Code's terminal: a stand-in with the names of the real one; shows plain lines only.
#![allow(missing_docs, clippy::unused_self)]

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use crate::domain::Moment;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub cols: u16,
    pub rows: u16,
}

#[derive(Debug, Clone, Default)]
pub struct Options {
    pub scrollback: usize,
    pub version: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminalEvent {
    Reply(Vec<u8>),
    Title(String),
    Bell,
    Notification { title: Option<String>, body: String },
    Progress(Progress),
    Clipboard { target: ClipboardTarget, text: String },
    WorkingDirectory(String),
    PromptMark(PromptMark),
    Vendor { code: u16, text: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClipboardTarget {
    Clipboard,
    Primary,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptMark {
    PromptStart,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelectionKind {
    Text,
    Words,
    Lines,
    Block,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Modes {
    pub focus_events: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CursorShape {
    Block,
    Underline,
    Bar,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub col: u16,
    pub row: u16,
    pub shape: CursorShape,
    pub blinking: bool,
}

pub struct Terminal {
    text: String,
    changes: u64,
}

impl Terminal {
    #[must_use]
    pub fn new(_size: Size, _options: Options) -> Self {
        Self { text: String::new(), changes: 0 }
    }

    pub fn feed(&mut self, bytes: &[u8]) -> Vec<TerminalEvent> {
        self.changes += 1;
        self.text.push_str(&String::from_utf8_lossy(bytes));
        let mut events = Vec::new();
        for (query, reply) in [("\x1b[>0q", "\x1bP>|lcc(0.1.0)\x1b\\"), ("\x1b[c", "\x1b[?62;22c")]
        {
            if self.text.contains(query) {
                self.text = self.text.replace(query, "");
                events.push(TerminalEvent::Reply(reply.into()));
            }
        }
        if self.text.contains('\x07') {
            self.text = self.text.replace('\x07', "");
            events.push(TerminalEvent::Bell);
        }
        events
    }

    pub fn sync_deadline(&mut self, _now: Moment) -> Option<Moment> {
        None
    }

    pub fn stop_sync(&mut self, _now: Moment) -> Vec<TerminalEvent> {
        Vec::new()
    }

    pub fn resize(&mut self, _size: Size) {}

    #[must_use]
    pub fn modes(&self) -> Modes {
        Modes::default()
    }

    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    #[must_use]
    pub fn cursor(&self) -> Option<Cursor> {
        let row = self.text.lines().count().saturating_sub(1);
        let col = self.text.lines().last().map_or(0, |l| l.chars().count());
        Some(Cursor {
            col: u16::try_from(col).ok()?,
            row: u16::try_from(row).ok()?,
            shape: CursorShape::Block,
            blinking: true,
        })
    }

    pub fn draw(&self, area: Rect, buf: &mut Buffer) {
        for (y, line) in (area.y..area.bottom()).zip(self.text.lines()) {
            buf.set_stringn(area.x, y, line, usize::from(area.width), Style::new());
        }
    }

    pub fn scroll(&mut self, _lines: i32) {}

    pub fn scroll_to_bottom(&mut self) {}

    #[must_use]
    pub fn view_offset(&self) -> usize {
        0
    }

    pub fn select(&mut self, _kind: SelectionKind, _column: u16, _row: u16) {}

    pub fn extend_selection(&mut self, _column: u16, _row: u16) {}

    pub fn clear_selection(&mut self) {}

    #[must_use]
    pub fn selected_text(&self) -> Option<String> {
        None
    }
}
