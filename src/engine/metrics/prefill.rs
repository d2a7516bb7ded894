//! How far the prompt has been read: progress, rate over the last batches, time that is left.

use std::collections::VecDeque;

use crate::{
    domain::{Moment, Source},
    protocol::{PrefillFigures, PrefillKept, PrefillLast},
};

use super::{curve::Curve, flight::Flight, ratio::Ratios};

/// Batches that the rate is taken over.
const RATE_BATCHES: usize = 3;
/// Seconds of belief in the learned curve against this request's own speed.
const BELIEF_S: f64 = 2.0;
/// Steps of fewer tokens say more about overhead than about reading speed.
const LEAST_STEP: u64 = 64;
/// Prompts that the estimate's own error is taken from.
const SLOWER_OF: usize = 3;
/// A server that tells its progress gets this long before an estimate takes its place.
const PATIENCE_S: f64 = 1.0;
/// A source that says nothing new for so long, and for so many batches, has dried up.
const DRY_S: f64 = 5.0;
/// See [`DRY_S`].
const DRY_BATCHES: f64 = 3.0;

/// What the server told of its reading of one prompt.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    /// When `done` last moved, and to where; oldest first.
    steps: VecDeque<(Moment, u64)>,
    /// Looks taken at it so far.
    looks: u64,
    /// Tokens read and seconds they took, within this request.
    own: (u64, u64, f64),
    pub cached: Option<u64>,
    pub total: Option<u64>,
    pub source: Source,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            steps: VecDeque::new(),
            looks: 0,
            own: (0, 0, 0.0),
            cached: None,
            total: None,
            source: Source::Estimate,
        }
    }
}

/// One look at the progress.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub at: Moment,
    pub done: u64,
    pub cached: Option<u64>,
    pub total: Option<u64>,
    pub source: Source,
}

impl Reading {
    /// Tokens in the slot at the last look.
    pub(super) fn done(&self) -> Option<u64> {
        self.steps.back().map(|(_, done)| *done)
    }

    /// Takes a look in; what it tells of the reading speed goes into the curve. Returns the tokens
    /// of the batch that has just been read, if one has.
    pub(super) fn look(&mut self, look: Look, curve: &mut Curve) -> Option<u64> {
        let restarted = self.done().is_some_and(|done| look.done < done)
            || (self.looks > 0 && look.cached != self.cached);
        if restarted {
            // Another task in the slot, or the cached part became known: a new base line.
            self.steps.clear();
            self.own = (0, 0, 0.0);
        }
        self.looks += 1;
        self.cached = look.cached;
        self.total = look.total.or(self.total);
        self.source = look.source;
        let Some(&(since, from)) = self.steps.back() else {
            self.steps.push_back((look.at, look.done));
            self.own = (look.done, look.done, 0.0);
            return None;
        };
        if look.done == from {
            return None;
        }
        let took = look.at.seconds_since(since);
        self.steps.push_back((look.at, look.done));
        if self.steps.len() > RATE_BATCHES + 1 {
            self.steps.pop_front();
        }
        self.learn(from, look.done, took, curve);
        Some(look.done - from)
    }

    /// The first token came: the last batch is read too.
    pub(super) fn finish(&mut self, at: Moment, total: Option<u64>, curve: &mut Curve) {
        if let (Some(&(since, from)), Some(total)) = (self.steps.back(), total) {
            self.learn(from, total, at.seconds_since(since), curve);
        }
    }

    fn learn(&mut self, from: u64, to: u64, seconds: f64, curve: &mut Curve) {
        if to.saturating_sub(from) >= LEAST_STEP && seconds > 0.0 {
            curve.learn(from, to, seconds);
            self.own = (self.own.0, to, self.own.2 + seconds);
        }
    }

    /// New tokens per second over the last batches.
    fn rate(&self) -> Option<f64> {
        let (&(since, from), &(until, to)) = (self.steps.front()?, self.steps.back()?);
        let seconds = until.seconds_since(since);
        (to > from && seconds > 0.0).then(|| (to - from) as f64 / seconds)
    }

    /// This request's own speed against the curve: above 1 it is slower than foreseen.
    fn correction(&self, basis: &Curve) -> f64 {
        let (from, to, seconds) = self.own;
        basis.seconds(from, to).map_or(1.0, |foreseen| (seconds + BELIEF_S) / (foreseen + BELIEF_S))
    }
}

