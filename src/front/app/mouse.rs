//! The mouse: clicks on what is lcc's, everything in the pane to Claude Code.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use crate::{
    front::{input::encode, terminal::SelectionKind, ui},
    protocol::{Notice, NoticeLevel, Snapshot},
};

use super::{Dialog, Effect, Model, Overlay, action, alert::dismiss, arrange, keybar, keys, zoom};

/// Lines that one step of the wheel scrolls.
const WHEEL_LINES: i32 = 3;

/// The left button went down in this cell of the pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pressed {
    col: u16,
    row: u16,
    dragged: bool,
}

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
        Some(Overlay::Log(view)) => {
            let by = match event.kind {
                MouseEventKind::ScrollUp => -3,
                MouseEventKind::ScrollDown => 3,
                MouseEventKind::Down(_)
                | MouseEventKind::Up(_)
                | MouseEventKind::Drag(_)
                | MouseEventKind::Moved
                | MouseEventKind::ScrollLeft
                | MouseEventKind::ScrollRight => return,
            };
            view.scroll(&mut model.log, by, layout.log_rows());
            effects.push(Effect::Redraw);
            return;
        }
        Some(Overlay::Composer(purpose)) => {
            model.composer.mouse(*purpose, event.kind);
            effects.push(Effect::Redraw);
            return;
        }
        Some(Overlay::Zoom(zoom)) => {
            let unknown = Snapshot::default();
            let snapshot = model.snapshot.as_deref().unwrap_or(&unknown);
            let last = zoom::last_row(zoom, snapshot);
            match event.kind {
                MouseEventKind::ScrollUp => zoom.mark = zoom.mark.saturating_sub(3),
                MouseEventKind::ScrollDown => zoom.mark = (zoom.mark + 3).min(last),
                MouseEventKind::Down(MouseButton::Left) => {
                    let zoom = zoom.clone();
                    let row = ui::row_at(model, &zoom, at);
                    let snapshot = model.snapshot.as_deref().unwrap_or(&unknown);
                    if let (Some(row), Some(Overlay::Zoom(open))) = (row, model.overlays.last_mut())
                    {
                        open.click(row, snapshot);
                    } else if !layout.frame.contains(at) {
                        model.overlays.pop();
                    }
                }
                MouseEventKind::Down(MouseButton::Right) => drop(model.overlays.pop()),
                MouseEventKind::Down(_)
                | MouseEventKind::Up(_)
                | MouseEventKind::Drag(_)
                | MouseEventKind::Moved
                | MouseEventKind::ScrollLeft
                | MouseEventKind::ScrollRight => return,
            }
            effects.push(Effect::Redraw);
            return;
        }
        Some(Overlay::Explain(_)) => {
            if matches!(event.kind, MouseEventKind::Down(_)) {
                model.overlays.pop();
                effects.push(Effect::Redraw);
            }
            return;
        }
        Some(Overlay::Palette(palette)) => {
            match event.kind {
                MouseEventKind::ScrollUp => palette.mark = palette.mark.saturating_sub(1),
                MouseEventKind::ScrollDown => palette.mark += 1,
                MouseEventKind::Down(MouseButton::Left) => {
                    let palette = palette.clone();
                    model.overlays.pop();
                    if let Some(wanted) = ui::command_at(model, &palette, at) {
                        action::command(model, wanted, effects);
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
            return;
        }
        None => {}
    }
    if arrange::mouse(model, event, effects) {
        return;
    }
    if click && layout.alert.contains(at) && dismiss(model) {
        effects.push(Effect::Redraw);
        return;
    }
    if layout.pane.contains(at) && !layout.panes.contains(at) {
        in_pane(model, event, layout.pane, effects);
    }
}

/// What Claude Code does not want, lcc uses: the wheel scrolls, dragging selects and copies.
fn in_pane(model: &mut Model, event: MouseEvent, pane: Rect, effects: &mut Vec<Effect>) {
    if let Some(bytes) = encode::mouse(event, model.terminal.modes(), pane) {
        keys::send(model, bytes, effects);
        return;
    }
    let (col, row) = (event.column.saturating_sub(pane.x), event.row.saturating_sub(pane.y));
    match event.kind {
        MouseEventKind::ScrollUp => model.terminal.scroll(WHEEL_LINES),
        MouseEventKind::ScrollDown => model.terminal.scroll(-WHEEL_LINES),
        MouseEventKind::Down(MouseButton::Left) => {
            model.terminal.clear_selection();
            model.pressed = Some(Pressed { col, row, dragged: false });
        }
        MouseEventKind::Drag(MouseButton::Left) => {
            let Some(pressed) = &mut model.pressed else { return };
            if !std::mem::replace(&mut pressed.dragged, true) {
                model.terminal.select(SelectionKind::Text, pressed.col, pressed.row);
            }
            model.terminal.extend_selection(col, row);
        }
        MouseEventKind::Up(MouseButton::Left) => {
            let dragged = model.pressed.take().is_some_and(|pressed| pressed.dragged);
            if let Some(text) = model.terminal.selected_text().filter(|_| dragged) {
                let text = text.trim_end().to_owned();
                effects.push(Effect::Clipboard(text));
                let notice =
                    Notice { level: NoticeLevel::Info, text: "copied the selection".to_owned() };
                model.notices.push(notice, model.now);
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
