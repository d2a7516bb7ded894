//! The sandbox pane: what holds Claude Code in.

use crate::{
    domain::{Tier, units},
    front::theme::Role,
    protocol::{SandboxFigures, Snapshot},
};

use super::{
    column::Pane,
    text::{Pen, UNKNOWN},
};

pub(super) fn pane(snapshot: &Snapshot, pen: Pen<'_>) -> Pane {
    let figures = &snapshot.sandbox;
    let (word, tone) = state(figures);
    let first = match figures.tier {
        Some(Tier::Off) => vec![pen.span(Role::Alert, "Claude Code can reach all you can")],
        Some(Tier::Reduced | Tier::Strict) | None => match (figures.blocked, figures.probes) {
            (Some(blocked), Some(probes)) => vec![
                pen.span(tone, if blocked == probes { "✓ " } else { "■ " }),
                pen.text(format!("{blocked} of {probes}")),
                pen.dim(" escape probes blocked"),
            ],
            (_, _) => vec![pen.dim(format!("{UNKNOWN} escape probes"))],
        },
    };
    let lines = vec![
        pen.row(first, vec![]),
        pen.pair("calls refused at the proxy", units::count(figures.egress_blocked)),
    ];
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
