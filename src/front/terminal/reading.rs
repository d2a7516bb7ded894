//! Reading back: a caret that can stand anywhere in the scrollback, and what it selects.

use alacritty_terminal::grid::Dimensions;
use alacritty_terminal::index::{Boundary, Column, Line, Point, Side};
use alacritty_terminal::selection::{Selection, SelectionType};
use alacritty_terminal::term::TermMode;
use alacritty_terminal::vi_mode::ViMotion;

use super::SelectionKind;
use super::emulator::Terminal;

/// A cell of the grid: line 0 is the first of the live screen, those above it are negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Spot {
    /// Line.
    pub line: i32,
    /// Column.
    pub col: u16,
}

impl Spot {
    pub(super) fn of(point: Point) -> Self {
        Self { line: point.line.0, col: u16::try_from(point.column.0).unwrap_or(u16::MAX) }
    }

    pub(super) fn point(self) -> Point {
        Point::new(Line(self.line), Column(usize::from(self.col)))
    }
}

/// A step of the caret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// One character to the left.
    Left,
    /// One character to the right.
    Right,
    /// The first column of the line.
    LineStart,
    /// The first character of the line that is no blank.
    LineText,
    /// The last character of the line.
    LineEnd,
    /// The start of the word before.
    WordLeft,
    /// The start of the next word.
    WordRight,
    /// The end of the word.
    WordEnd,
    /// The first line of the view.
    High,
    /// The middle line of the view.
    Middle,
    /// The last line of the view.
    Low,
    /// The blank line before the paragraph.
    ParagraphUp,
    /// The blank line after the paragraph.
    ParagraphDown,
    /// The bracket that belongs to the one under the caret.
    Bracket,
    /// The oldest line there is.
    Oldest,
    /// The last line of the live screen.
    Newest,
    /// So many lines up, or down below zero; the view goes with it.
    Lines(i32),
}

impl Terminal {
    /// Whether the caret is there.
    #[must_use]
    pub fn is_reading(&self) -> bool {
        self.term().mode().contains(TermMode::VI)
    }

    /// Puts the caret where the cursor is, or into the view's last line when that is elsewhere.
    pub fn begin_reading(&mut self) {
        if self.is_reading() {
            return;
        }
        self.term_mut().toggle_vi_mode();
        if self.view_offset() > 0 {
            let line = self.bottom_of_view();
            self.term_mut().vi_mode_cursor.point = Point::new(Line(line), Column(0));
        }
        self.touch();
    }

    /// Takes the caret and what it selected away.
    pub fn end_reading(&mut self) {
        if self.is_reading() {
            self.term_mut().toggle_vi_mode();
        }
        self.clear_selection();
    }

    /// The caret as column and row of the view; none when there is none or it is out of sight.
    #[must_use]
    pub fn caret(&self) -> Option<(u16, u16)> {
        let spot = self.caret_spot()?;
        let row = i64::from(spot.line) + i64::try_from(self.view_offset()).ok()?;
        let row = u16::try_from(row).ok().filter(|row| *row < self.size().rows)?;
        Some((spot.col, row))
    }

    /// Where the caret stands in the grid.
    #[must_use]
    pub fn caret_spot(&self) -> Option<Spot> {
        self.is_reading().then(|| Spot::of(self.term().vi_mode_cursor.point))
    }

