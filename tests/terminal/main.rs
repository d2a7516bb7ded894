//! The child's terminal from outside: replies, widths, real recordings, hostile streams.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod hostile;
mod long;
mod manual;
mod replay;
mod replies;
mod screen;
mod width_table;
mod widths;

use lcc::front::terminal::{Options, Size, Terminal, TerminalEvent};
use ratatui::buffer::{Buffer, CellWidth};
use ratatui::layout::Rect;

/// A terminal of this size with default options.
fn terminal(cols: u16, rows: u16) -> Terminal {
    Terminal::new(Size { cols, rows }, Options::default())
}

/// The view as a buffer.
fn drawn(terminal: &Terminal) -> Buffer {
    let Size { cols, rows } = terminal.size();
    let mut buffer = Buffer::empty(Rect::new(0, 0, cols, rows));
    terminal.draw(buffer.area, &mut buffer);
    buffer
}

/// One row of the view as text, second halves of wide characters left out as ratatui does.
fn row(terminal: &Terminal, y: u16) -> String {
    row_of(&drawn(terminal), y)
}

fn row_of(buffer: &Buffer, y: u16) -> String {
    let mut text = String::new();
    let mut x = 0;
    while x < buffer.area.width {
        let cell = &buffer[(x, y)];
        text.push_str(cell.symbol());
        x += cell.cell_width().max(1);
    }
    text.trim_end().to_owned()
}

/// All rows as text.
fn rows(terminal: &Terminal) -> Vec<String> {
    let buffer = drawn(terminal);
    (0..buffer.area.height).map(|y| row_of(&buffer, y)).collect()
}

/// The replies to these bytes as text.
fn replies(terminal: &mut Terminal, bytes: &[u8]) -> Vec<String> {
    let reply = |event| match event {
        TerminalEvent::Reply(bytes) => Some(String::from_utf8(bytes).unwrap()),
        _ => None,
    };
    terminal.feed(bytes).into_iter().filter_map(reply).collect()
}

#[test]
fn a_terminal_may_live_in_any_task() {
    fn anywhere<T: Send + Sync>() {}
    anywhere::<Terminal>();
}
