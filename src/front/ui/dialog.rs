//! A question in a box, with its buttons.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::front::{
    app::{Dialog, Model},
    theme::{Role, Theme},
};

use super::text::{Pen, boxed, lines};

pub(super) fn draw(model: &Model, dialog: &Dialog, theme: &Theme, screen: Rect, buf: &mut Buffer) {
    let area = Dialog::area(screen);
    let inner = boxed(area, dialog.title(), Role::Accent, theme, buf);
    let pen = Pen { theme, width: usize::from(inner.width) };
    let body: Vec<_> =
        dialog.body(model).iter().flat_map(|text| pen.sentence(Role::Text, text)).collect();
    lines(Rect { height: inner.height.saturating_sub(2), ..inner }, &body, buf);
    for (at, (place, choice)) in dialog.buttons(screen).into_iter().enumerate() {
        let marked = at == dialog.marked;
        let (key, label) =
            if marked { (Role::Selected, Role::Selected) } else { (Role::Key, Role::Text) };
        let room = usize::from(place.width);
        // The brackets show the marked button without colour.
        let (open, close) = if marked { ("[", "]") } else { (" ", " ") };
        let (x, y) = buf.set_stringn(place.x, place.y, open, room, theme.style(label));
        let (x, _) = buf.set_stringn(x, y, choice.letter.to_string(), room, theme.style(key));
        let left = usize::from(place.right().saturating_sub(x));
        let text = format!(" {}{close}", choice.label);
        buf.set_stringn(x, y, text, left, theme.style(label));
    }
}
