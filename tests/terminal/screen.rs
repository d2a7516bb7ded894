//! The screen: attributes, cursor, scrollback, reflow, selection.

use lcc::front::terminal::{CursorShape, SelectionKind, Size};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use crate::{drawn, row, rows, terminal};

#[test]
fn attributes_and_colours() {
    let table = [
        ("\x1b[1m", Color::Reset, Color::Reset, Modifier::BOLD),
        ("\x1b[2m", Color::Reset, Color::Reset, Modifier::DIM),
        ("\x1b[3m", Color::Reset, Color::Reset, Modifier::ITALIC),
        ("\x1b[7m", Color::Reset, Color::Reset, Modifier::REVERSED),
        ("\x1b[8m", Color::Reset, Color::Reset, Modifier::HIDDEN),
        ("\x1b[9m", Color::Reset, Color::Reset, Modifier::CROSSED_OUT),
        ("\x1b[4m", Color::Reset, Color::Reset, Modifier::UNDERLINED),
        ("\x1b[4:2m", Color::Reset, Color::Reset, Modifier::UNDERLINED),
        ("\x1b[4:3m", Color::Reset, Color::Reset, Modifier::UNDERLINED),
        ("\x1b[4:4m", Color::Reset, Color::Reset, Modifier::UNDERLINED),
        ("\x1b[4:5m", Color::Reset, Color::Reset, Modifier::UNDERLINED),
        ("\x1b[1;3;4m\x1b[22;24m", Color::Reset, Color::Reset, Modifier::ITALIC),
        ("\x1b[31;42m", Color::Red, Color::Green, Modifier::empty()),
        ("\x1b[37;100m", Color::Gray, Color::DarkGray, Modifier::empty()),
        ("\x1b[97;101m", Color::White, Color::LightRed, Modifier::empty()),
        ("\x1b[38;5;208m", Color::Indexed(208), Color::Reset, Modifier::empty()),
        (
            "\x1b[38;2;1;2;3;48;2;4;5;6m",
            Color::Rgb(1, 2, 3),
            Color::Rgb(4, 5, 6),
            Modifier::empty(),
        ),
        ("\x1b[38:2::1:2:3m", Color::Rgb(1, 2, 3), Color::Reset, Modifier::empty()),
        ("\x1b]4;1;#0a0b0c\x07\x1b[31m", Color::Rgb(10, 11, 12), Color::Reset, Modifier::empty()),
        ("\x1b]11;#0a0b0c\x07", Color::Reset, Color::Rgb(10, 11, 12), Modifier::empty()),
    ];
    for (set, fg, bg, modifier) in table {
        let mut terminal = terminal(10, 2);
        terminal.feed(format!("{set}x").as_bytes());
        let cell = &drawn(&terminal)[(0, 0)];
        assert_eq!((cell.fg, cell.bg, cell.modifier), (fg, bg, modifier), "{set:?}");
    }
}

#[test]
fn underline_colours() {
    let mut terminal = terminal(10, 2);
    terminal.feed(b"\x1b[4;58;2;1;2;3mx\x1b[59my\x1b[24mz");
    let buffer = drawn(&terminal);
    assert_eq!(buffer[(0, 0)].underline_color, Color::Rgb(1, 2, 3));
    assert_eq!(buffer[(1, 0)].underline_color, Color::Reset);
    assert_eq!(buffer[(2, 0)].underline_color, Color::Reset);
}

#[test]
fn the_cursor_has_a_place_a_shape_and_may_be_hidden() {
    let mut terminal = terminal(10, 4);
    terminal.feed(b"ab\r\ncde");
    let cursor = terminal.cursor().unwrap();
    assert_eq!((cursor.col, cursor.row, cursor.shape), (3, 1, CursorShape::Block));
    for (style, shape, blinking) in [
        ("1", CursorShape::Block, true),
        ("2", CursorShape::Block, false),
        ("3", CursorShape::Underline, true),
        ("4", CursorShape::Underline, false),
        ("5", CursorShape::Bar, true),
        ("6", CursorShape::Bar, false),
    ] {
        terminal.feed(format!("\x1b[{style} q").as_bytes());
        let cursor = terminal.cursor().unwrap();
        assert_eq!((cursor.shape, cursor.blinking), (shape, blinking), "DECSCUSR {style}");
    }
    terminal.feed(b"\x1b[?25l");
    assert_eq!(terminal.cursor(), None);
}

