//! What stands on the outer terminal, and the bytes that turn it into the next frame.

use std::io::{self, Write};

use crossterm::{
    cursor::{Hide, MoveTo, SetCursorStyle, Show},
    queue,
    terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate},
};
use ratatui::{
    backend::{Backend, CrosstermBackend},
    buffer::Buffer,
    layout::Rect,
};

use crate::front::{
    app::Model,
    terminal::CursorShape,
    theme::{Depth, downgrade_buffer},
    ui::{self, CursorAt},
};

/// The frame on screen and the one being drawn.
pub(super) struct Screen {
    depth: Depth,
    shown: Buffer,
    next: Buffer,
    cursor: Option<CursorAt>,
}

impl Screen {
    /// Nothing is known of what stands there.
    pub(super) fn new(depth: Depth) -> Self {
        Self {
            depth,
            shown: Buffer::empty(Rect::ZERO),
            next: Buffer::empty(Rect::ZERO),
            cursor: None,
        }
    }

    /// The terminal's size was changed, perhaps there and back: what stood on it may be cut.
    pub(super) fn forget(&mut self) {
        self.shown = Buffer::empty(Rect::ZERO);
        self.cursor = None;
    }

    /// Appends the bytes that bring the terminal from its last frame to this one; none when
    /// both are the same. Frames are synchronized (mode 2026), so that no half of one is seen.
    pub(super) fn draw(&mut self, model: &Model, out: &mut Vec<u8>) -> io::Result<()> {
        let area = Rect::new(0, 0, model.size.0, model.size.1);
        let resized = self.shown.area != area;
        if resized {
            self.shown = Buffer::empty(area);
            self.next = Buffer::empty(area);
        } else {
            self.next.reset();
        }
        ui::draw(model, model.theme(), &mut self.next);
        downgrade_buffer(&mut self.next, self.depth);
        let cursor = ui::cursor(model);
        let cells = self.shown.diff(&self.next);
        if cells.is_empty() && cursor == self.cursor && !resized {
            return Ok(());
        }
        queue!(out, BeginSynchronizedUpdate)?;
        if resized {
            queue!(out, Clear(ClearType::All))?;
        }
        if !cells.is_empty() {
            if self.cursor.is_some() {
                queue!(out, Hide)?;
            }
            CrosstermBackend::new(&mut *out).draw(cells.into_iter())?;
        }
        place(cursor, self.cursor, out)?;
        queue!(out, EndSynchronizedUpdate)?;
        self.cursor = cursor;
        std::mem::swap(&mut self.shown, &mut self.next);
        Ok(())
    }
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
        let mut screen = Screen::new(Depth::TrueColour);
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
        let mut screen = Screen::new(Depth::TrueColour);
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
    fn a_new_size_is_drawn_from_scratch() {
        let mut model = model((80, 24));
        let mut screen = Screen::new(Depth::None);
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
        let mut screen = Screen::new(Depth::None);
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
