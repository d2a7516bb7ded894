//! One key with its modifiers: its name in the configuration, and what Claude Code does with it.

use std::{fmt, str::FromStr};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key that can be lcc's without the leader: an F-key, or a letter with Ctrl or Alt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chord {
    code: Code,
    modifiers: KeyModifiers,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Code {
    Function(u8),
    Char(char),
}

/// Why a text names no key that lcc could take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChordError {
    /// Not a key at all.
    #[error("{0:?} is not a key; write \"f5\", \"ctrl-g\", \"alt-g\", \"leader g\" or \"none\"")]
    Form(String),
    /// A key that Claude Code cannot be without.
    #[error(
        "{0} cannot be lcc's: it is {1}; put it behind the leader (\"leader g\") or take another"
    )]
    Taken(String, &'static str),
}

/// What Claude Code itself does on a key, as its own tables of keys say (2.1.330).
const CLAUDE_CODE: [(&str, &str); 32] = [
    ("ctrl-a", "start of the line"),
    ("ctrl-b", "puts a task into the background"),
    ("ctrl-e", "end of the line"),
    ("ctrl-f", "forward by one character"),
    ("ctrl-g", "opens the prompt in an editor"),
    ("ctrl-k", "deletes to the end of the line"),
    ("ctrl-l", "clears the prompt"),
    ("ctrl-n", "next line or entry"),
    ("ctrl-o", "shows the transcript"),
    ("ctrl-p", "line or entry before"),
    ("ctrl-r", "searches the history"),
    ("ctrl-s", "puts the prompt aside"),
    ("ctrl-t", "shows the to-dos"),
    ("ctrl-u", "deletes to the start of the line"),
    ("ctrl-v", "pastes an image"),
    ("ctrl-w", "deletes a word"),
    ("ctrl-x", "begins its own two-key chords"),
    ("ctrl-y", "puts back what was deleted"),
    ("ctrl-_", "takes the last change back"),
    ("ctrl-space", "marks text"),
    ("alt-b", "back by one word"),
    ("alt-d", "deletes the next word"),
    ("alt-f", "forward by one word"),
    ("alt-h", "deletes the word before"),
    ("alt-o", "fast mode"),
    ("alt-p", "picks the model"),
    ("alt-t", "switches thinking"),
    ("alt-w", "a switch of workflows"),
    ("alt-y", "goes through what was deleted"),
    ("ctrl-shift-b", "brief mode"),
    ("ctrl-shift-c", "copies the selection"),
    ("ctrl-shift-u", "a switch of its own"),
];

impl Chord {
    /// An F-key alone.
    #[must_use]
    pub const fn function(number: u8) -> Self {
        Self { code: Code::Function(number), modifiers: KeyModifiers::NONE }
    }

    /// Whether this event is it.
    #[must_use]
    pub fn matches(self, event: &KeyEvent) -> bool {
        let (code, mut modifiers) = match event.code {
            KeyCode::F(number) => (Code::Function(number), event.modifiers),
            KeyCode::Char(c) => (Code::Char(c.to_ascii_lowercase()), event.modifiers),
            _ => return false,
        };
        if let KeyCode::Char(c) = event.code
            && c.is_ascii_uppercase()
        {
            modifiers |= KeyModifiers::SHIFT;
        }
        code == self.code && modifiers == self.modifiers
    }

    /// What Claude Code does on it; `None` where it does nothing that is known.
    #[must_use]
    pub fn claude_codes(self) -> Option<&'static str> {
        let name = self.to_string().to_ascii_lowercase();
        CLAUDE_CODE.iter().find(|(key, _)| *key == name).map(|(_, does)| *does)
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (modifier, name) in [
            (KeyModifiers::CONTROL, "Ctrl-"),
            (KeyModifiers::ALT, "Alt-"),
            (KeyModifiers::SHIFT, "Shift-"),
        ] {
            if self.modifiers.contains(modifier) {
                f.write_str(name)?;
            }
        }
        match self.code {
            Code::Function(number) => write!(f, "F{number}"),
            Code::Char(' ') => f.write_str("Space"),
            Code::Char(c) => write!(f, "{}", c.to_ascii_uppercase()),
        }
    }
}

