//! Every figure lcc shows, in one value; the shape of `lcc status --json`.
//!
//! A figure that is not known is `None` (JSON null), never 0. Tokens are the server's own,
//! seconds are wall clock. The definitions are in `docs/FIGURES.md`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cache_break::CacheBreak;
use super::recheck::RecheckFigures;
use super::sandbox::SandboxFigures;
use super::side::{AgentsFigures, SideFigures};
use super::story::{PromptFigures, TurnFigures};
use crate::domain::{Phase, Policy, PrefixRule, Risk, ServerKind, Source};

/// All figures of a session at one moment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// lcc's id of the session.
    pub session: String,
    /// What the session is doing.
    pub phase: Phase,
    /// Seconds the session has been in this phase.
    pub phase_s: f64,
    /// Turns that have ended.
    pub turns: u64,
    /// How full the window is.
    pub window: WindowFigures,
    /// How far the prompt has been read.
    pub prefill: PrefillFigures,
    /// What the prefix cache kept.
    pub cache: CacheFigures,
    /// Thinking, wanted or not.
    pub thinking: ThinkingFigures,
    /// Requests without effect on the work.
    pub noise: NoiseFigures,
    /// Requests beside the conversation.
    #[serde(default)]
    pub side: SideFigures,
    /// Subagents.
    #[serde(default)]
    pub agents: AgentsFigures,
    /// Where the time went.
    pub time: TimeFigures,
    /// What comes next.
    pub forecast: ForecastFigures,
    /// What compactions did.
    #[serde(default)]
    pub compactions: CompactionFigures,
    /// The model server and the machine.
    pub server: ServerFigures,
    /// What holds Claude Code in.
    pub sandbox: SandboxFigures,
    /// How the sandbox was found since the start.
    #[serde(default)]
    pub recheck: RecheckFigures,
    /// What the fixed part consists of, the largest first.
    #[serde(default)]
    pub fixed_parts: Vec<FixedFigures>,
    /// What keeps the server warm.
    #[serde(default)]
    pub warm: WarmFigures,
    /// The last turns, oldest first.
    #[serde(default)]
    pub timeline: Vec<TurnFigures>,
    /// What fills the window, part by part.
    #[serde(default)]
    pub prompt: PromptFigures,
}

/// One part of the fixed prompt: a block of the system prompt or a tool.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FixedFigures {
    /// Which one: `system[1]`, `tool Bash`.
    pub part: String,
    /// Bytes of its text.
    pub bytes: u64,
    /// Its tokens.
    pub tokens: Option<u64>,
    /// Whether the server's own tokenizer counted them; else they are its share by bytes.
    pub counted: bool,
}

/// How full the window is, in tokens.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct WindowFigures {
    /// What one request may use on this server now.
    pub size: Option<u64>,
    /// Prompt and answer of the last main request: what the next one starts from.
    pub used: Option<u64>,
    /// `used` ÷ `size` in percent.
    pub percent: Option<f64>,
    /// System and tools of the last main request.
    pub fixed: Option<u64>,
    /// Where `used` comes from.
    pub source: Option<Source>,
    /// Where `fixed` comes from.
    pub fixed_source: Option<Source>,
    /// Whether the server dropped part of the last main request before it read it.
    pub truncated: bool,
    /// Tokens it dropped, when that is known.
    pub dropped: Option<u64>,
    /// Whether the last main request did not fit and was not sent.
    #[serde(default)]
    pub turned_back: bool,
}

/// How far the prompt in flight has been read, and how the last one went.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PrefillFigures {
    /// Tokens read or reused so far. `None` when no prompt is being read.
    pub done: Option<u64>,
    /// All tokens of the prompt.
    pub total: Option<u64>,
    /// Of `done`, tokens reused from the cache.
    pub cached: Option<u64>,
    /// New tokens per second over the last batches.
    pub rate: Option<f64>,
    /// Seconds until the answer starts.
    pub eta_s: Option<f64>,
    /// Where `done` comes from.
    pub source: Option<Source>,
    /// Whether `total` is an estimate.
    pub total_estimated: bool,
    /// Seconds this prefill has lasted.
    pub elapsed_s: Option<f64>,
    /// How far lcc's estimates of the last prompts were off, median, percent. `None` before there
    /// was one.
    #[serde(default)]
    pub error_percent: Option<f64>,
    /// The last finished prefill of a main request.
    pub last: Option<PrefillLast>,
    /// The last prompt that was given up while it was read. `None` once one was read to its end.
    #[serde(default)]
    pub kept: Option<PrefillKept>,
}

