//! Pure: how many tokens a request makes, learned per kind of text from what the server counted.
//!
//! A regression without negative weights: tokens = Σ weight × bytes of a kind + messages × what
//! the template puts around one. It begins from what Claude Code's requests gave on a known
//! tokenizer and leaves that only as far as the counts ask for it; what is still off in the
//! newest count scales the whole, for the next request begins as the last one did.

use serde::{Deserialize, Serialize};

use super::body::{Block, Body, blocks};
use crate::domain::{Part, Section};

/// Bytes per token of Claude Code's requests before anything has been learned: 84,871 bytes gave
/// 22,100 tokens, 16,527 gave 4,301 (Gemma's tokenizer).
const START: f64 = 3.84;
/// Kinds of text that are weighed apart, and the number of messages.
const KINDS: usize = 6;
/// Tokens per byte (of the last: per message) to begin with. Prose is longer in bytes per token
/// than schemas and than what tools print.
const PRIOR: [f64; KINDS] = [0.235, 0.255, 0.24, 0.34, 0.31, 5.0];
/// Most tokens that a template puts around one message.
const FRAME: u64 = 25;
/// Counts that are remembered.
const KEPT: usize = 48;
/// How much the prior weighs against one count.
const STIFF: f64 = 0.02;
/// Rounds of the fit; it has converged long before.
const ROUNDS: usize = 60;
/// How much the newest count scales the whole.
const NEWEST: f64 = 0.7;
/// A count this many times off what was expected is another tokenizer or no count at all.
const STRANGE: f64 = 1.8;
/// So many strange counts in a row are no accident: everything is learned anew.
const STRANGERS: u8 = 3;

/// Bytes of a request by kind of text, as the server renders them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Weights {
    /// The system prompt.
    pub system: u64,
    /// Names, descriptions and schemas of tools.
    pub tools: u64,
    /// What user and model wrote.
    pub text: u64,
    /// Results of tools: code, listings, logs.
    pub results: u64,
    /// Input of tool calls: JSON.
    pub calls: u64,
    /// Messages, and blocks of the system prompt and tools, each of which the template frames.
    pub pieces: u64,
}

impl Weights {
    /// Of a request's body.
    #[must_use]
    pub fn of(body: &Body<'_>) -> Self {
        let mut weights = Self::default();
        for block in body.system.map(blocks).unwrap_or_default() {
            weights.system += block.text.as_deref().map_or(0, str::len) as u64;
        }
        for tool in body.tools.iter().flatten() {
            let texts = [&tool.name, &tool.description];
            weights.tools += texts.iter().filter_map(|t| t.as_deref()).map(len).sum::<u64>();
            weights.tools += tool.input_schema.map_or(0, |raw| len(raw.get()));
            weights.pieces += 1;
        }
        for message in &body.messages {
            weights.pieces += 1;
            for block in message.content.map(blocks).unwrap_or_default() {
                weights.block(&block);
            }
        }
        weights
    }

    /// Of sections, which tell parts apart but not kinds of text within a message.
    #[must_use]
    pub fn of_sections(sections: &[Section]) -> Self {
        let mut weights = Self::default();
        for section in sections {
            match section.part {
                Part::System(_) => weights.system += section.bytes,
                Part::Tool(_) => {
                    weights.tools += section.bytes;
                    weights.pieces += 1;
                }
                Part::Message(_) => {
                    weights.text += section.bytes;
                    weights.pieces += 1;
                }
            }
        }
        weights
    }

    fn block(&mut self, block: &Block<'_>) {
        let texts = [&block.text, &block.thinking];
        self.text += texts.iter().filter_map(|t| t.as_deref()).map(len).sum::<u64>();
        self.calls += block.name.as_deref().map_or(0, len);
        self.calls += block.input.map_or(0, |raw| len(raw.get()));
        for inner in block.content.map(blocks).unwrap_or_default() {
            self.results += inner.text.as_deref().map_or(0, len);
        }
    }

    /// All bytes.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.system + self.tools + self.text + self.results + self.calls
    }

    #[expect(clippy::cast_precision_loss, reason = "a regression")]
    const fn row(&self) -> [f64; KINDS] {
        [
            self.system as f64,
            self.tools as f64,
            self.text as f64,
            self.results as f64,
            self.calls as f64,
            self.pieces as f64,
        ]
    }
}

fn len(text: &str) -> u64 {
    text.len() as u64
}

/// One count of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Count {
    of: Weights,
    tokens: u64,
}

/// What has been learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ratio {
    counts: Vec<Count>,
    #[serde(skip)]
    weights: [f64; KINDS],
    #[serde(skip)]
    scale: f64,
    #[serde(skip)]
    bytes_per_token: f64,
    #[serde(skip)]
    strange: u8,
}