    /// Moves the caret; the view follows it.
    pub fn move_caret(&mut self, motion: Motion) {
        if !self.is_reading() {
            return;
        }
        self.hold_caret();
        let (top, bottom) = (self.term().topmost_line().0, self.term().bottommost_line().0);
        let motion = match motion {
            Motion::Up => ViMotion::Up,
            Motion::Down => ViMotion::Down,
            Motion::Left => ViMotion::Left,
            Motion::Right => ViMotion::Right,
            Motion::LineStart => ViMotion::First,
            Motion::LineText => ViMotion::FirstOccupied,
            Motion::LineEnd => ViMotion::Last,
            Motion::WordLeft => ViMotion::SemanticLeft,
            Motion::WordRight => ViMotion::SemanticRight,
            Motion::WordEnd => ViMotion::SemanticRightEnd,
            Motion::High => ViMotion::High,
            Motion::Middle => ViMotion::Middle,
            Motion::Low => ViMotion::Low,
            Motion::ParagraphUp => ViMotion::ParagraphUp,
            Motion::ParagraphDown => ViMotion::ParagraphDown,
            Motion::Bracket => ViMotion::Bracket,
            Motion::Oldest => return self.caret_to(Spot { line: top, col: 0 }),
            Motion::Newest => return self.caret_to(Spot { line: bottom, col: 0 }),
            Motion::Lines(lines) => {
                let Some(Spot { line, col }) = self.caret_spot() else { return };
                self.scroll(lines);
                let line = line.saturating_sub(lines).clamp(top, bottom);
                return self.caret_to(Spot { line, col });
            }
        };
        self.term_mut().vi_motion(motion);
        self.touch();
    }

    /// Puts the caret on a cell; the view follows it.
    pub fn caret_to(&mut self, spot: Spot) {
        if !self.is_reading() {
            return;
        }
        let point = self.held(spot);
        self.term_mut().vi_goto_point(point);
        self.touch();
    }

    /// The caret on a cell of the view.
    pub fn caret_at(&mut self, column: u16, row: u16) {
        let top = i32::try_from(self.view_offset()).unwrap_or(i32::MAX);
        self.caret_to(Spot { line: i32::from(row) - top, col: column });
    }

    /// Begins a selection at the caret that grows with its steps.
    pub fn select_from_caret(&mut self, kind: SelectionKind) {
        let Some(spot) = self.caret_spot() else { return };
        let point = self.held(spot);
        let mut selection = Selection::new(selection_type(kind), point, Side::Left);
        selection.update(point, Side::Right);
        selection.include_all();
        self.term_mut().selection = Some(selection);
        self.touch();
    }

    /// Has the selection that there is cover something else from where it began.
    pub fn turn_selection(&mut self, kind: SelectionKind) {
        if let Some(selection) = &mut self.term_mut().selection {
            selection.ty = selection_type(kind);
        }
        self.touch();
    }

    /// Brings a line into the view, as its first one where there is enough below it.
    pub fn show_line(&mut self, line: i32) {
        let offset = i32::try_from(self.view_offset()).unwrap_or(i32::MAX);
        // The view's first line is `-offset`.
        self.scroll(line.saturating_neg().saturating_sub(offset));
    }

    /// The line of the grid that the view begins with.
    #[must_use]
    pub fn top_of_view(&self) -> i32 {
        i32::try_from(self.view_offset()).unwrap_or(i32::MAX).saturating_neg()
    }

    /// Everything on the screen and above it as text; wrapped lines are whole again.
    #[must_use]
    pub fn whole_text(&self) -> String {
        let term = self.term();
        let start = Point::new(term.topmost_line(), Column(0));
        let end = Point::new(term.bottommost_line(), term.last_column());
        let mut text = term.bounds_to_string(start, end);
        text.truncate(text.trim_end().len());
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }

    fn bottom_of_view(&self) -> i32 {
        self.top_of_view().saturating_add(i32::from(self.size().rows) - 1)
    }

    /// A cell that there is.
    fn held(&self, spot: Spot) -> Point {
        let mut point = spot.point();
        point.column = point.column.min(self.term().last_column());
        point.grid_clamp(self.term(), Boundary::Grid)
    }

    /// The grid may have lost lines since the caret was set.
    fn hold_caret(&mut self) {
        if let Some(spot) = self.caret_spot() {
            let point = self.held(spot);
            self.term_mut().vi_mode_cursor.point = point;
        }
    }
}

const fn selection_type(kind: SelectionKind) -> SelectionType {
    match kind {
        SelectionKind::Text => SelectionType::Simple,
        SelectionKind::Words => SelectionType::Semantic,
        SelectionKind::Lines => SelectionType::Lines,
        SelectionKind::Block => SelectionType::Block,
    }
}