/// A prompt that was given up: what had been read stays in the server's cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefillKept {
    /// Tokens of it that the server had in its slot.
    pub tokens: u64,
    /// All tokens of the prompt.
    pub total: u64,
}

/// A finished prefill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PrefillLast {
    /// Seconds from the request to its first token.
    pub seconds: f64,
    /// Tokens of the prompt.
    pub total: Option<u64>,
    /// Tokens of it that were reused.
    pub cached: Option<u64>,
    /// New tokens per second.
    pub rate: Option<f64>,
}

/// What the prefix cache kept.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CacheFigures {
    /// Cached ÷ prompt tokens of the last main request, 0 to 1.
    pub last_ratio: Option<f64>,
    /// Σ cached ÷ Σ reusable over main requests, 0 to 1.
    pub session_ratio: Option<f64>,
    /// Tokens that were read again although they could have been reused.
    pub reread_tokens: u64,
    /// How often the cache broke.
    pub breaks: u64,
    /// The last break.
    #[serde(rename = "break")]
    pub last_break: Option<CacheBreak>,
    /// Whether reusable tokens are estimated from bytes.
    pub estimated: bool,
    /// Requests that each rule for the prompt's start changed, by the rule's name.
    #[serde(default)]
    pub cared: BTreeMap<PrefixRule, u64>,
}

/// Thinking, wanted or not.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ThinkingFigures {
    /// Thinking tokens of the turn in progress or, when idle, of the last one.
    pub tokens: u64,
    /// Whether `tokens` is counted by deltas or bytes and not by the server.
    pub estimated: bool,
    /// Whether thinking is switched off.
    pub off: bool,
    /// Turns with thinking although it was switched off.
    pub leaked_turns: u64,
    /// Requests that were stopped because they thought too long.
    pub stopped: u64,
}

/// Requests without effect on the work.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NoiseFigures {
    /// How many.
    pub total: u64,
    /// How many by path.
    pub by_path: BTreeMap<String, u64>,
}

/// Where the time of the session went, in seconds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TimeFigures {
    /// Reading prompts.
    pub prefill_s: f64,
    /// Writing answers.
    pub generate_s: f64,
    /// Running tools.
    pub tools_s: f64,
    /// Waiting for the user.
    pub idle_s: f64,
    /// Compacting.
    pub compaction_s: f64,
    /// The turn in progress or, when idle, the last one. `None` before the first.
    pub turn_s: Option<f64>,
    /// Since the session began.
    pub session_s: f64,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ForecastFigures {
    /// Turns that still fit, from the growth seen so far.
    pub turns_left: Option<u64>,
    /// How near the limit is.
    pub risk: Risk,
    /// Why, in words, when the risk is not none.
    pub reason: Option<String>,
    /// Seconds the next prefill will take with the cache as it is.
    pub next_prefill_s: Option<f64>,
    /// Who acts on the risk.
    #[serde(default)]
    pub policy: Policy,
    /// Why policy `auto` does not act and leaves it to the user, in words.
    #[serde(default)]
    pub given_up: Option<String>,
    /// Whether one more turn like the largest may cross the limit: where policy `auto` acts.
    #[serde(default)]
    pub due: bool,
    /// Tokens that one turn adds now: the median of the last turns and their trend.
    #[serde(default)]
    pub growth: Option<u64>,
    /// The most that one of the last turns added.
    #[serde(default)]
    pub largest: Option<u64>,
    /// Tokens of the tool results in the request under way.
    #[serde(default)]
    pub in_flight: Option<u64>,
    /// The largest window from which any answer and a compaction after it fit.
    #[serde(default)]
    pub limit: Option<u64>,
    /// The largest window from which a compaction itself fits.
    #[serde(default)]
    pub compaction_limit: Option<u64>,
    /// What compacting now costs and frees.
    #[serde(default)]
    pub compact: Option<WayOut>,
    /// What an empty conversation costs and frees.
    #[serde(default)]
    pub fresh: Option<WayOut>,
    /// What an empty conversation with a note costs and frees.
    #[serde(default)]
    pub handover: Option<WayOut>,
}