impl Default for Ratio {
    fn default() -> Self {
        Self { counts: Vec::new(), weights: PRIOR, scale: 1.0, bytes_per_token: START, strange: 0 }
    }
}

impl Ratio {
    /// Takes one request's texts and the tokens the server counted. Counts that no tokenizer
    /// gives (a truncated prompt, a server that says 1) are left out.
    pub fn learn(&mut self, of: Weights, tokens: u64) {
        // Of a short prompt most is what the template puts around the messages.
        let framed = of.bytes() + FRAME * of.pieces;
        if bytes_per_token(framed, tokens).is_none() {
            return;
        }
        let off = (tokens as f64 / self.tokens_of(of) as f64).ln().abs();
        if !self.counts.is_empty() && off > STRANGE.ln() {
            self.strange += 1;
            if self.strange < STRANGERS {
                return;
            }
            self.counts.clear();
        }
        self.strange = 0;
        self.bytes_per_token = bytes_per_token(of.bytes(), tokens).unwrap_or(self.bytes_per_token);
        self.counts.push(Count { of, tokens });
        if self.counts.len() > KEPT {
            self.counts.remove(0);
        }
        self.fit();
    }

    /// Tokens of a request with these texts, at least 1. Never fewer for more bytes.
    #[must_use]
    pub fn tokens_of(&self, of: Weights) -> u64 {
        round(self.scale * dot(&self.weights, &of.row()))
    }

    /// Tokens of a request's body.
    #[must_use]
    pub fn request(&self, body: &[u8]) -> u64 {
        match std::str::from_utf8(body).ok().and_then(Body::read) {
            Some(body) => self.tokens_of(Weights::of(&body)),
            None => self.tokens(body.len() as u64),
        }
    }

    /// Tokens of a prompt's parts.
    #[must_use]
    pub fn tokens_in(&self, sections: &[Section]) -> u64 {
        self.tokens_of(Weights::of_sections(sections))
    }

    /// Tokens that `bytes` of a request make, whatever they are, at least 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub fn tokens(&self, bytes: u64) -> u64 {
        round(bytes as f64 / self.bytes_per_token)
    }

    /// Whether a server has counted anything yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// What was kept of an earlier session, made whole again; what no tokenizer gives is dropped.
    #[must_use]
    pub fn recalled(kept: Self) -> Self {
        let mut ratio = Self::default();
        for count in kept.counts.into_iter().take(KEPT) {
            ratio.learn(count.of, count.tokens);
        }
        ratio
    }

    /// Coordinate descent on the squared relative errors plus the pull of the prior.
    fn fit(&mut self) {
        let rows: Vec<([f64; KINDS], f64)> = self
            .counts
            .iter()
            .map(|count| {
                let tokens = count.tokens as f64;
                (count.of.row().map(|x| x / tokens), 1.0)
            })
            .collect();
        let mut weights = PRIOR;
        for _ in 0..ROUNDS {
            for kind in 0..KINDS {
                // In units of the prior, so that all kinds are pulled alike.
                let unit = PRIOR[kind];
                let (mut up, mut down) = (STIFF, STIFF);
                for (row, y) in &rows {
                    let x = row[kind] * unit;
                    let rest = dot(&weights, row) - weights[kind] * row[kind];
                    up += x * (y - rest);
                    down += x * x;
                }
                weights[kind] = unit * (up / down).clamp(0.2, 5.0);
            }
        }
        self.weights = weights;
        // What is still off in the newest counts, by their median.
        let mut off: Vec<f64> = rows
            .iter()
            .rev()
            .take(3)
            .map(|(row, _)| 1.0 / dot(&weights, row).max(f64::MIN_POSITIVE))
            .collect();
        off.sort_by(f64::total_cmp);
        let median = off.get(off.len() / 2).copied().unwrap_or(1.0).clamp(0.5, 2.0);
        self.scale = 1.0 + NEWEST * (median - 1.0);
    }
}

fn dot(a: &[f64; KINDS], b: &[f64; KINDS]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate")]
fn round(tokens: f64) -> u64 {
    (tokens.round() as u64).max(1)
}

#[expect(clippy::cast_precision_loss, reason = "a ratio")]
fn bytes_per_token(bytes: u64, tokens: u64) -> Option<f64> {
    let seen = bytes as f64 / tokens.max(1) as f64;
    (tokens > 0 && (1.0..=12.0).contains(&seen)).then_some(seen)
}

#[cfg(test)]
#[path = "ratio_tests.rs"]
mod tests;
