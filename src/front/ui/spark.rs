//! Small charts of one figure a turn: the reading rate, the hit ratio.

use ratatui::text::{Line, Span};

use crate::{
    front::theme::Role,
    protocol::TurnFigures,
};

use super::text::{Pen, percent, rate};

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

/// The reading rate of the last turns; none before two of them have one.
pub(super) fn rates(turns: &[TurnFigures], pen: Pen<'_>) -> Option<Line<'static>> {
    let values: Vec<_> = turns.iter().map(|turn| turn.rate).collect();
    let best = top(&values);
    line(&values, best, "by turn", format!("best {}", rate(Some(best))), pen)
}

/// The hit ratio of the last turns.
pub(super) fn hits(turns: &[TurnFigures], pen: Pen<'_>) -> Option<Line<'static>> {
    let values: Vec<_> = turns.iter().map(|turn| turn.hit).collect();
    let least = values.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    let least = percent(Some(least * 100.0));
    line(&values, 1.0, "by turn", format!("least {}", least.trim()), pen)
}

fn line(
    values: &[Option<f64>],
    top: f64,
    label: &str,
    right: String,
    pen: Pen<'_>,
) -> Option<Line<'static>> {
    if values.iter().flatten().count() < 2 {
        return None;
    }
    let right: Vec<Span<'static>> = vec![pen.dim(right)];
    let taken: usize = right.iter().map(Span::width).sum::<usize>() + label.len() + 2;
    let room = pen.width.saturating_sub(taken);
    let chart = spark(values, top, room);
    Some(pen.row(vec![pen.dim(format!("{label} ")), pen.span(Role::Bar, chart)], right))
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
    fn one_turn_makes_no_chart() {
        let turn = |n: f64| TurnFigures { rate: Some(n), hit: Some(0.5), ..TurnFigures::default() };
        let theme = Theme::default();
        let pen = Pen { theme: &theme, width: 34 };
        assert!(rates(&[turn(3.0)], pen).is_none());
        let shown = rates(&[turn(107.0), turn(214.0)], pen).unwrap().to_string();
        assert_eq!(shown, "by turn ▅█          best 214 tok/s");
        let shown = hits(&[turn(1.0), turn(1.0)], pen).unwrap().to_string();
        assert!(shown.ends_with("least 50 %"), "{shown}");
    }
}
