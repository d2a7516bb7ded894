//! What the prefix cache kept, against what it could have kept; and why it broke.

use crate::{
    domain::{RequestKind, Section},
    protocol::{CacheBreak, CacheFigures},
};

use super::{
    flight::{Flight, sum},
    ratio::{self, share},
};

/// Tokens of a batch while the server's own has not been seen.
const BATCH: u64 = 512;

/// The prompt that the server read last for this conversation or the one before it.
#[derive(Debug, Clone)]
struct Held {
    sections: Vec<Section>,
    /// Its tokens as the server counted them.
    total: u64,
    /// Of these, tokens that it had read when the request ended; all, unless it was given up.
    read: u64,
    fixed: Option<u64>,
    conversation: u64,
}

/// What happened between two main requests that may have cost the cached prompt.
#[derive(Debug, Clone, Default)]
struct Between {
    restarted: bool,
    other: Option<RequestKind>,
    compacted: bool,
}

/// The prompt's part that need not be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reusable {
    tokens: u64,
    estimated: bool,
    /// Sections that are equal from the start.
    sections: usize,
}

/// Sums over the session and the prompt before.
#[derive(Debug, Clone, Default)]
pub(super) struct Cache {
    held: Option<Held>,
    between: Between,
    last_ratio: Option<f64>,
    cached: u64,
    reusable: u64,
    reread: u64,
    breaks: u64,
    last_break: Option<CacheBreak>,
    estimated: bool,
}

impl Cache {
    /// The server lost what it held.
    pub(super) fn restarted(&mut self) {
        self.between.restarted = true;
    }

    /// Whether the server cannot hold the last prompt any more.
    pub(super) fn lost(&self) -> bool {
        self.between.restarted
    }

    /// A request that is not the conversation's went to the server.
    pub(super) fn other(&mut self, kind: &RequestKind) {
        match kind {
            RequestKind::Main => {}
            RequestKind::Compaction => self.between.compacted = true,
            RequestKind::Side(_) | RequestKind::Subagent(_) => {
                self.between.other = Some(kind.clone());
            }
        }
    }

    /// Tokens at the start of this prompt that the server should still know.
    pub(super) fn expected(&self, flight: &Flight, total: u64) -> u64 {
        if self.between.restarted {
            return 0;
        }
        self.reusable(flight, total).map_or(0, |r| r.tokens)
    }

    /// Tokens that this prompt has at the least, because it begins with the whole prompt before.
    pub(super) fn at_least(&self, flight: &Flight) -> Option<u64> {
        let held = self.held.as_ref()?;
        let grown = flight.sections.len() >= held.sections.len()
            && held.sections.iter().zip(&flight.sections).all(|(a, b)| a == b);
        grown.then_some(held.total.min(held.read))
    }

    /// The server told what it reused for a main request whose prompt has `total` tokens.
    pub(super) fn judge(&mut self, flight: &Flight, total: u64, cached: u64, batch: Option<u64>) {
        let cached = cached.min(total);
        self.last_ratio = share(cached, total).or(self.last_ratio);
        let first_here =
            self.held.as_ref().is_some_and(|held| held.conversation != flight.conversation);
        let forgotten = first_here && self.between.restarted;
        if let Some(reusable) = self.reusable(flight, total).filter(|_| !forgotten) {
            self.reusable = self.reusable.saturating_add(reusable.tokens);
            self.cached = self.cached.saturating_add(cached.min(reusable.tokens));
            self.estimated |= reusable.estimated;
            self.look_for_break(flight, total, cached, reusable, batch.unwrap_or(BATCH));
        }
        self.hold(flight, total);
    }

    /// The server has read this prompt, whatever it told of its cache.
    pub(super) fn hold(&mut self, flight: &Flight, total: u64) {
        self.held = Some(Held {
            sections: flight.sections.clone(),
            total,
            read: total,
            fixed: flight.fixed.map(|f| f.tokens),
            conversation: flight.conversation,
        });
        self.between = Between::default();
    }

    /// The prompt was given up when the server had read so much of it: that much it keeps.
    pub(super) fn hold_part(&mut self, flight: &Flight, total: u64, read: u64) {
        self.hold(flight, total.max(read));
        if let Some(held) = &mut self.held {
            held.read = read;
        }
    }

