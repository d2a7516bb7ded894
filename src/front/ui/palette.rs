//! The list of all commands with their keys, and the line to find one.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
};

use crate::front::{
    app::{CommandList, Model, Offered, Run, centred, found},
    theme::{Role, Theme},
};

use super::text::{Pen, boxed, cut};

const COLS: u16 = 72;
const ROWS: u16 = 20;

/// The box, and how many rows it has for commands.
fn area(screen: Rect) -> (Rect, usize) {
    let area = centred(screen, COLS.min(screen.width.saturating_sub(2)), ROWS.min(screen.height));
    (area, usize::from(area.height.saturating_sub(4)))
}

/// The first row that is shown: the marked one stays in sight.
fn from(palette: &CommandList, count: usize, rows: usize) -> (usize, usize) {
    let mark = palette.mark.min(count.saturating_sub(1));
    (mark, (mark + 1).saturating_sub(rows))
}

pub(super) fn draw(
    model: &Model,
    palette: &CommandList,
    theme: &Theme,
    screen: Rect,
    buf: &mut Buffer,
) {
    let (area, rows) = area(screen);
    let inner = boxed(area, "commands", Role::Accent, theme, buf);
    let pen = Pen { theme, width: usize::from(inner.width) };
    let list = found(model, &palette.query);
    let (mark, from) = from(palette, list.len(), rows);
    let asked = cut(&palette.query, pen.width.saturating_sub(16));
    let head = pen.row(
        vec![pen.span(Role::Key, "> "), pen.text(asked), pen.span(Role::Selected, " ")],
        vec![pen.dim(format!("{} found", list.len()))],
    );
    buf.set_line(inner.x, inner.y, &head, inner.width);
    if list.is_empty() {
        let none = Line::from(pen.dim("no command has these letters in this order"));
        buf.set_line(inner.x, inner.y + 2, &none, inner.width);
    }
    for (n, row) in list.iter().enumerate().skip(from).take(rows) {
        let y = inner.y + 2 + u16::try_from(n - from).unwrap_or(u16::MAX);
        buf.set_line(inner.x, y, &line(row, n == mark, pen), inner.width);
    }
}

/// A command: its name with the letters that were typed, its keys at the right.
fn line(row: &Offered, marked: bool, pen: Pen<'_>) -> Line<'static> {
    let role = if marked { Role::Selected } else { Role::Text };
    let mut left = vec![pen.span(role, if marked { "▸ " } else { "  " })];
    let mut run = String::new();
    let mut was = false;
    let flush = |run: &mut String, hit: bool, left: &mut Vec<Span<'static>>| {
        if !run.is_empty() {
            let look = if hit && !marked { Role::Accent } else { role };
            left.push(pen.span(look, std::mem::take(run)));
        }
    };
    for (at, c) in row.name.chars().enumerate() {
        let hit = row.at.contains(&at);
        if hit != was {
            flush(&mut run, was, &mut left);
            was = hit;
        }
        run.push(c);
    }
    flush(&mut run, was, &mut left);
    pen.row(left, vec![pen.span(Role::Key, row.keys.clone())])
}

/// The command under a cell.
#[must_use]
pub fn command_at(model: &Model, palette: &CommandList, at: Position) -> Option<Run> {
    let (area, rows) = area(model.layout().screen);
    let list = found(model, &palette.query);
    let (_, from) = from(palette, list.len(), rows);
    let first = area.y + 3;
    let inside = at.x > area.x && at.x + 1 < area.right();
    let row = usize::from(at.y.checked_sub(first)?);
    (inside && row < rows).then(|| list.get(from + row).map(|found| found.run)).flatten()
}
