//! The sandbox pane: what holds Claude Code in, what tried to leave, what it takes.

use ratatui::text::{Line, Span};

use crate::{
    domain::{Tier, units},
    front::theme::Role,
    protocol::{EgressFigures, LimitFigures, SandboxFigures, Snapshot},
};

use super::{
    column::Pane,
    text::{Pen, UNKNOWN},
};

/// Attempts that are listed; the log has all.
const ATTEMPTS: usize = 3;

/// What the bytes of the badge are.
const OFF: &str = " off this machine";
/// The same, where notes stand beside it.
const OFF_SHORT: &str = " off machine";

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
    let hint = match notes {
        0 => Vec::new(),
        1 => vec![pen.dim("1 note: "), pen.span(Role::Key, "F1")],
        n => vec![pen.dim(format!("{n} notes: ")), pen.span(Role::Key, "F1")],
    };
    let mut badge = badge(figures, pen);
    if cols(&badge) + cols(&hint) >= pen.width
        && let Some(last) = badge.last_mut()
        && last.content == OFF
    {
        *last = pen.dim(OFF_SHORT);
    }
    let fits = cols(&badge) + cols(&hint) < pen.width;
    let mut lines = vec![pen.row(first, vec![])];
    if !figures.lacks.is_empty() {
        let lacks = format!("lacks {} things of strict: ", figures.lacks.len());
        lines.push(pen.row(vec![pen.span(Role::Warn, lacks), pen.span(Role::Key, "F1")], vec![]));
    }
    lines.push(pen.row(badge, if fits { hint } else { vec![] }));
    lines.push(stopped(figures, pen));
    lines.extend(figures.egress.iter().take(ATTEMPTS).map(|attempt| attempt_line(attempt, pen)));
    lines.extend(figures.limits.iter().flat_map(|limits| used(limits, pen)));
    Pane { title: "sandbox", source: word.to_owned(), tone, lines }
}

fn cols(spans: &[Span<'_>]) -> usize {
    spans.iter().map(Span::width).sum()
}

/// What has left the machine, as measured; never assumed.
fn badge(figures: &SandboxFigures, pen: Pen<'_>) -> Vec<Span<'static>> {
    let mut spans = match figures.left_bytes {
        Some(0) => vec![pen.span(Role::Good, "0 bytes"), pen.dim(OFF)],
        Some(bytes) => {
            let left = format!("■ {}", units::bytes(bytes));
            vec![pen.span(Role::Alert, left), pen.dim(" left the sandbox")]
        }
        None => vec![pen.dim(format!("{UNKNOWN} bytes")), pen.dim(OFF)],
    };
    if let Some(host) = &figures.remote {
        // lcc's own requests go there, as the user asked; only the rest counts above.
        let sent = figures.remote_bytes.map_or_else(|| UNKNOWN.to_owned(), units::bytes);
        spans = vec![pen.span(Role::Warn, format!("▲ {sent}")), pen.dim(format!(" to {host}, "))];
        spans.push(match figures.left_bytes {
            Some(0) => pen.span(Role::Good, "else 0"),
            Some(bytes) => pen.span(Role::Alert, format!("else {}", units::bytes(bytes))),
            None => pen.dim(format!("else {UNKNOWN}")),
        });
    }
    spans
}

/// How often something was stopped, by the kernel and lcc's broker or at the proxy.
fn stopped(figures: &SandboxFigures, pen: Pen<'_>) -> Line<'static> {
    let attempts = if figures.egress_blocked == 1 { " attempt" } else { " attempts" };
    let number = units::count(figures.egress_blocked);
    let mut left = vec![pen.dim("stopped "), pen.text(number)];
    for words in [attempts, " to leave"] {
        if cols(&left) + words.len() <= pen.width {
            left.push(pen.dim(words));
        }
    }
    let calls = format!("{} refused", units::count(figures.refused_calls));
    let right = if figures.refused_calls > 0 { vec![pen.dim(calls)] } else { vec![] };
    if cols(&left) + cols(&right) < pen.width {
        pen.row(left, right)
    } else {
        pen.row(left, vec![])
    }
}

fn attempt_line(attempt: &EgressFigures, pen: Pen<'_>) -> Line<'static> {
    let program = attempt.program.as_deref().unwrap_or("proxy");
    let left = vec![
        pen.dim("  "),
        pen.text(program.to_owned()),
        pen.dim(format!(" → {}", attempt.destination)),
    ];
    pen.row(left, vec![pen.dim(format!("×{}", units::count(attempt.times)))])
}

/// What Claude Code and its programs take of what they may.
fn used(limits: &LimitFigures, pen: Pen<'_>) -> Vec<Line<'static>> {
    let of = |used: Option<String>, cap: Option<String>| {
        let used = used.unwrap_or_else(|| UNKNOWN.to_owned());
        cap.map_or_else(|| used.clone(), |cap| format!("{used} of {cap}"))
    };
    let bytes = |n: Option<u64>| n.map(units::bytes);
    let count = |n: Option<u64>| n.map(units::count);
    let near = |used: Option<u64>, cap: Option<u64>| {
        used.zip(cap).is_some_and(|(used, cap)| used.saturating_mul(10) >= cap.saturating_mul(9))
    };
    let figure =
        |near: bool, text: String| vec![pen.span(if near { Role::Warn } else { Role::Text }, text)];
    let memory = of(bytes(limits.memory_used), bytes(limits.memory));
    let processes = of(count(limits.processes_used), count(limits.processes));
    let little = limits
        .disk_free
        .zip(limits.disk_free_least)
        .is_some_and(|(free, least)| free < least.saturating_mul(2));
    let disk = bytes(limits.disk_free).unwrap_or_else(|| UNKNOWN.to_owned());
    vec![
        pen.row(vec![pen.dim("memory")], figure(near(limits.memory_used, limits.memory), memory)),
        pen.row(
            vec![pen.dim("processes")],
            figure(near(limits.processes_used, limits.processes), processes),
        ),
        pen.row(vec![pen.dim("disk free")], figure(little, disk)),
    ]
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
