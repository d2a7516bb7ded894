//! One request under way: what it weighs and how far it has come.

use crate::domain::{
    Comparison, Moment, RequestId, RequestKind, Section, Source, Tail, observation::DeltaKind,
    request::Part,
};

use super::{
    curve::Curve,
    prefill::Reading,
    ratio::{self, Ratios},
};

/// Bytes of the answer by what they are.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Written {
    /// Text for the user and tool input.
    pub plain: u64,
    /// Thinking, in blocks or leaked into text.
    pub thinking: u64,
}

impl Written {
    pub(super) fn add(&mut self, what: DeltaKind, bytes: u64) {
        let part = match what {
            DeltaKind::Text | DeltaKind::ToolInput => &mut self.plain,
            DeltaKind::Thinking | DeltaKind::LeakedThinking => &mut self.thinking,
        };
        *part = part.saturating_add(bytes);
    }

    /// Plain bytes that were thinking after all.
    pub(super) fn turn(&mut self, bytes: u64) {
        let bytes = bytes.min(self.plain);
        self.plain -= bytes;
        self.thinking = self.thinking.saturating_add(bytes);
    }

    pub(super) const fn all(self) -> u64 {
        self.plain.saturating_add(self.thinking)
    }
}

/// A count and who made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    pub tokens: u64,
    pub source: Source,
}

impl Counted {
    pub(super) const fn new(tokens: u64, source: Source) -> Self {
        Self { tokens, source }
    }
}

/// One request under way.
#[derive(Debug, Clone)]
pub(super) struct Flight {
    pub id: RequestId,
    pub kind: RequestKind,
    /// The model it names.
    pub model: Option<String>,
    /// Against the main request before it.
    pub compared: Option<Comparison>,
    /// Number of the conversation it belongs to.
    pub conversation: u64,
    pub started: Moment,
    pub sections: Vec<Section>,
    pub tail: Tail,
    pub thinking_allowed: bool,
    /// All tokens of the prompt as counted beforehand.
    pub counted: Option<Counted>,
    /// Tokens of system and tools as counted beforehand.
    pub fixed: Option<Counted>,
    /// Prompt tokens not reused, as the server reported them.
    pub input: Option<u64>,
    /// Prompt tokens reused, as the server reported them.
    pub cached: Option<u64>,
    /// Generated tokens, as the server reported them.
    pub output: Option<u64>,
    /// Generated tokens by /slots, while it writes.
    pub generated: u64,
    /// Whether the reported prompt tokens are counted and not guessed.
    pub usage_is_real: bool,
    /// Whether the answer is complete, so that what was reported last counts all of it.
    pub finished: bool,
    pub first_token: Option<Moment>,
    pub called_tool: bool,
    pub written: Written,
    /// Tokens of its thinking as the server counted them afterwards.
    pub thinking_counted: Option<u64>,
    pub reading: Reading,
    /// What was known of the reading speed when it started.
    pub basis: Curve,
    /// Whether the cache figures have taken it in.
    pub judged: bool,
    /// Whether another request ran beside it before its first token, and which.
    pub beside: Option<RequestKind>,
}

impl Flight {
    /// Bytes of the whole prompt as the server renders it.
    pub(super) fn bytes(&self) -> u64 {
        sum(&self.sections)
    }

    /// Bytes of system and tools.
    pub(super) fn fixed_bytes(&self) -> u64 {
        self.sections
            .iter()
            .filter(|s| match s.part {
                Part::System(_) | Part::Tool(_) => true,
                Part::Message(_) => false,
            })
            .fold(0, |all, s| all.saturating_add(s.bytes))
    }

    /// Prompt tokens as the server reported them, reused ones included.
    pub(super) fn reported(&self) -> Option<u64> {
        self.input.map(|new| new.saturating_add(self.cached.unwrap_or(0)))
    }

    /// Tokens of the prompt that the server had to read, as it reported.
    pub(super) fn new_tokens(&self) -> Option<u64> {
        self.input.filter(|_| self.usage_is_real)
    }

    /// All tokens of the prompt, from the best source there is.
    pub(super) fn total(&self, ratios: &Ratios) -> Option<Counted> {
        let reported = self.reported();
        if let (Some(tokens), true) = (reported, self.usage_is_real) {
            return Some(Counted::new(tokens, Source::Server));
        }
        // An estimate counts for less than anybody's word.
        let (counted, estimated) = match self.counted {
            Some(counted) if counted.source.is_estimate() => (None, Some(counted)),
            counted => (counted, None),
        };
        if counted.is_some() {
            return counted;
        }
        if let Some(tokens) = self.reading.total {
            return Some(Counted::new(tokens, self.reading.source));
        }
        if estimated.is_some() {
            return estimated;
        }
        let bytes = self.bytes();
        let guessed = (bytes > 0).then(|| ratio::tokens(bytes, ratios.prompt));
        guessed.or(reported).map(|tokens| Counted::new(tokens, Source::Estimate))
    }

    /// Tokens of system and tools, counted or by their share of the bytes.
    pub(super) fn fixed(&self, ratios: &Ratios) -> Option<Counted> {
        self.fixed.or_else(|| {
            let total = self.total(ratios)?.tokens;
            let share = ratio::share(self.fixed_bytes(), self.bytes())?;
            Some(Counted::new(ratio::tokens(total, share), Source::Estimate))
        })
    }

    /// Tokens generated so far.
    pub(super) fn answer(&self, ratios: &Ratios) -> Counted {
        match self.output {
            // `message_start` reports none or one; only what came later counts the answer.
            Some(tokens) if tokens > 1 || self.finished || self.written.all() == 0 => {
                Counted::new(tokens, Source::Server)
            }
            _ if self.generated > 0 => Counted::new(self.generated, Source::Server),
            _ => Counted::new(ratio::tokens(self.written.all(), ratios.answer), Source::Estimate),
        }
    }
}

/// Bytes of sections together.
pub(super) fn sum(sections: &[Section]) -> u64 {
    sections.iter().fold(0, |all, s| all.saturating_add(s.bytes))
}
