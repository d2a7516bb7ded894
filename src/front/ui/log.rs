//! F8: what the proxy saw and what the server wrote, newest below.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};
use unicode_width::UnicodeWidthStr;

use crate::{
    domain::{Moment, units},
    front::{
        app::{Log, LogEntry, LogView},
        theme::{Role, Theme},
    },
    protocol::{LogOrigin, LogWeight},
};

use super::text::{Pen, boxed, cut, lines};

pub(super) fn draw(log: &Log, view: &LogView, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let title = title(log, view);
    let inner = boxed(area, &title, Role::Accent, theme, buf);
    let pen = Pen { theme, width: usize::from(inner.width) };
    let list = Rect { height: inner.height.saturating_sub(1), ..inner };
    if log.start() == log.end() {
        let text = "nothing yet: every request Claude Code makes comes here";
        lines(list, &[Line::from(pen.dim(text))], buf);
    }
    let shown: Vec<_> = view
        .shown(log, list.height)
        .filter_map(|n| Some(row(log.get(n)?, view, view.hit == Some(n), pen)))
        .collect();
    lines(list, &shown, buf);
    let foot = foot(view, pen);
    buf.set_line(inner.x, inner.bottom().saturating_sub(1).max(inner.y), &foot, inner.width);
}

fn title(log: &Log, view: &LogView) -> String {
    let count = units::count(log.end() - log.start());
    match (view.bottom, view.below(log)) {
        (None, _) => format!("log · {count} lines"),
        (Some(_), 0) => format!("log · {count} lines · paused"),
        (Some(_), below) => format!("log · {count} lines · paused, {} below", units::count(below)),
    }
}

/// The log's own keys, or what is typed.
fn foot(view: &LogView, pen: Pen<'_>) -> Line<'static> {
    if let Some(typed) = &view.typing {
        return Line::from(vec![
            pen.span(Role::Key, "/"),
            pen.text(typed.clone()),
            pen.span(Role::Selected, " "),
            pen.dim("  Enter searches, Esc goes back"),
        ]);
    }
    let pause = if view.bottom.is_some() { " follow  " } else { " pause  " };
    let mut spans = vec![
        pen.span(Role::Key, "/"),
        pen.dim(" search  "),
        pen.span(Role::Key, "n N"),
        pen.dim(" older, newer  "),
        pen.span(Role::Key, "p"),
        pen.dim(pause),
        pen.span(Role::Key, "↑↓"),
        pen.dim(" scroll  "),
        pen.span(Role::Key, "Esc"),
        pen.dim(" close"),
    ];
    if let Some(says) = view.says {
        spans.push(pen.span(Role::Warn, format!("  {says}")));
    } else if !view.wanted.is_empty() {
        spans.push(pen.dim(format!("  /{}", view.wanted)));
    }
    Line::from(spans)
}

/// `›12:04 ! text`: the time, a sign that says without colour how much it matters, the text.
fn row(entry: &LogEntry, view: &LogView, hit: bool, pen: Pen<'_>) -> Line<'static> {
    let (sign, role) = match entry.weight {
        LogWeight::Noise => ("·", Role::Dim),
        LogWeight::Plain => (" ", Role::Text),
        LogWeight::Notable => ("▲", Role::Warn),
        LogWeight::Error => ("!", Role::Alert),
    };
    let mark = if hit { "›" } else { " " };
    let mut spans = vec![
        pen.span(Role::Accent, mark),
        pen.dim(format!("{:>7} ", clock(entry.at))),
        pen.span(role, format!("{sign} ")),
    ];
    match entry.origin {
        LogOrigin::Proxy | LogOrigin::Session => {}
        LogOrigin::Server => spans.push(pen.dim("server ")),
    }
    let used: usize = spans.iter().map(Span::width).sum();
    let text = cut(&entry.text(), pen.width.saturating_sub(used));
    spans.extend(marked(&text, &view.wanted, pen.theme.style(role), pen));
    Line::from(spans)
}

/// The text with everything that the search found marked.
fn marked(text: &str, wanted: &str, style: Style, pen: Pen<'_>) -> Vec<Span<'static>> {
    let lower = text.to_lowercase();
    // Where lower case has other lengths (rare letters), places cannot be carried over.
    if wanted.is_empty() || lower.len() != text.len() {
        return vec![Span::styled(text.to_owned(), style)];
    }
    let mut spans = Vec::new();
    let mut from = 0;
    for (at, _) in lower.match_indices(wanted) {
        let end = at + wanted.len();
        let (Some(before), Some(hit)) = (text.get(from..at), text.get(at..end)) else { break };
        spans.push(Span::styled(before.to_owned(), style));
        spans.push(pen.span(Role::Selected, hit.to_owned()));
        from = end;
    }
    spans.push(Span::styled(text.get(from..).unwrap_or_default().to_owned(), style));
    spans.retain(|span| span.content.width() > 0);
    spans
}

/// Time since the session began: `0:07`, `12:04`, `2:05:09`.
fn clock(at: Moment) -> String {
    let whole = at.since(Moment::default()).as_secs();
    let (hours, minutes, seconds) = (whole / 3_600, whole % 3_600 / 60, whole % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}
