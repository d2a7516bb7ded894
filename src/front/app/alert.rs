//! The one line above the keys: what needs the user now.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    domain::{Phase, Risk, units},
    protocol::{CacheBreak, NoticeLevel, Snapshot},
};

use super::{ChildState, Model, offer};

/// How long a broken cache stays in the line; its pane keeps telling.
const BREAK_FOR: Duration = Duration::from_secs(60);

/// How loud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// Good to know.
    Plain,
    /// Amber.
    Warn,
    /// Red.
    Alert,
}

/// What an alert is about, so that it can be put away until it comes anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertKey {
    /// The window is near its limit, or (`true`) at it.
    Risk(bool),
    /// The model server does not answer.
    ServerLost,
    /// The server dropped part of the conversation.
    Truncated,
    /// The n-th break of the cache.
    Break(u64),
    /// A notice, by number.
    Notice(u64),
}

/// The alerts the user has put away.
pub(super) type Dismissed = BTreeSet<AlertKey>;

/// The line, and what else waits behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// What it is about.
    pub key: AlertKey,
    /// How loud.
    pub tone: Tone,
    /// What it says, with a mark in front that can be told apart without colour.
    pub text: String,
    /// The same in fewer words each, for lines that are too short for all of it.
    pub shorter: Vec<String>,
    /// How many others wait behind it.
    pub behind: usize,
}

/// The alert to show: the loudest; of equals the one that can still be acted on first.
#[must_use]
pub fn alert(model: &Model) -> Option<Alert> {
    let mut all: Vec<(AlertKey, Tone, String)> = Vec::new();
    if let Some(snapshot) = &model.snapshot {
        of_figures(model, snapshot, &mut all);
    }
    for (level, tone, mark) in [
        (NoticeLevel::Error, Tone::Alert, "■"),
        (NoticeLevel::Warning, Tone::Warn, "▲"),
        (NoticeLevel::Info, Tone::Plain, "·"),
    ] {
        if let Some(shown) = model.notices.newest(level) {
            let text = format!("{mark} {}", shown.notice.text);
            all.push((AlertKey::Notice(shown.id), tone, text));
        }
    }
    all.retain(|(key, _, _)| !model.dismissed.contains(key));
    // The sort is stable: within a tone the order above stays.
    all.sort_by_key(|(_, tone, _)| std::cmp::Reverse(*tone));
    let behind = all.len().saturating_sub(1);
    let (key, tone, text) = all.into_iter().next()?;
    let shorter = match key {
        AlertKey::Risk(_) => model
            .snapshot
            .as_deref()
            .and_then(offer::words)
            .map_or_else(Vec::new, |words| words.into_iter().skip(1).collect()),
        AlertKey::ServerLost | AlertKey::Truncated | AlertKey::Break(_) | AlertKey::Notice(_) => {
            Vec::new()
        }
    };
    // The sentences name the usual keys; the user may have given them others.
    let named = |text: String| model.keymap.said(&text);
    let shorter = shorter.into_iter().map(named).collect();
    Some(Alert { key, tone, text: named(text), shorter, behind })
}

/// Puts the alert that is shown away, until it comes anew. Says whether there was one.
pub(super) fn dismiss(model: &mut Model) -> bool {
    let Some(shown) = alert(model) else { return false };
    match shown.key {
        AlertKey::Notice(id) => model.notices.remove(id),
        key @ (AlertKey::Risk(_)
        | AlertKey::ServerLost
        | AlertKey::Truncated
        | AlertKey::Break(_)) => {
            model.dismissed.insert(key);
        }
    }
    true
}

fn of_figures(model: &Model, snapshot: &Snapshot, all: &mut Vec<(AlertKey, Tone, String)>) {
    // While it is compacted, what can be done is being done.
    let words = offer::words(snapshot).filter(|_| snapshot.phase != Phase::Compacting);
    if let Some(text) = words.and_then(|words| words.into_iter().next()) {
        let now = snapshot.forecast.risk == Risk::Now;
        let tone = if now { Tone::Alert } else { Tone::Warn };
        all.push((AlertKey::Risk(now), tone, text));
    }
    if snapshot.window.truncated {
        let tokens = snapshot
            .window
            .dropped
            .map_or_else(String::new, |dropped| format!(" (~{} tokens)", units::count(dropped)));
        let text = format!(
            "■ the server dropped the start of the conversation{tokens}: F2 compact, or give it a \
             larger window"
        );
        all.push((AlertKey::Truncated, Tone::Alert, text));
    }
    let running = matches!(model.child, ChildState::Running);
    if snapshot.server.healthy == Some(false) && running {
        let place = snapshot.server.url.as_deref().unwrap_or("its address unknown");
        let text = format!(
            "■ model server lost: start it again; lcc goes on by itself.   It was at {place}"
        );
        all.push((AlertKey::ServerLost, Tone::Alert, text));
    }
    if let (Some(found), Some((count, at))) = (&snapshot.cache.last_break, model.last_break)
        && model.now.since(at) < BREAK_FOR
    {
        all.push((AlertKey::Break(count), Tone::Warn, cache_break(found, snapshot)));
    }
}

fn cache_break(found: &CacheBreak, snapshot: &Snapshot) -> String {
    let last = snapshot
        .cache
        .last_ratio
        .map_or_else(|| "–".to_owned(), |ratio| format!("{:.0} %", ratio * 100.0));
    let fix = found.fix.as_ref().map_or_else(String::new, |fix| format!(". Fix: {fix}"));
    let about = if found.estimated { "~" } else { "" };
    let seconds = found.seconds.map_or_else(String::new, |s| format!(" ({})", units::seconds(s)));
    let cost = match found.tokens {
        0 => String::new(),
        tokens => format!(": {about}{} tok{seconds}", units::count(tokens)),
    };
    format!(
        "▼ cache {last}, read again{cost}. At token {}, {}: {}{fix}",
        units::count(found.at_token),
        found.section,
        found.cause
    )
}
