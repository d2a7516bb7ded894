//! The bottom line: keys, loud words, phase.

use ratatui::{buffer::Buffer, layout::Rect};
use unicode_width::UnicodeWidthStr;

use crate::front::{
    app::{self, Model},
    theme::{Role, Theme},
};

pub(super) fn draw(model: &Model, theme: &Theme, area: Rect, buf: &mut Buffer) {
    buf.set_style(area, theme.style(Role::Text));
    let bar = app::keybar(model);
    for entry in &bar.entries {
        let (x, _) = buf.set_stringn(
            area.x + entry.col,
            area.y,
            &entry.key,
            usize::from(area.width.saturating_sub(entry.col)),
            theme.style(Role::Key),
        );
        let left = usize::from(area.right().saturating_sub(x));
        buf.set_stringn(x, area.y, format!(" {}", entry.label), left, theme.style(Role::Text));
    }
    if let Some(hint) = bar.hint {
        let room = usize::from(bar.phase_col.saturating_sub(1));
        buf.set_stringn(area.x + 1, area.y, hint, room, theme.style(Role::Key));
    }
    for badge in &bar.badges {
        let role = if badge.alert { Role::Alert } else { Role::Warn };
        let left = usize::from(area.width.saturating_sub(badge.col));
        buf.set_stringn(area.x + badge.col, area.y, badge.text, left, theme.style(role));
    }
    // Right-aligned in its own columns, one column of air at the edge.
    let cols = u16::try_from(bar.phase.width()).unwrap_or(u16::MAX);
    let x = area.right().saturating_sub(cols.saturating_add(1)).max(area.x);
    let room = usize::from(area.right() - x);
    let role = if model.phase().is_busy() { Role::Accent } else { Role::Dim };
    buf.set_stringn(x, area.y, &bar.phase, room, theme.style(role));
}
