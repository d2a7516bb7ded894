//! For a screen reader: lines of words under Claude Code, and nothing drawn with lines or blocks.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::front::{
    app::Model,
    theme::{Role, Theme},
};

use super::text::wrap;

/// The newest lines of what was said, the last one at the bottom.
pub(super) fn draw(model: &Model, theme: &Theme, area: Rect, buf: &mut Buffer) {
    buf.set_style(area, theme.style(Role::Text));
    let Some(spoken) = &model.spoken else { return };
    let width = usize::from(area.width.saturating_sub(1));
    let mut rows: Vec<String> = Vec::new();
    for line in spoken.lines().rev() {
        let mut wrapped = wrap(line, width);
        wrapped.truncate(usize::from(area.height));
        wrapped.extend(std::mem::take(&mut rows));
        rows = wrapped;
        if rows.len() >= usize::from(area.height) {
            break;
        }
    }
    let from = rows.len().saturating_sub(usize::from(area.height));
    for (y, row) in (area.top()..area.bottom()).zip(&rows[from..]) {
        buf.set_stringn(area.x, y, row, width, theme.style(Role::Text));
    }
}

/// Takes lines, blocks and marks out of an area and leaves words.
pub(super) fn flatten(area: Rect, buf: &mut Buffer) {
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            let cell = &mut buf[(x, y)];
            let mut chars = cell.symbol().chars();
            let (Some(c), None) = (chars.next(), chars.next()) else { continue };
            if let Some(word) = instead(c) {
                cell.set_char(word);
            }
        }
    }
}

/// What stands in the place of a sign that has no word.
const fn instead(c: char) -> Option<char> {
    match c {
        // Box drawing and block elements.
        '\u{2500}'..='\u{259f}' | '✓' | '·' => Some(' '),
        '■' | '▲' | '▼' | '◆' => Some('!'),
        '×' => Some('x'),
        '▸' | '›' => Some('>'),
        '–' => Some('?'),
        _ => None,
    }
}
