//! The thinking pane: how much, and whether the switch holds.

use crate::{domain::units, front::theme::Role, protocol::Snapshot};

use super::{
    column::Pane,
    text::{Pen, tilde},
};

pub(super) fn pane(snapshot: &Snapshot, pen: Pen<'_>) -> Pane {
    let figures = &snapshot.thinking;
    let (state, tone) = match (figures.off, figures.leaked_turns) {
        (true, 0) => ("off, holds", Role::Source),
        (true, _) => ("off, LEAKS", Role::Alert),
        (false, _) => ("on", Role::Source),
    };
    let source = if figures.estimated { format!("{state} · deltas ~") } else { state.to_owned() };
    let leaked = if figures.leaked_turns > 0 { Role::Alert } else { Role::Text };
    let tokens = format!("{}{}", tilde(figures.estimated), units::count(figures.tokens));
    let turns = if figures.leaked_turns == 1 { " turn" } else { " turns" };
    let lines = vec![
        pen.row(vec![pen.dim("this turn")], vec![pen.text(tokens), pen.dim(" tok")]),
        pen.row(
            vec![
                pen.dim("leaked "),
                pen.span(leaked, units::count(figures.leaked_turns)),
                pen.dim(turns),
            ],
            vec![pen.dim("stopped "), pen.text(units::count(figures.stopped))],
        ),
    ];
    Pane { title: "thinking", source, tone, lines }
}
