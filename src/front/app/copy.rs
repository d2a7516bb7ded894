//! Reading mode: a caret in the pane, its keys, its search, its selection; keys are lcc's here.

mod keys;
mod save;

use crossterm::event::KeyEvent;

use crate::front::terminal::{SelectionKind, Spot};

use super::{ChildState, Effect, Model, Search, action::tell};
use crate::protocol::NoticeLevel;

pub(super) use save::saved;

/// What is being typed in the bottom line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typing {
    /// Nothing: keys move the caret.
    Nothing,
    /// What to search for; where the caret was before.
    Search {
        /// To go back to when the search is given up.
        from: Option<Spot>,
    },
    /// A file's name.
    Name(String),
}

/// Reading mode.
#[derive(Debug)]
pub struct Reader {
    /// What is being typed.
    pub typing: Typing,
    /// What is searched for.
    pub search: Search,
    /// What a selection that is being made covers.
    pub selecting: Option<SelectionKind>,
    /// What the last key could not do, or came to.
    pub says: Option<String>,
    /// The file that is being written, until the shell says what became of it.
    pub(super) saving: bool,
}

impl Reader {
    fn new(typing: Typing) -> Self {
        Self { typing, search: Search::default(), selecting: None, says: None, saving: false }
    }
}

/// The leader's `/`: searches, from wherever one is.
pub(super) fn search(model: &mut Model) {
    if begin(model) {
        keys::start_search(model);
    }
}

/// The leader's `r`: the caret.
pub(super) fn read(model: &mut Model) {
    begin(model);
}

/// The leader's `s`: asks for a file's name.
pub(super) fn save(model: &mut Model) {
    if begin(model) {
        save::ask(model);
    }
}

/// A key while reading.
pub(super) fn press(model: &mut Model, key: KeyEvent, effects: &mut Vec<Effect>) {
    keys::press(model, key, effects);
    moved(model);
    effects.push(Effect::Redraw);
}

/// A paste while reading: into what is being typed; else reading is over and it is Claude Code's.
pub(super) fn paste(model: &mut Model, text: &str) -> bool {
    let Some(reader) = &mut model.reader else { return false };
    let line = text.lines().next().unwrap_or_default();
    match &mut reader.typing {
        Typing::Nothing => {
            end(model);
            return false;
        }
        Typing::Search { .. } => {
            for c in line.chars() {
                reader.search.push(c);
            }
            keys::searched(model);
        }
        Typing::Name(name) => save::type_name(name, line),
    }
    moved(model);
    true
}

/// The view may show another part now.
pub(super) fn moved(model: &mut Model) {
    if let Some(reader) = &mut model.reader {
        reader.search.look(&model.terminal);
    }
}

/// Claude Code has written something.
pub(super) fn changed(model: &mut Model) {
    let Some(reader) = &mut model.reader else { return };
    if model.terminal.is_reading() {
        reader.search.changed(&model.terminal, model.terminal.caret_spot(), model.now);
    } else {
        model.reader = None;
    }
}

/// Time passes. Says whether something on screen is another thing now.
pub(super) fn tick(model: &mut Model) -> bool {
    let caret = model.terminal.caret_spot();
    let now = model.now;
    model.reader.as_mut().is_some_and(|reader| reader.search.tick(&model.terminal, caret, now))
}

/// Reading is over: the caret goes, the view returns to the live screen.
pub(super) fn end(model: &mut Model) {
    if model.reader.take().is_some() {
        model.terminal.end_reading();
        model.terminal.scroll_to_bottom();
    }
}

/// Begins reading, if it has not begun; says whether it is on.
fn begin(model: &mut Model) -> bool {
    match model.child {
        ChildState::Running | ChildState::Ended { .. } | ChildState::Ending => {}
        ChildState::Starting(_) | ChildState::Failed { .. } => {
            tell(model, NoticeLevel::Info, "nothing to read yet".to_owned());
            return false;
        }
    }
    model.overlays.clear();
    model.terminal.begin_reading();
    if let Some(reader) = &mut model.reader {
        reader.typing = Typing::Nothing;
    } else {
        model.reader = Some(Reader::new(Typing::Nothing));
    }
    true
}

/// Puts what is selected into the clipboard; says whether anything was.
pub(super) fn copy(model: &mut Model, effects: &mut Vec<Effect>) -> bool {
    let Some(text) = model.terminal.selected_text() else { return false };
    let text = text.trim_end();
    if text.is_empty() {
        return false;
    }
    effects.push(Effect::Copy(text.to_owned()));
    true
}