impl FromStr for Chord {
    type Err = ChordError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || ChordError::Form(text.to_owned());
        let lower = text.trim().to_ascii_lowercase();
        let mut rest = lower.as_str();
        let mut modifiers = KeyModifiers::NONE;
        loop {
            let found = [
                ("ctrl-", KeyModifiers::CONTROL),
                ("ctrl+", KeyModifiers::CONTROL),
                ("alt-", KeyModifiers::ALT),
                ("alt+", KeyModifiers::ALT),
                ("shift-", KeyModifiers::SHIFT),
                ("shift+", KeyModifiers::SHIFT),
            ]
            .into_iter()
            .find_map(|(prefix, modifier)| Some((rest.strip_prefix(prefix)?, modifier)));
            let Some((left, modifier)) = found else { break };
            (rest, modifiers) = (left, modifiers | modifier);
        }
        let function = rest.strip_prefix('f').and_then(|n| n.parse::<u8>().ok());
        if let Some(number) = function.filter(|n| (1..=24).contains(n)) {
            return Ok(Self { code: Code::Function(number), modifiers });
        }
        let mut chars = rest.chars();
        let key = match (chars.next(), chars.next()) {
            (Some(key), None) if key.is_ascii() && !key.is_ascii_control() => key,
            _ if rest == "space" => ' ',
            (Some(_) | None, _) => {
                return match editing(rest) {
                    Some(what) => Err(ChordError::Taken(text.trim().to_owned(), what)),
                    None => Err(form()),
                };
            }
        };
        let chord = Self { code: Code::Char(key), modifiers };
        match chord.kept() {
            Some(what) => Err(ChordError::Taken(chord.to_string(), what)),
            None => Ok(chord),
        }
    }
}

impl Chord {
    /// What a key means to every program in a terminal, where lcc must not take it.
    fn kept(self) -> Option<&'static str> {
        let Code::Char(key) = self.code else { return None };
        if !self.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
            return Some("a character that is typed");
        }
        if self.modifiers != KeyModifiers::CONTROL {
            return None;
        }
        match key {
            'c' => Some("what interrupts Claude Code"),
            'd' => Some("what ends Claude Code"),
            'h' => Some("Backspace on many terminals"),
            'i' => Some("the same as Tab"),
            'j' => Some("a new line in Claude Code's prompt"),
            'm' => Some("the same as Enter"),
            'z' => Some("the suspend key"),
            '[' => Some("the same as Esc"),
            _ => None,
        }
    }
}

/// What the keys with names are for.
fn editing(name: &str) -> Option<&'static str> {
    match name {
        "enter" | "return" => Some("what sends a prompt"),
        "esc" | "escape" => Some("what interrupts Claude Code"),
        "tab" | "backspace" | "delete" | "insert" | "up" | "down" | "left" | "right" | "home"
        | "end" | "pageup" | "pagedown" => Some("a key of Claude Code's prompt"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_by_their_names() {
        for (text, shown) in [
            ("f5", "F5"),
            ("F12", "F12"),
            ("shift-f5", "Shift-F5"),
            ("ctrl-g", "Ctrl-G"),
            ("Alt+x", "Alt-X"),
            ("alt-ctrl-.", "Ctrl-Alt-."),
            ("ctrl-space", "Ctrl-Space"),
        ] {
            let chord: Chord = text.parse().unwrap();
            assert_eq!(chord.to_string(), shown);
            assert_eq!(shown.parse::<Chord>().unwrap(), chord, "what is shown can be written");
        }
        for (text, said) in [
            ("g", "typed"),
            ("shift-g", "typed"),
            ("enter", "sends"),
            ("ctrl-c", "interrupts"),
            ("ctrl-m", "Enter"),
            ("pageup", "prompt"),
            ("f25", "not a key"),
            ("ctrl-", "not a key"),
            ("ü", "not a key"),
            ("", "not a key"),
        ] {
            let error = text.parse::<Chord>().unwrap_err().to_string();
            assert!(error.contains(said), "{text:?}: {error}");
        }
    }

    #[test]
    fn events_of_both_spellings_match() {
        let event = |code, modifiers| KeyEvent::new(code, modifiers);
        let chord: Chord = "ctrl-shift-b".parse().unwrap();
        assert!(
            chord.matches(&event(KeyCode::Char('B'), KeyModifiers::CONTROL | KeyModifiers::SHIFT))
        );
        assert!(chord.matches(&event(KeyCode::Char('B'), KeyModifiers::CONTROL)));
        assert!(!chord.matches(&event(KeyCode::Char('b'), KeyModifiers::CONTROL)));
        assert!(Chord::function(2).matches(&event(KeyCode::F(2), KeyModifiers::NONE)));
        assert!(!Chord::function(2).matches(&event(KeyCode::F(2), KeyModifiers::SHIFT)));
    }

    #[test]
    fn what_claude_code_uses_is_known_by_keys_that_exist() {
        for (name, _) in CLAUDE_CODE {
            let chord: Chord = name.parse().unwrap();
            assert!(chord.claude_codes().is_some(), "{name}");
        }
        assert!("ctrl-g".parse::<Chord>().unwrap().claude_codes().is_some());
        assert_eq!(Chord::function(2).claude_codes(), None);
    }
}
