//! lcc's own keys: an F-key each, and leader plus letter; everything else passes untouched.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{chord::Chord, leader::Leader};

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
    /// Goes into the panes: keys move, size, hide and zoom them.
    Arrange,
    /// Opens the timeline of the last turns.
    Timeline,
    /// Opens the map of the prompt.
    Map,
    /// Opens the list of all commands.
    Palette,
    /// Sends the leader key itself to Claude Code.
    Verbatim,
}

impl Action {
    /// Its name in the configuration and in the list of commands.
    #[must_use]
    pub fn name(self) -> &'static str {
        Keymap::BINDINGS.iter().find(|bound| bound.action == self).map_or("?", |bound| bound.label)
    }

    /// The action of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Keymap::BINDINGS.iter().find(|bound| bound.label == name).map(|bound| bound.action)
    }
}

/// The keys of one action. A new action is a variant and a row of [`Keymap::BINDINGS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// What it does.
    pub action: Action,
    /// Number of its F-key; `None` when it has a letter only.
    pub function: Option<u8>,
    /// Its letter after the leader, in lower case; `None`: the leader once more.
    pub letter: Option<char>,
    /// One word for the bottom bar, and its name in the configuration.
    pub label: &'static str,
}

const fn bind(function: u8, letter: char, label: &'static str, action: Action) -> Binding {
    Binding { action, function: Some(function), letter: Some(letter), label }
}

const fn letter_only(letter: char, label: &'static str, action: Action) -> Binding {
    Binding { action, function: None, letter: Some(letter), label }
}

const fn leader_twice(label: &'static str, action: Action) -> Binding {
    Binding { action, function: None, letter: None, label }
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

/// The keys there are, and whether the leader was pressed.
#[derive(Debug, Clone)]
pub struct Keymap {
    leader: Leader,
    pending: bool,
    chords: Vec<(Chord, Action)>,
    letters: Vec<(char, Action)>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self::new(Leader::default())
    }
}

impl Keymap {
    /// Every action with its usual keys, in the order of the bottom bar.
    pub const BINDINGS: &[Binding] = &[
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
        letter_only('w', "arrange", Action::Arrange),
        letter_only('g', "turns", Action::Timeline),
        letter_only('m', "map", Action::Map),
        leader_twice("commands", Action::Palette),
        letter_only('v', "verbatim", Action::Verbatim),
    ];

