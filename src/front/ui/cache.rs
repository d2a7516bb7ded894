//! The cache pane: what was reused, what was read again, and why.

use crate::{domain::units, front::theme::Role, protocol::Snapshot};

use super::{
    column::Pane,
    text::{Pen, percent, tilde},
};

/// Below this the cache does not do its work (see thrash in the definitions of the figures).
const POOR: f64 = 0.7;

pub(super) fn pane(snapshot: &Snapshot, pen: Pen<'_>) -> Pane {
    let figures = &snapshot.cache;
    let ratio = |value: Option<f64>| {
        let role = if value.is_some_and(|v| v < POOR) { Role::Warn } else { Role::Text };
        pen.span(role, percent(value.map(|v| v * 100.0)))
    };
    let about = tilde(figures.estimated);
    let mut lines = vec![
        pen.row(
            vec![pen.dim("last "), ratio(figures.last_ratio)],
            vec![pen.dim(format!("session {about}")), ratio(figures.session_ratio)],
        ),
        pen.row(
            vec![pen.dim("read again")],
            vec![
                pen.text(format!("{about}{}", units::count(figures.reread_tokens))),
                pen.dim(" tok · "),
                pen.text(units::count(figures.breaks)),
                pen.dim(if figures.breaks == 1 { " break" } else { " breaks" }),
            ],
        ),
    ];
    if let Some(found) = &figures.last_break {
        let place = format!("▼ at {}, {}", units::count(found.at_token), found.section);
        lines.push(pen.row(vec![pen.span(Role::Warn, place)], vec![]));
        lines.extend(pen.sentence(Role::Text, &found.cause));
        if let Some(fix) = &found.fix {
            lines.extend(pen.sentence(Role::Accent, &format!("fix: {fix}")));
        }
    }
    let source = if figures.last_ratio.is_none() {
        super::text::UNKNOWN
    } else if figures.estimated {
        "usage, prefix by bytes ~"
    } else {
        "usage"
    };
    Pane { title: "cache", source: source.to_owned(), tone: Role::Source, lines }
}
