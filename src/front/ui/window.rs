//! The window pane: how full it is, with what, and for how many turns more.

use ratatui::{symbols::block, text::Line};

use crate::{
    domain::{Risk, Source, units},
    front::theme::Role,
    protocol::Snapshot,
};

use super::{
    bar::{Part, bar, share},
    column::Pane,
    text::{Pen, UNKNOWN, percent, tilde, tokens},
};

pub(super) fn pane(snapshot: &Snapshot, pen: Pen<'_>) -> Pane {
    let figures = &snapshot.window;
    let estimated = figures.source.is_some_and(Source::is_estimate);
    let size = figures.size.unwrap_or(0);
    let used = figures.used.unwrap_or(0);
    let fixed = figures.fixed.unwrap_or(0).min(used);
    let risk = role(snapshot.forecast.risk);
    let parts = [
        Part { share: share(fixed, size), fill: "▓", role: Role::BarFixed },
        Part {
            share: share(used - fixed, size),
            fill: block::FULL,
            role: risk.unwrap_or(Role::Bar),
        },
    ];
    let mut first = bar(pen.width.saturating_sub(6), &parts, pen.theme);
    let mark = if estimated { "~" } else { " " };
    first.push(pen.text(format!(" {mark}{}", percent(figures.percent))));
    let talk = figures.used.zip(figures.fixed).map(|(used, fixed)| used.saturating_sub(fixed));
    let guess = figures.fixed_source.is_some_and(Source::is_estimate);
    let free = figures.size.zip(figures.used).map(|(size, used)| size.saturating_sub(used));
    let lines = vec![
        Line::from(first),
        pen.row(
            vec![
                pen.text(format!("{}{}", tilde(estimated), tokens(figures.used, 7))),
                pen.dim(" of "),
                pen.text(tokens(figures.size, 7)),
                pen.dim(" tok"),
            ],
            vec![pen.text(format!("{}{}", tilde(estimated), tokens(free, 1))), pen.dim(" free")],
        ),
        left(snapshot, pen),
        pen.row(
            vec![
                pen.dim("▓ fixed "),
                pen.text(format!("{}{}", tilde(guess), tokens(figures.fixed, 1))),
            ],
            vec![
                pen.dim("█ talk "),
                pen.text(format!("{}{}", tilde(guess || estimated), tokens(talk, 1))),
            ],
        ),
    ];
    let source = match figures.source {
        Some(Source::Server) => "usage",
        Some(Source::Log) => "server log",
        Some(Source::Estimate) => "estimate ~",
        None => UNKNOWN,
    };
    Pane { title: "window", source: source.to_owned(), tone: Role::Source, lines }
}

/// Turns left, in the colour and the words of the risk.
fn left(snapshot: &Snapshot, pen: Pen<'_>) -> Line<'static> {
    let turns = match snapshot.forecast.turns_left {
        Some(1) => "~1 turn left".to_owned(),
        Some(n) => format!("~{} turns left", units::count(n)),
        None => "turns left".to_owned(),
    };
    match (snapshot.forecast.risk, snapshot.forecast.turns_left) {
        (Risk::None, Some(_)) => pen.row(vec![pen.text(turns)], vec![]),
        (Risk::None, None) => pen.row(vec![pen.dim(turns)], vec![pen.text(UNKNOWN)]),
        (Risk::Near, _) => {
            pen.row(vec![pen.span(Role::Warn, turns)], vec![pen.span(Role::Warn, "▲ near: F2")])
        }
        (Risk::Now, _) => {
            pen.row(vec![pen.span(Role::Alert, turns)], vec![pen.span(Role::Alert, "■ NOW: F2")])
        }
    }
}

/// How a risk is drawn.
pub(super) const fn role(risk: Risk) -> Option<Role> {
    match risk {
        Risk::None => None,
        Risk::Near => Some(Role::Warn),
        Risk::Now => Some(Role::Alert),
    }
}
