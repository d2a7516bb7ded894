//! What happened between two main requests that may have cost the cached prompt, and which of it
//! explains a loss.

use crate::{
    domain::{RequestKind, ServerKind, SideKind},
    protocol::BreakKind,
};

use super::super::server::Loss;

/// What happened since the last main prompt was read.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    /// The server lost what it held.
    pub(super) lost: Option<Loss>,
    /// A request of ours that is not the conversation's own.
    pub(super) other: Option<RequestKind>,
    pub(super) compacted: bool,
    /// The log told of an eviction; its tokens, when it counted them.
    pub(super) evicted: Option<Option<u64>>,
    /// The log told that the prompt is read again although it was known.
    pub(super) reread: bool,
    /// Prompt tokens that the server read and that were not ours.
    pub(super) foreign_tokens: u64,
    /// Requests that the server's log tells and that were not ours.
    pub(super) foreign_calls: u64,
}

/// Where it happened.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Around {
    /// The server's kind.
    pub(crate) kind: Option<ServerKind>,
    /// Its slots.
    pub(crate) slots: Option<u64>,
    /// Tokens of one batch, when seen.
    pub(crate) batch: Option<u64>,
}

/// A part of the prompt that was known and is no more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Missing<'a> {
    pub(super) cached: u64,
    pub(super) reusable: u64,
    /// The model asked for before and now, when they differ.
    pub(super) models: Option<(&'a str, &'a str)>,
}

/// Why a prompt was read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Why {
    pub(super) kind: BreakKind,
    pub(super) cause: String,
    pub(super) fix: Option<String>,
    guess: bool,
}

impl Why {
    pub(super) fn new(kind: BreakKind, cause: impl Into<String>, fix: Option<&str>) -> Self {
        Self { kind, cause: cause.into(), fix: fix.map(str::to_owned), guess: false }
    }
}

impl Why {
    /// Whether better evidence may still come.
    pub(super) fn is_a_guess(&self) -> bool {
        self.guess
    }
}

impl Evidence {
    /// Adds what became known later.
    pub(super) fn add(&mut self, news: Self) {
        let Self { lost, other, compacted, evicted, reread, foreign_tokens, foreign_calls } = news;
        self.lost = self.lost.take().or(lost);
        self.other = other.or(self.other.take());
        self.compacted |= compacted;
        self.evicted = evicted.or(self.evicted);
        self.reread |= reread;
        self.foreign_tokens = self.foreign_tokens.saturating_add(foreign_tokens);
        self.foreign_calls = self.foreign_calls.saturating_add(foreign_calls);
    }

    /// The best explanation there is for a loss. `beside` ran beside the request itself.
    pub(super) fn why(
        &self,
        missing: Missing<'_>,
        beside: Option<&RequestKind>,
        around: Around,
        batch: u64,
    ) -> Why {
        if let Some((before, now)) = missing.models {
            return Why::new(
                BreakKind::ModelChanged,
                format!("the model changed from {before} to {now}"),
                Some("stay with one model within a session"),
            );
        }
        if let Some(lost) = &self.lost {
            return of_loss(lost, around.kind);
        }
        let ours = beside.or(self.other.as_ref()).and_then(|kind| of_ours(kind, around.kind));
        let one_slot = around.slots.is_none_or(|slots| slots <= 1);
        let (first, later) = if one_slot { (ours, None) } else { (None, ours) };
        first
            .or_else(|| self.told(around))
            .or_else(|| self.foreign(batch, around.kind))
            .or(later)
            .unwrap_or_else(|| unknown(missing, around))
    }

    /// What the server's log explains.
    fn told(&self, around: Around) -> Option<Why> {
        if self.reread {
            return Some(Why::new(
                BreakKind::SlidingWindow,
                "the model has a sliding window or is recurrent: the server could not go back in \
                 what it had read and began anew, its log says",
                Some(swa_fix(around.kind)),
            ));
        }
        let tokens = self.evicted?;
        let many = tokens
            .map_or_else(String::new, |n| format!(" ({} tok)", crate::domain::units::count(n)));
        let fix = match around.kind {
            Some(ServerKind::Ollama) => "set OLLAMA_NUM_PARALLEL=1 and OLLAMA_MAX_LOADED_MODELS=1",
            Some(_) | None => "give the server fewer slots or more room (--ctx-size, --cache-ram)",
        };
        Some(Why::new(
            BreakKind::SlotEvicted,
            format!("the server evicted the slot to make room{many}, its log says"),
            Some(fix),
        ))
    }

