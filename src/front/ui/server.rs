//! The server pane: what serves the model, whether it lives, and the machine's memory.

use ratatui::text::Line;
use unicode_width::UnicodeWidthStr;

use crate::{
    domain::{ServerKind, units},
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
    let waiting = figures.waiting.filter(|waiting| *waiting > 0)?;
    Some(pen.row(vec![pen.dim("queue "), pen.text(format!("{waiting} waiting"))], vec![]))
}

pub(super) fn pane(model: &Model, snapshot: &Snapshot, pen: Pen<'_>) -> Pane {
    let figures = &snapshot.server;
    let practice = model.practice();
    let health = match figures.healthy {
        Some(true) => pen.span(Role::Good, "✓ ready"),
        Some(false) => pen.span(Role::Alert, "■ LOST"),
        None => pen.dim(UNKNOWN),
    };
    let place = figures.url.as_deref().unwrap_or(UNKNOWN);
    let place = place.trim_start_matches("http://").trim_end_matches('/');
    let mut lines = if health.width() + place.width() < pen.width {
        vec![pen.row(vec![health], vec![pen.dim(place.to_owned())])]
    } else {
        let mut lines = vec![pen.row(vec![health], vec![])];
        lines.extend(pen.sentence(Role::Dim, place));
        lines
    };
    let memory = figures.memory_percent;
    let full = memory.is_some_and(|m| m >= FULL_MEMORY);
    let role = if full { Role::Warn } else { Role::Text };
    let mut machine = vec![pen.dim("machine "), pen.span(role, percent(memory))];
    if full {
        machine.push(pen.span(Role::Warn, " ▲"));
    }
    let swap = figures.swap.map_or_else(|| format!("{UNKNOWN} B"), units::bytes);
    let swap = vec![pen.dim("swap "), pen.text(swap)];
    if practice {
        // Its memory is lcc's own and says nothing of a model's.
        lines.push(pen.row(vec![pen.span(Role::Warn, "no model: answers are scripted")], vec![]));
        lines
            .push(pen.row(vec![pen.dim("how to get a real one")], vec![pen.span(Role::Key, "F1")]));
        lines.push(pen.row(machine, swap));
    } else {
        lines.extend(pen.sentence(Role::Text, figures.model.as_deref().unwrap_or(UNKNOWN)));
        let own = figures.rss.map_or_else(|| format!("{UNKNOWN} B"), units::bytes);
        lines.push(pen.row(vec![pen.dim("server "), pen.text(own)], machine));
        lines.push(pen.row(swap, vec![]));
    }
    lines.extend(queue(figures, pen));
    let source = named(figures, pen.width.saturating_sub(8 + "server".len()));
    let tone = if practice { Role::Warn } else { Role::Source };
    Pane { title: "server", source, tone, lines }
}

/// The server's kind and version in at most `room` columns; the version goes first.
pub(super) fn named(figures: &ServerFigures, room: usize) -> String {
    let Some(kind) = figures.kind.map(ServerKind::name) else { return UNKNOWN.to_owned() };
    let Some(version) = &figures.version else { return kind.to_owned() };
    // Some call themselves `practice-0.1.0`, some add the commit they were built from.
    let version = version.strip_prefix(kind).unwrap_or(version);
    let version = version.trim_start_matches(['-', ' ', '/']);
    let short = version.split(['-', '+', ' ', '(']).next().unwrap_or(version);
    [version, short]
        .into_iter()
        .filter(|v| !v.is_empty())
        .map(|v| format!("{kind} {v}"))
        .find(|text| text.width() <= room)
        .unwrap_or_else(|| kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_versions_are_said_once_and_fit() {
        for (kind, version, room, said) in [
            (ServerKind::Practice, "practice-0.1.0", 22, "practice 0.1.0"),
            (ServerKind::LlamaServer, "b11434-0a1b2c3d4", 22, "llama-server b11434"),
            (ServerKind::LlamaServer, "b11434-0a1b2c3d4", 40, "llama-server b11434-0a1b2c3d4"),
            (ServerKind::Unknown, "a-very-long-version", 15, "unknown server"),
            (ServerKind::Ollama, "", 22, "Ollama"),
        ] {
            let version = Some(version.to_owned());
            let figures = ServerFigures { kind: Some(kind), version, ..ServerFigures::default() };
            assert_eq!(named(&figures, room), said);
        }
        assert_eq!(named(&ServerFigures::default(), 22), "–");
    }
}
