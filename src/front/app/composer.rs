//! The composer: a text of several lines, written in peace, weighed while it is written.
//!
//! One room for two purposes: F6's note for a fresh session, and F7's prompt for this one. Each
//! keeps its draft while the composer is closed.

mod complete;
mod history;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseEventKind};
use ratatui::style::{Modifier, Style};
use tui_textarea::{CursorMove, DataCursor, Scrolling, TextArea, WrapMode};

use crate::{
    front::theme::{Role, Theme},
    protocol::{Command, Handover},
};

use super::Effect;
use complete::Completion;
use history::History;

/// Most bytes of a text: more fits no window, and a paste of the wrong file is no prompt.
const MOST: usize = 1 << 20;

/// What the text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The first prompt of a fresh session.
    Note,
    /// A prompt of this session.
    Prompt,
}

/// What a text weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weight {
    /// Tokens.
    pub tokens: u64,
    /// Whether they are estimated.
    pub estimated: bool,
    /// Whether the text has changed since it was weighed.
    pub stale: bool,
}

/// What became of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pressed {
    /// It was the composer's.
    Taken,
    /// Close it; the draft stays.
    Closes,
    /// Send the text.
    Sends,
}

/// Both drafts and what was sent.
#[derive(Debug, Default)]
pub struct Composer {
    note: Draft,
    prompt: Draft,
    history: History,
    completion: Completion,
    /// Counts the texts that were sent to be weighed.
    revision: u64,
    /// The session the note was taken from.
    session: Option<String>,
    /// Whether a note was asked for and has not come.
    pub(super) awaited: bool,
}

/// One text with its cursor.
#[derive(Debug, Default)]
struct Draft {
    area: TextArea<'static>,
    weight: Option<Weight>,
    /// The revision that was sent to be weighed last.
    asked: u64,
}

