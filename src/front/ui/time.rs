//! The time pane: where the session's time went.

use ratatui::text::Line;

use crate::{front::theme::Role, protocol::Snapshot};

use super::{
    bar::{Part, bar},
    column::Pane,
    text::{Pen, minutes, percent, seconds},
};

pub(super) fn pane(snapshot: &Snapshot, pen: Pen<'_>) -> Pane {
    let figures = &snapshot.time;
    let work = figures.prefill_s + figures.generate_s + figures.tools_s;
    let share = |part: f64| if work > 0.0 { part / work } else { 0.0 };
    let shown = |part: f64| percent((work > 0.0).then(|| 100.0 * share(part)));
    // Three fills that can be told apart without colour.
    let parts = [
        Part { share: share(figures.prefill_s), fill: "█", role: Role::Bar },
        Part { share: share(figures.generate_s), fill: "▒", role: Role::BarFixed },
        Part { share: share(figures.tools_s), fill: "░", role: Role::Dim },
    ];
    let lines = vec![
        Line::from(bar(pen.width, &parts, pen.theme)),
        Line::from(vec![
            pen.dim("█read "),
            pen.text(shown(figures.prefill_s)),
            pen.dim("  ▒write "),
            pen.text(shown(figures.generate_s)),
            pen.dim("  ░run "),
            pen.text(shown(figures.tools_s)),
        ]),
        pen.row(
            vec![pen.dim("turn "), pen.text(seconds(figures.turn_s))],
            vec![pen.dim("session "), pen.text(minutes(figures.session_s))],
        ),
        pen.row(
            vec![pen.dim("idle "), pen.text(minutes(figures.idle_s))],
            vec![pen.dim("compacting "), pen.text(minutes(figures.compaction_s))],
        ),
    ];
    Pane { title: "time", source: "wall clock".to_owned(), tone: Role::Source, lines }
}