/// What the prefill figures remember of the requests before.
#[derive(Debug, Clone, Default)]
pub(super) struct Prefill {
    pub curve: Curve,
    /// Tokens of the server's batch: the largest step seen.
    pub batch: Option<u64>,
    pub last: Option<PrefillLast>,
    /// The last prompt that was given up, until one is read to its end.
    kept: Option<PrefillKept>,
    /// The shortest prefill so far: what even a small prompt takes, in seconds.
    floor: Option<f64>,
    /// Of the last prompts that nobody told about: how much longer they took than foreseen. Short
    /// reads have costs that no curve over depth knows.
    slower: VecDeque<f64>,
    /// Of the last prompts, told or not: how far the estimate at their start was off, as a part
    /// of the truth.
    misses: VecDeque<f64>,
}

/// How many prompts the shown error is made from.
const MISSES_OF: usize = 8;

impl Prefill {
    /// A look at the progress of `flight`.
    pub(super) fn look(&mut self, flight: &mut Flight, look: Look) {
        if let Some(step) = flight.reading.look(look, &mut self.curve) {
            self.batch = Some(self.batch.map_or(step, |known| known.max(step)));
        }
    }

    /// How the prefill of a request went, once it is over.
    pub(super) fn went(
        flight: &Flight,
        expected_cached: u64,
        ratios: &Ratios,
    ) -> Option<PrefillLast> {
        let seconds = flight.first_token?.seconds_since(flight.started);
        let total = flight.total(ratios).map(|t| t.tokens);
        let cached = flight.cached.or(flight.reading.cached);
        let read = total.map(|all| all.saturating_sub(cached.unwrap_or(expected_cached)));
        let rate = read.filter(|_| seconds > 0.0).map(|read| read as f64 / seconds);
        Some(PrefillLast { seconds, total, cached, rate })
    }

    /// A prompt of `total` tokens was given up when `read` of them were in the slot.
    pub(super) fn kept(&mut self, read: u64, total: u64) {
        self.kept = Some(PrefillKept { tokens: read, total: total.max(read) });
    }

    /// A main request has ended that had a first token; notes how its prefill went.
    pub(super) fn ended(&mut self, flight: &Flight, expected_cached: u64, ratios: &Ratios) {
        let Some(went) = Self::went(flight, expected_cached, ratios) else { return };
        self.kept = None;
        let PrefillLast { seconds, total, cached, mut rate } = went;
        self.note_miss(flight, cached.unwrap_or(expected_cached), total, seconds);
        if let (None, Some(total)) = (flight.reading.done(), total) {
            let from = match cached {
                Some(cached) => cached,
                None => self.likelier_start(expected_cached, total, seconds),
            };
            let read = total.saturating_sub(from);
            rate = (seconds > 0.0).then(|| read as f64 / seconds);
            if let Some(foreseen) = flight.basis.seconds(from, total).filter(|s| *s > 0.0) {
                self.slower.push_back((seconds / foreseen).clamp(0.2, 5.0));
                if self.slower.len() > SLOWER_OF {
                    self.slower.pop_front();
                }
            }
            if read >= LEAST_STEP * 4 {
                self.curve.learn(from, total, seconds);
            }
        }
        self.floor = Some(self.floor.map_or(seconds, |f| f.min(seconds)));
        self.last = Some(PrefillLast { seconds, total, cached, rate });
    }

    /// Compares what the estimate would have said at the start with what came.
    fn note_miss(&mut self, flight: &Flight, from: u64, total: Option<u64>, seconds: f64) {
        let Some(total) = total.filter(|_| seconds > 0.0) else { return };
        let Some(foreseen) = flight.basis.seconds(from, total) else { return };
        let foreseen = (foreseen * self.slower()).max(self.floor.unwrap_or(0.0));
        self.misses.push_back((foreseen - seconds).abs() / seconds);
        if self.misses.len() > MISSES_OF {
            self.misses.pop_front();
        }
    }