    fn look_for_break(
        &mut self,
        flight: &Flight,
        total: u64,
        cached: u64,
        reusable: Reusable,
        batch: u64,
    ) {
        let lost = reusable.tokens.saturating_sub(cached);
        if lost > batch {
            self.reread = self.reread.saturating_add(lost);
            let (cause, fix) = self.why_lost(flight, cached);
            self.broke(CacheBreak {
                at_token: cached,
                section: section_at(&flight.sections, total, cached),
                cause,
                fix,
            });
            return;
        }
        let Some(held) = &self.held else { return };
        let changed = reusable.sections < held.sections.len();
        let same_talk = held.conversation == flight.conversation && !self.between.compacted;
        if changed && same_talk && held.read.saturating_sub(reusable.tokens.max(cached)) > batch {
            let section = flight
                .sections
                .get(reusable.sections)
                .or_else(|| held.sections.get(reusable.sections))
                .map_or_else(|| "the end".to_owned(), |s| s.part.to_string());
            self.broke(CacheBreak {
                at_token: cached,
                cause: format!("the text changed in {section}"),
                fix: section.starts_with("system[").then(|| {
                    "keep the attribution line off (CLAUDE_CODE_ATTRIBUTION_HEADER=0)".to_owned()
                }),
                section,
            });
        }
    }

    fn broke(&mut self, what: CacheBreak) {
        self.breaks += 1;
        self.last_break = Some(what);
    }

    fn why_lost(&self, flight: &Flight, cached: u64) -> (String, Option<String>) {
        if self.between.restarted {
            return ("the server restarted or loaded another model".to_owned(), None);
        }
        match flight.beside.as_ref().or(self.between.other.as_ref()) {
            Some(RequestKind::Side(_)) => (
                "a side request ran in between and took the slot".to_owned(),
                Some("give the server a second slot, or switch titles off".to_owned()),
            ),
            Some(RequestKind::Subagent(_)) => (
                "a subagent ran in between and took the slot".to_owned(),
                Some("give the server a second slot".to_owned()),
            ),
            Some(RequestKind::Main | RequestKind::Compaction) | None => (
                "unknown".to_owned(),
                (cached == 0).then(|| {
                    "a model with a sliding window keeps no prefix unless the server is started \
                     with --swa-full"
                        .to_owned()
                }),
            ),
        }
    }

    fn reusable(&self, flight: &Flight, total: u64) -> Option<Reusable> {
        let read = self.held.as_ref()?.read;
        let whole = self.shared(flight, total)?;
        Some(Reusable { tokens: whole.tokens.min(read), ..whole })
    }

    /// What this prompt shares with the one before, read or not.
    fn shared(&self, flight: &Flight, total: u64) -> Option<Reusable> {
        let held = self.held.as_ref()?;
        let equal = held
            .sections
            .iter()
            .zip(&flight.sections)
            .take_while(|(a, b)| a.digest == b.digest && a.part == b.part && a.bytes == b.bytes)
            .count();
        if equal > 0 && equal == held.sections.len() {
            // The whole prompt before is the start of this one: its tokens are counted.
            return Some(Reusable {
                tokens: held.total.min(total),
                estimated: held.total > total,
                sections: equal,
            });
        }
        let bytes = flight.sections.get(..equal).map_or(0, sum);
        if bytes == flight.fixed_bytes()
            && let Some(fixed) = flight.fixed.map(|f| f.tokens).or(held.fixed)
        {
            return Some(Reusable { tokens: fixed.min(total), estimated: false, sections: equal });
        }
        let part = share(bytes, flight.bytes()).unwrap_or(0.0);
        Some(Reusable {
            tokens: ratio::tokens(total, part).min(total),
            estimated: bytes > 0,
            sections: equal,
        })
    }

    pub(super) fn figures(&self) -> CacheFigures {
        CacheFigures {
            last_ratio: self.last_ratio,
            session_ratio: share(self.cached, self.reusable),
            reread_tokens: self.reread,
            breaks: self.breaks,
            last_break: self.last_break.clone(),
            estimated: self.estimated,
        }
    }
}

/// The part of the prompt in which a token lies, by its share of the bytes.
fn section_at(sections: &[Section], total: u64, token: u64) -> String {
    let all = sum(sections);
    let target = share(token, total).unwrap_or(0.0) * all as f64;
    let mut before = 0_u64;
    for section in sections {
        before = before.saturating_add(section.bytes);
        if before as f64 > target {
            return section.part.to_string();
        }
    }
    sections.last().map_or_else(|| "the end".to_owned(), |s| s.part.to_string())
}
