//! The time pane: where the session's time went.

use ratatui::text::{Line, Span};

use crate::{
    domain::units,
    front::theme::Role,
    protocol::{AgentState, Snapshot},
};

use super::{
    bar::{Part, bar},
    column::Pane,
    text::{Pen, minutes, seconds},
};

/// Reading, writing, tools, compacting, idle.
const PARTS: usize = 5;

pub(super) fn pane(snapshot: &Snapshot, pen: Pen<'_>) -> Pane {
    let figures = &snapshot.time;
    let times = [
        figures.prefill_s,
        figures.generate_s,
        figures.tools_s,
        figures.compaction_s,
        figures.idle_s,
    ];
    let sum: f64 = times.iter().filter(|t| t.is_finite()).map(|t| t.max(0.0)).sum();
    let share = |part: f64| if sum > 0.0 { part / sum } else { 0.0 };
    // Fills that can be told apart without colour; idle time is the empty rest.
    let looks = [
        ("█", Role::Bar),
        ("▒", Role::BarFixed),
        ("░", Role::Text),
        ("╍", Role::Warn),
        ("▁", Role::BarEmpty),
    ];
    let parts = [0, 1, 2, 3].map(|at| {
        let (fill, role) = looks[at];
        Part { share: share(times[at]), fill, role }
    });
    let percents = whole(times);
    let half = pen.width / 2;
    let entry = |at: usize, label: &str, cols: usize| -> Vec<Span<'static>> {
        let (fill, role) = looks[at];
        let shown = percents.map_or_else(|| "– %".to_owned(), |p| format!("{} %", p[at]));
        let label = format!(" {label}");
        let room = cols.saturating_sub(1 + label.len());
        vec![pen.span(role, fill), pen.dim(label), pen.text(format!("{shown:>room$}"))]
    };
    let beside = |mut left: Vec<Span<'static>>, right: Vec<Span<'static>>| {
        left.push(pen.dim("   "));
        left.extend(right);
        Line::from(left)
    };
    let (near, far) = (half - 2, pen.width - half - 1);
    let mut lines = vec![
        Line::from(bar(pen.width, &parts, pen.theme)),
        beside(entry(0, "read", near), entry(1, "write", far)),
        beside(entry(2, "tools", near), entry(4, "idle", far)),
        pen.row(
            vec![pen.dim("turn "), pen.text(seconds(figures.turn_s))],
            vec![pen.dim("session "), pen.text(minutes(figures.session_s))],
        ),
    ];
    // Counted apart, and rare.
    if figures.compaction_s > 0.0 {
        let mut compact = entry(3, "compact", near);
        compact.push(pen.dim("   "));
        lines.push(pen.row(compact, vec![pen.text(minutes(figures.compaction_s))]));
    }
    lines.extend(agents(snapshot, pen));
    Pane { title: "time", source: "wall clock".to_owned(), tone: Role::Source, lines }
}

/// Subagents, where there were any: together, and those that have a request under way.
fn agents(snapshot: &Snapshot, pen: Pen<'_>) -> Vec<Line<'static>> {
    const SHOWN: usize = 3;
    let figures = &snapshot.agents;
    if figures.seen == 0 {
        return Vec::new();
    }
    let mut lines = vec![pen.row(
        vec![pen.dim("subagents "), pen.text(units::count(figures.seen))],
        vec![pen.text(minutes(figures.seconds))],
    )];
    let busy = figures.list.iter().filter(|a| a.state != AgentState::Resting);
    lines.extend(busy.take(SHOWN).map(|agent| {
        let id: String = agent.id.chars().take(8).collect();
        let state = match agent.state {
            AgentState::Reading => "reads",
            AgentState::Writing => "writes",
            AgentState::Resting => "rests",
        };
        pen.row(
            vec![pen.dim(format!("{id} {state} "))],
            vec![pen.text(units::count(agent.prompt_tokens)), pen.dim(" tok")],
        )
    }));
    lines
}

/// Shares in whole percents that sum up to 100; `None` before any time has passed.
fn whole(times: [f64; PARTS]) -> Option<[u32; PARTS]> {
    let times = times.map(|t| if t.is_finite() { t.max(0.0) } else { 0.0 });
    let sum: f64 = times.iter().sum();
    if sum <= 0.0 || !sum.is_finite() {
        return None;
    }
    let exact = times.map(|t| t * 100.0 / sum);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 100"
    )]
    let mut shares = exact.map(|p| p.floor() as u32);
    // What rounding down left over goes to those that lost most by it.
    let mut order: Vec<usize> = (0..PARTS).collect();
    order.sort_by(|a, b| exact[*b].fract().total_cmp(&exact[*a].fract()));
    let missing = 100_u32.saturating_sub(shares.iter().sum());
    for (_, at) in (0..missing).zip(order) {
        shares[at] += 1;
    }
    Some(shares)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shares_of_nothing_are_not_known() {
        assert_eq!(whole([0.0; PARTS]), None);
        assert_eq!(whole([f64::NAN, f64::INFINITY, -1.0, 0.0, 0.0]), None);
        assert_eq!(whole([1.0, 1.0, 1.0, 0.0, 0.0]), Some([34, 33, 33, 0, 0]));
    }

    proptest! {
        #[test]
        fn shares_sum_up(times in prop::array::uniform5(0.0..1e6_f64)) {
            prop_assume!(times.iter().sum::<f64>() > 0.0);
            prop_assert_eq!(whole(times).map(|p| p.iter().sum::<u32>()), Some(100));
        }
    }
}