/// A way out of a full window: what it costs before work goes on, and what it gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WayOut {
    /// Tokens the server must read for it that it does not hold.
    pub reads_tokens: u64,
    /// Seconds until work can go on. `None` before the server's speed is known.
    pub seconds: Option<f64>,
    /// Tokens it frees.
    pub frees: u64,
    /// Whether it fits the window at all; a compaction with a summary as long as the last one.
    pub fits: bool,
}

/// What compactions did.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CompactionFigures {
    /// Compactions that were answered.
    pub count: u64,
    /// Compactions that failed or were given up.
    pub failed: u64,
    /// The last one that was answered.
    pub last: Option<CompactionLast>,
}

/// A finished compaction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CompactionLast {
    /// Tokens in the window before it.
    pub before: Option<u64>,
    /// Tokens after it: the first prompt after it, an estimate until there was one.
    pub after: Option<u64>,
    /// Whether `after` is still an estimate.
    pub after_estimated: bool,
    /// Seconds it took.
    pub seconds: f64,
}

/// The model server and the machine.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ServerFigures {
    /// What program it is.
    pub kind: Option<ServerKind>,
    /// Its version as it calls itself.
    pub version: Option<String>,
    /// The model it serves.
    pub model: Option<String>,
    /// Where it listens.
    pub url: Option<String>,
    /// Whether it answers and the model is loaded. `None` before the first look.
    pub healthy: Option<bool>,
    /// Requests it works on.
    pub running: Option<u64>,
    /// Requests that wait for a slot.
    pub waiting: Option<u64>,
    /// Used part of its KV cache, percent.
    pub kv_percent: Option<f64>,
    /// Resident bytes of its process.
    pub rss: Option<u64>,
    /// Used memory of the machine, percent.
    pub memory_percent: Option<f64>,
    /// Used swap in bytes.
    pub swap: Option<u64>,
    /// The server puts requests off. `None` once it answered one.
    #[serde(default)]
    pub put_off: Option<PutOff>,
}

/// A shared server that is full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutOff {
    /// HTTP status of the last answer.
    pub status: u16,
    /// Answers of that kind in a row.
    pub times: u64,
    /// Whole seconds until the server wants to be asked again, when it said.
    pub retry_in_s: Option<u64>,
}

/// What was done so that the server knows a prompt before it is sent. None of it counts as a turn.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WarmFigures {
    /// The warm-up under way.
    pub reading: Option<WarmReading>,
    /// Warm-ups that were read to their end.
    pub warmups: u64,
    /// Warm-ups that a request stopped.
    pub stopped: u64,
    /// Tokens of the last warm-up: so much of the next prompt is in a slot.
    pub held: Option<u64>,
    /// Tokens read by warm-ups.
    pub read_tokens: u64,
    /// Tokens that warm-ups found in a slot.
    pub cached_tokens: u64,
    /// Seconds of all warm-ups.
    pub seconds: f64,
    /// Slots saved.
    pub saved: u64,
    /// Bytes of the last one.
    pub last_saved_bytes: Option<u64>,
    /// Slots restored, as the server said.
    pub restored: u64,
    /// Tokens in these.
    pub restored_tokens: u64,
    /// Restores after which the server read everything again.
    pub vain: u64,
    /// Why the last snapshot that was there was not used.
    pub refused: Option<String>,
    /// Why this server saves no slots.
    pub no_slots: Option<String>,
}

/// A warm-up under way.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WarmReading {
    /// Whether it reads a whole conversation and not only the fixed prefix.
    pub conversation: bool,
    /// Tokens in the slot so far, cached ones included.
    pub done: u64,
    /// Of these, reused ones.
    pub cached: Option<u64>,
    /// All tokens, when they are known.
    pub total: Option<u64>,
}
