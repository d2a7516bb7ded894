//! The noise pane: requests without effect on the work, which the proxy kept from the model.

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
    let mut paths: Vec<_> = figures.by_path.iter().collect();
    paths.sort_by(|(a, x), (b, y)| y.cmp(x).then(a.cmp(b)));
    for (path, count) in paths {
        let count = units::count(*count);
        let path = cut_front(path, pen.width.saturating_sub(count.len() + 1));
        lines.push(pen.pair(&path, count));
    }
    Pane { title: "noise", source: "proxy".to_owned(), tone: Role::Source, lines }
}
