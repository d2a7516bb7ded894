//! The line above the keys, when there is something to say.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use unicode_width::UnicodeWidthStr;

use crate::front::{
    app::{self, Model, Tone},
    theme::{Role, Theme},
};

use super::text::{Pen, cut};

pub(super) fn draw(model: &Model, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let Some(shown) = app::alert(model) else { return };
    if area.is_empty() {
        return;
    }
    let role = match shown.tone {
        Tone::Plain => Role::Text,
        Tone::Warn => Role::Warn,
        Tone::Alert => Role::Alert,
    };
    for x in area.left()..area.right() {
        buf[(x, area.y)].reset();
    }
    buf.set_style(area, theme.style(role));
    let pen = Pen { theme, width: usize::from(area.width) };
    let key = model.keymap.leader();
    let behind = if shown.behind > 0 { format!("  +{} more", shown.behind) } else { String::new() };
    // How to put it away stands always; how to read all of it, when there is no room here.
    let ends = [format!("{behind}  {key} x dismisses "), format!("{behind}  {key} x ")];
    let fits = |text: &str, end: &str| text.width() + 2 + end.width() <= pen.width;
    let mut whole = None;
    for text in std::iter::once(&shown.text).chain(&shown.shorter) {
        whole = whole.or_else(|| ends.iter().find(|end| fits(text, end)).map(|end| (text, end)));
    }
    let (text, more) = whole.map_or_else(
        || {
            let text = shown.shorter.last().unwrap_or(&shown.text);
            (text.clone(), format!("  F1 reads on  {key} x "))
        },
        |(text, end)| (text.clone(), end.clone()),
    );
    let room = pen.width.saturating_sub(more.width() + 1);
    let text = format!(" {}", cut(&text, room));
    let line: Line<'_> = pen.row(vec![pen.span(role, text)], vec![pen.span(Role::Dim, more)]);
    buf.set_line(area.x, area.y, &line, area.width);
}
