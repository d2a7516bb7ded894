//! The mouse: clicks on what is lcc's, everything in the pane to Claude Code.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use crate::front::input::encode;

use super::{AlertKey, Dialog, Effect, Model, Overlay, action, alert, keybar, keys};

/// Lines that one step of the wheel scrolls.
const WHEEL_LINES: i32 = 3;

/// Something the mouse did.
pub(super) fn event(model: &mut Model, event: MouseEvent, effects: &mut Vec<Effect>) {
    let at = Position { x: event.column, y: event.row };
    let click = event.kind == MouseEventKind::Down(MouseButton::Left);
    let layout = model.layout();
    if layout.keys.contains(at) {
        if click && let Some(wanted) = key_at(model, event.column) {
            action::run(model, wanted, effects);
        }
        return;
    }
    match model.overlays.last_mut() {
        Some(Overlay::Dialog(dialog)) => {
            if click && let Some(choice) = button_at(dialog, layout.screen, at) {
                action::choose(model, choice, effects);
            }
            return;
        }
        Some(Overlay::Help(scroll)) => {
            match event.kind {
                MouseEventKind::ScrollUp => *scroll = scroll.saturating_sub(3),
                MouseEventKind::ScrollDown => *scroll = scroll.saturating_add(3),
                MouseEventKind::Down(_) => {
                    model.overlays.pop();
                }
                MouseEventKind::Up(_)
                | MouseEventKind::Drag(_)
                | MouseEventKind::Moved
                | MouseEventKind::ScrollLeft
                | MouseEventKind::ScrollRight => return,
            }
            effects.push(Effect::Redraw);
            return;
        }
        None => {}
    }
    if layout.alert.contains(at) && dismiss(model, click) {
        effects.push(Effect::Redraw);
        return;
    }
    if layout.pane.contains(at) && !layout.panes.contains(at) {
        in_pane(model, event, layout.pane, effects);
    }
}

/// Puts the alert that is shown away. Says whether there was one to click on.
fn dismiss(model: &mut Model, click: bool) -> bool {
    let Some(shown) = alert(model).filter(|_| click) else { return false };
    match shown.key {
        AlertKey::Notice(id) => model.notices.remove(id),
        key @ (AlertKey::Risk(_) | AlertKey::ServerLost | AlertKey::Break(_)) => {
            model.dismissed.insert(key);
        }
    }
    true
}

fn in_pane(model: &mut Model, event: MouseEvent, pane: Rect, effects: &mut Vec<Effect>) {
    if let Some(bytes) = encode::mouse(event, model.terminal.modes(), (pane.x, pane.y)) {
        keys::send(model, bytes, effects);
        return;
    }
    match event.kind {
        MouseEventKind::ScrollUp => model.terminal.scroll(WHEEL_LINES),
        MouseEventKind::ScrollDown => model.terminal.scroll(-WHEEL_LINES),
        MouseEventKind::Down(_)
        | MouseEventKind::Up(_)
        | MouseEventKind::Drag(_)
        | MouseEventKind::Moved
        | MouseEventKind::ScrollLeft
        | MouseEventKind::ScrollRight => return,
    }
    effects.push(Effect::Redraw);
}

fn key_at(model: &Model, col: u16) -> Option<crate::front::input::Action> {
    keybar(model)
        .entries
        .iter()
        .find(|entry| (entry.col..entry.col + entry.cols()).contains(&col))
        .map(|entry| entry.action)
}

fn button_at(dialog: &Dialog, screen: Rect, at: Position) -> Option<super::Outcome> {
    dialog
        .buttons(screen)
        .into_iter()
        .find(|(area, _)| area.contains(at))
        .map(|(_, choice)| choice.outcome)
}
