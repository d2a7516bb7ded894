//! What is said where nothing fits.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use crate::front::theme::{Role, Theme};

use super::text::{Pen, lines};

pub(super) fn draw(screen: Rect, theme: &Theme, buf: &mut Buffer) {
    buf.set_style(screen, theme.style(Role::Text));
    let pen = Pen { theme, width: usize::from(screen.width) };
    let mut shown = vec![Line::from(pen.span(Role::Warn, "too small for lcc"))];
    let text = format!("It has {}×{} cells and needs 60×18.", screen.width, screen.height);
    shown.extend(pen.sentence(Role::Text, &text));
    shown.extend(pen.sentence(Role::Dim, "Claude Code goes on; make this window larger."));
    lines(screen, &shown, buf);
}
