//! What the emulator does otherwise than terminals do: margins that stop the cursor, the soft
//! reset, the older ways to the alternate screen.

use alacritty_terminal::{
    grid::Dimensions,
    index::{Column, Line, Point},
    term::TermMode,
    vte::ansi::{
        Attr, CharsetIndex, Handler, Mode, NamedMode, NamedPrivateMode, PrivateMode,
        StandardCharset,
    },
};

use super::screen::Screen;

impl Screen<'_> {
    /// Row and column of the cursor as reports tell them: from 1, from the margin in origin mode.
    pub(super) fn position(&self) -> (usize, usize) {
        let Point { line, column } = self.term.grid().cursor.point;
        let top = match self.extras.margins {
            Some((top, _)) if self.term.mode().contains(TermMode::ORIGIN) => top,
            _ => 0,
        };
        (usize::try_from(line.0 - top).unwrap_or(0) + 1, column.0 + 1)
    }

    /// Moves the cursor down by `lines`, up by a negative number; a margin on the way stops it.
    pub(super) fn vertical(&mut self, lines: i32) {
        let last = i32::try_from(self.term.screen_lines()).unwrap_or(i32::MAX) - 1;
        let (top, bottom) = self.extras.margins.unwrap_or((0, last));
        let cursor = &mut self.term.grid_mut().cursor;
        let from = cursor.point.line.0;
        let to = from.saturating_add(lines);
        let least = if from >= top { top } else { 0 };
        let most = if from <= bottom { bottom } else { last };
        cursor.point.line = Line(to.clamp(least, most));
        cursor.input_needs_wrap = false;
        // What was printed on the row that is left is known to the emulator by its cursor alone.
        self.extras.dirty.row(from);
    }

    /// DECSTBM. Rows from 1.
    pub(super) fn set_margins(&mut self, top: usize, bottom: Option<usize>) {
        let last = self.term.screen_lines();
        let first = top.max(1);
        let bottom = bottom.filter(|row| *row > 0).unwrap_or(last).min(last);
        if first >= bottom {
            return;
        }
        Handler::set_scrolling_region(self.term, first, Some(bottom));
        let row = |row: usize| i32::try_from(row).unwrap_or(i32::MAX) - 1;
        let margins = (row(first), row(bottom));
        self.extras.margins = (margins != (0, row(last))).then_some(margins);
    }

    /// DECSTR. The cursor stays; what is on the screen, too.
    pub(super) fn soft_reset(&mut self) {
        let named = PrivateMode::Named;
        let point = self.term.grid().cursor.point;
        Handler::unset_mode(self.term, Mode::Named(NamedMode::Insert));
        Handler::unset_private_mode(self.term, named(NamedPrivateMode::Origin));
        Handler::unset_private_mode(self.term, named(NamedPrivateMode::CursorKeys));
        Handler::set_private_mode(self.term, named(NamedPrivateMode::LineWrap));
        Handler::set_private_mode(self.term, named(NamedPrivateMode::ShowCursor));
        Handler::unset_keypad_application_mode(self.term);
        Handler::terminal_attribute(self.term, Attr::Reset);
        Handler::set_active_charset(self.term, CharsetIndex::G0);
        for index in [CharsetIndex::G0, CharsetIndex::G1, CharsetIndex::G2, CharsetIndex::G3] {
            Handler::configure_charset(self.term, index, StandardCharset::Ascii);
        }
        self.extras.margins = None;
        self.reverse(false);
        // This goes home, which is what is to be saved; then the cursor comes back.
        Handler::set_scrolling_region(self.term, 1, None);
        Handler::save_cursor_position(self.term);
        self.term.grid_mut().cursor.point = point;
    }

    /// Modes 47 and 1047: the alternate screen; the cursor stays where it is.
    pub(super) fn alternate(&mut self, on: bool) {
        if self.term.mode().contains(TermMode::ALT_SCREEN) == on {
            return;
        }
        let point = self.term.grid().cursor.point;
        self.term.swap_alt();
        self.extras.dirty.all();
        self.term.grid_mut().cursor.point = point;
    }

    /// DECSCNM: text and ground change places all over the screen.
    pub(super) fn reverse(&mut self, on: bool) {
        if self.extras.reversed != on {
            self.extras.reversed = on;
            self.extras.dirty.all();
        }
    }

    /// DECALN also takes the margins away and goes home.
    pub(super) fn align(&mut self) {
        Handler::decaln(self.term);
        self.extras.margins = None;
        Handler::set_scrolling_region(self.term, 1, None);
        self.term.grid_mut().cursor.point = Point::new(Line(0), Column(0));
    }
}
