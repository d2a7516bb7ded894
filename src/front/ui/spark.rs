//! Small charts of one figure a turn: the reading rate, the hit ratio.

use ratatui::text::Span;

use crate::{front::theme::Role, protocol::TurnFigures};

use super::text::Pen;

/// Heights of a bar in eighths of a cell.
const EIGHTHS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// Where a turn has no such figure.
const NONE: &str = "·";

/// One cell a value, the newest at the right; `top` fills a cell.
pub(super) fn spark(values: &[Option<f64>], top: f64, cols: usize) -> String {
    let from = values.len().saturating_sub(cols);
    values[from..]
        .iter()
        .map(|value| match value {
            Some(value) if value.is_finite() && top > 0.0 => EIGHTHS[step(*value / top)],
            Some(_) | None => NONE,
        })
        .collect()
}

fn step(share: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 7 after the clamp"
    )]
    let step = (share.clamp(0.0, 1.0) * 7.0).round() as usize;
    step
}

/// The largest of the values that are numbers.
pub(super) fn top(values: &[Option<f64>]) -> f64 {
    values.iter().flatten().copied().filter(|v| v.is_finite()).fold(0.0, f64::max)
}

/// Columns of a chart inside a line.
const INLINE: std::ops::RangeInclusive<usize> = 4..=12;

/// A chart of the last turns for the room between the two ends of a line; none where the room is
/// too small, or before two turns have such a figure.
pub(super) fn inline(
    values: &[Option<f64>],
    top: f64,
    (left, right): (&[Span<'_>], &[Span<'_>]),
    pen: Pen<'_>,
) -> Vec<Span<'static>> {
    let taken: usize = left.iter().chain(right).map(Span::width).sum();
    // A column of air on either side.
    let room = pen.width.saturating_sub(taken + 3).min(*INLINE.end());
    if values.iter().flatten().count() < 2 || room < *INLINE.start() {
        return Vec::new();
    }
    let chart = spark(values, top, room);
    vec![pen.span(Role::BarFixed, chart), pen.text(" ")]
}

/// The reading rates of the turns, and the best of them.
pub(super) fn rates(turns: &[TurnFigures]) -> (Vec<Option<f64>>, f64) {
    let values: Vec<_> = turns.iter().map(|turn| turn.rate).collect();
    let best = top(&values);
    (values, best)
}

/// The hit ratios of the turns.
pub(super) fn hits(turns: &[TurnFigures]) -> Vec<Option<f64>> {
    turns.iter().map(|turn| turn.hit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front::theme::Theme;

    #[test]
    fn the_newest_values_stand_at_the_right() {
        for (values, cols, drawn) in [
            (&[Some(0.0), Some(0.5), Some(1.0)][..], 3, "▁▅█"),
            (&[Some(0.0), Some(0.5), Some(1.0)], 2, "▅█"),
            (&[None, Some(2.0), Some(f64::NAN)], 9, "·█·"),
            (&[], 9, ""),
            (&[Some(1.0)], 0, ""),
        ] {
            assert_eq!(spark(values, 1.0, cols), drawn);
        }
        assert_eq!(spark(&[Some(1.0)], 0.0, 3), "·", "no top, no height");
    }

    #[test]
    fn a_chart_stands_where_there_is_room_and_something_to_compare() {
        let theme = Theme::default();
        let pen = |width| Pen { theme: &theme, width };
        let ends = ([Span::raw("cached 1,210")], [Span::raw("214 tok/s")]);
        let drawn = |values: &[Option<f64>], width| -> String {
            let spans = inline(values, 1.0, (&ends.0, &ends.1), pen(width));
            spans.iter().map(|span| span.content.clone()).collect()
        };
        let two = [Some(0.5), Some(1.0)];
        assert_eq!(drawn(&two, 34), "▅█ ");
        assert_eq!(drawn(&two, 27), "", "too little room");
        assert_eq!(drawn(&two[..1], 34), "", "nothing to compare");
        assert_eq!(drawn(&[Some(1.0); 40], 60).chars().count(), 13);
    }
}
