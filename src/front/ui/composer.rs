//! F6 and F7: the text being written, its weight, and the composer's own keys.

use ratatui::{buffer::Buffer, layout::Rect, text::Line, widgets::Widget};

use crate::{
    domain::units,
    front::{
        app::{Model, Purpose, centred},
        theme::{Role, Theme},
    },
};

use super::text::{Pen, UNKNOWN, boxed, cut_front, lines};

/// Columns of the box at most: a longer line is hard to read.
const COLS: u16 = 100;
/// Files that are shown at once.
const FILES: usize = 4;
/// Rows of the box at least, where the screen has them.
const LEAST_ROWS: u16 = 12;

pub(super) fn draw(model: &Model, purpose: Purpose, theme: &Theme, screen: Rect, buf: &mut Buffer) {
    let (width, height) = size(model, purpose, screen);
    // The bottom line stays to be seen: the leader's letters stand in it.
    let area = centred(Rect { height: screen.height.saturating_sub(1), ..screen }, width, height);
    let inner = boxed(area, title(purpose), Role::Accent, theme, buf);
    let pen = Pen { theme, width: usize::from(inner.width) };
    let text = Rect { height: inner.height.saturating_sub(3), ..inner };
    let list = files(model, pen);
    let rows = u16::try_from(list.len()).unwrap_or(0).min(text.height / 2);
    let text = Rect { height: text.height - rows, ..text };
    model.composer.area(purpose).render(text, buf);
    lines(Rect { y: text.bottom(), height: rows, ..text }, &list, buf);
    for (n, line) in [says(model, purpose, pen), keys(purpose, pen)].into_iter().enumerate() {
        let up = 2 - u16::try_from(n).unwrap_or(0);
        let y = inner.bottom().saturating_sub(up).max(inner.y);
        buf.set_line(inner.x, y, &line, inner.width);
    }
}

/// As large as the text needs, within the screen.
fn size(model: &Model, purpose: Purpose, screen: Rect) -> (u16, u16) {
    let width = COLS.min(screen.width.saturating_sub(2));
    let columns = usize::from(width.saturating_sub(4)).max(1);
    let rows = model.composer.area(purpose).lines().iter();
    let rows: usize = rows.map(|line| line.chars().count().div_ceil(columns).max(1)).sum();
    let wanted = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(6).max(LEAST_ROWS);
    (width, wanted.min(screen.height.saturating_sub(2)))
}

const fn title(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Note => "a note for a fresh session",
        Purpose::Prompt => "compose a prompt",
    }
}

/// The files that fit the word at the cursor, around the one that was taken.
fn files(model: &Model, pen: Pen<'_>) -> Vec<Line<'static>> {
    let Some((hits, at)) = model.composer.completion() else { return Vec::new() };
    let from = at.unwrap_or(0).saturating_sub(FILES - 1).min(hits.len().saturating_sub(FILES));
    let row = |(n, path): (usize, &String)| {
        let taken = at == Some(n);
        let (mark, role) = if taken { ("› ", Role::Selected) } else { ("  ", Role::Dim) };
        let more = if n + 1 == from + FILES { hits.len().saturating_sub(n + 1) } else { 0 };
        let right = if more > 0 { vec![pen.dim(format!("{more} more"))] } else { Vec::new() };
        let room = pen.width.saturating_sub(14);
        pen.row(vec![pen.span(role, format!("{mark}{}", cut_front(path, room)))], right)
    };
    hits.iter().enumerate().skip(from).take(FILES).map(row).collect()
}

/// What the text weighs, and what sending it means.
fn says(model: &Model, purpose: Purpose, pen: Pen<'_>) -> Line<'static> {
    let weight = model.composer.weight(purpose);
    let tokens = match weight {
        Some(weight) => {
            let sign = if weight.estimated || weight.stale { "~" } else { "" };
            format!("{sign}{} tok", units::count(weight.tokens))
        }
        None if model.composer.is_blank(purpose) => "0 tok".to_owned(),
        None => format!("{UNKNOWN} tok"),
    };
    let window = model.snapshot.as_ref().map(|s| &s.window);
    let window = window.and_then(|w| Some((w.size?, w.used, w.fixed?)));
    let (right, role) = match (purpose, window) {
        _ if purpose == Purpose::Note && model.phase().is_busy() => {
            ("starting ends the turn that runs".to_owned(), Role::Warn)
        }
        (Purpose::Note, Some((size, Some(used), fixed))) => {
            let next = fixed + weight.map_or(0, |w| w.tokens);
            let (used, next) = (units::count(used), units::count(next));
            (format!("window now {used}, then ~{next} of {}", units::count(size)), Role::Dim)
        }
        (Purpose::Prompt, Some((size, Some(used), _))) => {
            let room = size.saturating_sub(used);
            (format!("room for {} of {}", units::count(room), units::count(size)), Role::Dim)
        }
        (Purpose::Note | Purpose::Prompt, _) => (String::new(), Role::Dim),
    };
    pen.row(vec![pen.text(tokens)], vec![pen.span(role, right)])
}

fn keys(purpose: Purpose, pen: Pen<'_>) -> Line<'static> {
    let (sends, closes) = match purpose {
        Purpose::Note => (" start fresh  ", " cancel"),
        Purpose::Prompt => (" send  ", " close"),
    };
    let mut spans = vec![
        pen.span(Role::Key, "Ctrl-S"),
        pen.dim(sends),
        pen.span(Role::Key, "Enter"),
        pen.dim(" new line  "),
        pen.span(Role::Key, "Esc"),
        pen.dim(closes),
    ];
    if purpose == Purpose::Prompt {
        spans.extend([pen.dim("  "), pen.span(Role::Key, "↑"), pen.dim(" older")]);
        spans.extend([pen.dim("  "), pen.span(Role::Key, "@"), pen.dim(" file")]);
    }
    Line::from(spans)
}
