//! Keys, mouse and pastes: a stand-in with the names of the real room.
#![allow(missing_docs)]

use crossterm::event::{KeyCode, KeyEvent};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Help,
    Compact,
    Panes,
    Theme,
    Fresh,
    Quit,
}

#[derive(Debug, Clone, Default)]
pub struct Keymap;

impl Keymap {
    #[must_use]
    pub fn leader_name(&self) -> String {
        "Ctrl-]".to_owned()
    }

    #[must_use]
    pub fn letters(&self) -> String {
        "h c p t f q".to_owned()
    }

    #[must_use]
    pub fn action(&self, key: &KeyEvent) -> Option<Action> {
        match key.code {
            KeyCode::F(1) => Some(Action::Help),
            KeyCode::F(2) => Some(Action::Compact),
            KeyCode::F(3) => Some(Action::Panes),
            KeyCode::F(4) => Some(Action::Theme),
            KeyCode::F(5) => Some(Action::Fresh),
            KeyCode::F(10) => Some(Action::Quit),
            _ => None,
        }
    }
}

pub mod encode {
    use crossterm::event::{KeyCode, KeyEvent, MouseEvent};

    use crate::front::terminal::Modes;

    #[must_use]
    pub fn key(key: KeyEvent, _modes: Modes) -> Vec<u8> {
        match key.code {
            KeyCode::Char(c) => c.to_string().into_bytes(),
            KeyCode::Enter => b"\r".to_vec(),
            _ => Vec::new(),
        }
    }

    #[must_use]
    pub fn mouse(_event: MouseEvent, _modes: Modes, _origin: (u16, u16)) -> Option<Vec<u8>> {
        None
    }

    #[must_use]
    pub fn paste(text: &str, _modes: Modes) -> Vec<u8> {
        text.as_bytes().to_vec()
    }
}
