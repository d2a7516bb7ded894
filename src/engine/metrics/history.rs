//! What requests leave in the timeline and in the prompt map.

use crate::{
    domain::{RequestId, RequestKind, units},
    protocol::PromptFigures,
};

use super::{flight::Flight, map::Whole, meter::Meter, story::Asked};

impl Meter {
    /// A main request is over: the turn has its tokens.
    pub(super) fn told(&mut self, flight: &Flight) {
        let answer = flight.answer(&self.ratios);
        let prompt = flight.total(&self.ratios);
        self.story.asked(Asked {
            // A prompt nobody read is no part of the turn's tokens.
            total: prompt.filter(|_| flight.first_token.is_some()).map(|t| t.tokens),
            cached: flight.cached.or(flight.reading.cached),
            reading: flight.first_token.map(|first| (flight.started, first)),
            output: answer.tokens,
            output_estimated: answer.source.is_estimate(),
        });
        if flight.first_token.is_some() {
            self.whole.prompt = prompt;
            self.whole.answer = Some(answer);
        }
    }

    /// An answer calls a tool.
    pub(super) fn tool_called(&mut self, request: RequestId, name: &str) {
        let Some(flight) = self.flights.get_mut(&request) else { return };
        flight.called_tool = true;
        if flight.kind == RequestKind::Main && flight.conversation == self.conversation {
            self.story.tool(name);
        }
    }

    /// Breaks and compactions go to the turn they came in.
    pub(super) fn mark(&mut self) {
        let (count, last) = self.cache.broken();
        self.story.broke(count, last);
        let (count, last) = self.compactions.answered();
        self.story.compacted(count, last);
    }

    /// Tokens in the window, those of the request under way included.
    pub(super) fn window_now(&self, lead: Option<&Flight>) -> Option<u64> {
        let live = lead.filter(|flight| flight.first_token.is_some()).and_then(|flight| {
            let prompt = flight.total(&self.ratios)?.tokens;
            Some(prompt.saturating_add(flight.answer(&self.ratios).tokens))
        });
        live.or_else(|| self.window.used())
    }

    /// What fills the window.
    pub(super) fn prompt(&self, lead: Option<&Flight>) -> PromptFigures {
        let main = lead.filter(|flight| flight.kind == RequestKind::Main);
        let fixed = main.and_then(|flight| flight.fixed).map(|fixed| fixed.tokens);
        let fixed = fixed.or_else(|| self.window.fixed());
        let whole = main.map_or(self.whole, |flight| Whole {
            prompt: flight.total(&self.ratios),
            fixed: None,
            answer: Some(flight.answer(&self.ratios)),
        });
        // Before anything was counted the parts share what their bytes come to.
        let known = fixed.or_else(|| {
            let flight = main?;
            Some(units_of(flight, whole.prompt?.tokens))
        });
        let parts = self.fixed.in_order(known);
        self.map.figures(&parts, Whole { fixed: known, ..whole })
    }
}

/// Tokens of system and tools by their share of the bytes.
fn units_of(flight: &Flight, total: u64) -> u64 {
    let share = units::percent(flight.fixed_bytes(), flight.bytes()).unwrap_or(0.0) / 100.0;
    super::ratio::tokens(total, share)
}
