//! The faults the server can play, chosen by name.

use std::str::FromStr;
use std::time::Duration;

/// How the server answers `/v1/messages`. All other paths answer as always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Script {
    /// As a server should.
    #[default]
    Normal,
    /// The connection closes after this many written tokens, without an end of the stream.
    Die(u64),
    /// HTTP 500 before the stream.
    ServerError,
    /// Every prompt is too long: HTTP 400 `exceed_context_size_error`.
    Overflow,
    /// Not one byte, not even headers, for this long; then as normal.
    Slow(Duration),
    /// After this many written tokens: bytes that are neither an event nor UTF-8; then it goes on.
    Garbage(u64),
    /// A thinking block although thinking is off.
    Leak,
    /// `<think>…</think>` in plain text, as from a server that does not parse it.
    LeakText,
    /// After this many written tokens: `event: error`, and the stream ends.
    ErrorEvent(u64),
    /// Restoring a slot reports success, and the slot is empty: llama.cpp with a sliding-window
    /// model and no `--swa-full`.
    RestoreLies,
}

/// The name is no script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "practice script {0:?}: no such script; there are normal, die[:TOKENS], 500, overflow, \
     slow[:SECONDS], garbage[:TOKENS], leak, leak-text, error[:TOKENS], restore-lies"
)]
pub struct NoSuchScript(String);

impl FromStr for Script {
    type Err = NoSuchScript;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NoSuchScript(text.to_owned());
        let (name, figure) = match text.split_once(':') {
            Some((name, figure)) => (name, Some(figure.parse::<u64>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        match (name, figure) {
            ("normal", None) => Ok(Self::Normal),
            ("die", n) => Ok(Self::Die(n.unwrap_or(8))),
            ("500", None) => Ok(Self::ServerError),
            ("overflow", None) => Ok(Self::Overflow),
            ("slow", n) => Ok(Self::Slow(Duration::from_secs(n.unwrap_or(60)))),
            ("garbage", n) => Ok(Self::Garbage(n.unwrap_or(8))),
            ("leak", None) => Ok(Self::Leak),
            ("leak-text", None) => Ok(Self::LeakText),
            ("restore-lies", None) => Ok(Self::RestoreLies),
            ("error", n) => Ok(Self::ErrorEvent(n.unwrap_or(8))),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_chosen_by_name() {
        for (name, script) in [
            ("normal", Ok(Script::Normal)),
            ("die", Ok(Script::Die(8))),
            ("die:0", Ok(Script::Die(0))),
            ("500", Ok(Script::ServerError)),
            ("overflow", Ok(Script::Overflow)),
            ("slow:2", Ok(Script::Slow(Duration::from_secs(2)))),
            ("garbage:3", Ok(Script::Garbage(3))),
            ("leak", Ok(Script::Leak)),
            ("leak-text", Ok(Script::LeakText)),
            ("restore-lies", Ok(Script::RestoreLies)),
            ("error:5", Ok(Script::ErrorEvent(5))),
            ("die:x", Err(NoSuchScript("die:x".to_owned()))),
            ("500:1", Err(NoSuchScript("500:1".to_owned()))),
            ("nothing", Err(NoSuchScript("nothing".to_owned()))),
        ] {
            assert_eq!(name.parse::<Script>(), script);
        }
    }
}
