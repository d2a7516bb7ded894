//! lcc's own keys: an F-key each, and leader plus letter; everything else passes untouched.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::leader::Leader;

/// What a key of lcc's does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Shows or hides the help.
    Help,
    /// Has Claude Code compact its conversation.
    Compact,
    /// Shows or hides panes.
    Panes,
    /// Takes the next theme.
    Theme,
    /// Restarts Claude Code with an empty conversation.
    Fresh,
    /// Writes a note for a fresh session.
    Handover,
    /// Opens or closes the composer.
    Compose,
    /// Shows or hides the log.
    Log,
    /// Ends lcc.
    Quit,
    /// Puts the alert above the keys away.
    Dismiss,
    /// Searches the pane and what is above it.
    Search,
    /// Opens reading mode: a caret that selects and copies.
    Read,
    /// Saves what is in the pane and above it.
    Save,
    /// Shows where the turn before begins.
    TurnBack,
    /// Shows where the next turn begins.
    TurnOn,
}

/// The keys of one action. A new action is a variant and a row of [`Keymap::BINDINGS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// What it does.
    pub action: Action,
    /// Number of its F-key; `None` when it has a letter only.
    pub function: Option<u8>,
    /// Its letter after the leader, in lower case.
    pub letter: char,
    /// One word for the bottom bar.
    pub label: &'static str,
}

const fn bind(function: u8, letter: char, label: &'static str, action: Action) -> Binding {
    Binding { action, function: Some(function), letter, label }
}

const fn letter_only(letter: char, label: &'static str, action: Action) -> Binding {
    Binding { action, function: None, letter, label }
}

/// What became of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fed {
    /// One of lcc's.
    Action(Action),
    /// The leader: the next key is lcc's.
    Pending,
    /// For Claude Code, as it came.
    Pass(KeyEvent),
    /// Taken, and nothing done; say why.
    Hint(Hint),
    /// The leader was taken back.
    Cancelled,
}

/// Why a key did nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// Ctrl-Z: Claude Code would stop itself, and nobody could wake it; lcc stops in its stead.
    Suspend,
    /// After the leader came a key that stands for nothing.
    Unbound,
}

impl Hint {
    /// A sentence for the person.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Suspend => "Ctrl-Z stops lcc, and Claude Code waits with it; fg brings both back",
            Self::Unbound => "no such key after the leader; F1 lists them",
        }
    }
}

/// The state of the keys: whether the leader was pressed.
#[derive(Debug, Clone, Default)]
pub struct Keymap {
    leader: Leader,
    pending: bool,
}

impl Keymap {
    /// Every action with its keys, in the order of the bottom bar.
    pub const BINDINGS: [Binding; 15] = [
        bind(1, 'h', "help", Action::Help),
        bind(2, 'c', "compact", Action::Compact),
        bind(3, 'p', "panes", Action::Panes),
        bind(4, 't', "theme", Action::Theme),
        bind(5, 'f', "fresh", Action::Fresh),
        bind(6, 'n', "note", Action::Handover),
        bind(7, 'e', "edit", Action::Compose),
        bind(8, 'l', "log", Action::Log),
        bind(10, 'q', "quit", Action::Quit),
        letter_only('x', "dismiss", Action::Dismiss),
        letter_only('/', "search", Action::Search),
        letter_only('r', "read", Action::Read),
        letter_only('s', "save", Action::Save),
        letter_only('k', "previous", Action::TurnBack),
        letter_only('j', "next", Action::TurnOn),
    ];

    /// With this leader.
    #[must_use]
    pub const fn new(leader: Leader) -> Self {
        Self { leader, pending: false }
    }

    /// The leader in use.
    #[must_use]
    pub const fn leader(&self) -> Leader {
        self.leader
    }

    /// True between the leader and the key after it.
    #[must_use]
    pub const fn is_pending(&self) -> bool {
        self.pending
    }

    /// Takes one key.
    pub fn feed(&mut self, event: KeyEvent) -> Fed {
        let aside = matches!(
            event.code,
            KeyCode::Modifier(_) | KeyCode::CapsLock | KeyCode::NumLock | KeyCode::ScrollLock
        );
        if event.kind == KeyEventKind::Release || aside {
            return Fed::Pass(event);
        }
        if self.leader.matches(&event) {
            if event.kind == KeyEventKind::Repeat {
                // Held a little long; that is not pressing it twice.
                return if self.pending { Fed::Pending } else { Fed::Pass(event) };
            }
            self.pending = !self.pending;
            return if self.pending { Fed::Pending } else { Fed::Pass(event) };
        }
        let after_leader = std::mem::take(&mut self.pending);
        if let KeyCode::F(number) = event.code
            && event.modifiers.is_empty()
            && let Some(bound) = Self::BINDINGS.iter().find(|bound| bound.function == Some(number))
        {
            return Fed::Action(bound.action);
        }
        if is_suspend(&event) {
            return Fed::Hint(Hint::Suspend);
        }
        if !after_leader {
            return Fed::Pass(event);
        }
        match event.code {
            KeyCode::Esc => Fed::Cancelled,
            KeyCode::Char(c) if event.modifiers.difference(KeyModifiers::SHIFT).is_empty() => {
                let letter = c.to_ascii_lowercase();
                let bound = Self::BINDINGS.iter().find(|bound| bound.letter == letter);
                bound.map_or(Fed::Hint(Hint::Unbound), |bound| Fed::Action(bound.action))
            }
            _ => Fed::Hint(Hint::Unbound),
        }
    }
}

