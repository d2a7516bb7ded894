//! The largest parts of the fixed prompt, below the window's own lines.

use ratatui::text::Line;

use crate::protocol::Snapshot;

use super::text::{Pen, cut, tilde, tokens};

/// Parts that are named; the rest is one line.
const NAMED: usize = 8;

/// A line a part, the largest first; none while no request was seen.
pub(super) fn lines(snapshot: &Snapshot, pen: Pen<'_>) -> Vec<Line<'static>> {
    let parts = &snapshot.fixed_parts;
    if parts.is_empty() {
        return Vec::new();
    }
    let line = |label: &str, guess: bool, count: Option<u64>| {
        let label = cut(label, pen.width.saturating_sub(14));
        pen.row(
            vec![pen.dim(format!("  {label}"))],
            vec![pen.text(format!("{}{}", tilde(guess), tokens(count, 1))), pen.dim(" tok")],
        )
    };
    let mut lines = vec![Line::from(pen.dim("largest of system and tools"))];
    lines.extend(parts.iter().take(NAMED).map(|p| line(&p.part, !p.counted, p.tokens)));
    if let Some(rest @ [_, ..]) = parts.get(NAMED..) {
        let sum = rest.iter().map(|p| p.tokens).sum::<Option<u64>>();
        lines.push(line(&format!("{} more", rest.len()), rest.iter().any(|p| !p.counted), sum));
    }
    lines
}
