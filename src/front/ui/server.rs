//! The server pane: what serves the model, whether it lives, and the machine's memory.

use ratatui::text::Line;

use crate::{
    domain::units,
    front::{app::Model, theme::Role},
    protocol::{ServerFigures, Snapshot},
};

use super::{
    column::Pane,
    text::{Pen, UNKNOWN, cut, percent},
};

/// Above this the machine starts to swap (see thrash in the definitions of the figures).
const FULL_MEMORY: f64 = 90.0;

/// A shared server that is full, in one line; nothing where nobody waits.
fn queue(figures: &ServerFigures, pen: Pen<'_>) -> Option<Line<'static>> {
    if let Some(put_off) = &figures.put_off {
        let again = put_off.retry_in_s.map_or_else(String::new, |s| format!(", again in {s} s"));
        let text = format!("▲ queued: {} ×{}{again}", put_off.status, put_off.times);
        return Some(pen.row(vec![pen.span(Role::Warn, cut(&text, pen.width))], vec![]));
    }
    let waiting = figures.queue.filter(|waiting| *waiting > 0)?;
    Some(pen.row(vec![pen.dim("queue "), pen.text(format!("{waiting} waiting"))], vec![]))
}

pub(super) fn pane(model: &Model, snapshot: &Snapshot, pen: Pen<'_>) -> Pane {
    let figures = &snapshot.server;
    let practice = model.practice();
    let mut lines = Vec::new();
    let name = if practice {
        pen.span(Role::Warn, "no model: answers are scripted")
    } else {
        let name = figures.model.as_deref().unwrap_or(UNKNOWN);
        pen.text(cut(name, pen.width.saturating_sub(9)))
    };
    let health = match figures.healthy {
        Some(true) if practice => pen.dim(""),
        Some(true) => pen.span(Role::Good, "✓ ready"),
        Some(false) => pen.span(Role::Alert, "■ LOST"),
        None => pen.dim(UNKNOWN),
    };
    lines.push(pen.row(vec![name], vec![health]));
    let memory = figures.memory_percent;
    let full = memory.is_some_and(|m| m >= FULL_MEMORY);
    let role = if full { Role::Warn } else { Role::Text };
    let mut machine = vec![pen.dim("machine "), pen.span(role, percent(memory))];
    if full {
        machine.push(pen.span(Role::Warn, " ▲"));
    }
    lines.push(pen.row(
        vec![
            pen.dim("server "),
            pen.text(figures.rss.map_or_else(|| format!("{UNKNOWN} B"), units::bytes)),
        ],
        machine,
    ));
    let swap = figures.swap.map_or_else(|| format!("{UNKNOWN} B"), units::bytes);
    let place = figures.url.as_deref().unwrap_or(UNKNOWN);
    let place = place.trim_start_matches("http://");
    if practice {
        lines
            .push(pen.row(vec![pen.dim("a real one: F1")], vec![pen.dim("swap "), pen.text(swap)]));
    } else {
        let room = pen.width.saturating_sub(swap.len() + 7);
        lines
            .push(pen.row(vec![pen.dim(cut(place, room))], vec![pen.dim("swap "), pen.text(swap)]));
    }
    lines.extend(queue(figures, pen));
    let mut source = figures.kind.map_or(UNKNOWN, crate::domain::ServerKind::name).to_owned();
    if let Some(version) = &figures.version {
        source = format!("{source} {version}");
    }
    let tone = if practice { Role::Warn } else { Role::Source };
    Pane { title: "server", source, tone, lines }
}
