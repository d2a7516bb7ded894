//! How full the window is: settled by the last answer, live while a request is under way.

use crate::{
    domain::{Culprit, Source, units::count},
    engine::window,
    protocol::WindowFigures,
};

use super::{
    flight::{Counted, Flight},
    ratio::Ratios,
};

/// What the next request starts from.
#[derive(Debug, Clone, Default)]
pub(super) struct Window {
    used: Option<Counted>,
    fixed: Option<Counted>,
    cut: Option<Cut>,
    turned_back: Option<TurnedBack>,
}

/// A main request that did not fit and was not sent.
#[derive(Debug, Clone)]
pub(super) struct TurnedBack {
    pub tokens: u64,
    pub maximum: u64,
    pub source: Source,
    /// It would have fit, but without room to compact after it.
    pub early: bool,
    pub culprit: Option<Culprit>,
}

impl TurnedBack {
    /// What happened, in words.
    pub(super) fn words(&self) -> String {
        let about = if self.source.is_estimate() { "~" } else { "" };
        let room = if self.early {
            "fit with room to answer and to compact"
        } else {
            "fit the window with the shortest answer"
        };
        let culprit = self.culprit.as_ref().map_or_else(String::new, |c| format!(": {c}"));
        format!(
            "the last request had {about}{} tok, {} {room}{culprit}; it was not sent",
            count(self.tokens),
            count(self.maximum)
        )
    }
}

/// The server dropped part of a prompt before it read it.
#[derive(Debug, Clone, Copy)]
struct Cut {
    dropped: Option<u64>,
    /// Found with the request under way, so that its end does not take it back.
    fresh: bool,
}

impl Window {
    pub(super) fn used(&self) -> Option<u64> {
        self.used.map(|u| u.tokens)
    }

    pub(super) fn fixed(&self) -> Option<u64> {
        self.fixed.map(|f| f.tokens)
    }

    /// A main request did not fit; `None`: what was wrong with it has been mended, or another one
    /// is under way.
    pub(super) fn turn_back(&mut self, back: Option<TurnedBack>) {
        self.turned_back = back;
    }

    pub(super) fn turned_back(&self) -> Option<&TurnedBack> {
        self.turned_back.as_ref()
    }

    /// The server dropped so many tokens of the prompt under way, as far as that is known.
    pub(super) fn truncated(&mut self, dropped: Option<u64>) {
        let known = self.cut.filter(|cut| cut.fresh).and_then(|cut| cut.dropped);
        self.cut = Some(Cut { dropped: known.or(dropped), fresh: true });
    }

    /// Whether the prompt under way was found cut.
    pub(super) fn is_cut_now(&self) -> bool {
        self.cut.is_some_and(|cut| cut.fresh)
    }

    pub(super) fn learn_fixed(&mut self, flight: &Flight, ratios: &Ratios) {
        self.fixed = flight.fixed(ratios).or(self.fixed);
    }

    /// A main request is answered, or was given up after its first token.
    pub(super) fn answered(&mut self, flight: &Flight, ratios: &Ratios) {
        self.cut = self.cut.filter(|cut| cut.fresh).map(|cut| Cut { fresh: false, ..cut });
        if let Some(total) = flight.total(ratios) {
            self.used = Some(plus(total, flight.answer(ratios)));
        }
        self.learn_fixed(flight, ratios);
    }

    /// A compaction is done: what is left is what never goes away and its summary.
    pub(super) fn compacted(&mut self, flight: &Flight, ratios: &Ratios) {
        self.cut = None;
        self.turned_back = None;
        let fixed = self.fixed.or_else(|| flight.fixed(ratios)).map_or(0, |f| f.tokens);
        let left = window::after_compaction(fixed, flight.answer(ratios).tokens);
        self.used = Some(Counted::new(left, Source::Estimate));
    }

    /// A new conversation: only what never goes away will be there.
    pub(super) fn emptied(&mut self) {
        self.cut = None;
        self.turned_back = None;
        self.used = self.fixed.map(|f| Counted::new(f.tokens, Source::Estimate));
    }

    /// The figures; `lead` is the conversation's request under way.
    pub(super) fn figures(
        &self,
        size: Option<u64>,
        lead: Option<&Flight>,
        ratios: &Ratios,
    ) -> WindowFigures {
        let used = lead.and_then(|flight| live(flight, ratios)).or(self.used);
        let fixed = lead.and_then(|flight| flight.fixed).or(self.fixed);
        WindowFigures {
            size,
            used: used.map(|u| u.tokens),
            percent: used
                .zip(size)
                .and_then(|(u, size)| crate::domain::units::percent(u.tokens, size)),
            fixed: fixed.map(|f| f.tokens),
            source: used.map(|u| u.source),
            fixed_source: fixed.map(|f| f.source),
            truncated: self.cut.is_some(),
            dropped: self.cut.and_then(|cut| cut.dropped),
            turned_back: self.turned_back.is_some(),
        }
    }
}

/// Tokens in the slot now, as far as anybody tells.
fn live(flight: &Flight, ratios: &Ratios) -> Option<Counted> {
    if flight.first_token.is_some() {
        return Some(plus(flight.total(ratios)?, flight.answer(ratios)));
    }
    // Nothing read and nothing reused says only that the reading has not begun.
    flight
        .reading
        .done()
        .filter(|done| *done > 0)
        .map(|done| Counted::new(done, flight.reading.source))
}

fn plus(a: Counted, b: Counted) -> Counted {
    let source = if a.source.is_estimate() { a.source } else { b.source };
    Counted::new(a.tokens.saturating_add(b.tokens), source)
}
