//! Putting characters into cells: joined to the one before, or straight.

use alacritty_terminal::{
    grid::Dimensions,
    index::{Column, Point},
    term::{TermMode, cell::Flags},
};

use super::{grapheme, screen::Screen};

impl Screen<'_> {
    /// The cell that a mark or a joining character would belong to: the one before the cursor.
    pub(super) fn before(&self) -> Option<Point> {
        let cursor = &self.term.grid().cursor;
        let mut point = cursor.point;
        if !cursor.input_needs_wrap {
            point.column = Column(point.column.0.checked_sub(1)?);
        }
        if self.term.grid()[point].flags.contains(Flags::WIDE_CHAR_SPACER) {
            point.column = Column(point.column.0.checked_sub(1)?);
        }
        Some(point)
    }

    /// Puts `c` on the cell at `point`, which takes two columns if the cluster now does.
    pub(super) fn join(&mut self, point: Point, c: char) {
        let cell = &mut self.term.grid_mut()[point];
        if cell.zerowidth().is_some_and(|marks| marks.len() >= grapheme::MARKS) {
            return;
        }
        cell.push_zerowidth(c);
        self.extras.dirty.row(point.line.0);
        let cell = &mut self.term.grid_mut()[point];
        if !cell.flags.contains(Flags::WIDE_CHAR) && grapheme::is_wide(cell) {
            self.widen(point);
        }
    }

    /// Gives the cell at `point` a second column and moves the cursor behind it. In the last
    /// column there is none to give: the cell stays narrow.
    fn widen(&mut self, point: Point) {
        let columns = self.term.columns();
        let second = Point::new(point.line, point.column + 1);
        if second.column.0 >= columns {
            return;
        }
        let grid = self.term.grid_mut();
        if grid[second].flags.contains(Flags::WIDE_CHAR) && second.column.0 + 1 < columns {
            // Its other half would be left without an owner.
            grid[Point::new(second.line, second.column + 1)].flags.remove(Flags::WIDE_CHAR_SPACER);
        }
        grid[point].flags.insert(Flags::WIDE_CHAR);
        let mut spacer = grid.cursor.template.clone();
        spacer.c = ' ';
        spacer.flags.insert(Flags::WIDE_CHAR_SPACER);
        grid[second] = spacer;
        if second.column.0 + 1 < columns {
            grid.cursor.point.column = second.column + 1;
        } else {
            grid.cursor.point.column = second.column;
            grid.cursor.input_needs_wrap = true;
        }
    }

    /// Prints an ASCII character where nothing but that is to be done: no wrap, no insertion, no
    /// wide character cut, no other character set. Says whether it was. Most of what is ever
    /// printed comes through here, at a third of the emulator's own cost.
    #[inline]
    pub(super) fn print(&mut self, c: char) -> bool {
        if self.extras.mapped || self.term.mode().contains(TermMode::INSERT) {
            return false;
        }
        let columns = self.term.columns();
        let grid = self.term.grid_mut();
        let Point { line, column } = grid.cursor.point;
        if grid.cursor.input_needs_wrap || column.0 + 1 >= columns {
            return false;
        }
        let template = &grid.cursor.template;
        let (fg, bg, flags) = (template.fg, template.bg, template.flags);
        let extra = template.extra.clone();
        let cell = &mut grid[line][column];
        if cell.flags.intersects(Flags::WIDE_CHAR | Flags::WIDE_CHAR_SPACER) {
            return false;
        }
        cell.c = c;
        cell.fg = fg;
        cell.bg = bg;
        cell.flags = flags;
        cell.extra = extra;
        grid.cursor.point.column += 1;
        true
    }
}
