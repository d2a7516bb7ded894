//! The keys of reading mode, as people know them from vi, less and tmux.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::front::terminal::{Motion, SelectionKind, Spot};

use super::{
    super::{Effect, Found, Model, scroll},
    Typing, copy, end, save,
};

/// A key.
pub(super) fn press(model: &mut Model, key: KeyEvent, effects: &mut Vec<Effect>) {
    let Some(reader) = &mut model.reader else { return };
    reader.says = None;
    match &reader.typing {
        Typing::Nothing => read(model, key, effects),
        Typing::Search { from } => {
            let from = *from;
            type_search(model, key, from);
        }
        Typing::Name(_) => save::press(model, key, effects),
    }
}

fn read(model: &mut Model, key: KeyEvent, effects: &mut Vec<Effect>) {
    if let Some(motion) = motion(key, i32::from(model.terminal.size().rows)) {
        return model.terminal.move_caret(motion);
    }
    let plain = key.modifiers.difference(KeyModifiers::SHIFT).is_empty();
    match key.code {
        KeyCode::Esc => escape(model),
        KeyCode::Char('c') if key.modifiers == KeyModifiers::CONTROL => end(model),
        KeyCode::Char('v') if key.modifiers == KeyModifiers::CONTROL => {
            select(model, SelectionKind::Block);
        }
        KeyCode::Enter => take(model, effects),
        KeyCode::Char(c) if plain => letter(model, c, effects),
        _ => {}
    }
}

fn letter(model: &mut Model, c: char, effects: &mut Vec<Effect>) {
    match c {
        'q' | 'i' => end(model),
        'v' => select(model, SelectionKind::Text),
        'V' => select(model, SelectionKind::Lines),
        'y' => take(model, effects),
        'Y' => {
            model.terminal.select_from_caret(SelectionKind::Lines);
            take(model, effects);
        }
        '/' | '?' => start_search(model),
        'n' => next(model, true),
        'N' => next(model, false),
        'c' => {
            toggle(model, super::Search::toggle_case);
        }
        'r' => {
            toggle(model, super::Search::toggle_regex);
        }
        '[' => scroll::jump(model, true),
        ']' => scroll::jump(model, false),
        's' => save::ask(model),
        _ => {
            if let Some(reader) = &mut model.reader {
                reader.says = Some(format!("{c} does nothing here"));
            }
        }
    }
}

/// What moves the caret. A page is two lines less than the pane, as in pagers.
fn motion(key: KeyEvent, rows: i32) -> Option<Motion> {
    let page = (rows - 2).max(1);
    let half = (rows / 2).max(1);
    if key.modifiers == KeyModifiers::CONTROL {
        return Some(match key.code {
            KeyCode::Char('u') => Motion::Lines(half),
            KeyCode::Char('d') => Motion::Lines(-half),
            KeyCode::Char('b') => Motion::Lines(page),
            KeyCode::Char('f') => Motion::Lines(-page),
            KeyCode::Left => Motion::WordLeft,
            KeyCode::Right => Motion::WordRight,
            KeyCode::Home => Motion::Oldest,
            KeyCode::End => Motion::Newest,
            _ => return None,
        });
    }
    if !key.modifiers.difference(KeyModifiers::SHIFT).is_empty() {
        return None;
    }
    Some(match key.code {
        KeyCode::Char('h') | KeyCode::Left => Motion::Left,
        KeyCode::Char('j') | KeyCode::Down => Motion::Down,
        KeyCode::Char('k') | KeyCode::Up => Motion::Up,
        KeyCode::Char('l') | KeyCode::Right => Motion::Right,
        KeyCode::Char('w') => Motion::WordRight,
        KeyCode::Char('b') => Motion::WordLeft,
        KeyCode::Char('e') => Motion::WordEnd,
        KeyCode::Char('0') | KeyCode::Home => Motion::LineStart,
        KeyCode::Char('^') => Motion::LineText,
        KeyCode::Char('$') | KeyCode::End => Motion::LineEnd,
        KeyCode::Char('g') => Motion::Oldest,
        KeyCode::Char('G') => Motion::Newest,
        KeyCode::Char('H') => Motion::High,
        KeyCode::Char('M') => Motion::Middle,
        KeyCode::Char('L') => Motion::Low,
        KeyCode::Char('{') => Motion::ParagraphUp,
        KeyCode::Char('}') => Motion::ParagraphDown,
        KeyCode::Char('%') => Motion::Bracket,
        KeyCode::PageUp => Motion::Lines(page),
        KeyCode::PageDown => Motion::Lines(-page),
        _ => return None,
    })
}

