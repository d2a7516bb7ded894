//! Saving what stands in the pane and above it, or what is selected, to a file that is new.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::protocol::NoticeLevel;

use super::{
    super::{Effect, Model, action::tell},
    Typing, end,
};

/// Characters of a name.
const LONGEST: usize = 200;

/// Asks for the name; offers one.
pub(super) fn ask(model: &mut Model) {
    let project: String = model
        .title
        .project
        .chars()
        .map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' })
        .collect();
    let turns = model.snapshot.as_ref().map_or(0, |s| s.turns);
    if let Some(reader) = &mut model.reader {
        reader.typing = Typing::Name(format!("{project}-turn{turns}.txt"));
    }
}

/// Types into the name.
pub(super) fn type_name(name: &mut String, text: &str) {
    for c in text.chars().filter(|c| !c.is_control()) {
        if name.chars().count() < LONGEST {
            name.push(c);
        }
    }
}

/// A key while the name is typed.
pub(super) fn press(model: &mut Model, key: KeyEvent, effects: &mut Vec<Effect>) {
    let Some(reader) = &mut model.reader else { return };
    let Typing::Name(name) = &mut reader.typing else { return };
    let control = key.modifiers == KeyModifiers::CONTROL;
    match key.code {
        KeyCode::Esc => reader.typing = Typing::Nothing,
        KeyCode::Char('c') if control => reader.typing = Typing::Nothing,
        KeyCode::Char('u') if control => name.clear(),
        KeyCode::Backspace => {
            name.pop();
        }
        KeyCode::Enter if name.trim().is_empty() => {
            reader.says = Some("a name is needed".to_owned());
        }
        KeyCode::Enter => {
            let name = name.trim().to_owned();
            reader.saving = true;
            let text = match model.terminal.selected_text() {
                Some(selected) => format!("{}\n", selected.trim_end()),
                None => model.terminal.whole_text(),
            };
            effects.push(Effect::Save { name, text });
        }
        KeyCode::Char(c) if key.modifiers.difference(KeyModifiers::SHIFT).is_empty() => {
            type_name(name, c.encode_utf8(&mut [0; 4]));
        }
        _ => {}
    }
}

/// What became of the file: where it is, or why there is none; then the name can be changed.
pub(in crate::front::app) fn saved(model: &mut Model, result: Result<String, String>) {
    let asked = model.reader.as_mut().is_some_and(|r| std::mem::take(&mut r.saving));
    match result {
        Ok(path) => {
            if asked {
                end(model);
            }
            tell(model, NoticeLevel::Info, format!("saved: {path}"));
        }
        Err(why) => match &mut model.reader {
            Some(reader) if asked => reader.says = Some(why),
            _ => tell(model, NoticeLevel::Warning, why),
        },
    }
}
