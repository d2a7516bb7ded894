//! What the server read last, and how much of a new prompt it therefore knows.

use crate::domain::{Comparison, Section};

use super::super::{
    flight::{Flight, sum},
    ratio::{self, share},
};

/// The prompt that the server read last for this conversation or the one before it.
#[derive(Debug, Clone)]
pub(super) struct Held {
    request: crate::domain::RequestId,
    pub(super) sections: Vec<Section>,
    /// Its tokens as the server counted them.
    pub(super) total: u64,
    /// Of these, tokens that it had read when the request ended; all, unless it was given up.
    pub(super) read: u64,
    pub(super) conversation: u64,
    pub(super) model: Option<String>,
    /// Places of which both the rendered bytes and the tokens are known, rising.
    knots: Vec<Knot>,
}

/// A place in a prompt: so many bytes from its start are so many tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Knot {
    bytes: u64,
    tokens: u64,
}

/// The prompt's part that need not be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reusable {
    pub(super) tokens: u64,
    pub(super) estimated: bool,
    /// Whether the new prompt begins with all of the one before.
    pub(super) whole: bool,
}

impl Held {
    /// The server has read this prompt of `total` tokens; `before` is what it had read before.
    pub(super) fn new(flight: &Flight, total: u64, before: Option<&Self>) -> Self {
        let bytes = flight.bytes();
        let mut knots = vec![Knot { bytes: 0, tokens: 0 }];
        if let Some(fixed) = flight.fixed.filter(|f| !f.source.is_estimate()) {
            knots.push(Knot { bytes: flight.fixed_bytes(), tokens: fixed.tokens });
        }
        // What was known of the start that both share is still true.
        if let Some(before) = before {
            let same = before.same_bytes(flight);
            knots.extend(before.knots.iter().filter(|knot| knot.bytes <= same));
        }
        knots.push(Knot { bytes, tokens: total });
        knots.sort_by_key(|knot| (knot.bytes, knot.tokens));
        knots.dedup_by_key(|knot| knot.bytes);
        // A place that contradicts the ones before it says nothing.
        let mut last = 0;
        knots.retain(|knot| {
            let rises = knot.tokens >= last && knot.tokens <= total;
            last = if rises { knot.tokens } else { last };
            rises
        });
        Self {
            request: flight.id,
            sections: flight.sections.clone(),
            total,
            read: total,
            conversation: flight.conversation,
            model: flight.model.clone(),
            knots,
        }
    }

    /// How this prompt compares with the one held, where the proxy compared just these two.
    pub(super) fn compared<'a>(&self, flight: &'a Flight) -> Option<&'a Comparison> {
        flight.compared.as_ref().filter(|c| c.with == self.request)
    }

    /// Bytes at the start that are the same as in the prompt held.
    fn same_bytes(&self, flight: &Flight) -> u64 {
        match self.compared(flight) {
            Some(compared) => compared.same_bytes,
            None => flight.sections.get(..self.equal(flight)).map_or(0, sum),
        }
    }

    /// Parts that are equal from the start.
    pub(super) fn equal(&self, flight: &Flight) -> usize {
        self.sections.iter().zip(&flight.sections).take_while(|(a, b)| a == b).count()
    }

    /// Whether the prompt begins with all of the one held.
    fn whole(&self, flight: &Flight) -> bool {
        match self.compared(flight) {
            Some(compared) => compared.differs.is_none(),
            None => !self.sections.is_empty() && self.equal(flight) == self.sections.len(),
        }
    }

    /// The part of a prompt of `total` tokens that the server should still know.
    pub(super) fn reusable(&self, flight: &Flight, total: u64) -> Reusable {
        let shared = self.shared(flight, total);
        Reusable { tokens: shared.tokens.min(self.read), ..shared }
    }

    /// What a prompt of `total` tokens shares with the one held, read or not.
    fn shared(&self, flight: &Flight, total: u64) -> Reusable {
        if self.whole(flight) {
            // The whole prompt before is the start of this one: its tokens are counted.
            return Reusable {
                tokens: self.total.min(total),
                estimated: self.total > total,
                whole: true,
            };
        }
        let same = self.same_bytes(flight);
        if same > 0
            && same == flight.fixed_bytes()
            && let Some(fixed) = flight.fixed
        {
            return Reusable { tokens: fixed.tokens.min(total), estimated: false, whole: false };
        }
        let (tokens, exact) = self.tokens_at(same);
        Reusable { tokens: tokens.min(total), estimated: !exact, whole: false }
    }

    /// Tokens of so many bytes of the prompt held, and whether they are known and not guessed
    /// from the places around.
    fn tokens_at(&self, bytes: u64) -> (u64, bool) {
        let mut before = Knot { bytes: 0, tokens: 0 };
        for knot in &self.knots {
            if knot.bytes == bytes {
                return (knot.tokens, true);
            }
            if knot.bytes > bytes {
                let part = share(bytes - before.bytes, knot.bytes - before.bytes).unwrap_or(0.0);
                let between = ratio::tokens(knot.tokens - before.tokens, part);
                return (before.tokens + between, false);
            }
            before = *knot;
        }
        (before.tokens, false)
    }

    /// The part of a new prompt of `total` tokens in which a token lies.
    pub(super) fn section_at(&self, flight: &Flight, total: u64, token: u64) -> String {
        let read = Self::new(flight, total, Some(self));
        let mut before = 0_u64;
        for section in &flight.sections {
            before = before.saturating_add(section.bytes);
            if read.tokens_at(before).0 > token {
                return section.part.to_string();
            }
        }
        flight.sections.last().map_or_else(|| "the end".to_owned(), |s| s.part.to_string())
    }
}
