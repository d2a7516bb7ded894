//! The cache pane: what was reused, what was read again, and why.

use crate::{
    domain::units,
    front::theme::Role,
    protocol::{CacheBreak, Snapshot},
};

use super::{
    column::Pane,
    spark,
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
        {
            let left = vec![pen.dim("last "), ratio(figures.last_ratio)];
            let session = [pen.dim(format!("session {about}")), ratio(figures.session_ratio)];
            let hits = spark::hits(&snapshot.timeline);
            let mut right = spark::inline(&hits, 1.0, (&left, &session), pen);
            right.extend(session);
            pen.row(left, right)
        },
        pen.row(
            vec![pen.dim("read again")],
            vec![
                pen.text(format!("{about}{}", units::count(figures.reread_tokens))),
                pen.dim(" tok"),
            ],
        ),
    ];
    // What helps comes before why: where there is no room the reason goes, and the help has it.
    if let Some(found) = &figures.last_break {
        lines.extend(pen.sentence(Role::Warn, &place(figures.breaks, found)));
        if let Some(fix) = &found.fix {
            lines.extend(pen.sentence(Role::Accent, &format!("fix: {fix}")));
        }
        lines.extend(pen.sentence(Role::Text, &format!("cause: {}", found.cause)));
    } else {
        let breaks = figures.breaks;
        lines.push(
            pen.pair("breaks", if breaks == 0 { "none".to_owned() } else { units::count(breaks) }),
        );
    }
    if !figures.cared.is_empty() {
        lines.push(pen.pair("prefix rules at work", units::count(figures.cared.len() as u64)));
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

/// Where the cache broke last, and what it cost:
/// `▼ break 2: 24,100 tok (58 s) at token 3,512, messages[0]`.
pub(super) fn place(breaks: u64, found: &CacheBreak) -> String {
    let cost = cost(found).map_or_else(String::new, |cost| format!(": {cost}"));
    format!(
        "▼ break {}{cost} at token {}, {}",
        units::count(breaks),
        units::count(found.at_token),
        found.section
    )
}

/// What each rule for the prompt's start had to do: `dates 12 · git_status 12`; `None` when there
/// was nothing.
pub(super) fn cared(snapshot: &Snapshot) -> Option<String> {
    let rules = &snapshot.cache.cared;
    let each = rules.iter().map(|(rule, times)| format!("{rule} {}", units::count(*times)));
    (!rules.is_empty()).then(|| each.collect::<Vec<_>>().join(" · "))
}

/// What a break cost: `24,100 tok (58 s)`.
pub(in crate::front) fn cost(found: &CacheBreak) -> Option<String> {
    if found.tokens == 0 {
        return None;
    }
    let seconds = found.seconds.map_or_else(String::new, |s| format!(" ({})", units::seconds(s)));
    let about = tilde(found.estimated);
    Some(format!("{about}{} tok{seconds}", units::count(found.tokens)))
}
