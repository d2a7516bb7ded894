//! The window pane: how full it is, with what, and for how many turns more.

use ratatui::{symbols::block, text::Line};

use crate::{
    domain::{Policy, Risk, Source},
    front::theme::Role,
    protocol::{ForecastFigures, Snapshot},
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
    let part = |mark: &'static str, role: Role, label: &str, guess: bool, count: Option<u64>| {
        pen.row(
            vec![pen.span(role, mark), pen.dim(format!(" {label}"))],
            vec![pen.text(format!("{}{}", tilde(guess), tokens(count, 1))), pen.dim(" tok")],
        )
    };
    let lines = vec![
        Line::from(first),
        pen.row(
            vec![pen.dim("used")],
            vec![
                pen.text(format!("{}{}", tilde(estimated), tokens(figures.used, 1))),
                pen.dim(" of "),
                pen.text(tokens(figures.size, 1)),
                pen.dim(" tok"),
            ],
        ),
        left(snapshot, pen),
        part("▓", Role::BarFixed, "system and tools", guess, figures.fixed),
        part(block::FULL, risk.unwrap_or(Role::Bar), "conversation", guess || estimated, talk),
        part("▁", Role::BarEmpty, "free", estimated, free),
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
        Some(1) => "~1 turn more".to_owned(),
        Some(n) if n > 999 => "over 999 turns more".to_owned(),
        Some(n) => format!("~{n} turns more"),
        None => "turns left: –".to_owned(),
    };
    match (snapshot.forecast.risk, snapshot.forecast.turns_left) {
        (Risk::None, Some(_)) => pen.row(vec![pen.dim("room for")], vec![pen.text(turns)]),
        (Risk::None, None) => {
            pen.row(vec![pen.dim("room for")], vec![pen.text(UNKNOWN), pen.dim(" turns")])
        }
        (risk @ (Risk::Near | Risk::Now), _) => {
            let (role, mark) = match risk {
                Risk::Now => (Role::Alert, "■ NOW"),
                Risk::Near | Risk::None => (Role::Warn, "▲ near"),
            };
            let word = format!("{mark}{}", who(&snapshot.forecast));
            pen.row(vec![pen.span(role, turns)], vec![pen.span(role, word)])
        }
    }
}

/// Who acts on it, by which key.
fn who(forecast: &ForecastFigures) -> &'static str {
    let fits = forecast.compact.as_ref().is_none_or(|way| way.fits);
    match (forecast.policy, &forecast.given_up) {
        (Policy::Off, _) => "",
        (Policy::Auto, None) => ": auto",
        (Policy::Ask, _) | (Policy::Auto, Some(_)) if fits => ": F2",
        (Policy::Ask | Policy::Auto, _) => ": F6",
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