impl Composer {
    /// The text as the screen shows it.
    #[must_use]
    pub fn area(&self, purpose: Purpose) -> &TextArea<'static> {
        &self.draft(purpose).area
    }

    /// What the text weighs, once known.
    #[must_use]
    pub fn weight(&self, purpose: Purpose) -> Option<Weight> {
        self.draft(purpose).weight
    }

    /// The session the note was taken from.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// Whether there is anything but blanks.
    #[must_use]
    pub fn is_blank(&self, purpose: Purpose) -> bool {
        self.area(purpose).lines().iter().all(|line| line.trim().is_empty())
    }

    /// The text, without blank lines around it.
    #[must_use]
    pub fn text(&self, purpose: Purpose) -> String {
        self.area(purpose).lines().join("\n").trim().to_owned()
    }

    /// A note has come: it takes the place of the old one.
    pub(super) fn take_note(&mut self, handover: Handover, theme: &Theme) {
        self.awaited = false;
        self.session = Some(handover.session);
        let Handover { text, tokens, estimated, .. } = handover;
        // What is weighed of the old text comes too late.
        self.revision += 1;
        self.note = Draft {
            area: area(text.trim_end()),
            weight: Some(Weight { tokens, estimated, stale: false }),
            asked: self.revision,
        };
        self.dress(theme);
    }

    /// An answer to [`Command::Weigh`]; says whether it changes what is shown.
    pub(super) fn weighed(&mut self, revision: u64, tokens: u64, estimated: bool) -> bool {
        let drafts = [&mut self.note, &mut self.prompt];
        let Some(draft) = drafts.into_iter().find(|d| d.asked == revision && revision > 0) else {
            return false;
        };
        let weight = Some(Weight { tokens, estimated, stale: false });
        let news = draft.weight != weight;
        draft.weight = weight;
        news
    }

    /// The colours of a theme.
    pub(super) fn dress(&mut self, theme: &Theme) {
        for draft in [&mut self.note, &mut self.prompt] {
            let area = &mut draft.area;
            area.set_style(theme.style(Role::Text));
            area.set_cursor_line_style(Style::default());
            area.set_cursor_style(Style::default().add_modifier(Modifier::REVERSED));
            area.set_selection_style(theme.style(Role::Selected));
            area.set_placeholder_style(theme.style(Role::Dim));
            area.set_wrap_mode(WrapMode::WordOrGlyph);
        }
        let empty = "A prompt of as many lines as you like; it goes to Claude Code as one paste.";
        self.prompt.area.set_placeholder_text(empty);
    }

    /// A key. What changed the text is sent to be weighed.
    pub(super) fn press(
        &mut self,
        purpose: Purpose,
        key: KeyEvent,
        effects: &mut Vec<Effect>,
    ) -> Pressed {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        if matches!(key.code, KeyCode::Tab | KeyCode::BackTab)
            && let Some((gone, put)) = self.completion.next(key.code == KeyCode::BackTab)
        {
            let area = &mut self.draft_mut(purpose).area;
            for _ in 0..gone {
                area.delete_char();
            }
            area.insert_str(put);
            self.changed(purpose, effects);
            return Pressed::Taken;
        }
        let edits = match key.code {
            // First the list, then the composer.
            KeyCode::Esc if self.completion.close() => return Pressed::Taken,
            KeyCode::Esc => return Pressed::Closes,
            KeyCode::Char('c') if control => return Pressed::Closes,
            KeyCode::Char('s') if control => return Pressed::Sends,
            // However the terminal reports it: a new line.
            KeyCode::Enter => self.newline(purpose),
            KeyCode::Char('j') if control => self.newline(purpose),
            KeyCode::Up if self.at_edge(purpose, CursorMove::Up) => self.recall(purpose, true),
            KeyCode::Down if self.at_edge(purpose, CursorMove::Down) => self.recall(purpose, false),
            _ => self.draft_mut(purpose).area.input(key),
        };
        if edits {
            self.changed(purpose, effects);
        }
        self.complete(purpose, effects);
        Pressed::Taken
    }

    /// The files have come; says whether that is to be seen.
    pub(super) fn files_came(&mut self, files: Vec<String>) -> bool {
        self.completion.came(files)
    }

    /// The files that fit the word at the cursor, and which of them was taken.
    #[must_use]
    pub fn completion(&self) -> Option<(&[String], Option<usize>)> {
        self.completion.shown()
    }

    /// The composer was opened: files may have come and gone since the last time.
    pub(super) fn opened(&mut self) {
        self.completion.asked = false;
        self.completion.typed(None);
    }

    /// Looks at the word before the cursor; the files are asked for when one is named.
    fn complete(&mut self, purpose: Purpose, effects: &mut Vec<Effect>) {
        let area = &self.draft(purpose).area;
        let DataCursor(row, col) = area.cursor();
        let word = area.lines().get(row).and_then(|line| complete::word(line, col));
        if word.is_some() && !std::mem::replace(&mut self.completion.asked, true) {
            effects.push(Effect::Send(Command::Files));
        }
        self.completion.typed(word);
    }

    /// Pasted text; nothing in it is a key.
    pub(super) fn paste(&mut self, purpose: Purpose, text: &str, effects: &mut Vec<Effect>) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let plain: String =
            text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect();
        let area = &mut self.draft_mut(purpose).area;
        let had: usize = area.lines().iter().map(|line| line.len() + 1).sum();
        let room = plain.floor_char_boundary(MOST.saturating_sub(had));
        if area.insert_str(plain.get(..room).unwrap_or_default()) {
            self.changed(purpose, effects);
        }
    }

    /// The wheel.
    pub(super) fn mouse(&mut self, purpose: Purpose, kind: MouseEventKind) {
        let rows = match kind {
            MouseEventKind::ScrollUp => -3,
            MouseEventKind::ScrollDown => 3,
            MouseEventKind::Down(_)
            | MouseEventKind::Up(_)
            | MouseEventKind::Drag(_)
            | MouseEventKind::Moved
            | MouseEventKind::ScrollLeft
            | MouseEventKind::ScrollRight => return,
        };
        self.draft_mut(purpose).area.scroll(Scrolling::Delta { rows, cols: 0 });
    }

    /// The text has been sent: a prompt goes into the history, a draft is empty again.
    pub(super) fn sent(&mut self, purpose: Purpose, theme: &Theme) {
        if purpose == Purpose::Prompt {
            self.history.add(self.text(purpose));
            self.prompt = Draft::default();
        }
        self.dress(theme);
    }

    fn newline(&mut self, purpose: Purpose) -> bool {
        self.draft_mut(purpose).area.insert_newline();
        true
    }

    /// Whether the cursor is in the first (last) row, so that the key has nowhere to go.
    fn at_edge(&self, purpose: Purpose, towards: CursorMove) -> bool {
        let area = self.area(purpose);
        let DataCursor(row, _) = area.cursor();
        match towards {
            CursorMove::Up => row == 0 && area.screen_cursor().row == 0,
            _ => row + 1 == area.lines().len(),
        }
    }

    /// An older (newer) prompt of this session takes the draft's place. Only for prompts.
    fn recall(&mut self, purpose: Purpose, older: bool) -> bool {
        if purpose == Purpose::Note {
            return false;
        }
        let now = self.area(purpose).lines().join("\n");
        let Some(text) = (if older { self.history.older(now) } else { self.history.newer() })
        else {
            return false;
        };
        let area = &mut self.prompt.area;
        area.select_all();
        area.insert_str(text);
        true
    }

    fn changed(&mut self, purpose: Purpose, effects: &mut Vec<Effect>) {
        self.revision += 1;
        let revision = self.revision;
        let draft = self.draft_mut(purpose);
        draft.asked = revision;
        if let Some(weight) = &mut draft.weight {
            weight.stale = true;
        }
        let text = draft.area.lines().join("\n");
        effects.push(Effect::Send(Command::Weigh { revision, text }));
    }

    const fn draft(&self, purpose: Purpose) -> &Draft {
        match purpose {
            Purpose::Note => &self.note,
            Purpose::Prompt => &self.prompt,
        }
    }

    const fn draft_mut(&mut self, purpose: Purpose) -> &mut Draft {
        match purpose {
            Purpose::Note => &mut self.note,
            Purpose::Prompt => &mut self.prompt,
        }
    }
}

fn area(text: &str) -> TextArea<'static> {
    TextArea::new(text.split('\n').map(str::to_owned).collect())
}
