//! What the machine shows of itself: slots and sums, and their text in llama-server's dialect.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::machine::TaskId;

/// One slot as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotView {
    /// Its place, from 0.
    pub id: usize,
    /// Tokens it can hold.
    pub n_ctx: u64,
    /// Whether it works.
    pub is_processing: bool,
    /// The task it works on, or worked on last.
    pub task: Option<TaskId>,
    /// Tokens in it, the batch under way and the newest written token included.
    pub prompt_tokens: u64,
    /// Tokens of the prompt that were really read; 0 once the task is over.
    pub processed: u64,
    /// Tokens of the prompt that were already there; 0 once the task is over.
    pub cached: u64,
    /// Tokens written; 0 once the task is over.
    pub decoded: u64,
    /// The most tokens the task may write.
    pub max_tokens: u64,
}

impl SlotView {
    /// One element of `GET /slots`; a slot that never worked has the first four fields only.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut out = json!({
            "id": self.id,
            "n_ctx": self.n_ctx,
            "speculative": false,
            "is_processing": self.is_processing,
        });
        let (Some(task), Some(fields)) = (self.task, out.as_object_mut()) else { return out };
        let remain = if self.is_processing {
            i64::try_from(self.max_tokens.saturating_sub(self.decoded)).unwrap_or(-1)
        } else {
            -1
        };
        for (name, value) in [
            ("id_task", json!(task)),
            ("n_prompt_tokens", json!(self.prompt_tokens)),
            ("n_prompt_tokens_processed", json!(self.processed)),
            ("n_prompt_tokens_cache", json!(self.cached)),
            ("params", json!({"max_tokens": self.max_tokens, "n_predict": self.max_tokens})),
            (
                "next_token",
                json!([{
                    "has_next_token": self.is_processing,
                    "has_new_line": false,
                    "n_remain": remain,
                    "n_decoded": self.decoded,
                }]),
            ),
        ] {
            fields.insert(name.to_owned(), value);
        }
        out
    }
}

/// Sums over the server's life, and how many requests there are now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Tokens of prompts read.
    pub read: u64,
    /// Tokens of prompts that were already there.
    pub cached: u64,
    /// Time spent reading.
    pub read_for: Duration,
    /// Tokens written.
    pub written: u64,
    /// Time spent writing.
    pub written_for: Duration,
    /// Batches worked off.
    pub decodes: u64,
    /// The most tokens a slot ever held.
    pub longest: u64,
    /// Requests in slots now.
    pub processing: u64,
    /// Requests that wait for a slot now.
    pub deferred: u64,
}

impl Totals {
    /// The text of `GET /metrics`, with llama-server's names.
    #[must_use]
    pub fn text(&self) -> String {
        let rate = |tokens: u64, time: Duration| {
            if time.is_zero() { 0.0 } else { tokens as f64 / time.as_secs_f64() }
        };
        let busy = if self.decodes > 0 { 1.0 } else { 0.0 };
        let mut out = String::new();
        for (kind, name, help, value) in [
            (
                "counter",
                "prompt_tokens_total",
                "Prompt tokens read, without cached ones",
                self.read as f64,
            ),
            (
                "counter",
                "prompt_tokens_cached_total",
                "Prompt tokens taken from the cache",
                self.cached as f64,
            ),
            (
                "counter",
                "prompt_seconds_total",
                "Seconds spent reading",
                self.read_for.as_secs_f64(),
            ),
            ("counter", "tokens_predicted_total", "Tokens written", self.written as f64),
            (
                "counter",
                "tokens_predicted_seconds_total",
                "Seconds spent writing",
                self.written_for.as_secs_f64(),
            ),
            ("counter", "n_decode_total", "Batches worked off", self.decodes as f64),
            ("counter", "n_tokens_max", "Most tokens a slot ever held", self.longest as f64),
            (
                "gauge",
                "prompt_tokens_seconds",
                "Mean tokens read in a second",
                rate(self.read, self.read_for),
            ),
            (
                "gauge",
                "predicted_tokens_seconds",
                "Mean tokens written in a second",
                rate(self.written, self.written_for),
            ),
            ("gauge", "requests_processing", "Requests in slots", self.processing as f64),
            ("gauge", "requests_deferred", "Requests that wait for a slot", self.deferred as f64),
            ("gauge", "n_busy_slots_per_decode", "Mean slots that share a batch", busy),
        ] {
            let _ = writeln!(
                out,
                "# HELP llamacpp:{name} {help}\n# TYPE llamacpp:{name} {kind}\nllamacpp:{name} {value}"
            );
        }
        out
    }
}
