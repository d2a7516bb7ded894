//! What the server's log says, and what its counts give away: shares, dropped parts of a prompt.

use crate::domain::{Moment, RequestId, RequestKind, ServerLine, Source, Warm};

use super::{cache::Around, flight::Flight, meter::Meter, prefill::Look, ratio};

impl Meter {
    /// The server told how many prompt tokens it has read in its life.
    pub(super) fn server_read(&mut self, count: u64) {
        let tokens = self.flights.values().map(Flight::new_tokens);
        let under_way = tokens.collect::<Option<Vec<_>>>().map(|all| all.iter().sum());
        // How far a warm-up is by now is known only roughly.
        let under_way = under_way.filter(|_| !self.warm.is_reading());
        self.cache.server_read(count, under_way, self.around());
    }

    /// Reading ahead is lcc's own traffic: what it read was read for nobody else.
    pub(super) fn warmed(&mut self, step: &Warm) {
        let under_way = self.warm.reading_total();
        self.warm.step(step);
        match step {
            Warm::Read { total, cached, .. } => {
                self.cache.request_over(Some(total.saturating_sub(*cached)), None);
            }
            Warm::Stopped { done, total, .. } => {
                self.cache.request_over(None, Some(total.unwrap_or(*done)));
            }
            Warm::Failed { .. } => self.cache.request_over(None, under_way),
            Warm::Reading { .. }
            | Warm::Saved { .. }
            | Warm::Restored { .. }
            | Warm::Refused { .. }
            | Warm::Vain { .. }
            | Warm::NoSlots { .. } => {}
        }
    }

    /// What an explanation of a break must know of the server.
    pub(super) fn around(&self) -> Around {
        let facts = self.server.facts();
        Around {
            kind: facts.map(|f| f.kind),
            slots: facts.and_then(|f| f.slots),
            batch: self.prefill.batch,
        }
    }

    /// A share of the prompt becomes tokens as soon as the prompt's size is known.
    pub(super) fn share_told(
        &mut self,
        request: Option<RequestId>,
        share: f64,
        source: Source,
        at: Moment,
    ) {
        let flight = request.or(self.lead).and_then(|id| self.flights.get(&id));
        let Some((id, total)) = flight.and_then(|f| Some((f.id, f.total(&self.ratios)?.tokens)))
        else {
            return;
        };
        let done = ratio::tokens(total, share.clamp(0.0, 1.0));
        let look = Look { at, done, cached: None, total: None, source };
        self.progress(Some(id), look, 0);
    }

    /// What the server's log says of the conversation's own request.
    pub(super) fn line(&mut self, line: &ServerLine) {
        self.cache.line(line, self.flights.is_empty(), self.around());
        if self.lead.is_none() {
            return;
        }
        match line {
            ServerLine::Truncated { prompt, kept } => {
                let dropped = prompt.zip(*kept).and_then(|(all, kept)| all.checked_sub(kept));
                self.window.truncated(dropped);
            }
            ServerLine::Shifted { discarded } => self.window.truncated(*discarded),
            ServerLine::Evicted { .. }
            | ServerLine::Reread
            | ServerLine::AnswerCut
            | ServerLine::Access { .. }
            | ServerLine::PeakMemory { .. } => {}
        }
    }

    /// A server that reports fewer prompt tokens than the prompt has, dropped the rest silently.
    pub(super) fn look_for_truncation(&mut self, request: RequestId) {
        let Some(flight) = self.flights.get(&request) else { return };
        let main = flight.kind == RequestKind::Main && self.lead == Some(request);
        let (true, Some(read)) = (main && flight.usage_is_real, flight.reported()) else { return };
        let counted = flight.counted.filter(|c| c.source == Source::Server).map(|c| c.tokens);
        // Where nobody counts: a prompt that only grew cannot have become shorter.
        let least = counted.or_else(|| self.cache.at_least(flight).max(self.too_long(flight)));
        let slack = read / 50 + 16;
        if let Some(dropped) = least.and_then(|all| all.checked_sub(read)).filter(|d| *d > slack) {
            self.window.truncated(Some(dropped));
        }
    }

    /// The tokens of a prompt that by its bytes is larger than the whole window.
    fn too_long(&self, flight: &Flight) -> Option<u64> {
        let size = self.server.facts()?.window?;
        let tokens = ratio::tokens(flight.bytes(), self.ratios.prompt);
        // A fifth more than fits: what a byte weighs is not known better than that.
        (tokens > size.saturating_add(size / 5)).then_some(tokens)
    }
}
