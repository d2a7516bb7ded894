//! A session's part in keeping the server warm: what it wants, and what it says of it.

use std::time::Duration;

use super::{
    child::{Plan, order},
    settings::SessionSettings,
};
use crate::{
    domain::{Warm, units},
    engine::{
        claude::{Conversation, capture, version},
        proxy::rules::Rules,
        warm::{Opening, Probe, WarmSettings},
    },
    protocol::{LogWeight, NoticeLevel},
};

/// Calm after a turn before its slot is saved: a server that saves answers nothing else.
const SETTLE: Duration = Duration::from_millis(1_500);
/// For the real client to show how it begins.
const PROBE: Duration = Duration::from_secs(30);

/// What this session wants kept warm.
pub(super) fn settings(settings: &SessionSettings, plan: &Plan, rules: &Rules) -> WarmSettings {
    let project = settings.project.to_string_lossy().into_owned();
    let program = version::from_package(&settings.claude)
        .map_or_else(|| settings.claude.display().to_string(), |version| version.to_string());
    let about = [
        project.clone(),
        program,
        plan.model.clone(),
        format!("{:?}", plan.equipment),
        settings.tier.to_string(),
        format!("{rules:?}"),
        format!("{:?}", settings.extra),
    ];
    WarmSettings {
        warm_start: settings.warm_start,
        pace: settings.snapshots,
        settle: SETTLE,
        state: settings.state_dir.clone(),
        project,
        about: about.join("\n"),
    }
}

/// How the start of a session is found out that was never seen: the real client is asked.
pub(super) fn probe(settings: &SessionSettings, plan: &Plan) -> Option<Probe> {
    if !settings.warm_start {
        return None;
    }
    let order = order(settings, plan, settings.state_dir.join("capture"));
    Some(Box::new(move || {
        Box::pin(async move {
            match capture(order, PROBE).await {
                Ok(captured) => String::from_utf8(captured.body.to_vec()).ok(),
                Err(e) => {
                    tracing::warn!("the start of a session could not be found out: {e}");
                    None
                }
            }
        })
    }))
}

/// The conversation that Claude Code is started with.
pub(super) fn opening(conversation: &Conversation) -> Opening {
    match conversation {
        Conversation::New(_) => Opening::New,
        Conversation::Resume(id) => Opening::Session(id.clone()),
        Conversation::Continue => Opening::Last,
    }
}

/// What of a step is said to the user; `None`: the figures are enough.
pub(super) fn notice(step: &Warm) -> Option<(NoticeLevel, String)> {
    match step {
        Warm::Vain { what, restored, read } => Some((
            NoticeLevel::Error,
            format!(
                "the server said it restored {} tokens of {what} and read {} of them again: a \
                 model with sliding windows needs --swa-full. lcc saves and restores no slots on \
                 this server any more",
                units::count(*restored),
                units::count(*read)
            ),
        )),
        Warm::Restored { what, tokens, seconds, .. } => Some((
            NoticeLevel::Info,
            format!(
                "{what} restored from a snapshot: {} tokens in {}",
                units::count(*tokens),
                units::seconds(*seconds)
            ),
        )),
        Warm::Read { what, total, cached, seconds } if *cached * 2 < *total => Some((
            NoticeLevel::Info,
            format!(
                "warm: the server has read {what}, {} tokens in {}",
                units::count(*total),
                units::seconds(*seconds)
            ),
        )),
        Warm::Refused { what, why } => {
            Some((NoticeLevel::Info, format!("a snapshot of {what} was not used: {why}")))
        }
        Warm::Reading { .. }
        | Warm::Read { .. }
        | Warm::Stopped { .. }
        | Warm::Failed { .. }
        | Warm::Saved { .. }
        | Warm::NoSlots { .. } => None,
    }
}

/// The line that a step makes in the log; `None`: the panes show it.
pub(super) fn logged(step: &Warm) -> Option<(LogWeight, String)> {
    let (weight, text) = match step {
        Warm::Reading { .. } => return None,
        Warm::Read { what, total, cached, seconds } => (
            LogWeight::Notable,
            format!(
                "warm: {what}, {} tokens, {} of them cached, {}",
                units::count(*total),
                units::count(*cached),
                units::seconds(*seconds)
            ),
        ),
        Warm::Stopped { what, done, total } => {
            let of = total.map_or_else(String::new, |t| format!(" of {}", units::count(t)));
            let done = units::count(*done);
            let text = format!("warm: {what} given up at {done}{of} tokens for a request");
            (LogWeight::Plain, text)
        }
        Warm::Failed { what, why } => {
            (LogWeight::Notable, format!("warm: {what} was not read: {why}"))
        }
        Warm::Saved { what, id, tokens, bytes, seconds } => (
            LogWeight::Plain,
            format!(
                "snapshot {id} saved: {what}, {} tokens, {}, {}",
                units::count(*tokens),
                units::bytes(*bytes),
                units::seconds(*seconds)
            ),
        ),
        Warm::Restored { what, id, tokens, seconds } => (
            LogWeight::Notable,
            format!(
                "snapshot {id} restored: {what}, {} tokens, {}",
                units::count(*tokens),
                units::seconds(*seconds)
            ),
        ),
        Warm::Refused { what, why } => {
            (LogWeight::Notable, format!("snapshot of {what} not used: {why}"))
        }
        Warm::Vain { what, restored, read } => (
            LogWeight::Error,
            format!(
                "snapshot of {what} restored in vain: {} tokens, {} read again",
                units::count(*restored),
                units::count(*read)
            ),
        ),
        Warm::NoSlots { why } => (LogWeight::Plain, format!("the server saves no slots: {why}")),
    };
    Some((weight, text))
}
