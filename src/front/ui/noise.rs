//! The noise pane: requests without effect on the work, which the proxy kept from the model.

use ratatui::text::Line;

use crate::{domain::units, front::theme::Role, protocol::Snapshot};

use super::{
    column::Pane,
    text::{Pen, cut_front},
};

pub(super) fn pane(snapshot: &Snapshot, pen: Pen<'_>) -> Pane {
    let figures = &snapshot.noise;
    let mut lines = vec![pen.row(
        vec![pen.dim("answered by lcc")],
        vec![
            pen.text(units::count(figures.total)),
            pen.dim(if figures.total == 1 { " request" } else { " requests" }),
        ],
    )];
    lines.extend(side(snapshot, pen));
    let mut paths: Vec<_> = figures.by_path.iter().collect();
    paths.sort_by(|(a, x), (b, y)| y.cmp(x).then(a.cmp(b)));
    for (path, count) in paths {
        let count = units::count(*count);
        let path = cut_front(path, pen.width.saturating_sub(count.len() + 1));
        lines.push(pen.pair(&path, count));
    }
    Pane { title: "noise", source: "proxy".to_owned(), tone: Role::Source, lines }
}

/// Requests beside the conversation: how many, and what became of them.
fn side(snapshot: &Snapshot, pen: Pen<'_>) -> Vec<Line<'static>> {
    let figures = &snapshot.side;
    let total = figures.total() + figures.waiting;
    if total == 0 {
        return Vec::new();
    }
    let what = [
        (figures.answered, "by lcc"),
        (figures.held, "held"),
        (figures.slotted, "own slot"),
        (figures.passed, "passed"),
        (figures.abandoned, "given up"),
        (figures.waiting, "waiting"),
    ];
    let what: Vec<String> = what
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{} {name}", units::count(*count)))
        .collect();
    let mut lines = vec![pen.pair("side requests", units::count(total))];
    lines.extend(pen.sentence(Role::Dim, &what.join(", ")));
    lines
}
