//! The sandbox pane: what holds Claude Code in.

use ratatui::text::Span;

use crate::{
    domain::{Tier, units},
    front::theme::Role,
    protocol::{SandboxFigures, Snapshot},
};

use super::{
    column::Pane,
    text::{Pen, UNKNOWN},
};

/// `notes`: how many sentences the help holds that were said since the start.
pub(super) fn pane(snapshot: &Snapshot, notes: usize, pen: Pen<'_>) -> Pane {
    let figures = &snapshot.sandbox;
    let (word, tone) = state(figures);
    let first = match figures.tier {
        Some(Tier::Off) => vec![pen.span(Role::Alert, "Claude Code can reach all you can")],
        Some(Tier::Reduced | Tier::Strict) | None => match (figures.blocked, figures.probes) {
            (Some(blocked), Some(probes)) => vec![
                pen.span(tone, if blocked == probes { "✓ " } else { "■ " }),
                pen.text(format!("{blocked} of {probes}")),
                pen.dim(" escapes blocked"),
            ],
            (_, _) => vec![pen.dim(format!("{UNKNOWN} escapes tried"))],
        },
    };
    let calls = if figures.egress_blocked == 1 { " call" } else { " calls" };
    let refused = vec![
        pen.dim("lcc refused "),
        pen.text(units::count(figures.egress_blocked)),
        pen.dim(calls),
    ];
    let hint = match notes {
        0 => Vec::new(),
        1 => vec![pen.dim("1 note: "), pen.span(Role::Key, "F1")],
        n => vec![pen.dim(format!("{n} notes: ")), pen.span(Role::Key, "F1")],
    };
    let cols = |spans: &[Span<'_>]| spans.iter().map(Span::width).sum::<usize>();
    let fits = cols(&refused) + cols(&hint) < pen.width;
    let lines = vec![pen.row(first, vec![]), pen.row(refused, if fits { hint } else { vec![] })];
    Pane { title: "sandbox", source: word.to_owned(), tone, lines }
}

/// The tier in a word, and how loud it has to be.
pub(super) fn state(figures: &SandboxFigures) -> (&'static str, Role) {
    let leaks =
        figures.probes.zip(figures.blocked).is_some_and(|(probes, blocked)| blocked < probes);
    match figures.tier {
        Some(Tier::Strict) if leaks => ("strict, LEAKS", Role::Alert),
        Some(Tier::Strict) => ("strict", Role::Good),
        Some(Tier::Reduced) => ("REDUCED", Role::Warn),
        Some(Tier::Off) => ("OFF", Role::Alert),
        None => (UNKNOWN, Role::Source),
    }
}