    /// The usual keys with this leader.
    #[must_use]
    pub fn new(leader: Leader) -> Self {
        let bindings = Self::BINDINGS.iter();
        let chords =
            bindings.clone().filter_map(|b| Some((Chord::function(b.function?), b.action)));
        let letters = bindings.filter_map(|b| Some((b.letter?, b.action)));
        Self { leader, pending: false, chords: chords.collect(), letters: letters.collect() }
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

    /// The key of an action without the leader, as it is called: `F2`.
    #[must_use]
    pub fn direct(&self, action: Action) -> Option<String> {
        self.chords.iter().find(|(_, own)| *own == action).map(|(chord, _)| chord.to_string())
    }

    /// The character after the leader that stands for an action.
    #[must_use]
    pub fn after_leader(&self, action: Action) -> Option<char> {
        self.letters.iter().find(|(_, own)| *own == action).map(|(letter, _)| *letter)
    }

    /// All keys of an action, as they are called, the shortest way first.
    #[must_use]
    pub fn names(&self, action: Action) -> Vec<String> {
        let leader = self.leader;
        let chords = self.chords.iter().filter(|(_, own)| *own == action);
        let letters = self.letters.iter().filter(|(_, own)| *own == action);
        let twice = (action == Action::Palette).then(|| format!("{leader} {leader}"));
        chords
            .map(|(chord, _)| chord.to_string())
            .chain(twice)
            .chain(letters.map(|(letter, _)| format!("{leader} {letter}")))
            .collect()
    }

    /// A sentence that names the usual F-keys, with the keys that are theirs now.
    #[must_use]
    pub fn said(&self, text: &str) -> String {
        let mut said = text.to_owned();
        for bound in Self::BINDINGS {
            let Some(usual) = bound.function.map(|number| format!("F{number}")) else { continue };
            let own = self.names(bound.action);
            if own.first() == Some(&usual) {
                continue;
            }
            let own = own.first().map_or_else(|| bound.label.to_owned(), Clone::clone);
            let mut parts = said.split(usual.as_str());
            let mut out = parts.next().unwrap_or_default().to_owned();
            for part in parts {
                // F1 is no part of F10, nor of a word.
                let whole = !part.starts_with(|c: char| c.is_ascii_digit())
                    && !out.ends_with(|c: char| c.is_alphanumeric());
                out.push_str(if whole { &own } else { &usual });
                out.push_str(part);
            }
            said = out;
        }
        said
    }

    pub(super) fn forget(&mut self, action: Action) {
        self.chords.retain(|(_, own)| *own != action);
        self.letters.retain(|(_, own)| *own != action);
    }

    pub(super) fn chord(&self, chord: Chord) -> Option<Action> {
        self.chords.iter().find(|(own, _)| *own == chord).map(|(_, action)| *action)
    }

    pub(super) fn letter(&self, letter: char) -> Option<Action> {
        self.letters.iter().find(|(own, _)| *own == letter).map(|(_, action)| *action)
    }

    pub(super) fn give_chord(&mut self, chord: Chord, action: Action) {
        self.chords.push((chord, action));
    }

    pub(super) fn give_letter(&mut self, letter: char, action: Action) {
        self.letters.push((letter, action));
    }

    pub(super) fn is_leader(&self, chord: Chord) -> bool {
        chord.matches(&self.leader.event())
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
            return if self.pending { Fed::Pending } else { Fed::Action(Action::Palette) };
        }
        let after_leader = std::mem::take(&mut self.pending);
        if let Some((_, action)) = self.chords.iter().find(|(chord, _)| chord.matches(&event)) {
            return self.does(*action);
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
                let small = c.to_ascii_lowercase();
                let bound = self.letter(c).or_else(|| self.letter(small));
                bound.map_or(Fed::Hint(Hint::Unbound), |action| self.does(action))
            }
            _ => Fed::Hint(Hint::Unbound),
        }
    }

    /// An action as the key of it came: the leader itself is a key like any other.
    const fn does(&self, action: Action) -> Fed {
        if matches!(action, Action::Verbatim) {
            Fed::Pass(self.leader.event())
        } else {
            Fed::Action(action)
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
            let Some(letter) = bound.letter.filter(|_| bound.action != Action::Verbatim) else {
                continue;
            };
            for letter in [letter, letter.to_ascii_uppercase()] {
                assert_eq!(keys.feed(ctrl(']')), Fed::Pending);
                assert!(keys.is_pending());
                assert_eq!(keys.feed(press(KeyCode::Char(letter))), Fed::Action(bound.action));
                assert!(!keys.is_pending());
            }
            assert_eq!(Action::named(bound.label), Some(bound.action));
        }
    }

    #[test]
    fn no_two_actions_share_a_key() {
        let numbered = Keymap::BINDINGS.iter().filter_map(|b| b.function);
        let functions: HashSet<u8> = numbered.clone().collect();
        let letters: HashSet<Option<char>> = Keymap::BINDINGS.iter().map(|b| b.letter).collect();
        let actions: HashSet<Action> = Keymap::BINDINGS.iter().map(|b| b.action).collect();
        let names: HashSet<&str> = Keymap::BINDINGS.iter().map(|b| b.label).collect();
        let all = Keymap::BINDINGS.len();
        let lens = [letters.len(), actions.len(), names.len(), functions.len()];
        assert_eq!(lens, [all, all, all, numbered.count()]);
    }

    #[test]
    fn the_leader_twice_lists_the_commands_and_verbatim_sends_it() {
        let mut keys = Keymap::default();
        assert_eq!(keys.feed(ctrl(']')), Fed::Pending);
        // As a terminal without the kitty protocol reports the same chord.
        assert_eq!(keys.feed(ctrl('5')), Fed::Action(Action::Palette));
        assert!(!keys.is_pending());
        keys.feed(ctrl(']'));
        assert_eq!(keys.feed(press(KeyCode::Char('v'))), Fed::Pass(ctrl(']')));
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
