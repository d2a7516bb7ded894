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
    terminal::{CursorShape, Damage, Ink},
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
    /// The cells of the frame being made, as bytes.
    cells: Vec<u8>,
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
            cells: Vec::new(),
            cursor: None,
        }
    }

    /// The terminal's size was changed, perhaps there and back: what stood on it may be cut.
    pub(super) fn forget(&mut self) {
        self.shown = Buffer::empty(Rect::ZERO);
        self.shown_inks.clear();
        self.cursor = None;
    }

    /// Appends the bytes that bring the terminal from its last frame to this one; none when
    /// both are the same. Frames are synchronized (mode 2026), so that no half of one is seen.
    ///
    /// `damage`: the rows of the pane that have changed. `pane_only`: nothing else has, and
    /// nothing lies over the pane; then only those rows are looked at.
    pub(super) fn draw(
        &mut self,
        model: &Model,
        damage: &Damage,
        pane_only: bool,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let area = Rect::new(0, 0, model.size.0, model.size.1);
        let resized = self.shown.area != area;
        self.cells.clear();
        if pane_only && !resized {
            self.rows(model, damage);
        } else {
            self.whole(model, area, resized);
        }
        let cursor = ui::cursor(model);
        if self.cells.is_empty() && cursor == self.cursor && !resized {
            return Ok(());
        }
        queue!(out, BeginSynchronizedUpdate)?;
        if resized {
            queue!(out, Clear(ClearType::All))?;
        }
        if !self.cells.is_empty() && self.cursor.is_some() {
            queue!(out, Hide)?;
        }
        out.extend_from_slice(&self.cells);
        place(cursor, self.cursor, out)?;
        queue!(out, EndSynchronizedUpdate)?;
        self.cursor = cursor;
        Ok(())
    }

    /// Draws everything anew and keeps what differs.
    fn whole(&mut self, model: &Model, area: Rect, resized: bool) {
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
        write(&self.shown, &self.next, (0, 0), &self.next_inks, self.rich, &mut self.cells);
        std::mem::swap(&mut self.shown, &mut self.next);
        std::mem::swap(&mut self.shown_inks, &mut self.next_inks);
    }

    /// Draws the damaged rows of the pane and keeps what differs.
    fn rows(&mut self, model: &Model, damage: &Damage) {
        let pane = model.layout().pane.intersection(self.shown.area);
        let all: Vec<u16>;
        let rows = match damage {
            Damage::Rows(rows) => rows,
            Damage::Full => {
                all = (0..pane.height).collect();
                &all
            }
        };
        let line = Rect::new(0, 0, pane.width, 1);
        let (mut before, mut now) = (Buffer::empty(line), Buffer::empty(line));
        for row in rows.iter().copied().filter(|row| *row < pane.height) {
            let y = pane.y + row;
            model.terminal.draw_row(row, &mut now);
            let start = self.shown.index_of(pane.x, y);
            let end = start + usize::from(pane.width);
            let Some(shown) = self.shown.content.get_mut(start..end) else { continue };
            before.content.clone_from_slice(shown);
            let inks =
                if self.rich { self.row_inks(model, pane, row, &mut before) } else { vec![] };
            downgrade_buffer(&mut now, self.depth);
            let at = (pane.x, y);
            write(&before, &now, at, &inks, self.rich, &mut self.cells);
            if let Some(shown) = self.shown.content.get_mut(start..end) {
                shown.clone_from_slice(&now.content);
            }
        }
    }

    /// Takes the inks of one row of the pane anew; cells whose ink changed are marked in
    /// `before`, so that they are written.
    fn row_inks(&mut self, model: &Model, pane: Rect, row: u16, before: &mut Buffer) -> Inks {
        let y = pane.y + row;
        let place = |(x, _, ink): (u16, u16, Ink)| (pane.x + x, y, ink);
        let new: Inks = model.terminal.row_inks(row).map(place).collect();
        let from = self.shown_inks.partition_point(|ink| ink.1 < y);
        let to = self.shown_inks.partition_point(|ink| ink.1 <= y);
        let old: Inks = self.shown_inks.splice(from..to, new.iter().cloned()).collect();
        for (x, _) in changed(&old, &new) {
            mark(before, x - pane.x, 0);
        }
        new
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
                mark(&mut self.shown, x, y);
            }
        }
    }
}

/// Has a cell differ from whatever comes: no frame has this in a cell.
fn mark(buffer: &mut Buffer, x: u16, y: u16) {
    if let Some(cell) = buffer.cell_mut((x, y)) {
        cell.set_symbol("\u{fffe}");
    }
}

/// Writes the cells of `now` that differ from `before`. `at`: where both stand on the screen.
fn write(
    before: &Buffer,
    now: &Buffer,
    at: (u16, u16),
    inks: &Inks,
    rich: bool,
    out: &mut Vec<u8>,
) {
    let mut cells = before.diff_iter(now).peekable();
    if cells.peek().is_none() {
        return;
    }
    let mut inks = inks.iter().peekable();
    let mut pen = Pen::new(out, rich);
    for (x, y, cell) in cells {
        let (x, y) = (at.0 + x, at.1 + y);
        while inks.next_if(|(col, row, _)| (*row, *col) < (y, x)).is_some() {}
        let ink = inks.next_if(|(col, row, _)| (*row, *col) == (y, x));
        pen.cell(x, y, cell, ink.map(|(_, _, ink)| ink));
    }
    pen.end();
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
#[path = "screen_tests.rs"]
mod tests;
