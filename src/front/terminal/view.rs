//! The view of the screen: drawing, the cursor, scrolling back.

use alacritty_terminal::grid::{Dimensions, Scroll};
use alacritty_terminal::index::{Column, Line, Point};
use alacritty_terminal::term::TermMode;
use alacritty_terminal::term::cell::Flags;
use alacritty_terminal::vte::ansi;
use ratatui::buffer::{Buffer, CellDiffOption};
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::cells;
use super::emulator::Terminal;

/// Shape of the cursor (DECSCUSR).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CursorShape {
    /// A filled cell.
    Block,
    /// A line below.
    Underline,
    /// A line to the left.
    Bar,
}

/// The child's cursor, in cells from the top left corner of the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Column.
    pub col: u16,
    /// Row.
    pub row: u16,
    /// Shape.
    pub shape: CursorShape,
    /// Whether it blinks.
    pub blinking: bool,
}

impl Terminal {
    /// The cursor; none while it is hidden or scrolled out of the view.
    #[must_use]
    pub fn cursor(&self) -> Option<Cursor> {
        if !self.term().mode().contains(TermMode::SHOW_CURSOR) {
            return None;
        }
        let style = self.term().cursor_style();
        let shape = match style.shape {
            ansi::CursorShape::Block | ansi::CursorShape::HollowBlock => CursorShape::Block,
            ansi::CursorShape::Underline => CursorShape::Underline,
            ansi::CursorShape::Beam => CursorShape::Bar,
            ansi::CursorShape::Hidden => return None,
        };
        let Point { line, column } = self.term().grid().cursor.point;
        let row = usize::try_from(line.0).ok()? + self.view_offset();
        let row = u16::try_from(row).ok().filter(|row| *row < self.size().rows)?;
        Some(Cursor { col: u16::try_from(column.0).ok()?, row, shape, blinking: style.blinking })
    }

    /// Draws the view into `area`, from its top left corner; what the screen does not fill is
    /// left blank.
    pub fn draw(&self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let grid = self.term().grid();
        let colours = self.term().colors();
        let selected = self.term().selection.as_ref().and_then(|range| range.to_range(self.term()));
        let top = i32::try_from(self.view_offset()).unwrap_or(i32::MAX);
        for y in 0..area.height {
            for x in 0..area.width {
                let Some(target) = buf.cell_mut((area.x + x, area.y + y)) else { continue };
                if x >= self.size().cols || y >= self.size().rows {
                    target.reset();
                    continue;
                }
                let point = Point::new(Line(i32::from(y) - top), Column(usize::from(x)));
                let cell = &grid[point];
                cells::draw(cell, colours, target);
                if cell.flags.contains(Flags::WIDE_CHAR) && x + 1 == area.width {
                    // Half of it would stick out of the area.
                    target.set_char(' ');
                    target.set_diff_option(CellDiffOption::None);
                }
                if selected.is_some_and(|range| range.contains(point)) != self.is_reversed() {
                    target.modifier.toggle(Modifier::REVERSED);
                }
            }
        }
    }

    /// Draws one row of the view into a buffer of one row.
    pub fn draw_row(&self, row: u16, buf: &mut Buffer) {
        let top = i32::try_from(self.view_offset()).unwrap_or(i32::MAX);
        let size = self.size();
        let colours = self.term().colors();
        let selected = self.term().selection.as_ref().and_then(|range| range.to_range(self.term()));
        let line = Line(i32::from(row) - top);
        let cells = (row < size.rows).then(|| &self.term().grid()[line]);
        let last = buf.area.width.saturating_sub(1);
        for (x, target) in (0..buf.area.width).zip(&mut buf.content) {
            let Some(cells) = cells.filter(|_| x < size.cols) else {
                target.reset();
                continue;
            };
            let column = Column(usize::from(x));
            let cell = &cells[column];
            cells::draw(cell, colours, target);
            if x == last && cell.flags.contains(Flags::WIDE_CHAR) {
                // Half of it would stick out of the area.
                target.set_char(' ');
                target.set_diff_option(CellDiffOption::None);
            }
            let marked = selected.is_some_and(|range| range.contains(Point::new(line, column)));
            if marked != self.is_reversed() {
                target.modifier.toggle(Modifier::REVERSED);
            }
        }
    }

    /// Draws one cell of the view, as [`Terminal::draw`] would with room beside it; a cell that
    /// is not on the screen becomes blank.
    pub fn draw_cell(&self, col: u16, row: u16, target: &mut ratatui::buffer::Cell) {
        let top = i32::try_from(self.view_offset()).unwrap_or(i32::MAX);
        if col >= self.size().cols || row >= self.size().rows {
            target.reset();
            return;
        }
        let point = Point::new(Line(i32::from(row) - top), Column(usize::from(col)));
        let selected = self.term().selection.as_ref().and_then(|range| range.to_range(self.term()));
        cells::draw(&self.term().grid()[point], self.term().colors(), target);
        if selected.is_some_and(|range| range.contains(point)) != self.is_reversed() {
            target.modifier.toggle(Modifier::REVERSED);
        }
    }

    /// Moves the view: up into the scrollback by a positive number of lines, down by a negative.
    pub fn scroll(&mut self, lines: i32) {
        // The emulator adds without looking.
        let most = i32::try_from(self.history()).unwrap_or(i32::MAX);
        self.move_view(Scroll::Delta(lines.clamp(-most, most)));
    }

    /// Moves the view back to the live screen.
    pub fn scroll_to_bottom(&mut self) {
        self.move_view(Scroll::Bottom);
    }

    fn move_view(&mut self, to: Scroll) {
        let before = self.view_offset();
        self.term_mut().scroll_display(to);
        if before != self.view_offset() {
            self.touch();
        }
    }

    /// Lines the view stands above the live screen; 0 at the bottom.
    #[must_use]
    pub fn view_offset(&self) -> usize {
        // The emulator may keep an offset beyond a history that has just shrunk.
        self.term().grid().display_offset().min(self.history())
    }

    /// Lines of scrollback; always 0 on the alternate screen.
    #[must_use]
    pub fn history(&self) -> usize {
        self.term().grid().history_size()
    }
}
