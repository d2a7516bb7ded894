//! The leader key, and its name in the configuration.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::encode::control_byte;

/// The key that makes the next one lcc's: a control chord.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leader {
    key: char,
    byte: u8,
}

/// Why a text names no usable leader.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeaderError {
    /// Not of the form `ctrl-KEY`.
    #[error("leader \"{0}\" is not a control chord; write it as ctrl-KEY, for example \"ctrl-]\"")]
    Form(String),
    /// A key without a control code.
    #[error(
        "leader \"{0}\": terminals send no control code for that key; use a letter, \
         space or one of \\ ] ^ _, for example \"ctrl-]\""
    )]
    Key(String),
    /// A chord that means something else to every terminal.
    #[error("leader \"{0}\" is {1}; choose another chord, for example \"ctrl-]\"")]
    Taken(String, &'static str),
}

impl Default for Leader {
    /// `Ctrl-]`, which Claude Code does not use.
    fn default() -> Self {
        Self { key: ']', byte: 0x1d }
    }
}

impl Leader {
    /// A press of it.
    #[must_use]
    pub const fn event(self) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(self.key), KeyModifiers::CONTROL)
    }

    /// True for the key event of this chord, however the outer terminal reports it: `Ctrl-]`
    /// comes as `]` or, from its control code alone, as `5`.
    #[must_use]
    pub fn matches(self, event: &KeyEvent) -> bool {
        let KeyCode::Char(c) = event.code else {
            return self.byte == 0 && event.code == KeyCode::Null;
        };
        event.modifiers == KeyModifiers::CONTROL && control_byte(c) == Some(self.byte)
    }
}

impl fmt::Display for Leader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key {
            ' ' => f.write_str("Ctrl-Space"),
            key => write!(f, "Ctrl-{}", key.to_ascii_uppercase()),
        }
    }
}

impl FromStr for Leader {
    type Err = LeaderError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || LeaderError::Form(text.to_owned());
        let lower = text.trim().to_ascii_lowercase();
        let name = ["ctrl-", "ctrl+", "c-"]
            .iter()
            .find_map(|prefix| lower.strip_prefix(prefix))
            .ok_or_else(form)?;
        let mut chars = name.chars();
        let key = match (chars.next(), chars.next()) {
            (Some(key), None) => key,
            (Some(_), Some(_)) if name == "space" => ' ',
            (Some(_), Some(_)) => return Err(LeaderError::Key(text.to_owned())),
            (None, _) => return Err(form()),
        };
        let taken = |what| Err(LeaderError::Taken(text.to_owned(), what));
        match key {
            'c' => taken("what interrupts Claude Code"),
            'd' => taken("what ends Claude Code"),
            'h' => taken("Backspace on many terminals"),
            'i' => taken("the same as Tab"),
            'j' => taken("the same as a new line"),
            'm' => taken("the same as Enter"),
            'z' => taken("the suspend key"),
            '[' => taken("the same as Esc"),
            'a'..='z' | ' ' | '\\' | ']' | '^' | '_' => control_byte(key)
                .map(|byte| Self { key, byte })
                .ok_or_else(|| LeaderError::Key(text.to_owned())),
            _ => Err(LeaderError::Key(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_understood() {
        let table = [
            ("ctrl-]", "Ctrl-]"),
            ("Ctrl-A", "Ctrl-A"),
            ("ctrl+b", "Ctrl-B"),
            ("c-space", "Ctrl-Space"),
            (" ctrl-\\ ", "Ctrl-\\"),
            ("ctrl-_", "Ctrl-_"),
        ];
        for (text, want) in table {
            assert_eq!(text.parse::<Leader>().map(|l| l.to_string()).as_deref(), Ok(want));
        }
    }

    #[test]
    fn names_that_are_refused_say_why_and_what_to_write() {
        let table = [
            ("", "not a control chord"),
            ("]", "not a control chord"),
            ("ctrl-", "not a control chord"),
            ("alt-x", "not a control chord"),
            ("ctrl-f1", "no control code"),
            ("ctrl-1", "no control code"),
            ("ctrl-ü", "no control code"),
            ("ctrl-m", "the same as Enter"),
            ("ctrl-[", "the same as Esc"),
            ("Ctrl-C", "interrupts"),
            ("ctrl-z", "suspend"),
        ];
        for (text, want) in table {
            let message = text.parse::<Leader>().unwrap_err().to_string();
            assert!(message.contains(want), "{text:?}: {message}");
            assert!(message.contains(&format!("\"{text}\"")), "{text:?}: {message}");
            assert!(message.contains("ctrl-]"), "{text:?}: {message}");
        }
    }

    #[test]
    fn both_reports_of_the_same_chord_match() {
        let event = |code, mods| KeyEvent::new(code, mods);
        let leader = Leader::default();
        assert!(leader.matches(&event(KeyCode::Char(']'), KeyModifiers::CONTROL)));
        assert!(leader.matches(&event(KeyCode::Char('5'), KeyModifiers::CONTROL)));
        assert!(!leader.matches(&event(KeyCode::Char(']'), KeyModifiers::NONE)));
        let alt = KeyModifiers::CONTROL | KeyModifiers::ALT;
        assert!(!leader.matches(&event(KeyCode::Char(']'), alt)));
        let space: Leader = "ctrl-space".parse().unwrap();
        assert!(space.matches(&event(KeyCode::Char(' '), KeyModifiers::CONTROL)));
        assert!(space.matches(&event(KeyCode::Null, KeyModifiers::NONE)));
    }
}