/// Esc takes back what was begun last: the selection, then reading itself.
fn escape(model: &mut Model) {
    let selecting = model.reader.as_mut().and_then(|reader| reader.selecting.take());
    if selecting.is_some() {
        model.terminal.clear_selection();
    } else {
        end(model);
    }
}

/// Begins a selection, takes it back, or changes what it covers, as in vi.
fn select(model: &mut Model, kind: SelectionKind) {
    let Some(reader) = &mut model.reader else { return };
    if reader.selecting == Some(kind) {
        reader.selecting = None;
        model.terminal.clear_selection();
    } else if reader.selecting.replace(kind).is_some() {
        model.terminal.turn_selection(kind);
    } else {
        model.terminal.select_from_caret(kind);
    }
}

/// Copies what is selected and ends reading.
fn take(model: &mut Model, effects: &mut Vec<Effect>) {
    if copy(model, effects) {
        end(model);
    } else if let Some(reader) = &mut model.reader {
        reader.says = Some("nothing is selected: v begins, V takes whole lines".to_owned());
    }
}

/// Opens the line to type in, with the last search kept until something is typed.
pub(super) fn start_search(model: &mut Model) {
    let from = model.terminal.caret_spot();
    if let Some(reader) = &mut model.reader {
        reader.search.set(String::new());
        reader.search.run(&model.terminal, from.unwrap_or_default(), model.now);
        reader.typing = Typing::Search { from };
    }
}

fn type_search(model: &mut Model, key: KeyEvent, from: Option<Spot>) {
    let Some(reader) = &mut model.reader else { return };
    let control = key.modifiers == KeyModifiers::CONTROL;
    match key.code {
        KeyCode::Esc => return give_up(model, from),
        KeyCode::Char('c') if control => return give_up(model, from),
        KeyCode::Enter if reader.search.text().is_empty() => return give_up(model, from),
        KeyCode::Enter => {
            reader.typing = Typing::Nothing;
            return;
        }
        KeyCode::Backspace if !reader.search.pop() => return give_up(model, from),
        KeyCode::Backspace => {}
        KeyCode::Up => return next(model, true),
        KeyCode::Down => return next(model, false),
        KeyCode::Char('r') if control => reader.search.toggle_regex(),
        KeyCode::Char('t') if control => reader.search.toggle_case(),
        KeyCode::Char('u') if control => reader.search.set(String::new()),
        KeyCode::Char(c) if key.modifiers.difference(KeyModifiers::SHIFT).is_empty() => {
            reader.search.push(c);
        }
        _ => return,
    }
    searched(model);
}

/// The text has changed: searches from where the caret was when the search began.
pub(super) fn searched(model: &mut Model) {
    let Some(reader) = &mut model.reader else { return };
    let Typing::Search { from } = reader.typing else { return };
    let from = from.unwrap_or_default();
    let at = reader.search.run(&model.terminal, from, model.now);
    model.terminal.caret_to(at.unwrap_or(from));
}

fn give_up(model: &mut Model, from: Option<Spot>) {
    let Some(reader) = &mut model.reader else { return };
    reader.typing = Typing::Nothing;
    reader.search.set(String::new());
    reader.search.run(&model.terminal, from.unwrap_or_default(), model.now);
    if let Some(from) = from {
        model.terminal.caret_to(from);
    }
}

fn toggle(model: &mut Model, what: impl Fn(&mut super::Search)) {
    let Some(reader) = &mut model.reader else { return };
    what(&mut reader.search);
    let from = model.terminal.caret_spot().unwrap_or_default();
    if let Some(at) = reader.search.run(&model.terminal, from, model.now) {
        model.terminal.caret_to(at);
    }
}

fn next(model: &mut Model, older: bool) {
    let Some(reader) = &mut model.reader else { return };
    let from = model.terminal.caret_spot().unwrap_or_default();
    match reader.search.next(&model.terminal, from, older, model.now) {
        Some(at) => model.terminal.caret_to(at),
        None => {
            reader.says = Some(match reader.search.found() {
                Found::Nothing => "/ searches".to_owned(),
                Found::Wrong(wrong) => wrong,
                Found::Nowhere | Found::Places { .. } => "not found".to_owned(),
            });
        }
    }
}
