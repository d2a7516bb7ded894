//! What stands on the outer terminal, and the bytes that turn it into the next frame.

use std::io::{self, Write};

use crossterm::{
    cursor::{Hide, MoveTo, SetCursorStyle, Show},
    queue,
    terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate},
};
use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
};

use crate::front::{
    app::Model,
    terminal::{CursorShape, Ink},
    theme::{Depth, downgrade_buffer},
    ui::{self, CursorAt},
};

use super::frame::Pen;

/// Underlines and links of a frame, in reading order: column, row, what.
type Inks = Vec<(u16, u16, Ink)>;

/// The frame on screen and the one being drawn.
pub(super) struct Screen {
    depth: Depth,
    /// Whether the outer terminal takes kinds of underlines and links.
    rich: bool,
    shown: Buffer,
    next: Buffer,
    shown_inks: Inks,
    next_inks: Inks,
    cursor: Option<CursorAt>,
}

impl Screen {
    /// Nothing is known of what stands there.
    pub(super) fn new(depth: Depth, rich: bool) -> Self {
        Self {
            depth,
            rich,
            shown: Buffer::empty(Rect::ZERO),
            next: Buffer::empty(Rect::ZERO),
            shown_inks: Inks::new(),
            next_inks: Inks::new(),
            cursor: None,
        }
    }

    /// The terminal's size was changed, perhaps there and back: what stood on it may be cut.
    pub(super) fn forget(&mut self) {
        self.shown = Buffer::empty(Rect::ZERO);
        self.shown_inks.clear();
    }

    /// Appends the bytes that bring the terminal from its last frame to this one; none when
    /// both are the same. Frames are synchronized (mode 2026), so that no half of one is seen.
    pub(super) fn draw(&mut self, model: &Model, out: &mut Vec<u8>) -> io::Result<()> {
        let area = Rect::new(0, 0, model.size.0, model.size.1);
        let resized = self.shown.area != area;
        if resized {
            self.shown = Buffer::empty(area);
            self.shown_inks.clear();
            self.next = Buffer::empty(area);
        } else {
            self.next.reset();
        }
        ui::draw(model, model.theme(), &mut self.next);
        self.ink(model);
        downgrade_buffer(&mut self.next, self.depth);
        let cursor = ui::cursor(model);
        let mut cells = self.shown.diff_iter(&self.next).peekable();
        let unchanged = cells.peek().is_none();
        if unchanged && cursor == self.cursor && !resized {
            return Ok(());
        }
        queue!(out, BeginSynchronizedUpdate)?;
        if resized {
            queue!(out, Clear(ClearType::All))?;
        }
        if !unchanged {
            if self.cursor.is_some() {
                queue!(out, Hide)?;
            }
            let mut pen = Pen::new(out, self.rich);
            let mut inks = self.next_inks.iter().peekable();
            for (x, y, cell) in cells {
                while inks.next_if(|(col, row, _)| (*row, *col) < (y, x)).is_some() {}
                let ink = inks.next_if(|(col, row, _)| (*row, *col) == (y, x));
                pen.cell(x, y, cell, ink.map(|(_, _, ink)| ink));
            }
            pen.end();
        }
        place(cursor, self.cursor, out)?;
        queue!(out, EndSynchronizedUpdate)?;
        self.cursor = cursor;
        std::mem::swap(&mut self.shown, &mut self.next);
        std::mem::swap(&mut self.shown_inks, &mut self.next_inks);
        Ok(())
    }

    /// Finds the cells of the pane that have more than ratatui's cells hold, and has those
    /// written whose more is another than before.
    fn ink(&mut self, model: &Model) {
        self.next_inks.clear();
        if self.rich {
            let pane = model.layout().pane;
            let mut plain = Cell::EMPTY;
            for (col, row, ink) in model.terminal.inks() {
                let (x, y) = (pane.x.saturating_add(col), pane.y.saturating_add(row));
                let Some(cell) = self.next.cell((x, y)) else { continue };
                // A pane or a dialog may lie over it: then the cell is not the terminal's.
                model.terminal.draw_cell(col, row, &mut plain);
                if pane.contains((x, y).into()) && plain == *cell {
                    self.next_inks.push((x, y, ink));
                }
            }
        }
        if self.shown_inks != self.next_inks {
            for (x, y) in changed(&self.shown_inks, &self.next_inks) {
                if let Some(cell) = self.shown.cell_mut((x, y)) {
                    // No frame has this in a cell: whatever comes differs from it.
                    cell.set_symbol("\u{fffe}");
                }
            }
        }
    }
}

