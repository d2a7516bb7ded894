//! The list of all commands: found by a few letters, run by Enter.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::front::input::{Action, Keymap};

use super::{Model, PaneId};

/// The list, and what was typed to find something in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommandList {
    /// What was typed.
    pub query: String,
    /// The marked row of those found.
    pub mark: usize,
}

/// One command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// What a key does, too.
    Action(Action),
    /// Takes the theme with this number.
    Theme(usize),
    /// Shows a pane over everything.
    Zoom(PaneId),
    /// Says what a pane tells.
    Explain(PaneId),
    /// Hides a pane.
    Hide(PaneId),
    /// Shows a hidden one again.
    Show(PaneId),
    /// Puts the panes back to their usual places.
    Reset,
    /// Plain lines for a screen reader, or back.
    ScreenReader,
}

/// One row of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// What it does.
    pub run: Run,
    /// Its name, in words.
    pub name: String,
    /// Its keys, as they are called.
    pub keys: String,
    /// Which characters of the name were typed.
    pub at: Vec<usize>,
}

/// What a key did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pressed {
    /// The list stays.
    Stays,
    /// It goes.
    Closes,
    /// It goes, and this is run.
    Runs(Run),
}

/// A sentence of few words for each command that has a key.
const fn words(action: Action) -> &'static str {
    match action {
        Action::Help => "help: keys, panes, notes",
        Action::Compact => "compact the conversation",
        Action::Panes => "panes: show or hide them",
        Action::Theme => "theme: the next one",
        Action::Fresh => "fresh: restart with an empty conversation",
        Action::Handover => "note: restart with a note of this conversation",
        Action::Compose => "edit: write a prompt in the composer",
        Action::Log => "log of the proxy and the server",
        Action::Quit => "quit",
        Action::Dismiss => "dismiss the alert above the keys",
        Action::Search => "search the pane and what is above it",
        Action::Read => "read: move, select, copy with the keys",
        Action::Save => "save the pane and what is above it to a file",
        Action::TurnBack => "previous turn: where it begins",
        Action::TurnOn => "next turn: where it begins",
        Action::Arrange => "arrange the panes: move, size, hide, zoom",
        Action::Timeline => "turns: timeline of the last ones",
        Action::Map => "map of the prompt: what fills the window",
        Action::Palette => "commands: this list",
        Action::Verbatim => "verbatim: send the leader key to Claude Code",
    }
}

/// Everything that can be run now.
fn all(model: &Model) -> Vec<(Run, String, String)> {
    let keys = |action| model.keymap.names(action).join("  ");
    let mut list: Vec<(Run, String, String)> = Keymap::BINDINGS
        .iter()
        .map(|bound| bound.action)
        .filter(|action| *action != Action::Palette)
        .map(|action| (Run::Action(action), words(action).to_owned(), keys(action)))
        .collect();
    for (at, theme) in model.themes.iter().enumerate() {
        list.push((Run::Theme(at), format!("theme: {}", theme.name()), String::new()));
    }
    for id in model.panes.shown() {
        list.push((Run::Zoom(id), format!("zoom: {}", id.name()), String::new()));
    }
    for id in PaneId::ALL {
        list.push((Run::Explain(id), format!("explain: {}", id.name()), String::new()));
    }
    for id in PaneId::ALL {
        let hidden = model.panes.is_hidden(id);
        let run = if hidden { Run::Show(id) } else { Run::Hide(id) };
        let verb = if hidden { "show" } else { "hide" };
        list.push((run, format!("{verb} pane: {}", id.name()), String::new()));
    }
    list.push((Run::Reset, "panes: back to their usual places and sizes".into(), String::new()));
    let reader = if model.spoken.is_some() { "off" } else { "on" };
    list.push((Run::ScreenReader, format!("screen reader mode: {reader}"), String::new()));
    list
}

/// What is found by the query, the best first; all of it when nothing was typed.
#[must_use]
pub fn found(model: &Model, query: &str) -> Vec<Offered> {
    let mut hits: Vec<(i32, Offered)> = all(model)
        .into_iter()
        .filter_map(|(run, name, keys)| {
            let (score, at) = score(&name, query)?;
            Some((score, Offered { run, name, keys, at }))
        })
        .collect();
    // Stable: equally good ones stay in the order of the list.
    hits.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    hits.into_iter().map(|(_, found)| found).collect()
}

