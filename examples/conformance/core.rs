//! The terminals that live in this process: lcc's pane, and the emulator crate as it is.

use std::sync::{Arc, Mutex};

use alacritty_terminal::{
    Term,
    event::{Event, EventListener, WindowSize},
    grid::Dimensions,
    index::{Column, Line, Point},
    term::Config,
    vte::ansi::{Processor, Rgb},
};
use lcc::front::terminal::{Options, Size, Terminal, TerminalEvent};
use ratatui::{buffer::Buffer, layout::Rect};

use super::{COLS, ROWS, host::Core};

/// The pane.
pub struct Pane {
    terminal: Terminal,
    /// The screen as drawn, and at which change.
    drawn: (u64, Buffer),
}

impl Pane {
    pub fn new() -> Self {
        let terminal = Terminal::new(Size { cols: COLS, rows: ROWS }, Options::default());
        Self { terminal, drawn: (u64::MAX, Buffer::empty(Rect::new(0, 0, COLS, ROWS))) }
    }
}

impl Core for Pane {
    fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let reply = |event| match event {
            TerminalEvent::Reply(bytes) => Some(bytes),
            _ => None,
        };
        self.terminal.feed(bytes).into_iter().filter_map(reply).flatten().collect()
    }

    fn cell(&mut self, col: u16, row: u16) -> char {
        if self.drawn.0 != self.terminal.changes() {
            self.drawn.0 = self.terminal.changes();
            let area = self.drawn.1.area;
            self.terminal.draw(area, &mut self.drawn.1);
        }
        self.drawn.1[(col, row)].symbol().chars().next().unwrap_or(' ')
    }
}

#[derive(Clone, Default)]
struct Answers(Arc<Mutex<Vec<u8>>>);

impl EventListener for Answers {
    fn send_event(&self, event: Event) {
        let size = WindowSize { num_lines: ROWS, num_cols: COLS, cell_width: 8, cell_height: 16 };
        let text = match event {
            Event::PtyWrite(text) => text,
            Event::ColorRequest(_, format) => format(Rgb { r: 0, g: 0, b: 0 }),
            Event::TextAreaSizeRequest(format) => format(size),
            _ => return,
        };
        self.0.lock().unwrap().extend_from_slice(text.as_bytes());
    }
}

struct Screen;

impl Dimensions for Screen {
    fn total_lines(&self) -> usize {
        usize::from(ROWS)
    }

    fn screen_lines(&self) -> usize {
        usize::from(ROWS)
    }

    fn columns(&self) -> usize {
        usize::from(COLS)
    }
}

/// The emulator crate without anything of lcc's.
pub struct Alacritty {
    term: Term<Answers>,
    parser: Processor,
    answers: Answers,
}

impl Alacritty {
    pub fn new() -> Self {
        let answers = Answers::default();
        let config = Config { kitty_keyboard: true, ..Config::default() };
        Self {
            term: Term::new(config, &Screen, answers.clone()),
            parser: Processor::new(),
            answers,
        }
    }
}

impl Core for Alacritty {
    fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.parser.advance(&mut self.term, bytes);
        std::mem::take(&mut *self.answers.0.lock().unwrap())
    }

    fn cell(&mut self, col: u16, row: u16) -> char {
        self.term.grid()[Point::new(Line(i32::from(row)), Column(usize::from(col)))].c
    }
}
