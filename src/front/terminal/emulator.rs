//! The facade: bytes in, events out, a screen to draw.

use std::borrow::Cow;

use alacritty_terminal::Term;
use alacritty_terminal::grid::Dimensions;
use alacritty_terminal::term::{Config, Osc52};
use alacritty_terminal::vte::ansi::{Processor, Timeout};

use crate::domain::Moment;

use super::events::{Queue, TerminalEvent, plain_text};
use super::hold::Held;
use super::modes::Modes;
use super::notice::Notices;
use super::palette::Palette;
use super::pieces;
use super::policy::STRING_LIMIT;
use super::reply;
use super::screen::{Extras, Screen};
use super::tap::{Mark, Tap};

/// CAN: ends any control sequence.
const CANCEL: [u8; 1] = [0x18];

/// Columns and rows of the child's screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Columns; at least 2 are used.
    pub cols: u16,
    /// Rows; at least 1 is used.
    pub rows: u16,
}

impl Size {
    fn usable(self) -> Self {
        Self { cols: self.cols.max(2), rows: self.rows.max(1) }
    }
}

impl Dimensions for Size {
    fn total_lines(&self) -> usize {
        self.screen_lines()
    }

    fn screen_lines(&self) -> usize {
        usize::from(self.rows)
    }

    fn columns(&self) -> usize {
        usize::from(self.cols)
    }
}