/// How well a name matches: all characters of the query in their order; better where they stand
/// together, at the start of words and early.
#[must_use]
pub(super) fn score(name: &str, query: &str) -> Option<(i32, Vec<usize>)> {
    let name: Vec<char> = name.to_lowercase().chars().collect();
    let query: Vec<char> = query.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    let mut best: Option<(i32, Vec<usize>)> = None;
    for start in 0..name.len().max(1) {
        let Some(plain) = match_from(&name, &query, start, false) else { break };
        // A word's start is what is meant more often; it may skip what comes after it.
        let hit = match_from(&name, &query, start, true).unwrap_or(plain);
        if best.as_ref().is_none_or(|(score, _)| hit.0 > *score) {
            best = Some(hit);
        }
    }
    best
}

fn match_from(
    name: &[char],
    query: &[char],
    start: usize,
    words: bool,
) -> Option<(i32, Vec<usize>)> {
    let begins = |n: usize| n == 0 || !name[n - 1].is_alphanumeric();
    let mut at: Vec<usize> = Vec::with_capacity(query.len());
    let mut score = 0;
    let mut from = start;
    for wanted in query {
        let mut hits = (from..name.len()).filter(|n| name[*n] == *wanted);
        let first = hits.next()?;
        let next = at.last().is_some_and(|last| last + 1 == first);
        let word = (words && !next && !begins(first)).then(|| hits.find(|n| begins(*n))).flatten();
        let found = word.unwrap_or(first);
        score += if begins(found) { 8 } else { 1 };
        score += if at.last().is_some_and(|last| last + 1 == found) { 6 } else { 0 };
        at.push(found);
        from = found + 1;
    }
    let first = at.first().copied().unwrap_or(0);
    Some((score - i32::try_from(first.min(20)).unwrap_or(20) / 4, at))
}

impl CommandList {
    /// Takes a key; `found`: the rows there are.
    pub(super) fn press(&mut self, key: KeyEvent, found: &[Offered]) -> Pressed {
        let last = found.len().saturating_sub(1);
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Esc => return Pressed::Closes,
            KeyCode::Enter => {
                return found
                    .get(self.mark.min(last))
                    .map_or(Pressed::Stays, |found| Pressed::Runs(found.run));
            }
            KeyCode::Up | KeyCode::BackTab => self.mark = self.mark.min(last).saturating_sub(1),
            KeyCode::Down | KeyCode::Tab => self.mark = (self.mark + 1).min(last),
            KeyCode::PageUp => self.mark = self.mark.min(last).saturating_sub(10),
            KeyCode::PageDown => self.mark = (self.mark + 10).min(last),
            KeyCode::Backspace => {
                self.query.pop();
                self.mark = 0;
            }
            KeyCode::Char('u' | 'w') if control => {
                self.query.clear();
                self.mark = 0;
            }
            KeyCode::Char('p') if control => self.mark = self.mark.min(last).saturating_sub(1),
            KeyCode::Char('n') if control => self.mark = (self.mark + 1).min(last),
            KeyCode::Char(c) if !control => {
                self.query.push(c);
                self.mark = 0;
            }
            _ => {}
        }
        Pressed::Stays
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_found_in_their_order_and_words_count_more() {
        for (name, query, hit) in [
            ("compact the conversation", "", Some(vec![])),
            ("compact the conversation", "cc", Some(vec![0, 12])),
            ("theme: dark", "dark", Some(vec![7, 8, 9, 10])),
            ("theme: dark", "THD", Some(vec![0, 1, 7])),
            ("quit", "qt", Some(vec![0, 3])),
            ("quit", "tq", None),
            ("", "a", None),
        ] {
            assert_eq!(score(name, query).map(|(_, at)| at), hit, "{name} {query}");
        }
        let better = |a: &str, b: &str, query: &str| {
            assert!(score(a, query) > score(b, query), "{a} before {b} for {query}");
        };
        better("log of the proxy", "fresh: restart with an empty log", "log");
        better("map of the prompt", "compact", "map");
    }
}
