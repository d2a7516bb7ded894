//! Questions the cockpit asks before it does something that loses work.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use crate::{domain::units, protocol::CompactWhen};

use super::{Model, centred};

/// Columns of a dialog with its frame; it fits the least terminal.
const COLS: u16 = 56;
/// Rows of a dialog with its frame: three sentences of two lines, a blank, the buttons.
const ROWS: u16 = 10;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Compact while a turn runs.
    Compact,
    /// Restart with an empty conversation while a turn runs.
    Fresh,
    /// Start a fresh session with a note while a turn runs.
    Handover,
    /// Quit while a turn runs.
    Quit,
    /// Let Claude Code write the clipboard.
    Clipboard,
    /// Open a link.
    Link,
}

/// What a choice leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Have Claude Code compact.
    Compact(CompactWhen),
    /// Restart with an empty conversation.
    Fresh,
    /// Start a fresh session with the note.
    Handover,
    /// Leave.
    Quit,
    /// Let what Claude Code asked for through, this once.
    Grant(Ask),
    /// Let Claude Code write the clipboard from now on.
    GrantAlways,
    /// Nothing: back to work.
    Cancel,
}

/// One button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The key that chooses it.
    pub letter: char,
    /// What stands on it.
    pub label: &'static str,
    /// What it leads to.
    pub outcome: Outcome,
}

const CANCEL: Choice = Choice { letter: 'c', label: "cancel", outcome: Outcome::Cancel };

/// A question on screen, with the button that Enter would press.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialog {
    /// What is asked.
    pub ask: Ask,
    /// Index of the marked button.
    pub marked: usize,
}

impl Dialog {
    /// A question, the harmless button marked.
    #[must_use]
    pub const fn new(ask: Ask) -> Self {
        let marked = match ask {
            Ask::Compact => 0,
            Ask::Fresh | Ask::Handover | Ask::Quit | Ask::Link => 1,
            Ask::Clipboard => 2,
        };
        Self { ask, marked }
    }

    /// What stands on the frame.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        match self.ask {
            Ask::Compact => "compact",
            Ask::Fresh => "restart fresh",
            Ask::Handover => "restart with a note",
            Ask::Quit => "quit",
            Ask::Clipboard => "write the clipboard",
            Ask::Link => "open a link",
        }
    }

    /// What is at stake, one sentence a line.
    #[must_use]
    pub fn body(&self, model: &Model) -> Vec<String> {
        let doing = model.phase().word();
        let since = units::seconds(model.phase_seconds());
        let running = format!("A turn is under way ({doing}, {since}).");
        match self.ask {
            Ask::Compact => vec![
                running,
                "Waiting costs nothing: Claude Code compacts when the turn has ended.".to_owned(),
                "Interrupting stops the turn where it is; what it wrote so far is kept.".to_owned(),
            ],
            Ask::Fresh => vec![
                format!("{running} Restarting ends it."),
                freed_sentence(model),
                "Files already written stay as they are.".to_owned(),
            ],
            Ask::Handover => vec![
                format!("{running} Starting fresh ends it."),
                freed_sentence(model),
                "The conversation is kept: lcc --resume brings it back.".to_owned(),
            ],
            Ask::Quit => vec![
                format!("{running} Quitting ends it."),
                "Files already written stay as they are.".to_owned(),
            ],
            Ask::Clipboard | Ask::Link => model.border.body(self.ask),
        }
    }

    /// Where it stands, frame included.
    #[must_use]
    pub fn area(screen: Rect) -> Rect {
        centred(screen, COLS, ROWS)
    }

    /// Its buttons and where they stand: ` w wait until idle `, two columns apart.
    #[must_use]
    pub fn buttons(&self, screen: Rect) -> Vec<(Rect, Choice)> {
        let area = Self::area(screen);
        let mut x = area.x + 2;
        let y = area.bottom().saturating_sub(2).max(area.y);
        let mut buttons = Vec::new();
        for choice in self.choices() {
            let cols = u16::try_from(choice.label.width()).unwrap_or(0) + 4;
            let room = Rect::new(x, y, cols, 1).intersection(area);
            buttons.push((room, *choice));
            x = x.saturating_add(cols + 2);
        }
        buttons
    }

    /// The buttons, left to right.
    #[must_use]
    pub const fn choices(&self) -> &'static [Choice] {
        match self.ask {
            Ask::Compact => &[
                Choice {
                    letter: 'w',
                    label: "wait until idle",
                    outcome: Outcome::Compact(CompactWhen::Idle),
                },
                Choice {
                    letter: 'i',
                    label: "interrupt",
                    outcome: Outcome::Compact(CompactWhen::Interrupt),
                },
                CANCEL,
            ],
            Ask::Fresh => {
                &[Choice { letter: 'r', label: "restart", outcome: Outcome::Fresh }, CANCEL]
            }
            Ask::Handover => {
                &[Choice { letter: 's', label: "start", outcome: Outcome::Handover }, CANCEL]
            }
            Ask::Quit => &[Choice { letter: 'q', label: "quit", outcome: Outcome::Quit }, CANCEL],
            Ask::Clipboard => &[
                Choice { letter: 'y', label: "yes", outcome: Outcome::Grant(Ask::Clipboard) },
                Choice { letter: 'a', label: "always", outcome: Outcome::GrantAlways },
                CANCEL,
            ],
            Ask::Link => {
                &[Choice { letter: 'o', label: "open", outcome: Outcome::Grant(Ask::Link) }, CANCEL]
            }
        }
    }
}

/// What a fresh start frees, in tokens.
pub(super) fn freed_sentence(model: &Model) -> String {
    match (model.freed(), model.snapshot.as_ref().and_then(|s| s.window.fixed)) {
        (Some(freed), Some(fixed)) => format!(
            "A fresh start frees ~{} tok; system and tools keep {} tok.",
            units::count(freed),
            units::count(fixed)
        ),
        (_, _) => "A fresh start empties the conversation; its size is not known yet.".to_owned(),
    }
}