/// How a terminal is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Lines that are kept above the screen.
    pub scrollback: usize,
    /// What colour queries are answered from.
    pub palette: Palette,
    /// lcc's version, for XTVERSION and DA2.
    pub version: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            scrollback: 10_000,
            palette: Palette::default(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// Mode 2026 is kept by [`Held`], together with the tap's marks; the parser never holds back.
#[derive(Default)]
struct NeverHeld;

impl Timeout for NeverHeld {
    fn set_timeout(&mut self, _: std::time::Duration) {}

    fn clear_timeout(&mut self) {}

    fn pending_timeout(&self) -> bool {
        false
    }
}

/// A terminal for one child.
pub struct Terminal {
    term: Term<Queue>,
    parser: Processor<NeverHeld>,
    tap: Tap,
    notices: Notices,
    extras: Extras,
    queue: Queue,
    palette: Palette,
    version: String,
    size: Size,
    title: String,
    /// The frame that is being held back, if one is open.
    held: Option<Held>,
    /// The first bytes of a character whose rest has not come yet.
    partial: Vec<u8>,
    /// Bytes since a control string last ended.
    silent: usize,
    /// Inside a control string that was cancelled: the rest of it is no text.
    past: bool,
    changes: u64,
}

impl Terminal {
    /// An empty screen.
    #[must_use]
    pub fn new(size: Size, options: Options) -> Self {
        let size = size.usable();
        let queue = Queue::default();
        let config = Config {
            scrolling_history: options.scrollback,
            kitty_keyboard: true,
            osc52: Osc52::OnlyCopy,
            ..Config::default()
        };
        Self {
            term: Term::new(config, &size, queue.clone()),
            parser: Processor::new(),
            tap: Tap::default(),
            notices: Notices::default(),
            extras: Extras::default(),
            queue,
            palette: options.palette,
            version: options.version,
            size,
            title: String::new(),
            held: None,
            partial: Vec::new(),
            silent: 0,
            past: false,
            changes: 0,
        }
    }

    /// Takes bytes of the child, cut anywhere; what they ask for comes back in their order.
    /// While a synchronized frame is open its bytes wait, and so do their events.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<TerminalEvent> {
        let whole = if self.partial.is_empty() {
            Cow::Borrowed(bytes)
        } else {
            let mut whole = std::mem::take(&mut self.partial);
            whole.extend_from_slice(bytes);
            Cow::Owned(whole)
        };
        let (mut bytes, partial) = whole.split_at(whole.len() - pieces::unfinished(&whole));
        self.partial.extend_from_slice(partial);
        while !bytes.is_empty() {
            if self.past {
                bytes = self.read_past(bytes);
                continue;
            }
            let room = self.held.as_ref().map_or(usize::MAX, Held::room);
            let limit = room.min(STRING_LIMIT - self.silent).min(bytes.len());
            let stretch = self.tap.advance(bytes.get(..limit).unwrap_or(bytes));
            let (done, rest) = bytes.split_at(stretch.len);
            bytes = rest;
            self.take(done, stretch.mark);
            self.silent = if stretch.alive { 0 } else { self.silent + done.len() };
            if self.silent >= STRING_LIMIT {
                let cancelled = self.tap.advance(&CANCEL);
                self.take(&CANCEL, cancelled.mark);
                self.silent = 0;
                self.past = true;
            }
            if self.held.as_ref().is_some_and(|held| held.room() == 0) {
                self.release();
            }
        }
        self.collect()
    }

    /// Leaves out what is left of a cancelled string, and its end.
    fn read_past<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let end = bytes.iter().position(|byte| matches!(byte, 0x07 | 0x18 | 0x1a | 0x1b));
        self.past = end.is_none();
        let rest = end.and_then(|at| bytes.get(at..)).unwrap_or_default();
        // ESC begins what comes next, if only the string's end.
        if rest.first() == Some(&0x1b) { rest } else { rest.get(1..).unwrap_or_default() }
    }

    /// When an open synchronized frame must be shown although it is not complete; none if no
    /// frame is open. The clock of a frame starts with the first call that sees it.
    pub fn sync_deadline(&mut self, now: Moment) -> Option<Moment> {
        self.held.as_mut().map(|held| held.deadline(now))
    }

    /// Shows an open frame whose deadline has passed, and returns what its bytes asked for.
    pub fn stop_sync(&mut self, now: Moment) -> Vec<TerminalEvent> {
        if self.sync_deadline(now).is_some_and(|deadline| deadline <= now) {
            self.release();
        }
        self.collect()
    }

    /// One stretch of the stream, with the mark it ends in.
    fn take(&mut self, bytes: &[u8], mark: Option<Mark>) {
        match (&mut self.held, mark) {
            (Some(held), mark) => {
                held.bytes.extend_from_slice(bytes);
                let ends = mark == Some(Mark::SyncEnd);
                if let Some(mark) = mark {
                    held.marks.push((held.bytes.len(), mark));
                }
                if ends {
                    self.release();
                }
            }
            (None, mark) => {
                let begins = mark == Some(Mark::SyncBegin);
                self.apply(bytes, mark);
                if begins {
                    self.held = Some(Held::default());
                }
            }
        }
    }

    /// Applies a frame that was held back.
    fn release(&mut self) {
        let Some(held) = self.held.take() else { return };
        let mut from = 0;
        for (to, mark) in held.marks {
            self.apply(held.bytes.get(from..to).unwrap_or_default(), Some(mark));
            from = to;
        }
        self.apply(held.bytes.get(from..).unwrap_or_default(), None);
    }

    /// Runs the emulator over `bytes`, then acts on the mark.
    fn apply(&mut self, bytes: &[u8], mark: Option<Mark>) {
        if !bytes.is_empty() {
            self.changes += 1;
        }
        let mut screen = Screen {
            term: &mut self.term,
            extras: &mut self.extras,
            palette: &self.palette,
            version: &self.version,
            queue: &self.queue,
        };
        self.parser.advance(&mut screen, bytes);
        match mark {
            None | Some(Mark::SyncBegin | Mark::SyncEnd) => {}
            Some(Mark::Version) => self.queue.reply(reply::version(&self.version)),
            Some(Mark::ColourScheme) => {
                self.queue.reply(reply::colour_scheme(self.palette.is_dark()));
            }
            Some(Mark::ExtendedCursor) => {
                let (row, col) = screen.position();
                self.queue.reply(reply::extended_cursor(row, col));
            }
            Some(Mark::SoftReset) => screen.soft_reset(),
            Some(Mark::Refused(question)) => self.queue.reply(reply::refused(question)),
            Some(Mark::Osc(code, text)) => {
                if let Some(event) = self.notices.read(code, &text) {
                    self.queue.push(event);
                }
            }
        }
    }

    /// Takes the events out of the queue and notes the last title.
    fn collect(&mut self) -> Vec<TerminalEvent> {
        let events = self.queue.take();
        let last = events.iter().rev().find_map(|event| match event {
            TerminalEvent::Title(title) => Some(title),
            _ => None,
        });
        if let Some(title) = last {
            self.title = plain_text(title);
        }
        events
    }

    /// Gives the screen a new size; lines are wrapped anew. Tell the child's PTY as well.
    pub fn resize(&mut self, size: Size) {
        let size = size.usable();
        if size != self.size {
            self.size = size;
            self.term.resize(size);
            self.extras.margins = None;
            self.extras.dirty.all();
            self.changes += 1;
        }
    }

    /// The size in use.
    #[must_use]
    pub const fn size(&self) -> Size {
        self.size
    }

    /// The child's modes.
    #[must_use]
    pub fn modes(&self) -> Modes {
        Modes {
            modify_other_keys: self.extras.modify_other_keys,
            theme_reports: self.extras.theme_reports,
            ..Modes::from_emulator(*self.term.mode())
        }
    }

    /// The last title the child set; empty if none.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Counts changes of what [`Terminal::draw`] draws: equal numbers, equal pictures.
    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// Changes what colour queries are answered from, and tells a child that asked to be told
    /// when that turns dark to light or back.
    pub fn set_palette(&mut self, palette: Palette) -> Vec<TerminalEvent> {
        let turned = palette.is_dark() != self.palette.is_dark();
        self.palette = palette;
        if turned && self.extras.theme_reports {
            self.queue.reply(reply::colour_scheme(self.palette.is_dark()));
        }
        self.collect()
    }

    /// Mode ?5: text and ground change places all over the screen.
    pub(super) const fn is_reversed(&self) -> bool {
        self.extras.reversed
    }

    pub(super) const fn extras_mut(&mut self) -> &mut Extras {
        &mut self.extras
    }

    pub(super) const fn term(&self) -> &Term<Queue> {
        &self.term
    }

    pub(super) const fn term_mut(&mut self) -> &mut Term<Queue> {
        &mut self.term
    }

    /// Notes that the picture has changed.
    pub(super) const fn touch(&mut self) {
        self.changes += 1;
    }
}
