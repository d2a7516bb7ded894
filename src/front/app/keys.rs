//! Keys and pastes: to the topmost overlay, to lcc, or to Claude Code.

use bytes::Bytes;
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind};

use crate::{
    front::input::{Fed, Hint, encode},
    protocol::{Command, Notice, NoticeLevel, Snapshot},
};

use super::{
    Ask, ChildState, Effect, Model, Overlay, action, arrange, copy, drop, handover, log::Pressed,
    palette, scroll, zoom,
};

/// A key.
pub(super) fn press(model: &mut Model, key: KeyEvent, effects: &mut Vec<Effect>) {
    match model.keymap.feed(key) {
        Fed::Action(wanted) => action::run(model, wanted, effects),
        Fed::Pass(key) => passed(model, key, effects),
        // As Claude Code does when it runs bare: back to the shell. It would stop itself, and
        // nobody in this pane could wake it; so lcc stops, and Claude Code waits with it.
        Fed::Hint(Hint::Suspend) => effects.push(Effect::Suspend),
        Fed::Hint(hint) => {
            let notice = Notice { level: NoticeLevel::Info, text: hint.text().to_owned() };
            model.notices.push(notice, model.now);
            effects.push(Effect::Redraw);
        }
        // The bottom bar shows the letters while the leader is held.
        Fed::Pending | Fed::Cancelled => effects.push(Effect::Redraw),
    }
}

/// A key that is not lcc's own.
fn passed(model: &mut Model, key: KeyEvent, effects: &mut Vec<Effect>) {
    if key.kind == KeyEventKind::Release {
        return;
    }
    let rows = model.layout().log_rows();
    match model.overlays.last_mut() {
        Some(Overlay::Help(scroll)) => {
            if let Some(to) = scrolled(*scroll, key.code) {
                *scroll = to;
            } else if closes(key.code) {
                model.overlays.pop();
            }
            effects.push(Effect::Redraw);
        }
        Some(Overlay::Dialog(dialog)) => {
            if matches!(dialog.ask, Ask::Clipboard | Ask::Link) && model.border.is_deaf(model.now) {
                return;
            }
            let count = dialog.choices().len();
            match key.code {
                KeyCode::Left | KeyCode::BackTab | KeyCode::Up => {
                    dialog.marked = (dialog.marked + count - 1) % count;
                }
                KeyCode::Right | KeyCode::Tab | KeyCode::Down => {
                    dialog.marked = (dialog.marked + 1) % count;
                }
                KeyCode::Enter => {
                    let choice = dialog.choices()[dialog.marked.min(count - 1)];
                    action::choose(model, choice.outcome, effects);
                }
                KeyCode::Esc => action::choose(model, super::Outcome::Cancel, effects),
                KeyCode::Char(letter) => {
                    let letter = letter.to_ascii_lowercase();
                    let choice = dialog.choices().iter().find(|c| c.letter == letter);
                    if let Some(choice) = choice {
                        action::choose(model, choice.outcome, effects);
                    }
                }
                _ => {}
            }
            effects.push(Effect::Redraw);
        }
        Some(Overlay::Log(view)) => {
            if view.press(&mut model.log, key, rows) == Pressed::Closes {
                model.overlays.pop();
            }
            effects.push(Effect::Redraw);
        }
        Some(Overlay::Composer(purpose)) => {
            let purpose = *purpose;
            let what = model.composer.press(purpose, key, effects);
            handover::pressed(model, purpose, what, effects);
            effects.push(Effect::Redraw);
        }
        Some(Overlay::Zoom(zoom)) => {
            let unknown = Snapshot::default();
            let snapshot = model.snapshot.as_deref().unwrap_or(&unknown);
            let pane = zoom.pane;
            match zoom.press(key, &model.panes, snapshot) {
                zoom::Pressed::Stays => {}
                zoom::Pressed::Closes => drop(model.overlays.pop()),
                zoom::Pressed::Explains => arrange::explain(model, pane),
            }
            effects.push(Effect::Redraw);
        }
        Some(Overlay::Explain(_)) => {
            if closes(key.code) || key.code == KeyCode::Char('?') {
                model.overlays.pop();
            }
            effects.push(Effect::Redraw);
        }
        Some(Overlay::Palette(palette)) => {
            let mut palette = palette.clone();
            let found = palette::found(model, &palette.query);
            let pressed = palette.press(key, &found);
            model.overlays.pop();
            match pressed {
                palette::Pressed::Stays => model.overlays.push(Overlay::Palette(palette)),
                palette::Pressed::Closes => {}
                palette::Pressed::Runs(wanted) => action::command(model, wanted, effects),
            }
            effects.push(Effect::Redraw);
        }
        None if model.reader.is_some() => copy::press(model, key, effects),
        None => match model.focus {
            Some(id) => arrange::press(model, id, key, effects),
            None => {
                if !scroll::key(model, key, effects) {
                    to_child(model, key, effects);
                }
            }
        },
    }
}

pub(super) fn to_child(model: &mut Model, key: KeyEvent, effects: &mut Vec<Effect>) {
    let bytes = encode::key(key, model.terminal.modes());
    drop::image_key(model, key, effects);
    to_bottom(model, &bytes, effects);
    send(model, bytes, effects);
}

/// A paste. Of the overlays the composer takes one, and the list of commands its first line.
pub(super) fn paste(model: &mut Model, text: &str, effects: &mut Vec<Effect>) {
    if let Some(Overlay::Composer(purpose)) = model.overlays.last() {
        model.composer.paste(*purpose, text, effects);
        effects.push(Effect::Redraw);
    }
    if let Some(Overlay::Palette(palette)) = model.overlays.last_mut() {
        let line = text.lines().next().unwrap_or_default();
        palette.query.extend(line.chars().filter(|c| !c.is_control()).take(80));
        palette.mark = 0;
        effects.push(Effect::Redraw);
    }
    if model.overlays.is_empty() && !copy::paste(model, text) {
        model.focus = None;
        drop::path(model, text, effects);
        let bytes = encode::paste(text, model.terminal.modes());
        to_bottom(model, &bytes, effects);
        send(model, bytes, effects);
    } else {
        effects.push(Effect::Redraw);
    }
}

/// Whoever types wants to see where: the view goes back to the end.
fn to_bottom(model: &mut Model, typed: &[u8], effects: &mut Vec<Effect>) {
    if !typed.is_empty() && (model.terminal.view_offset() > 0 || model.terminal.has_selection()) {
        model.terminal.scroll_to_bottom();
        model.terminal.clear_selection();
        effects.push(Effect::Redraw);
    }
}

/// Bytes for Claude Code, when it is there to take them.
pub(super) fn send(model: &mut Model, bytes: Vec<u8>, effects: &mut Vec<Effect>) {
    match model.child {
        ChildState::Starting(_) | ChildState::Running => {
            if !bytes.is_empty() {
                effects.push(Effect::Send(Command::Input(Bytes::from(bytes))));
            }
        }
        ChildState::Ended { .. } | ChildState::Failed { .. } | ChildState::Ending => {}
    }
}

fn scrolled(scroll: u16, code: KeyCode) -> Option<u16> {
    match code {
        KeyCode::Up => Some(scroll.saturating_sub(1)),
        KeyCode::Down => Some(scroll.saturating_add(1)),
        KeyCode::PageUp => Some(scroll.saturating_sub(10)),
        KeyCode::PageDown => Some(scroll.saturating_add(10)),
        KeyCode::Home => Some(0),
        _ => None,
    }
}

fn closes(code: KeyCode) -> bool {
    matches!(code, KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q' | ' '))
}
