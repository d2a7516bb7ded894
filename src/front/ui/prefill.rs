//! The prefill pane: how far the prompt has been read; between prompts, how the last one went.

use ratatui::{symbols::block, text::Line};

use crate::{
    domain::{ServerKind, Source, units},
    front::theme::Role,
    protocol::{PrefillFigures, PrefillKept, PrefillLast, Snapshot, TurnFigures, WarmReading},
};

use super::{
    bar::{Part, bar, share},
    column::Pane,
    spark,
    text::{Pen, UNKNOWN, percent, rate, seconds, tilde, tokens},
};

pub(super) fn pane(snapshot: &Snapshot, pen: Pen<'_>) -> Pane {
    let figures = &snapshot.prefill;
    if let (None, Some(reading)) = (figures.done, &snapshot.warm.reading) {
        return warming(reading, snapshot, pen);
    }
    let source = if figures.done.is_some() {
        source(figures.source, snapshot.server.kind)
    } else if figures.kept.is_some() {
        "given up"
    } else if figures.last.is_some() {
        "last prompt, usage"
    } else {
        UNKNOWN
    };
    let lines = match (figures.done, &figures.kept, &figures.last) {
        (Some(done), _, _) => running(figures, done, &snapshot.timeline, pen),
        (None, Some(kept), _) => given_up(kept, snapshot, pen),
        (None, None, Some(last)) => finished(last, snapshot, pen),
        (None, None, None) => vec![
            Line::from(bar(pen.width, &[], pen.theme)),
            Line::from(pen.dim("no prompt read yet")),
        ],
    };
    Pane { title: "prefill", source: source.to_owned(), tone: Role::Source, lines }
}

/// The server reads ahead: in the places of a prompt that is read.
fn warming(reading: &WarmReading, snapshot: &Snapshot, pen: Pen<'_>) -> Pane {
    let cached = reading.cached.unwrap_or(0).min(reading.done);
    let whole = reading.total.unwrap_or(0);
    let parts = [
        Part { share: share(cached, whole), fill: "▓", role: Role::BarFixed },
        Part { share: share(reading.done - cached, whole), fill: block::FULL, role: Role::Dim },
    ];
    let mut first = bar(pen.width.saturating_sub(6), &parts, pen.theme);
    let part = reading.total.and_then(|total| units::percent(reading.done.min(total), total));
    first.push(pen.text(format!("  {}", percent(part))));
    let what = if reading.conversation { "the conversation" } else { "system and tools" };
    let read = vec![
        pen.text(units::count(reading.done)),
        pen.dim(" / "),
        pen.text(tokens(reading.total, 1)),
        pen.dim(" tok"),
    ];
    let lines = vec![
        Line::from(first),
        pen.row(vec![pen.span(Role::Accent, "warming:")], read),
        pen.row(vec![pen.dim("cached "), pen.text(tokens(reading.cached, 1))], vec![pen.dim(what)]),
        Line::from(pen.dim("stops when you send a prompt")),
    ];
    let source = source(Some(Source::Server), snapshot.server.kind);
    Pane { title: "prefill", source: source.to_owned(), tone: Role::Source, lines }
}

/// What the server calls the place the figure was read from.
pub(super) const fn source(source: Option<Source>, kind: Option<ServerKind>) -> &'static str {
    match (source, kind) {
        (
            Some(Source::Server),
            Some(ServerKind::LlamaServer | ServerKind::Llamafile | ServerKind::Practice),
        ) => "/slots",
        (Some(Source::Server), _) => "server",
        (Some(Source::Log), _) => "server log",
        (Some(Source::Estimate), _) => "estimate ~",
        (None, _) => UNKNOWN,
    }
}