    fn foreign(&self, batch: u64, kind: Option<ServerKind>) -> Option<Why> {
        let sign = if self.foreign_tokens > batch {
            format!(
                "it read {} tok that are not ours",
                crate::domain::units::count(self.foreign_tokens)
            )
        } else if self.foreign_calls > 0 {
            "its log tells a request that is not ours".to_owned()
        } else {
            return None;
        };
        Some(Why::new(
            BreakKind::OtherClient,
            format!("another client used the server: {sign}"),
            Some(match kind {
                Some(ServerKind::Ollama) => {
                    "keep other clients off it, or set OLLAMA_NUM_PARALLEL=2"
                }
                Some(_) | None => {
                    "keep other clients off it, or give it a second slot (--parallel 2)"
                }
            }),
        ))
    }
}

fn of_loss(lost: &Loss, kind: Option<ServerKind>) -> Why {
    match lost {
        Loss::Restarted => Why::new(
            BreakKind::ServerRestarted,
            "the server was started anew",
            match kind {
                Some(ServerKind::LlamaServer | ServerKind::Llamafile) => {
                    Some("start it with --slot-save-path, so that its slots can be restored")
                }
                Some(_) | None => None,
            },
        ),
        Loss::Unloaded => Why::new(
            BreakKind::KeepAliveExpired,
            "the server unloaded the model while nobody asked it (keep-alive expired)",
            Some(match kind {
                Some(ServerKind::LmStudio) => "switch off its auto-unload (idle TTL)",
                Some(ServerKind::LlamaSwap) => "set ttl: 0 for the model in llama-swap's file",
                Some(_) | None => "start Ollama with OLLAMA_KEEP_ALIVE=-1",
            }),
        ),
        Loss::OtherModel(model) => Why::new(
            BreakKind::ModelChanged,
            format!("the server loaded another model ({model})"),
            Some("keep one model loaded: other clients of this server ask for another"),
        ),
        Loss::OtherWindow => Why::new(
            BreakKind::ServerRestarted,
            "the server loaded its model anew, with another window",
            Some("set the window where the server is started, so that no client changes it"),
        ),
    }
}

fn of_ours(kind: &RequestKind, server: Option<ServerKind>) -> Option<Why> {
    let second = match server {
        Some(ServerKind::Ollama) => "OLLAMA_NUM_PARALLEL=2",
        Some(_) | None => "--parallel 2",
    };
    match kind {
        RequestKind::Main | RequestKind::Compaction => None,
        RequestKind::Side(side) => {
            let cause = format!("a {} request took the slot", side.name());
            // What lcc does not answer itself has to run somewhere.
            let fix = match side {
                SideKind::Title
                | SideKind::Topic
                | SideKind::Suggestion
                | SideKind::Recap
                | SideKind::Probe => "side_requests = \"auto\"".to_owned(),
                SideKind::Other => format!("give the server a second slot ({second})"),
            };
            Some(Why { kind: BreakKind::SideRequest, cause, fix: Some(fix), guess: false })
        }
        RequestKind::Subagent(_) => Some(Why {
            kind: BreakKind::Subagent,
            cause: "a subagent took the slot".to_owned(),
            fix: Some(format!("give the server a second slot ({second})")),
            guess: false,
        }),
    }
}

fn unknown(missing: Missing<'_>, around: Around) -> Why {
    // Nobody else was there and next to nothing is left: so it goes with such models.
    let family = match around.kind {
        Some(ServerKind::LlamaServer | ServerKind::Llamafile | ServerKind::Ollama) => true,
        Some(
            ServerKind::Practice
            | ServerKind::LmStudio
            | ServerKind::Vllm
            | ServerKind::Sglang
            | ServerKind::LlamaSwap
            | ServerKind::MlxLm
            | ServerKind::Unknown,
        )
        | None => false,
    };
    if family && missing.cached < missing.reusable / 20 {
        let probably = Why::new(
            BreakKind::SlidingWindow,
            "nothing else used the server: probably the model has a sliding window or is \
             recurrent, and the server could not go back in what it had read",
            Some(swa_fix(around.kind)),
        );
        return Why { guess: true, ..probably };
    }
    let unknown = "unknown: nothing that lcc can see explains it";
    Why { guess: true, ..Why::new(BreakKind::Unknown, unknown, None) }
}

const fn swa_fix(kind: Option<ServerKind>) -> &'static str {
    match kind {
        Some(ServerKind::Ollama) => "take a model without a sliding window",
        Some(_) | None => "start the server with --swa-full (lcc serve does)",
    }
}
