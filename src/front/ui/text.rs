//! How figures and sentences become lines: right-aligned, of fixed width, with their units.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::{Block, BorderType, Clear, Widget},
};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::{
    domain::units,
    front::theme::{Role, Theme},
};

/// What is written where a figure is not known.
pub(super) const UNKNOWN: &str = "–";

/// Writes spans of a theme into lines of one width.
#[derive(Clone, Copy)]
pub(super) struct Pen<'a> {
    /// Where the styles come from.
    pub(super) theme: &'a Theme,
    /// Columns of a line.
    pub(super) width: usize,
}

impl Pen<'_> {
    /// A piece of text in a role.
    pub(super) fn span(&self, role: Role, text: impl Into<String>) -> Span<'static> {
        Span::styled(text.into(), self.theme.style(role))
    }

    /// A figure or a sentence.
    pub(super) fn text(&self, text: impl Into<String>) -> Span<'static> {
        self.span(Role::Text, text)
    }

    /// A label, a unit.
    pub(super) fn dim(&self, text: impl Into<String>) -> Span<'static> {
        self.span(Role::Dim, text)
    }

    /// `left` at the left edge and `right` at the right edge; `left` is cut when both do not fit.
    pub(super) fn row(&self, left: Vec<Span<'static>>, right: Vec<Span<'static>>) -> Line<'static> {
        let taken: usize = right.iter().map(Span::width).sum();
        let room = self.width.saturating_sub(taken);
        // A column of air stays between them.
        let air = usize::from(taken > 0);
        let mut spans = cut_spans(left, room.saturating_sub(air));
        let used: usize = spans.iter().map(Span::width).sum();
        spans.push(Span::styled(" ".repeat(room - used), self.theme.style(Role::Text)));
        spans.extend(right);
        Line::from(spans)
    }

    /// A label at the left edge, a figure at the right one.
    pub(super) fn pair(&self, label: &str, figure: String) -> Line<'static> {
        self.row(vec![self.dim(label)], vec![self.text(figure)])
    }

    /// A sentence over as many lines as it needs.
    pub(super) fn sentence(&self, role: Role, text: &str) -> Vec<Line<'static>> {
        wrap(text, self.width).into_iter().map(|line| Line::from(self.span(role, line))).collect()
    }
}

/// Cuts spans to a width.
fn cut_spans(spans: Vec<Span<'static>>, room: usize) -> Vec<Span<'static>> {
    let mut left = room;
    let mut kept = Vec::with_capacity(spans.len() + 1);
    for span in spans {
        if left == 0 {
            break;
        }
        let text = cut(&span.content, left);
        left -= text.width();
        kept.push(Span::styled(text, span.style));
    }
    kept
}

/// A text in at most `width` columns, `…` where it was cut.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for grapheme in text.graphemes(true) {
        used += grapheme.width();
        if used > width {
            break;
        }
        out.push_str(grapheme);
    }
    if width > 0 {
        out.push('…');
    }
    out
}

/// A path in at most `width` columns: its end says more than its beginning.
pub(super) fn cut_front(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept: Vec<&str> = Vec::new();
    let mut used = 1;
    for grapheme in text.graphemes(true).rev() {
        used += grapheme.width();
        if used > width {
            break;
        }
        kept.push(grapheme);
    }
    kept.reverse();
    if width > 0 { format!("…{}", kept.concat()) } else { String::new() }
}

/// A text in lines of at most `width` columns, broken between words where it can be.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && line.width() + 1 + word.width() > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            for grapheme in word.graphemes(true) {
                if line.width() + grapheme.width() > width && !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                }
                line.push_str(grapheme);
            }
        }
        lines.push(line);
    }
    lines
}

/// A count of tokens right-aligned to `width`.
pub(super) fn tokens(count: Option<u64>, width: usize) -> String {
    let text = count.map_or_else(|| UNKNOWN.to_owned(), units::count);
    format!("{text:>width$}")
}

/// A share in percent, four columns: `45 %`, `100%`, ` – %`.
pub(super) fn percent(value: Option<f64>) -> String {
    match value {
        Some(value) if value.is_finite() && value >= 99.5 => "100%".to_owned(),
        Some(value) if value.is_finite() => format!("{:>2.0} %", value.max(0.0)),
        Some(_) | None => " – %".to_owned(),
    }
}

/// Seconds, or `– s`.
pub(super) fn seconds(value: Option<f64>) -> String {
    value.map_or_else(|| "– s".to_owned(), units::seconds)
}

/// A long time without the seconds, so that a still screen stays still: `41 s`, `12m`, `2h05m`.
pub(super) fn minutes(value: f64) -> String {
    if !value.is_finite() || value < 0.0 {
        return "– s".to_owned();
    }
    if value < 60.0 {
        return format!("{:.0} s", value.floor());
    }
    units::seconds((value / 60.0).floor() * 60.0).replace("m00s", "m")
}

/// Tokens per second, `– tok/s` when not known.
pub(super) fn rate(value: Option<f64>) -> String {
    match value {
        Some(value) if value.is_finite() && value >= 0.0 => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "finite and not negative; saturates"
            )]
            let whole = value.round() as u64;
            format!("{} tok/s", units::count(whole))
        }
        Some(_) | None => format!("{UNKNOWN} tok/s"),
    }
}

/// `~` where a figure is estimated.
pub(super) const fn tilde(estimated: bool) -> &'static str {
    if estimated { "~" } else { "" }
}

/// An empty box with a title over whatever is there; gives the room inside, a column of air on
/// either side.
pub(super) fn boxed(area: Rect, title: &str, role: Role, theme: &Theme, buf: &mut Buffer) -> Rect {
    Clear.render(area, buf);
    let ground = theme.style(Role::Text);
    buf.set_style(area, ground);
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.style(role))
        .title(Span::styled(format!(" {title} "), theme.style(role)));
    let inner = block.inner(area);
    block.render(area, buf);
    Rect { x: inner.x + 1.min(inner.width), width: inner.width.saturating_sub(2), ..inner }
}

/// Writes lines from the top of an area, those that fit.
pub(super) fn lines(area: Rect, lines: &[Line<'_>], buf: &mut Buffer) {
    for (y, line) in (area.top()..area.bottom()).zip(lines) {
        buf.set_line(area.x, y, line, area.width);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percents_are_four_columns_wide() {
        for (value, text) in [
            (None, " – %"),
            (Some(0.0), " 0 %"),
            (Some(9.4), " 9 %"),
            (Some(45.2), "45 %"),
            (Some(99.6), "100%"),
            (Some(250.0), "100%"),
            (Some(f64::NAN), " – %"),
        ] {
            assert_eq!(percent(value), text);
            assert_eq!(text.width(), 4);
        }
    }

    #[test]
    fn long_times_lose_their_seconds() {
        for (value, text) in
            [(0.9, "0 s"), (59.9, "59 s"), (60.0, "1m"), (779.0, "12m"), (7_500.0, "2h05m")]
        {
            assert_eq!(minutes(value), text);
        }
    }

    proptest! {
        #[test]
        fn wrapped_lines_fit_and_lose_nothing(text in "[a-zé漢 ]{0,80}", width in 2_usize..40) {
            let lines = wrap(&text, width);
            for line in &lines {
                prop_assert!(line.width() <= width);
            }
            let bare = |s: &str| s.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(bare(&lines.concat()), bare(&text));
        }

        #[test]
        fn cut_text_fits(text in "\\PC{0,40}", width in 0_usize..30) {
            prop_assert!(cut(&text, width).width() <= width);
            prop_assert!(cut_front(&text, width).width() <= width);
        }
    }
}