/// Where two lists of inks differ. Both are in reading order.
fn changed(before: &Inks, now: &Inks) -> Vec<(u16, u16)> {
    let place = |(x, y, _): &(u16, u16, Ink)| (*y, *x);
    let (mut before, mut now) = (before.iter().peekable(), now.iter().peekable());
    let mut places = Vec::new();
    while let Some(at) = [before.peek(), now.peek()].into_iter().flatten().map(|i| place(i)).min() {
        let old = before.next_if(|ink| place(ink) == at);
        let new = now.next_if(|ink| place(ink) == at);
        if old != new {
            places.push((at.1, at.0));
        }
    }
    places
}

/// Puts the terminal's own cursor where Claude Code has it: input methods open their windows
/// there.
fn place(
    cursor: Option<CursorAt>,
    before: Option<CursorAt>,
    out: &mut impl Write,
) -> io::Result<()> {
    let Some(at) = cursor else {
        return if before.is_some() { queue!(out, Hide) } else { Ok(()) };
    };
    let looks = |c: CursorAt| (c.shape, c.blinking);
    if before.map(looks) != Some(looks(at)) {
        queue!(out, style(at.shape, at.blinking))?;
    }
    queue!(out, MoveTo(at.position.x, at.position.y), Show)
}

const fn style(shape: CursorShape, blinking: bool) -> SetCursorStyle {
    match (shape, blinking) {
        (CursorShape::Block, true) => SetCursorStyle::BlinkingBlock,
        (CursorShape::Block, false) => SetCursorStyle::SteadyBlock,
        (CursorShape::Underline, true) => SetCursorStyle::BlinkingUnderScore,
        (CursorShape::Underline, false) => SetCursorStyle::SteadyUnderScore,
        (CursorShape::Bar, true) => SetCursorStyle::BlinkingBar,
        (CursorShape::Bar, false) => SetCursorStyle::SteadyBar,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use crossterm::event::KeyCode;

    use super::*;
    use crate::{
        front::{
            app::{self, Message, Options, Title},
            input::Keymap,
            theme::builtin,
        },
        protocol::Update,
    };

    fn model(size: (u16, u16)) -> Model {
        let title = Title { project: "demo".to_owned(), practice: true };
        let keymap = Keymap::default();
        Model::new(Options { title, keymap, themes: builtin(), theme: 0, scrollback: 10 }, size)
    }

    fn say(model: &mut Model, text: &'static str) {
        let bytes = Bytes::from_static(text.as_bytes());
        app::update(model, Message::Update(Update::Output(bytes)));
    }

    #[test]
    fn nothing_is_written_when_nothing_changed() {
        let mut model = model((120, 40));
        let mut screen = Screen::new(Depth::TrueColour, true);
        let mut out = Vec::new();
        screen.draw(&model, &mut out).unwrap();
        assert!(!out.is_empty());
        out.clear();
        screen.draw(&model, &mut out).unwrap();
        assert!(out.is_empty());
        say(&mut model, "x");
        screen.draw(&model, &mut out).unwrap();
        assert!(out.starts_with(b"\x1b[?2026h") && out.ends_with(b"\x1b[?2026l"));
    }

    #[test]
    fn an_independent_terminal_shows_the_frame_and_the_cursor() {
        let mut model = model((80, 24));
        let mut screen = Screen::new(Depth::TrueColour, true);
        let mut outer = vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0);
        let mut out = Vec::new();
        screen.draw(&model, &mut out).unwrap();
        say(&mut model, "\x1b[31mred\x1b[0m 漢字 ok\r\n> ");
        screen.draw(&model, &mut out).unwrap();
        outer.process(&out);
        let rows: Vec<_> = outer.screen().rows(0, 80).collect();
        assert_eq!(rows[0].trim_end(), "red 漢字 ok");
        assert_eq!(rows[1].trim_end(), ">");
        assert!(rows[23].contains("F1 help") && rows[23].contains("F10 quit"), "{}", rows[23]);
        assert_eq!(outer.screen().cursor_position(), (1, 2));
        assert!(!outer.screen().hide_cursor());
    }

    #[test]
    fn underlines_and_links_reach_the_outer_terminal_and_change_by_themselves() {
        let mut model = model((80, 24));
        let mut screen = Screen::new(Depth::TrueColour, true);
        let mut out = Vec::new();
        screen.draw(&model, &mut out).unwrap();
        let mut frame = |model: &mut Model, text: &'static str| {
            say(model, text);
            out.clear();
            screen.draw(model, &mut out).unwrap();
            String::from_utf8(out.clone()).unwrap()
        };
        let curly = frame(&mut model, "\x1b[4:3;58:5:1mx\x1b[0m");
        assert!(curly.contains("\x1b[4m\x1b[4:3m\x1b[58:5:1mx"), "{curly:?}");
        let double = frame(&mut model, "\r\x1b[4:2;58:5:1mx\x1b[0m");
        assert!(double.contains("\x1b[4:2m\x1b[58:5:1mx"), "the kind alone changed: {double:?}");
        let link = frame(&mut model, "\r\x1b[0m\x1b]8;id=a;https://example.org/\x07❤\u{fe0f}z\x1b]8;;\x07");
        let want = "\x1b]8;id=a;https://example.org/\x1b\\❤\u{fe0f}";
        assert!(link.contains(want) && link.contains("\x1b]8;;\x1b\\"), "{link:?}");
        assert_eq!(link.matches("https://").count(), 1, "one link for both cells: {link:?}");
        let gone = frame(&mut model, "\r❤\u{fe0f}z");
        assert!(gone.contains('z') && !gone.contains("]8;"), "the link alone went: {gone:?}");
        for scheme in ["javascript:x", "file:///etc/passwd", "https://a@b/", "ssh://h"] {
            let text = format!("\r\x1b]8;;{scheme}\x07{}\x1b]8;;\x07", scheme.len());
            let dangerous = frame(&mut model, Box::leak(text.into_boxed_str()));
            assert!(!dangerous.contains("]8;"), "{dangerous:?}");
        }
    }

    #[test]
    fn a_dialog_over_a_link_has_none() {
        let mut model = model((80, 24));
        let mut screen = Screen::new(Depth::TrueColour, true);
        let mut out = Vec::new();
        say(&mut model, "\x1b]8;;https://example.org/\x07");
        for _ in 0..200 {
            say(&mut model, "link ");
        }
        screen.draw(&model, &mut out).unwrap();
        let cells = screen.shown_inks.len();
        app::update(&mut model, Message::Key(KeyCode::F(1).into()));
        screen.draw(&model, &mut out).unwrap();
        assert!(screen.shown_inks.len() < cells, "{cells}");
    }

    #[test]
    fn a_new_size_is_drawn_from_scratch() {
        let mut model = model((80, 24));
        let mut screen = Screen::new(Depth::None, true);
        let mut out = Vec::new();
        screen.draw(&model, &mut out).unwrap();
        app::update(&mut model, Message::Resize { cols: 120, rows: 40 });
        out.clear();
        screen.draw(&model, &mut out).unwrap();
        let mut outer = vt100::Parser::new(40.try_into().unwrap(), 120.try_into().unwrap(), 0);
        outer.process(&out);
        assert!(outer.screen().rows(0, 120).any(|row| row.contains("prefill")));
        let text = String::from_utf8_lossy(&out);
        assert!(!text.contains("38;2;"), "no colours were asked for");
    }

    #[test]
    fn a_size_that_goes_and_comes_back_is_drawn_anew() {
        let model = model((80, 24));
        let mut screen = Screen::new(Depth::None, true);
        let mut out = Vec::new();
        screen.draw(&model, &mut out).unwrap();
        let mut outer = vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0);
        outer.process(&out);
        // Small for a moment: what does not fit is cut off and does not come back by itself.
        outer.set_size(4.try_into().unwrap(), 20.try_into().unwrap());
        outer.set_size(24.try_into().unwrap(), 80.try_into().unwrap());
        screen.forget();
        out.clear();
        screen.draw(&model, &mut out).unwrap();
        outer.process(&out);
        let rows: Vec<_> = outer.screen().rows(0, 80).collect();
        assert!(rows[23].contains("F1 help") && rows[23].contains("F10 quit"), "{}", rows[23]);
    }
}