fn running(
    figures: &PrefillFigures,
    done: u64,
    turns: &[TurnFigures],
    pen: Pen<'_>,
) -> Vec<Line<'static>> {
    let estimated = figures.source.is_some_and(Source::is_estimate);
    let total = figures.total;
    let cached = figures.cached.unwrap_or(0).min(done);
    let whole = total.unwrap_or(0);
    let parts = [
        Part { share: share(cached, whole), fill: "▓", role: Role::BarFixed },
        Part { share: share(done - cached, whole), fill: block::FULL, role: Role::Bar },
    ];
    let mut first = bar(pen.width.saturating_sub(6), &parts, pen.theme);
    let mark = if estimated || figures.total_estimated { "~" } else { " " };
    let part = total.and_then(|total| units::percent(done.min(total), total));
    first.push(pen.text(format!(" {mark}{}", percent(part))));
    let read = vec![
        pen.text(format!("{}{}", tilde(estimated), units::count(done))),
        pen.dim(" of "),
        pen.text(format!("{}{}", tilde(figures.total_estimated), tokens(total, 1))),
        pen.dim(" tok"),
    ];
    let answer =
        figures.eta_s.map_or_else(|| "– s".to_owned(), |s| format!("~{}", units::seconds(s)));
    // An estimate says how far the last ones were off.
    let off = figures.error_percent.filter(|_| estimated && figures.eta_s.is_some());
    let off = off.map_or_else(String::new, |off| format!(" ±{:.0} %", off.min(99.0)));
    let sofar = figures.elapsed_s.map_or_else(
        || "– s".to_owned(),
        |s| {
            if s.is_finite() {
                units::seconds(s.floor()).replace(".0", "")
            } else {
                "– s".to_owned()
            }
        },
    );
    vec![
        Line::from(first),
        pen.row(vec![pen.dim("read")], read),
        reused(figures.cached, figures.rate, turns, pen),
        pen.row(
            vec![pen.dim("for "), pen.text(sofar)],
            vec![pen.dim("answer in "), pen.span(Role::Accent, answer), pen.dim(off)],
        ),
    ]
}

/// Tokens reused, the reading rate turn by turn, and the rate now.
fn reused(
    cached: Option<u64>,
    now: Option<f64>,
    turns: &[TurnFigures],
    pen: Pen<'_>,
) -> Line<'static> {
    let left = vec![pen.dim("cached "), pen.text(tokens(cached, 1))];
    let figure = [pen.text(rate(now))];
    let (values, best) = spark::rates(turns);
    let mut right = spark::inline(&values, best, (&left, &figure), pen);
    right.extend(figure);
    pen.row(left, right)
}

/// A prompt that was given up: what of it stays in the cache.
fn given_up(kept: &PrefillKept, snapshot: &Snapshot, pen: Pen<'_>) -> Vec<Line<'static>> {
    let tokens = kept.tokens.min(kept.total);
    let parts = [Part { share: share(tokens, kept.total), fill: "▓", role: Role::BarFixed }];
    let mut first = bar(pen.width.saturating_sub(6), &parts, pen.theme);
    first.push(pen.dim("  kept"));
    let read = vec![
        pen.text(units::count(tokens)),
        pen.dim(" of "),
        pen.text(units::count(kept.total)),
        pen.dim(" tok"),
    ];
    vec![
        Line::from(first),
        pen.row(vec![pen.dim("read")], read),
        Line::from(pen.dim("the next prompt starts from there")),
        pen.pair("next, if the cache holds", next(snapshot)),
    ]
}

fn next(snapshot: &Snapshot) -> String {
    snapshot
        .forecast
        .next_prefill_s
        .map_or_else(|| "– s".to_owned(), |next| format!("~{}", units::seconds(next)))
}

/// The last prompt, in the places of the one that runs: nothing jumps.
fn finished(last: &PrefillLast, snapshot: &Snapshot, pen: Pen<'_>) -> Vec<Line<'static>> {
    let parts = last.total.zip(last.cached).map_or_else(Vec::new, |(total, cached)| {
        let cached = cached.min(total);
        vec![
            Part { share: share(cached, total), fill: "▓", role: Role::BarFixed },
            Part { share: share(total - cached, total), fill: block::FULL, role: Role::Dim },
        ]
    });
    let mut first = bar(pen.width.saturating_sub(6), &parts, pen.theme);
    first.push(pen.dim("  read"));
    vec![
        Line::from(first),
        pen.row(
            vec![pen.dim("read")],
            vec![
                pen.text(tokens(last.total, 1)),
                pen.dim(" tok in "),
                pen.text(seconds(Some(last.seconds))),
            ],
        ),
        reused(last.cached, last.rate, &snapshot.timeline, pen),
        pen.pair("next, if the cache holds", next(snapshot)),
    ]
}