#[test]
fn scrollback_is_kept_viewed_and_not_cleared_by_the_child() {
    let mut terminal = terminal(10, 3);
    for i in 0..10 {
        terminal.feed(format!("line {i}\r\n").as_bytes());
    }
    assert_eq!((terminal.history(), terminal.view_offset()), (8, 0));
    terminal.scroll(3);
    assert_eq!(rows(&terminal), ["line 5", "line 6", "line 7"]);
    assert_eq!(terminal.cursor(), None, "it is below the view");
    terminal.feed(b"more\r\n");
    assert_eq!(rows(&terminal), ["line 5", "line 6", "line 7"], "the view stays with its text");
    terminal.feed(b"\x1b[3J");
    terminal.scroll(1_000);
    assert_eq!(row(&terminal, 0), "line 0");
    terminal.scroll(-1_000);
    assert_eq!(terminal.view_offset(), 0);
    terminal.scroll(2);
    terminal.scroll_to_bottom();
    assert_eq!(rows(&terminal), ["line 9", "more", ""]);
}

#[test]
fn scrollback_has_its_limit() {
    let mut terminal = terminal(20, 3);
    for i in 0..12_000 {
        terminal.feed(format!("{i}\r\n").as_bytes());
    }
    assert_eq!(terminal.history(), 10_000);
}

#[test]
fn a_new_width_wraps_lines_anew_and_back() {
    let mut terminal = terminal(10, 4);
    terminal.feed("0123456789abcdef家".as_bytes());
    terminal.resize(Size { cols: 20, rows: 4 });
    assert_eq!(row(&terminal, 0), "0123456789abcdef家");
    terminal.resize(Size { cols: 6, rows: 4 });
    terminal.scroll(2);
    assert_eq!(rows(&terminal), ["012345", "6789ab", "cdef家", ""]);
    terminal.resize(Size { cols: 10, rows: 4 });
    terminal.scroll(1);
    assert_eq!(rows(&terminal)[..2], ["0123456789", "abcdef家"]);
}

#[test]
fn alternate_screen_comes_and_goes() {
    let mut terminal = terminal(10, 3);
    terminal.feed(b"main\x1b[?1049h\x1b[Halt");
    assert_eq!((row(&terminal, 0).as_str(), terminal.history()), ("alt", 0));
    assert!(terminal.modes().alternate_screen);
    terminal.feed(b"\x1b[?1049l");
    assert_eq!(row(&terminal, 0), "main");
}

#[test]
fn drawing_keeps_to_its_area() {
    let mut terminal = terminal(6, 2);
    terminal.feed("ab家cdef".as_bytes());
    let mut buffer = Buffer::filled(Rect::new(0, 0, 10, 4), ratatui::buffer::Cell::new("#"));
    // Three columns: the wide character would stick out by half.
    terminal.draw(Rect::new(2, 1, 3, 1), &mut buffer);
    let line: String = buffer.content()[10..20].iter().map(ratatui::buffer::Cell::symbol).collect();
    assert_eq!(line, "##ab #####");
    // Larger than the screen: the rest is blank. Larger than the buffer: cut.
    terminal.draw(Rect::new(2, 1, 50, 50), &mut buffer);
    let line: String = buffer.content()[30..40].iter().map(ratatui::buffer::Cell::symbol).collect();
    assert_eq!(line, "##        ");
}

#[test]
fn selections() {
    let mut terminal = terminal(12, 3);
    terminal.feed("one two\r\n家族 x\r\nlast".as_bytes());
    assert_eq!(terminal.selected_text(), None);
    terminal.select(SelectionKind::Text, 4, 0);
    assert_eq!(terminal.selected_text().as_deref(), Some("t"));
    terminal.extend_selection(3, 1);
    assert_eq!(terminal.selected_text().as_deref(), Some("two\n家族"));
    let buffer = drawn(&terminal);
    assert!(buffer[(4, 0)].modifier.contains(Modifier::REVERSED));
    assert!(!buffer[(3, 0)].modifier.contains(Modifier::REVERSED));
    terminal.extend_selection(0, 0);
    assert_eq!(terminal.selected_text().as_deref(), Some("one t"), "backwards, both ends in");
    terminal.select(SelectionKind::Words, 5, 0);
    assert_eq!(terminal.selected_text().as_deref(), Some("two"));
    terminal.select(SelectionKind::Lines, 5, 0);
    assert_eq!(terminal.selected_text().as_deref(), Some("one two\n"));
    terminal.select(SelectionKind::Block, 0, 0);
    terminal.extend_selection(1, 2);
    assert_eq!(terminal.selected_text().as_deref(), Some("on\n家\nla"));
    terminal.select(SelectionKind::Text, 500, 500);
    terminal.clear_selection();
    assert_eq!(terminal.selected_text(), None);
}

#[test]
fn equal_change_counts_mean_equal_pictures() {
    let mut terminal = terminal(10, 3);
    let start = terminal.changes();
    terminal.feed(b"");
    terminal.scroll(5);
    terminal.resize(Size { cols: 10, rows: 3 });
    assert_eq!(terminal.changes(), start);
    terminal.feed(b"x");
    assert_ne!(terminal.changes(), start);
}
