//! What the child's bytes ask of the world, in the order in which they asked.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alacritty_terminal::event::{Event, EventListener};
use alacritty_terminal::term::ClipboardType;

use super::policy::{CLIPBOARD_LIMIT, TEXT_LIMIT};

/// One thing the child asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminalEvent {
    /// Bytes to write to the child, unchanged and in this order.
    Reply(Vec<u8>),
    /// The window title; empty when the child took it back. No control characters, 512 at most.
    Title(String),
    /// BEL.
    Bell,
    /// A notification (OSC 9, 777 or 99).
    Notification {
        /// What it is about, where the sequence has a place for it.
        title: Option<String>,
        /// The text.
        body: String,
    },
    /// Progress of the child's work (OSC 9;4).
    Progress(Progress),
    /// Text to put into a clipboard (OSC 52); 1 MiB at most.
    Clipboard {
        /// Which clipboard.
        target: ClipboardTarget,
        /// The text, as sent.
        text: String,
    },
    /// The working directory as the URL of OSC 7.
    WorkingDirectory(String),
    /// A shell-integration mark (OSC 133).
    PromptMark(PromptMark),
}

/// Progress as OSC 9;4 tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// State 0: nothing under way.
    Off,
    /// State 1: percent done, 0 to 100.
    Percent(u8),
    /// State 2: failed, at this percentage if known.
    Failed(u8),
    /// State 3: busy, nobody knows how far.
    Busy,
    /// State 4: paused at this percentage.
    Paused(u8),
}

/// A clipboard of the outer terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClipboardTarget {
    /// The ordinary one (`c`).
    Clipboard,
    /// The primary selection (`p`, `s`).
    Primary,
}

/// A mark of OSC 133.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptMark {
    /// `A`: a prompt starts.
    PromptStart,
    /// `B`: the prompt ends, the command line starts.
    CommandStart,
    /// `C`: output starts.
    OutputStart,
    /// `D`: the command ended, with this exit status where it was sent.
    CommandEnd(Option<i32>),
}

/// Text without control characters, cut to [`TEXT_LIMIT`] characters: it goes to the outer
/// terminal, which must not be steered by it.
pub(super) fn plain_text(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(TEXT_LIMIT).collect()
}

/// The queue that the emulator, the handler and the tap all write to; that is what keeps order.
#[derive(Debug, Clone, Default)]
pub(super) struct Queue(Arc<Mutex<Vec<TerminalEvent>>>);

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Vec<TerminalEvent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends one event.
    pub(super) fn push(&self, event: TerminalEvent) {
        self.lock().push(event);
    }

    /// Appends bytes for the child.
    pub(super) fn reply(&self, text: impl Into<Vec<u8>>) {
        self.push(TerminalEvent::Reply(text.into()));
    }

    /// Takes everything out.
    pub(super) fn take(&self) -> Vec<TerminalEvent> {
        std::mem::take(&mut *self.lock())
    }
}

impl EventListener for Queue {
    fn send_event(&self, event: Event) {
        match event {
            Event::PtyWrite(text) => self.reply(text),
            Event::Title(title) => self.push(TerminalEvent::Title(plain_text(&title))),
            Event::ResetTitle => self.push(TerminalEvent::Title(String::new())),
            Event::Bell => self.push(TerminalEvent::Bell),
            Event::ClipboardStore(kind, text) => {
                if text.len() <= CLIPBOARD_LIMIT {
                    let target = match kind {
                        ClipboardType::Clipboard => ClipboardTarget::Clipboard,
                        ClipboardType::Selection => ClipboardTarget::Primary,
                    };
                    self.push(TerminalEvent::Clipboard { target, text });
                }
            }
            // Colours are answered by the handler, which knows the palette; the clipboard is
            // never read; pixel sizes are not known; the rest is for a window of its own.
            Event::ColorRequest(..)
            | Event::ClipboardLoad(..)
            | Event::TextAreaSizeRequest(_)
            | Event::MouseCursorDirty
            | Event::CursorBlinkingChange
            | Event::Wakeup
            | Event::Exit
            | Event::ChildExit(_) => {}
        }
    }
}
