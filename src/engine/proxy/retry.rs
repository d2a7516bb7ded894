//! Pure: knows a prompt that is asked for again, and whether its first reading is still worth
//! waiting for. Time is an argument.
//!
//! A client that gave up asks again with the same prompt. Where the server stops working for a
//! client that has gone, its cache makes the second reading short. Where it cannot stop, the first
//! request is kept for a while, so that the second one can have its answer.

use std::{
    cell::OnceCell,
    collections::VecDeque,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{body::Body, classify};
use crate::domain::{Moment, RequestId, RequestKind};

/// How long a request whose client has gone is kept for the client's next try. Claude Code tries
/// again within ten seconds or not at all.
pub const GRACE: Duration = Duration::from_secs(30);
/// How long a prompt that was given up is remembered.
const MEMORY: Duration = Duration::from_secs(900);
/// Prompts that are remembered.
const KEPT: usize = 16;

/// A request that comes in.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its number.
    pub request: RequestId,
    /// Its body as the client sent it.
    pub body: Bytes,
    /// Whether the server stops working on a request whose client has gone.
    pub cancels: bool,
}

/// What a request turns out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody has given this prompt up lately.
    New,
    /// The prompt of a request that was given up.
    Again {
        /// The request that asked for it first.
        first: RequestId,
        /// Since the prompt was asked for last.
        after: Duration,
        /// The request that is still under way at the server and whose answer this one gets.
        join: Option<RequestId>,
    },
}

/// Where a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Its client waits for it.
    Awaited,
    /// Its client has gone and it goes on at the server.
    Kept(Moment),
    /// Its client has gone and it has ended.
    GivenUp(Moment),
}

#[derive(Debug, Clone)]
struct Entry {
    request: RequestId,
    /// The first request of the same prompt.
    first: RequestId,
    asked: Moment,
    body: Bytes,
    /// Of the prompt in it; made when it is first compared.
    digest: OnceCell<u64>,
    cancels: bool,
    stage: Stage,
}

/// The requests under way and the prompts that were given up.
#[derive(Debug, Clone, Default)]
pub struct Retries {
    entries: VecDeque<Entry>,
}

impl Retries {
    /// A request comes in. Also tells which kept requests nobody waits for any more: another
    /// prompt takes their place.
    pub fn asked(&mut self, now: Moment, asked: Asked) -> (Verdict, Vec<RequestId>) {
        self.forget(now);
        // A body is read only when there is something to compare it with.
        let digest = OnceCell::new();
        let known = self.entries.iter().rposition(|entry| {
            entry.stage != Stage::Awaited
                && entry.digest.get_or_init(|| prompt(&entry.body))
                    == digest.get_or_init(|| prompt(&asked.body))
        });
        let Some(before) = known.and_then(|at| self.entries.remove(at)) else {
            let dropped = self.displaced(now, &asked.body);
            let Asked { request, body, cancels } = asked;
            let stage = Stage::Awaited;
            let first = request;
            self.keep(Entry { request, first, asked: now, body, digest, cancels, stage });
            return (Verdict::New, dropped);
        };
        let after = now.since(before.asked);
        let first = before.first;
        let kept = matches!(before.stage, Stage::Kept(_));
        if kept && streams(&before.body) == streams(&asked.body) {
            let join = before.request;
            self.keep(Entry { asked: now, stage: Stage::Awaited, ..before });
            return (Verdict::Again { first, after, join: Some(join) }, Vec::new());
        }
        let dropped = if kept { vec![before.request] } else { Vec::new() };
        let Asked { request, body, cancels } = asked;
        let stage = Stage::Awaited;
        self.keep(Entry { request, first, asked: now, body, digest, cancels, stage });
        (Verdict::Again { first, after, join: None }, dropped)
    }

    /// The client of a request has gone. Whether the request is kept at the server.
    pub fn left(&mut self, now: Moment, request: RequestId) -> bool {
        let Some(entry) = self.entries.iter_mut().find(|e| e.request == request) else {
            return false;
        };
        match entry.stage {
            Stage::Awaited if !entry.cancels => entry.stage = Stage::Kept(now),
            Stage::Awaited => entry.stage = Stage::GivenUp(now),
            Stage::Kept(_) | Stage::GivenUp(_) => {}
        }
        matches!(entry.stage, Stage::Kept(_))
    }

