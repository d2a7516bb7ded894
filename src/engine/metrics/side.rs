//! Requests beside the conversation: what became of them.

use std::collections::BTreeMap;

use crate::{
    domain::{RequestKind, SideKind, SideStep},
    protocol::SideFigures,
};

/// Counts over the session.
#[derive(Debug, Clone, Default)]
pub(super) struct Side {
    sent: u64,
    answered: u64,
    held: u64,
    slotted: u64,
    abandoned: u64,
    waiting: u64,
    held_ms: u64,
    spared: u64,
    by_kind: BTreeMap<&'static str, u64>,
}

impl Side {
    /// A request goes to the server.
    pub(super) fn started(&mut self, kind: &RequestKind) {
        if let RequestKind::Side(kind) = kind {
            self.sent = self.sent.saturating_add(1);
            self.count(*kind);
        }
    }

    /// The proxy did something with one.
    pub(super) fn step(&mut self, kind: SideKind, step: SideStep, waited_ms: u64, tokens: u64) {
        match step {
            SideStep::Answered => {
                self.answered += 1;
                self.spared = self.spared.saturating_add(tokens);
                self.count(kind);
            }
            SideStep::Waiting => self.waiting += 1,
            SideStep::Released => {
                self.waiting = self.waiting.saturating_sub(1);
                self.held += 1;
                self.held_ms = self.held_ms.saturating_add(waited_ms);
            }
            SideStep::Abandoned => {
                self.waiting = self.waiting.saturating_sub(1);
                self.abandoned += 1;
                self.count(kind);
            }
            SideStep::Slotted => self.slotted += 1,
        }
    }

    fn count(&mut self, kind: SideKind) {
        *self.by_kind.entry(kind.name()).or_default() += 1;
    }

    pub(super) fn figures(&self) -> SideFigures {
        SideFigures {
            answered: self.answered,
            held: self.held,
            slotted: self.slotted,
            passed: self.sent.saturating_sub(self.held).saturating_sub(self.slotted),
            abandoned: self.abandoned,
            waiting: self.waiting,
            held_s: self.held_ms as f64 / 1e3,
            spared_tokens: self.spared,
            by_kind: self.by_kind.iter().map(|(kind, n)| ((*kind).to_owned(), *n)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_side_request_is_counted_once() {
        let mut side = Side::default();
        let title = RequestKind::Side(SideKind::Title);
        let other = RequestKind::Side(SideKind::Other);
        side.step(SideKind::Title, SideStep::Answered, 0, 500);
        side.step(SideKind::Other, SideStep::Waiting, 0, 80);
        side.step(SideKind::Other, SideStep::Waiting, 0, 80);
        assert_eq!(side.figures().waiting, 2);
        side.step(SideKind::Other, SideStep::Released, 1_500, 80);
        side.started(&other);
        side.step(SideKind::Other, SideStep::Abandoned, 700, 80);
        side.step(SideKind::Other, SideStep::Slotted, 0, 80);
        side.started(&other);
        side.started(&title);
        side.started(&RequestKind::Main);
        let got = side.figures();
        assert_eq!(
            (got.answered, got.held, got.slotted, got.passed, got.abandoned, got.waiting),
            (1, 1, 1, 1, 1, 0)
        );
        assert_eq!((got.spared_tokens, got.held_s), (500, 1.5));
        let kinds: Vec<_> = got.by_kind.into_iter().collect();
        assert_eq!(kinds, [("side".to_owned(), 3), ("title".to_owned(), 2)]);
    }
}
