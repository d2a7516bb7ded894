//! The map of the prompt: what fills the window, section by section, down to the single message.

use ratatui::{
    symbols::block,
    text::{Line, Span},
};

use crate::{
    front::{
        app::{Depth, Row, Zoom, rows},
        theme::Role,
    },
    protocol::Snapshot,
};

use super::{
    bar::{Part, bar, share},
    text::{Pen, UNKNOWN, cut, percent, tilde, tokens},
};

/// Columns of a row's name.
const NAME_COLS: usize = 24;
/// Columns of its tokens and of its share.
const TOKENS_COLS: usize = 12;
const SHARE_COLS: usize = 6;

/// Where in the map one is, and what the bars are a share of.
pub(super) fn head(snapshot: &Snapshot, zoom: &Zoom, pen: Pen<'_>) -> Vec<Line<'static>> {
    let prompt = &snapshot.prompt;
    let path = match &zoom.depth {
        Depth::Sections => "all sections".to_owned(),
        Depth::Tools(section) | Depth::Parts(section, None) => {
            format!("all sections › {}", section.name())
        }
        Depth::Parts(section, Some(tool)) => {
            format!("all sections › {} › {tool}", section.name())
        }
    };
    let about = tilde(prompt.estimated);
    let size = snapshot.window.size;
    let whole = vec![
        pen.text(format!("{about}{}", tokens(prompt.total, 1))),
        pen.dim(" of "),
        pen.text(tokens(size, 1)),
        pen.dim(" tok"),
    ];
    vec![pen.row(vec![pen.span(Role::Title, path)], whole), Line::from(Span::raw(""))]
}

/// A line a row, its bar a share of the window.
pub(super) fn body(snapshot: &Snapshot, zoom: &Zoom, pen: Pen<'_>) -> Vec<Line<'static>> {
    let rows = rows(&snapshot.prompt.parts, &zoom.depth);
    if rows.is_empty() {
        return vec![Line::from(pen.dim("no request of this conversation yet"))];
    }
    let whole = snapshot.window.size.or(snapshot.prompt.total).unwrap_or(0);
    // Deeper, the largest row fills the bar: small parts could not be told apart else.
    let top = match zoom.depth {
        Depth::Sections => whole,
        Depth::Tools(_) | Depth::Parts(_, _) => {
            rows.iter().filter_map(|row| row.tokens).max().unwrap_or(0)
        }
    };
    let mark = zoom.mark.min(rows.len() - 1);
    let row = |(at, row): (usize, &Row)| line(row, at == mark, top, whole, pen);
    let mut lines: Vec<Line<'static>> = rows.iter().enumerate().map(row).collect();
    let free = snapshot.window.size.zip(snapshot.prompt.total);
    if let (Depth::Sections, Some((size, total))) = (&zoom.depth, free) {
        let free = Row {
            name: "free".to_owned(),
            parts: 1,
            tokens: Some(size.saturating_sub(total)),
            bytes: 0,
            counted: !snapshot.prompt.estimated,
            into: None,
        };
        lines.push(Line::default());
        lines.push(line(&free, false, whole, whole, pen));
    }
    lines
}

fn line(row: &Row, marked: bool, top: u64, whole: u64, pen: Pen<'_>) -> Line<'static> {
    let cols = pen.width.saturating_sub(NAME_COLS + TOKENS_COLS + SHARE_COLS + 5).max(4);
    let fixed = row.counted || !row.name.starts_with("messages");
    let part = Part {
        share: share(row.tokens.unwrap_or(0), top),
        fill: block::FULL,
        role: match (row.name.as_str(), fixed) {
            ("free", _) => Role::BarEmpty,
            (_, true) => Role::Bar,
            (_, false) => Role::BarFixed,
        },
    };
    let count = if row.parts > 1 { format!(" ×{}", row.parts) } else { String::new() };
    let name = cut(&format!("{}{count}", row.name), NAME_COLS);
    let opens = if row.into.is_some() { "›" } else { " " };
    let role = if marked { Role::Selected } else { Role::Text };
    let mark = if marked { "▸" } else { " " };
    let mut spans = vec![pen.span(role, format!("{mark}{name:<NAME_COLS$}{opens}")), pen.text(" ")];
    spans.extend(bar(cols, &[part], pen.theme));
    let guess = tilde(!row.counted && row.tokens.is_some());
    let figure = row.tokens.map_or_else(|| UNKNOWN.to_owned(), |n| tokens(Some(n), 1));
    let figure = format!("{guess}{figure}");
    let room = TOKENS_COLS - 4;
    spans.push(pen.text(format!(" {figure:>room$}")));
    spans.push(pen.dim(" tok"));
    let of = row.tokens.and_then(|n| crate::domain::units::percent(n, whole));
    spans.push(pen.dim(format!("  {}", percent(of))));
    Line::from(spans)
}