    /// A request has ended at the server. `answered`: its client got the whole answer, or the
    /// server's refusal.
    pub fn ended(&mut self, now: Moment, request: RequestId, answered: bool) {
        let Some(at) = self.entries.iter().position(|e| e.request == request) else { return };
        let Some(entry) = self.entries.get_mut(at) else { return };
        match entry.stage {
            // An answer that is complete waits for its client as long as one under way.
            Stage::Kept(_) if answered => {}
            Stage::GivenUp(_) if !answered => {}
            Stage::Kept(_) | Stage::Awaited if !answered => entry.stage = Stage::GivenUp(now),
            Stage::Kept(_) | Stage::Awaited | Stage::GivenUp(_) => {
                self.entries.remove(at);
            }
        }
    }

    /// The kept requests whose time is over; they are not kept any more.
    pub fn expired(&mut self, now: Moment) -> Vec<RequestId> {
        self.let_go(now, |since| now.since(since) >= GRACE)
    }

    /// Another prompt came: what was kept for the one before is of no use. A side request is no
    /// other prompt: it comes in between.
    fn displaced(&mut self, now: Moment, body: &[u8]) -> Vec<RequestId> {
        if !self.entries.iter().any(|e| matches!(e.stage, Stage::Kept(_))) {
            return Vec::new();
        }
        let body = std::str::from_utf8(body).ok().and_then(Body::read).unwrap_or_default();
        match classify::kind(&body, None) {
            RequestKind::Side(_) => Vec::new(),
            RequestKind::Main | RequestKind::Subagent(_) | RequestKind::Compaction => {
                self.let_go(now, |_| true)
            }
        }
    }

    fn let_go(&mut self, now: Moment, over: impl Fn(Moment) -> bool) -> Vec<RequestId> {
        let mut gone = Vec::new();
        for entry in &mut self.entries {
            if let Stage::Kept(since) = entry.stage
                && over(since)
            {
                entry.stage = Stage::GivenUp(now);
                gone.push(entry.request);
            }
        }
        gone
    }

    fn forget(&mut self, now: Moment) {
        self.entries.retain(|entry| match entry.stage {
            Stage::Awaited | Stage::Kept(_) => true,
            Stage::GivenUp(since) => now.since(since) < MEMORY,
        });
    }

    fn keep(&mut self, entry: Entry) {
        // What is awaited or kept is never forgotten here: its end will tell.
        let spare = |e: &Entry| matches!(e.stage, Stage::GivenUp(_));
        if self.entries.len() >= KEPT
            && let Some(at) = self.entries.iter().position(spare)
        {
            self.entries.remove(at);
        }
        self.entries.push_back(entry);
    }
}

/// The part of a body that the server reads.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Prompt<'a> {
    #[serde(borrow)]
    model: Option<&'a str>,
    #[serde(borrow)]
    system: Option<&'a RawValue>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    #[serde(borrow)]
    messages: Option<&'a RawValue>,
}

/// Digest of the prompt that a body asks for: a second try may differ in its stream and its
/// limits. Of a body that is no request, all of it counts.
fn prompt(body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    let read = serde_json::from_slice::<Prompt<'_>>(body).ok();
    match read.filter(|prompt| prompt.messages.is_some()) {
        Some(Prompt { model, system, tools, messages }) => {
            model.hash(&mut hasher);
            for value in [system, tools, messages] {
                value.map(RawValue::get).hash(&mut hasher);
            }
        }
        None => body.hash(&mut hasher),
    }
    hasher.finish()
}

/// Whether a body asks for a stream of events.
#[must_use]
pub fn streams(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Streams {
        #[serde(default)]
        stream: Option<bool>,
    }
    serde_json::from_slice::<Streams>(body).is_ok_and(|s| s.stream == Some(true))
}

#[cfg(test)]
#[path = "retry_tests.rs"]
mod tests;
