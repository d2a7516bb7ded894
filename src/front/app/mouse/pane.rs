//! The mouse in Claude Code's pane: its own where it asks for it, else to scroll, select, copy.

use std::time::Duration;

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Rect;

use crate::{
    domain::Moment,
    front::{input::encode, terminal::SelectionKind},
};

use super::super::{Effect, Model, border, copy, keys};

/// Lines that one step of the wheel scrolls.
const WHEEL_LINES: i32 = 3;
/// Clicks nearer to each other than this are a double one.
const DOUBLE: Duration = Duration::from_millis(400);

/// The left button went down in this cell of the pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::front::app) struct Pressed {
    col: u16,
    row: u16,
    kind: SelectionKind,
    dragged: bool,
}

/// The clicks before, on one cell and soon after each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::front::app) struct Clicks {
    count: u8,
    col: u16,
    row: u16,
    at: Moment,
}

impl Clicks {
    /// Counts a click: 1, 2, 3, and 1 again.
    fn click(&mut self, col: u16, row: u16, now: Moment) -> u8 {
        let again = self.count > 0
            && self.count < 3
            && (self.col, self.row) == (col, row)
            && now.since(self.at) < DOUBLE;
        *self = Self { count: if again { self.count + 1 } else { 1 }, col, row, at: now };
        self.count
    }
}

/// An event in the pane, or of a drag that began in it.
pub(super) fn event(model: &mut Model, event: MouseEvent, pane: Rect, effects: &mut Vec<Effect>) {
    let col = event.column.clamp(pane.x, pane.right().saturating_sub(1).max(pane.x)) - pane.x;
    let row = event.row.clamp(pane.y, pane.bottom().saturating_sub(1).max(pane.y)) - pane.y;
    // With Ctrl a link is lcc's even where Claude Code has the mouse.
    if event.kind == MouseEventKind::Down(MouseButton::Left)
        && event.modifiers.contains(KeyModifiers::CONTROL)
        && let Some(link) = model.terminal.link_at(col, row)
    {
        border::link(model, link.address(), effects);
        return;
    }
    // Where the outer terminal hands a drag with Shift on, it is meant for lcc.
    let ours = model.reader.is_some()
        || model.pressed.is_some()
        || event.modifiers.contains(KeyModifiers::SHIFT);
    if !ours && let Some(bytes) = encode::mouse(event, model.terminal.modes(), pane) {
        keys::send(model, bytes, effects);
        return;
    }
    match event.kind {
        MouseEventKind::ScrollUp => model.terminal.scroll(WHEEL_LINES),
        MouseEventKind::ScrollDown => model.terminal.scroll(-WHEEL_LINES),
        MouseEventKind::Down(MouseButton::Left) => down(model, col, row),
        MouseEventKind::Drag(MouseButton::Left) => {
            // Beyond the edge the text comes along.
            let lines = i32::from(event.row < pane.y) - i32::from(event.row >= pane.bottom());
            drag(model, col, row, lines);
        }
        MouseEventKind::Up(MouseButton::Left) => {
            let Some(pressed) = model.pressed.take() else { return };
            let clicked = !pressed.dragged && (pressed.col, pressed.row) == (col, row);
            if pressed.dragged || pressed.kind != SelectionKind::Text {
                copy::copy(model, effects);
            } else if clicked && let Some(link) = model.terminal.link_at(col, row) {
                border::link(model, link.address(), effects);
                return;
            }
        }
        MouseEventKind::Down(_)
        | MouseEventKind::Up(_)
        | MouseEventKind::Drag(_)
        | MouseEventKind::Moved
        | MouseEventKind::ScrollLeft
        | MouseEventKind::ScrollRight => return,
    }
    effects.push(Effect::Redraw);
}

/// Once puts the caret, twice takes the word, three times the line.
fn down(model: &mut Model, col: u16, row: u16) {
    model.terminal.clear_selection();
    if let Some(reader) = &mut model.reader {
        reader.selecting = None;
    }
    model.terminal.caret_at(col, row);
    let kind = match model.clicks.click(col, row, model.now) {
        2 => SelectionKind::Words,
        3 => SelectionKind::Lines,
        _ => SelectionKind::Text,
    };
    if kind != SelectionKind::Text {
        model.terminal.select(kind, col, row);
    }
    model.pressed = Some(Pressed { col, row, kind, dragged: false });
}

fn drag(model: &mut Model, col: u16, row: u16, lines: i32) {
    let Some(pressed) = &mut model.pressed else { return };
    if !std::mem::replace(&mut pressed.dragged, true) && pressed.kind == SelectionKind::Text {
        model.terminal.select(SelectionKind::Text, pressed.col, pressed.row);
    }
    model.terminal.scroll(lines);
    model.terminal.extend_selection(col, row);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clicks_are_counted() {
        let mut clicks = Clicks::default();
        let at = Moment::from_millis;
        assert_eq!(clicks.click(1, 1, at(0)), 1);
        assert_eq!(clicks.click(1, 1, at(399)), 2);
        assert_eq!(clicks.click(1, 1, at(700)), 3);
        assert_eq!(clicks.click(1, 1, at(800)), 1, "a fourth begins anew");
        assert_eq!(clicks.click(1, 1, at(1_300)), 1, "too late");
        assert_eq!(clicks.click(2, 1, at(1_400)), 1, "elsewhere");
    }
}
