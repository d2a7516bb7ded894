//! The right column: the panes one under the other, in one frame.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::{Clear, Widget},
};
use unicode_width::UnicodeWidthStr;

use crate::{
    front::{
        app::Model,
        theme::{Role, Theme},
    },
    protocol::Snapshot,
};

use super::{
    cache, fixed, noise, prefill, sandbox, server,
    text::{Pen, UNKNOWN, cut, lines},
    thinking, time, window,
};

/// One pane: what it is, where its figures come from, and its lines, the most important first.
#[derive(Clone)]
pub(super) struct Pane {
    /// Its name.
    pub(super) title: &'static str,
    /// Where its figures come from, or its state in a word.
    pub(super) source: String,
    /// How the source is drawn.
    pub(super) tone: Role,
    /// Its lines.
    pub(super) lines: Vec<Line<'static>>,
}

/// Lines of a pane without its title: at least, when there is room, when there is plenty. Fixed,
/// so that nothing jumps when figures come and go.
#[derive(Debug, Clone, Copy)]
struct Rows {
    least: u16,
    good: u16,
    most: u16,
}

const fn rows(least: u16, good: u16, most: u16) -> Rows {
    Rows { least, good, most }
}

/// Room of each pane, in their order.
const ROWS: [Rows; 8] = [
    rows(4, 4, 4),
    rows(3, 6, 6),
    rows(2, 3, 11),
    rows(1, 2, 2),
    rows(3, 4, 8),
    rows(1, 1, 9),
    rows(2, 4, 6),
    rows(1, 3, 10),
];

/// The window's place among them.
const WINDOW: usize = 1;

/// Rows that must be left over before the notes get a pane of their own; the help has them all.
const NOTES_ROWS: u16 = 4;

/// Which panes go first when there is no room at all: noise, time, thinking, sandbox, server.
const GO_FIRST: [usize; 5] = [5, 4, 3, 7, 6];

/// Draws the column.
pub(super) fn draw(model: &Model, theme: &Theme, area: Rect, buf: &mut Buffer) {
    if area.width < 8 || area.height < 3 {
        return;
    }
    Clear.render(area, buf);
    buf.set_style(area, theme.style(Role::Text));
    let unknown = Snapshot::default();
    let snapshot = model.snapshot.as_deref().unwrap_or(&unknown);
    let pen = Pen { theme, width: usize::from(area.width - 4) };
    let mut panes = [
        prefill::pane(snapshot, pen),
        window::pane(snapshot, pen),
        cache::pane(snapshot, pen),
        thinking::pane(snapshot, pen),
        time::pane(snapshot, pen),
        noise::pane(snapshot, pen),
        server::pane(model, snapshot, pen),
        sandbox::pane(snapshot, model.notices.said().count(), pen),
    ];
    panes[WINDOW].lines.extend(fixed::lines(snapshot, pen));
    if model.snapshot.is_none() {
        // Not even a zero is known.
        for pane in &mut panes {
            pane.lines = vec![Line::from(pen.dim(UNKNOWN))];
            pane.source = UNKNOWN.to_owned();
            pane.tone = Role::Source;
        }
    }
    let border = theme.style(Role::Border);
    let mut y = area.y;
    let lens = std::array::from_fn(|at| panes[at].lines.len());
    let mut heights = heights(area.height - 1, lens).to_vec();
    let mut panes = panes.to_vec();
    let taken: u16 = heights.iter().flatten().map(|lines| lines + 1).sum();
    let left = (area.height - 1).saturating_sub(taken);
    if left >= NOTES_ROWS && model.notices.said().next().is_some() {
        panes.push(notes(model, pen));
        heights.push(Some(left - 1));
    }
    for (pane, height) in panes.iter().zip(heights) {
        let Some(height) = height else { continue };
        rule(area, y, y == area.y, pane, theme, buf);
        let inner = Rect::new(area.x + 2, y + 1, area.width - 4, height);
        for side in inner.top()..inner.bottom() {
            buf.set_string(area.x, side, "│", border);
            buf.set_string(area.right() - 1, side, "│", border);
        }
        lines(inner, &pane.lines, buf);
        y = inner.bottom();
    }
    let dashes = "─".repeat(usize::from(area.width - 2));
    for side in y..area.bottom() - 1 {
        buf.set_string(area.x, side, "│", border);
        buf.set_string(area.right() - 1, side, "│", border);
    }
    buf.set_string(area.x, area.bottom() - 1, format!("└{dashes}┘"), border);
}

/// What lcc said since the start, newest first.
fn notes(model: &Model, pen: Pen<'_>) -> Pane {
    let lines = model
        .notices
        .said()
        .rev()
        .flat_map(|said| pen.sentence(Role::Dim, &format!("· {}", said.notice.text)))
        .collect();
    Pane { title: "notes", source: "F1 has all".to_owned(), tone: Role::Source, lines }
}

/// A pane's upper border: its name at the left, its source at the right.
fn rule(area: Rect, y: u16, top: bool, pane: &Pane, theme: &Theme, buf: &mut Buffer) {
    let border = theme.style(Role::Border);
    let (left, right) = if top { ("┌", "┐") } else { ("├", "┤") };
    let room = usize::from(area.width).saturating_sub(pane.title.width() + 8);
    let source = cut(&pane.source, room);
    let dashes = usize::from(area.width).saturating_sub(pane.title.width() + source.width() + 7);
    let line = Line::from(vec![
        Span::styled(left, border),
        Span::styled(format!(" {} ", pane.title), theme.style(Role::Title)),
        Span::styled("─".repeat(dashes), border),
        Span::styled(format!(" {source} "), theme.style(pane.tone)),
        Span::styled(format!("─{right}"), border),
    ]);
    buf.set_line(area.x, y, &line, area.width);
}

/// Lines for each pane in so many rows, the bottom border already taken off; `None` for a pane
/// that is not shown. `lens`: the lines each has to tell.
fn heights(rows: u16, lens: [usize; ROWS.len()]) -> [Option<u16>; ROWS.len()] {
    let mut heights = ROWS.map(|r| Some(r.least));
    let taken = |heights: &[Option<u16>; ROWS.len()]| -> u16 {
        heights.iter().flatten().map(|lines| lines + 1).sum()
    };
    for gone in GO_FIRST {
        if taken(&heights) <= rows {
            break;
        }
        heights[gone] = None;
    }
    for at in (0..ROWS.len()).rev() {
        if taken(&heights) > rows {
            heights[at] = None;
        }
    }
    for (at, room) in ROWS.iter().enumerate() {
        let left = rows.saturating_sub(taken(&heights));
        if let Some(height) = &mut heights[at] {
            *height += left.min(room.good.saturating_sub(*height));
        }
    }
    // A cache that broke and a model with a long name tell more, at the cost of empty lines.
    for (at, room) in ROWS.iter().enumerate() {
        let left = rows.saturating_sub(taken(&heights));
        let told = u16::try_from(lens[at]).unwrap_or(u16::MAX).min(room.most);
        if let Some(height) = &mut heights[at] {
            *height += left.min(told.saturating_sub(*height));
        }
    }
    // What the fixed part consists of is nice to know where rows are left at the very end.
    let left = rows.saturating_sub(taken(&heights));
    if let Some(height) = &mut heights[WINDOW] {
        let told = u16::try_from(lens[WINDOW]).unwrap_or(u16::MAX);
        *height += left.min(told.saturating_sub(*height));
    }
    heights
}

#[cfg(test)]
mod tests;
