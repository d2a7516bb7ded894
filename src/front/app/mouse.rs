//! The mouse: clicks on what is lcc's, everything in the pane to Claude Code.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use crate::{front::ui, protocol::Snapshot};

use super::{Dialog, Effect, Model, Overlay, action, alert::dismiss, arrange, copy, keybar, zoom};

mod pane;

pub(super) use pane::{Clicks, Pressed};

/// Something the mouse did.
pub(super) fn event(model: &mut Model, event: MouseEvent, effects: &mut Vec<Effect>) {
    let at = Position { x: event.column, y: event.row };
    let click = event.kind == MouseEventKind::Down(MouseButton::Left);
    if matches!(event.kind, MouseEventKind::Down(_)) {
        model.attention.typed(model.now);
    }
    let layout = model.layout();
    if layout.keys.contains(at) {
        // While reading, other words stand there.
        if click
            && model.reader.is_none()
            && let Some(wanted) = key_at(model, event.column)
        {
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
    // A selection that is being dragged goes on beyond the pane's edge.
    let dragging = model.pressed.is_some()
        && matches!(event.kind, MouseEventKind::Drag(_) | MouseEventKind::Up(_));
    if dragging || (layout.pane.contains(at) && !layout.panes.contains(at)) {
        pane::event(model, event, layout.pane, effects);
        copy::moved(model);
    }
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
