//! Selecting text on the screen and in the scrollback.

use alacritty_terminal::index::{Column, Line, Point, Side};
use alacritty_terminal::selection::{Selection, SelectionType};

use super::emulator::Terminal;

/// What one step of a selection covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelectionKind {
    /// Characters in reading order.
    Text,
    /// Whole words.
    Words,
    /// Whole lines, wrapped ones included.
    Lines,
    /// A rectangle.
    Block,
}

impl Terminal {
    /// Starts a selection at a cell of the view (`column` and `row` from its top left corner).
    pub fn select(&mut self, kind: SelectionKind, column: u16, row: u16) {
        let kind = match kind {
            SelectionKind::Text => SelectionType::Simple,
            SelectionKind::Words => SelectionType::Semantic,
            SelectionKind::Lines => SelectionType::Lines,
            SelectionKind::Block => SelectionType::Block,
        };
        let point = self.view_point(column, row);
        let mut selection = Selection::new(kind, point, Side::Left);
        selection.update(point, Side::Right);
        self.set_selection(Some(selection));
    }

    /// Extends the selection to a cell of the view. Nothing without a selection.
    pub fn extend_selection(&mut self, column: u16, row: u16) {
        let point = self.view_point(column, row);
        if let Some(mut selection) = self.term().selection.clone() {
            selection.update(point, Side::Right);
            selection.include_all();
            self.set_selection(Some(selection));
        }
    }

    /// Drops the selection.
    pub fn clear_selection(&mut self) {
        self.set_selection(None);
    }

    /// Whether anything is selected.
    #[must_use]
    pub const fn has_selection(&self) -> bool {
        self.term().selection.is_some()
    }

    /// The selected text; none if nothing is selected.
    #[must_use]
    pub fn selected_text(&self) -> Option<String> {
        self.term().selection_to_string().filter(|text| !text.is_empty())
    }

    fn set_selection(&mut self, selection: Option<Selection>) {
        if selection.is_none() && self.term().selection.is_none() {
            return;
        }
        self.term_mut().selection = selection;
        self.touch();
    }

    /// The grid's point under a cell of the view, clamped to the screen.
    fn view_point(&self, column: u16, row: u16) -> Point {
        let size = self.size();
        let column = column.min(size.cols.saturating_sub(1));
        let row = row.min(size.rows.saturating_sub(1));
        let top = i32::try_from(self.view_offset()).unwrap_or(i32::MAX);
        Point::new(Line(i32::from(row) - top), Column(usize::from(column)))
    }
}
