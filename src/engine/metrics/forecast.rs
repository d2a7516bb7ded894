//! What comes next: turns that are left, risk and why, the next prefill.

use crate::{
    domain::{Risk, units::count},
    engine::window::{self, Growth},
    protocol::ForecastFigures,
};

/// What the forecast rests on, in tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Basis<'a> {
    pub size: Option<u64>,
    pub used: Option<u64>,
    /// The request under way, as counted or estimated.
    pub next: Option<u64>,
    pub output_reserve: u64,
    pub compaction_room: u64,
    pub growth: &'a Growth,
    pub next_prefill_s: Option<f64>,
}

pub(super) fn figures(basis: Basis<'_>) -> ForecastFigures {
    let mut out =
        ForecastFigures { next_prefill_s: basis.next_prefill_s, ..ForecastFigures::default() };
    let (Some(size), Some(used)) = (basis.size, basis.used.or(basis.next)) else { return out };
    let limit = window::limit(size, basis.output_reserve, basis.compaction_room);
    let next = basis.next.unwrap_or(used);
    let largest = basis.growth.largest();
    out.turns_left =
        basis.growth.median().and_then(|growth| window::turns_left(used, limit, growth));
    out.risk = window::risk(used, next, largest, limit);
    out.reason = match out.risk {
        Risk::None => None,
        Risk::Near => Some(format!(
            "one more turn like the largest so far (+{} tok) would pass {} of {} tok; the rest \
             is kept for the answer and a compaction",
            count(largest.unwrap_or(0)),
            count(limit),
            count(size)
        )),
        Risk::Now => Some(format!(
            "the next request needs {} tok; {} of {} may be used, the rest is kept for the answer \
             and a compaction",
            count(next.max(used)),
            count(limit),
            count(size)
        )),
    };
    out
}