    /// The median of the last misses, in percent.
    fn error_percent(&self) -> Option<f64> {
        let mut all: Vec<f64> = self.misses.iter().copied().collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).map(|miss| miss * 100.0)
    }

    /// Where a reading must have begun that took so long: at what should have been reused or, when
    /// that is further from what the curve says, at nothing.
    fn likelier_start(&self, expected: u64, total: u64, seconds: f64) -> u64 {
        let miss = |from| self.curve.seconds(from, total).map(|s| (s - seconds).abs());
        match (miss(expected), miss(0)) {
            (Some(kept), Some(lost)) if lost < kept => 0,
            (Some(_) | None, Some(_) | None) => expected,
        }
    }

    /// How much longer than by the curve the next prompt takes: the median of the last ones.
    fn slower(&self) -> f64 {
        let mut last: Vec<f64> = self.slower.iter().copied().collect();
        last.sort_by(f64::total_cmp);
        last.get(last.len() / 2).copied().unwrap_or(1.0)
    }

    /// Seconds to read from one depth to another, as far as it can be foreseen.
    pub(super) fn foresee(&self, from: u64, to: u64) -> Option<f64> {
        let seconds = self.curve.seconds(from, to)?;
        Some(seconds.max(self.floor.unwrap_or(0.0)))
    }

    /// The figures at `now`; `flight` is the request whose prompt is being read, if one is.
    pub(super) fn figures(
        &self,
        flight: Option<&Flight>,
        expected_cached: u64,
        server_tells: bool,
        ratios: &Ratios,
        now: Moment,
    ) -> PrefillFigures {
        let mut out = PrefillFigures {
            last: self.last.clone(),
            kept: self.kept,
            error_percent: self.error_percent(),
            ..PrefillFigures::default()
        };
        let Some(flight) = flight else { return out };
        let elapsed = now.seconds_since(flight.started);
        out.elapsed_s = Some(elapsed);
        let total = flight.total(ratios);
        out.total = total.map(|t| t.tokens);
        out.total_estimated = total.is_some_and(|t| t.source.is_estimate());
        let basis = if flight.basis.is_empty() { &self.curve } else { &flight.basis };
        if let Some(done) = flight.reading.done() {
            self.told(&mut out, flight, basis, done, now);
        } else if !server_tells || elapsed >= PATIENCE_S {
            foreseen(&mut out, basis, expected_cached, elapsed, self.slower());
        }
        out
    }

    fn told(
        &self,
        out: &mut PrefillFigures,
        flight: &Flight,
        basis: &Curve,
        done: u64,
        now: Moment,
    ) {
        let reading = &flight.reading;
        if out.total_estimated {
            out.total = out.total.map(|total| total.max(done));
        }
        let done = out.total.map_or(done, |total| done.min(total));
        out.done = Some(done);
        out.cached = reading.cached.map(|cached| cached.min(done));
        out.source = Some(reading.source);
        out.rate = reading.rate();
        let has_basis = !flight.basis.is_empty() || (reading.looks >= 2 && out.rate.is_some());
        let (Some(total), Some(&(since, _)), true) = (out.total, reading.steps.back(), has_basis)
        else {
            return;
        };
        let slower = reading.correction(basis);
        let ahead = |from: u64| basis.seconds(from.min(total), total).map(|s| s * slower);
        let silent = now.seconds_since(since);
        let batch = basis.seconds(done, done.saturating_add(self.batch.unwrap_or(LEAST_STEP * 8)));
        if batch.is_some_and(|batch| silent > DRY_S + DRY_BATCHES * batch * slower) {
            // Whoever told has stopped to: from where he left on it goes by the clock.
            let at = basis.depth_after(done, total, silent / slower).unwrap_or(done);
            out.done = Some(at);
            out.source = Some(Source::Estimate);
            out.rate = basis.rate(at);
            out.eta_s = ahead(at);
            return;
        }
        out.eta_s = ahead(done).map(|seconds| {
            // The batch under way is not done, so what lies behind it is still ahead.
            let least = ahead(done.saturating_add(self.batch.unwrap_or(0))).unwrap_or(0.0);
            (seconds - now.seconds_since(since)).max(least)
        });
    }
}

/// Nobody tells: where the reading must be by the clock.
fn foreseen(out: &mut PrefillFigures, basis: &Curve, cached: u64, elapsed: f64, slower: f64) {
    let Some(total) = out.total else { return };
    let from = cached.min(total);
    let (Some(done), Some(all)) =
        (basis.depth_after(from, total, elapsed / slower), basis.seconds(from, total))
    else {
        return;
    };
    out.done = Some(done.min(total));
    out.rate = basis.rate(done).map(|rate| rate / slower);
    out.eta_s = Some((all * slower - elapsed).max(0.0));
    out.source = Some(Source::Estimate);
}
