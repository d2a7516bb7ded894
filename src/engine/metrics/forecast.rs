//! What comes next: turns that are left, risk and why, the next prefill, the ways out.

use crate::{
    domain::{RequestId, Risk, Tail, units::count},
    engine::window::{self, Growth},
    protocol::ForecastFigures,
};

use super::{
    meter::Meter,
    prefill::Prefill,
    ratio,
    ways::{Ground, Writing},
    window::TurnedBack,
};

/// What the forecast rests on, in tokens.
#[derive(Debug, Clone)]
struct Basis<'a> {
    size: Option<u64>,
    used: Option<u64>,
    fixed: Option<u64>,
    /// The request under way, as counted or estimated.
    next: Option<u64>,
    /// Of it, the results of tools.
    in_flight: Option<u64>,
    /// A request that did not fit, until something was done about it.
    turned_back: Option<&'a TurnedBack>,
    output_reserve: u64,
    /// What a compaction's instruction takes.
    compaction_room: u64,
    /// The last summary.
    summary: Option<u64>,
    /// With the turn under way, as far as it is the largest.
    growth: Growth,
    next_prefill_s: Option<f64>,
    /// Whether the server still holds the conversation.
    held: bool,
    prefill: &'a Prefill,
    writing: Writing,
}

impl Meter {
    /// A request did not fit and was not sent: of the conversation's own that is a risk.
    pub(super) fn turned_back(&mut self, request: RequestId, back: TurnedBack) {
        let main = self.flights.get(&request).is_some_and(|f| f.kind.is_main());
        if main && self.lead == Some(request) {
            self.window.turn_back(Some(back));
        }
    }

    /// The forecast in a window of `size`, with a main request of `next` tokens under way.
    pub(super) fn forecast(&self, size: Option<u64>, next: Option<u64>) -> ForecastFigures {
        figures(&self.basis(size, next))
    }

    /// Tokens of a compaction's instruction.
    pub(super) fn compaction_room(&self) -> u64 {
        window::compaction_room(
            self.instruction_bytes.unwrap_or(window::COMPACTION_PROMPT_BYTES),
            self.ratios.prompt,
        )
    }

    /// What the forecast rests on, in a window of `size` and with a main request of `next` tokens
    /// under way.
    fn basis(&self, size: Option<u64>, next: Option<u64>) -> Basis<'_> {
        let (used, fixed) = (self.window.used(), self.window.fixed());
        let main = self.lead.and_then(|id| self.flights.get(&id)).filter(|f| f.kind.is_main());
        Basis {
            size,
            used,
            fixed,
            next,
            in_flight: main.and_then(|f| match f.tail {
                Tail::ToolResults { bytes, .. } => Some(ratio::tokens(bytes, self.ratios.prompt)),
                Tail::Prompt | Tail::Other => None,
            }),
            turned_back: self.window.turned_back(),
            output_reserve: self.budget.output_reserve,
            compaction_room: self.compaction_room(),
            summary: self.compactions.summary(),
            growth: self.turns.growth.with_open(self.turns.open_rise(used, fixed)),
            next_prefill_s: self.next_prefill(),
            held: !self.cache.lost(),
            prefill: &self.prefill,
            writing: self.writing,
        }
    }
}

fn figures(basis: &Basis<'_>) -> ForecastFigures {
    let mut out = ForecastFigures {
        next_prefill_s: basis.next_prefill_s,
        in_flight: basis.in_flight,
        growth: basis.growth.foreseen(1),
        largest: basis.growth.largest(),
        ..ForecastFigures::default()
    };
    let Some(size) = basis.size else { return out };
    let limit = window::limit(size, basis.output_reserve, basis.compaction_room);
    let summary = window::summary_room(basis.summary, basis.output_reserve);
    let compaction_limit = window::compaction_limit(size, basis.compaction_room, summary);
    out.limit = Some(limit);
    out.compaction_limit = Some(compaction_limit);
    let Some(used) = basis.used.or(basis.next) else { return out };
    let back = basis.turned_back.map(|back| back.tokens);
    let next = basis.next.or(back).unwrap_or(used);
    out.turns_left = window::turns_left(used, limit, &basis.growth);
    out.risk = window::risk(used, next, limit, &basis.growth);
    out.due = back.is_some() || window::is_due(used, limit, &basis.growth);
    if back.is_some() {
        out.risk = Risk::Now;
        out.turns_left = Some(0);
    }
    let ground = Ground {
        used: used.max(back.unwrap_or(0)),
        fixed: basis.fixed.unwrap_or(0),
        instruction: basis.compaction_room,
        summary: basis.summary,
        output_reserve: basis.output_reserve,
        size,
        held: basis.held,
        prefill: basis.prefill,
        writing: basis.writing,
    };
    if basis.fixed.is_some() {
        out.compact = Some(ground.compact());
        out.fresh = Some(ground.fresh());
        out.handover = Some(ground.handover());
    }
    out.reason = reason(basis, &out, (size, limit), used, next);
    out
}

/// Why there is a risk, in words.
fn reason(
    basis: &Basis<'_>,
    out: &ForecastFigures,
    (size, limit): (u64, u64),
    used: u64,
    next: u64,
) -> Option<String> {
    if let Some(back) = basis.turned_back {
        return Some(back.words());
    }
    let kept = "the rest is kept for an answer and a compaction";
    match out.risk {
        Risk::None => None,
        Risk::Near => Some(format!(
            "the last turns added up to {} tok each; {} of the {} tok that may be used ({kept}) \
             are",
            count(basis.growth.largest_next().unwrap_or(0)),
            count(used),
            count(limit),
        )),
        Risk::Now if out.compact.as_ref().is_some_and(|way| !way.fits) => Some(format!(
            "{} tok of {}: a compaction, which reads all of it and writes a summary, no longer fits",
            count(next.max(used)),
            count(size),
        )),
        Risk::Now => Some(format!(
            "the next request needs {} tok; {} of {} may be used, {kept}",
            count(next.max(used)),
            count(limit),
            count(size)
        )),
    }
}