/// Every chord that would reach the child as SUB.
fn is_suspend(event: &KeyEvent) -> bool {
    let chord = event.modifiers.difference(KeyModifiers::SHIFT) == KeyModifiers::CONTROL;
    chord && matches!(event.code, KeyCode::Char('z' | 'Z'))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn press(code: KeyCode) -> KeyEvent {
        KeyEvent::new(code, KeyModifiers::NONE)
    }

    fn ctrl(c: char) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL)
    }

    #[test]
    fn every_action_by_f_key_and_by_leader_and_letter() {
        for bound in Keymap::BINDINGS {
            let mut keys = Keymap::default();
            if let Some(function) = bound.function {
                let by_function = keys.feed(press(KeyCode::F(function)));
                assert_eq!(by_function, Fed::Action(bound.action));
            }
            for letter in [bound.letter, bound.letter.to_ascii_uppercase()] {
                assert_eq!(keys.feed(ctrl(']')), Fed::Pending);
                assert!(keys.is_pending());
                assert_eq!(keys.feed(press(KeyCode::Char(letter))), Fed::Action(bound.action));
                assert!(!keys.is_pending());
            }
        }
    }

    #[test]
    fn no_two_actions_share_a_key() {
        let numbered = Keymap::BINDINGS.iter().filter_map(|b| b.function);
        let functions: HashSet<u8> = numbered.clone().collect();
        let letters: HashSet<char> = Keymap::BINDINGS.iter().map(|b| b.letter).collect();
        let actions: HashSet<Action> = Keymap::BINDINGS.iter().map(|b| b.action).collect();
        let all = Keymap::BINDINGS.len();
        assert_eq!([letters.len(), actions.len(), functions.len()], [all, all, numbered.count()]);
    }

    #[test]
    fn the_leader_twice_goes_on_to_claude_code() {
        let mut keys = Keymap::default();
        assert_eq!(keys.feed(ctrl(']')), Fed::Pending);
        // As a terminal without the kitty protocol reports the same chord.
        assert_eq!(keys.feed(ctrl('5')), Fed::Pass(ctrl('5')));
        assert!(!keys.is_pending());
    }

    #[test]
    fn holding_the_leader_or_letting_it_go_is_not_a_second_press() {
        let mut keys = Keymap::default();
        keys.feed(ctrl(']'));
        let with = |kind| KeyEvent { kind, ..ctrl(']') };
        assert_eq!(keys.feed(with(KeyEventKind::Repeat)), Fed::Pending);
        let release = with(KeyEventKind::Release);
        assert_eq!(keys.feed(release), Fed::Pass(release));
        assert_eq!(keys.feed(press(KeyCode::Char('q'))), Fed::Action(Action::Quit));
    }

    #[test]
    fn esc_takes_the_leader_back_and_other_keys_say_so() {
        let mut keys = Keymap::default();
        keys.feed(ctrl(']'));
        assert_eq!(keys.feed(press(KeyCode::Esc)), Fed::Cancelled);
        assert_eq!(keys.feed(press(KeyCode::Esc)), Fed::Pass(press(KeyCode::Esc)));
        keys.feed(ctrl(']'));
        assert_eq!(keys.feed(press(KeyCode::Char('?'))), Fed::Hint(Hint::Unbound));
        keys.feed(ctrl(']'));
        assert_eq!(keys.feed(press(KeyCode::F(1))), Fed::Action(Action::Help));
    }

    #[test]
    fn ctrl_z_never_reaches_claude_code() {
        let mut keys = Keymap::default();
        assert_eq!(keys.feed(ctrl('z')), Fed::Hint(Hint::Suspend));
        let shifted = KeyModifiers::CONTROL | KeyModifiers::SHIFT;
        let event = KeyEvent::new(KeyCode::Char('Z'), shifted);
        assert_eq!(keys.feed(event), Fed::Hint(Hint::Suspend));
        keys.feed(ctrl(']'));
        assert_eq!(keys.feed(ctrl('z')), Fed::Hint(Hint::Suspend));
    }

    proptest! {
        #[test]
        fn every_other_key_passes_untouched(c: char, bits in 0_u8..64, f in 1_u8..36) {
            let modifiers = KeyModifiers::from_bits_truncate(bits);
            let mut keys = Keymap::default();
            let event = KeyEvent::new(KeyCode::Char(c), modifiers);
            if !keys.leader().matches(&event) && !is_suspend(&event) {
                prop_assert_eq!(keys.feed(event), Fed::Pass(event));
            }
            let event = KeyEvent::new(KeyCode::F(f), modifiers);
            let bound = Keymap::BINDINGS.iter().any(|b| b.function == Some(f)) && modifiers.is_empty();
            prop_assert_eq!(keys.feed(event) == Fed::Pass(event), !bound);
        }
    }
}
