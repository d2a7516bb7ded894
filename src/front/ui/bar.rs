//! Bars in eighths of a cell, in one or several parts.

use ratatui::{symbols::block, text::Span};

use crate::front::theme::{Role, Theme};

/// What fills a cell that nothing fills.
const EMPTY: &str = "▁";

/// One part of a bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Part {
    /// Its share of the whole bar, 0 to 1.
    pub(super) share: f64,
    /// What fills it; parts beside each other differ, so that they can be told apart without
    /// colour.
    pub(super) fill: &'static str,
    /// How it is drawn.
    pub(super) role: Role,
}

/// A bar of `width` cells. The end of the last part is exact to an eighth of a cell when it is
/// filled with full blocks; borders between parts lie on cells.
pub(super) fn bar(width: usize, parts: &[Part], theme: &Theme) -> Vec<Span<'static>> {
    let mut spans = Vec::with_capacity(parts.len() + 2);
    let mut used = 0;
    let mut sum = 0.0;
    for (i, part) in parts.iter().enumerate() {
        sum += if part.share.is_finite() { part.share.max(0.0) } else { 0.0 };
        let eighths = eighths(sum, width);
        let last = i + 1 == parts.len();
        let exact = last && part.fill == block::FULL;
        let end = if exact { eighths / 8 } else { (eighths + 4) / 8 }.clamp(used, width);
        spans.push(Span::styled(part.fill.repeat(end - used), theme.style(part.role)));
        used = end;
        let rest = if exact && eighths / 8 == end { eighths % 8 } else { 0 };
        if rest > 0 && used < width {
            spans.push(Span::styled(eighth(rest), theme.style(part.role)));
            used += 1;
        }
    }
    spans.push(Span::styled(EMPTY.repeat(width - used), theme.style(Role::BarEmpty)));
    spans
}

/// The share of the bar in eighths of a cell.
fn eighths(share: f64, width: usize) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "between 0 and eight times the width"
    )]
    let eighths = (share.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
    eighths
}

const fn eighth(n: usize) -> &'static str {
    match n {
        1 => block::ONE_EIGHTH,
        2 => block::ONE_QUARTER,
        3 => block::THREE_EIGHTHS,
        4 => block::HALF,
        5 => block::FIVE_EIGHTHS,
        6 => block::THREE_QUARTERS,
        7 => block::SEVEN_EIGHTHS,
        _ => block::FULL,
    }
}

/// `part ÷ whole` as a share; 0 when the whole is nothing.
pub(super) fn share(part: u64, whole: u64) -> f64 {
    crate::domain::units::percent(part, whole).map_or(0.0, |percent| percent / 100.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_width::UnicodeWidthStr;

    use super::*;

    fn text(width: usize, shares: &[f64]) -> String {
        let parts: Vec<_> = shares
            .iter()
            .enumerate()
            .map(|(i, share)| Part {
                share: *share,
                fill: if i + 1 == shares.len() { block::FULL } else { "▓" },
                role: Role::Bar,
            })
            .collect();
        bar(width, &parts, &Theme::default()).iter().map(|s| s.content.as_ref()).collect()
    }

    #[test]
    fn eighths_show() {
        for (width, shares, drawn) in [
            (4, &[0.0][..], "▁▁▁▁"),
            (4, &[0.5], "██▁▁"),
            (4, &[0.53], "██▏▁"),
            (4, &[0.9375], "███▊"),
            (4, &[1.0], "████"),
            (4, &[0.25, 0.25], "▓█▁▁"),
            (4, &[0.5, 2.0], "▓▓██"),
            (4, &[f64::NAN], "▁▁▁▁"),
        ] {
            assert_eq!(text(width, shares), drawn, "{shares:?}");
        }
    }

    proptest! {
        #[test]
        fn the_width_never_changes(width in 0_usize..60, shares in prop::collection::vec(-1.0..2.0, 0..4)) {
            prop_assert_eq!(text(width, &shares).width(), width);
        }
    }
}
