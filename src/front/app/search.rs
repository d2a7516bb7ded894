//! What is searched for in the pane, what was found, and where among it one stands.

use std::time::Duration;

use crate::{
    domain::Moment,
    front::terminal::{Hit, Pattern, Spot, Terminal},
};

/// So many are counted; more are said to be more.
pub const MOST: usize = 9_999;
/// Characters of a search.
const LONGEST: usize = 120;
/// While output comes the whole is counted anew at most this often; what is in sight always.
const RECOUNT: Duration = Duration::from_millis(250);

/// A search.
#[derive(Debug, Default)]
pub struct Search {
    text: String,
    regex: bool,
    case: bool,
    pattern: Option<Pattern>,
    wrong: Option<String>,
    all: Vec<Hit>,
    /// Index in `all` of the place one stands on.
    at: Option<usize>,
    in_view: Vec<Hit>,
    /// The screen has changed since the whole was counted, and when that was.
    stale: bool,
    counted: Moment,
}

/// What there is to say about a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing is searched for.
    Nothing,
    /// The text is no regular expression.
    Wrong(String),
    /// It stands nowhere.
    Nowhere,
    /// It stands in so many places; `at` counts from 1.
    Places {
        /// The place one stands on.
        at: Option<usize>,
        /// How many there are.
        of: usize,
    },
}

impl Search {
    /// What is searched for.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is a regular expression.
    #[must_use]
    pub const fn regex(&self) -> bool {
        self.regex
    }

    /// Whether large and small letters differ.
    #[must_use]
    pub const fn case(&self) -> bool {
        self.case
    }

    /// The places in sight, and whether one stands on it.
    pub fn in_view(&self) -> impl Iterator<Item = (Hit, bool)> {
        let at = self.at.and_then(|at| self.all.get(at)).filter(|_| !self.stale);
        self.in_view.iter().map(move |hit| (*hit, at == Some(hit)))
    }

    /// What was found.
    #[must_use]
    pub fn found(&self) -> Found {
        match (&self.wrong, self.text.is_empty(), self.all.len()) {
            (Some(wrong), _, _) => Found::Wrong(wrong.clone()),
            (None, true, _) => Found::Nothing,
            (None, false, 0) => Found::Nowhere,
            (None, false, of) => Found::Places { at: self.at.map(|at| at + 1), of },
        }
    }

    /// Types a character. Says whether it was taken.
    pub(super) fn push(&mut self, c: char) -> bool {
        let taken = self.text.chars().count() < LONGEST && !c.is_control();
        if taken {
            self.text.push(c);
        }
        taken
    }

    /// Takes the last character back; false when there was none.
    pub(super) fn pop(&mut self) -> bool {
        self.text.pop().is_some()
    }

    /// Another text.
    pub(super) fn set(&mut self, text: String) {
        self.text = text;
    }

    /// Plain text or a regular expression.
    pub(super) const fn toggle_regex(&mut self) {
        self.regex = !self.regex;
    }

    /// Whether large and small letters differ.
    pub(super) const fn toggle_case(&mut self) {
        self.case = !self.case;
    }

    /// Searches anew for a changed text; stands on the nearest place at or before `from`, else on
    /// the first one after it. Gives back where that is.
    pub(super) fn run(&mut self, terminal: &Terminal, from: Spot, now: Moment) -> Option<Spot> {
        self.wrong = None;
        self.pattern = None;
        if !self.text.is_empty() {
            match Pattern::new(&self.text, self.regex, self.case) {
                Ok(pattern) => self.pattern = Some(pattern),
                Err(wrong) => self.wrong = Some(wrong),
            }
        }
        self.count(terminal, now);
        self.at = None;
        self.nearest(from)
    }

    /// Stands on the next place before (`older`) or after `from`, round at the ends.
    pub(super) fn next(
        &mut self,
        terminal: &Terminal,
        from: Spot,
        older: bool,
        now: Moment,
    ) -> Option<Spot> {
        self.count(terminal, now);
        let before = self.all.partition_point(|hit| hit.from < from);
        let last = self.all.len().checked_sub(1)?;
        let at = if older {
            before.checked_sub(1).unwrap_or(last)
        } else {
            // The place that `from` stands on is not the next one.
            let here = self.all.get(before).is_some_and(|hit| hit.from == from);
            let next = before + usize::from(here);
            if next > last { 0 } else { next }
        };
        self.at = Some(at);
        self.all.get(at).map(|hit| hit.from)
    }

    /// The view has moved: what is in sight is another part.
    pub(super) fn look(&mut self, terminal: &Terminal) {
        self.in_view = match &mut self.pattern {
            Some(pattern) => terminal.find_in_view(pattern),
            None => Vec::new(),
        };
    }

    /// The screen has changed.
    pub(super) fn changed(&mut self, terminal: &Terminal, caret: Option<Spot>, now: Moment) {
        if self.pattern.is_none() {
            return;
        }
        self.stale = true;
        if now.since(self.counted) >= RECOUNT {
            self.recount(terminal, caret, now);
        } else {
            self.look(terminal);
        }
    }

    /// Counts anew when that is due. Says whether it was.
    pub(super) fn tick(&mut self, terminal: &Terminal, caret: Option<Spot>, now: Moment) -> bool {
        let due = self.stale && now.since(self.counted) >= RECOUNT;
        if due {
            self.recount(terminal, caret, now);
        }
        due
    }

    /// When a recount is due at the latest.
    pub(super) fn wake(&self) -> Option<Moment> {
        self.stale.then(|| self.counted + RECOUNT)
    }

    fn recount(&mut self, terminal: &Terminal, caret: Option<Spot>, now: Moment) {
        self.count(terminal, now);
        // Lines have moved: the place one stands on is the one under the caret.
        self.at = caret.and_then(|caret| self.all.iter().position(|hit| hit.from == caret));
    }

    fn count(&mut self, terminal: &Terminal, now: Moment) {
        self.all = match &mut self.pattern {
            Some(pattern) => terminal.find_all(pattern, MOST),
            None => Vec::new(),
        };
        self.stale = false;
        self.counted = now;
        self.look(terminal);
    }

    fn nearest(&mut self, from: Spot) -> Option<Spot> {
        let after = self.all.partition_point(|hit| hit.from <= from);
        let at = after.checked_sub(1).or((!self.all.is_empty()).then_some(0))?;
        self.at = Some(at);
        self.all.get(at).map(|hit| hit.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front::terminal::{Options, Size};

    const NOW: Moment = Moment::from_millis(0);

    fn terminal(lines: usize) -> Terminal {
        let mut terminal = Terminal::new(Size { cols: 20, rows: 5 }, Options::default());
        for n in 0..lines {
            terminal.feed(format!("line {n} Word\r\n").as_bytes());
        }
        terminal
    }

    fn searched(terminal: &Terminal, text: &str) -> (Search, Option<Spot>) {
        let mut search = Search::default();
        search.set(text.to_owned());
        let at = search.run(terminal, Spot { line: 4, col: 0 }, NOW);
        (search, at)
    }

    fn places(search: &Search) -> (Option<usize>, usize) {
        match search.found() {
            Found::Places { at, of } => (at, of),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn it_begins_at_the_nearest_above_and_goes_round() {
        let terminal = terminal(17);
        let (mut search, at) = searched(&terminal, "word");
        assert_eq!(places(&search), (Some(17), 17));
        let mut from = at.unwrap();
        for want in [16, 15, 14] {
            from = search.next(&terminal, from, true, NOW).unwrap();
            assert_eq!(places(&search), (Some(want), 17));
        }
        for want in [15, 16, 17, 1, 2] {
            from = search.next(&terminal, from, false, NOW).unwrap();
            assert_eq!(places(&search), (Some(want), 17));
        }
        for want in [1, 17] {
            from = search.next(&terminal, from, true, NOW).unwrap();
            assert_eq!(places(&search), (Some(want), 17));
        }
    }

    #[test]
    fn case_regex_and_what_is_wrong() {
        let terminal = terminal(12);
        let (mut search, _) = searched(&terminal, "word");
        search.toggle_case();
        search.run(&terminal, Spot { line: 0, col: 0 }, NOW);
        assert_eq!(search.found(), Found::Nowhere);
        let (mut search, _) = searched(&terminal, "line 1.");
        assert_eq!(search.found(), Found::Nowhere);
        search.toggle_regex();
        search.run(&terminal, Spot { line: 0, col: 0 }, NOW);
        assert_eq!(places(&search).1, 3, "1, 10 and 11");
        search.set("(".to_owned());
        assert_eq!(search.run(&terminal, Spot { line: 0, col: 0 }, NOW), None);
        assert!(matches!(search.found(), Found::Wrong(_)));
        assert_eq!(search.next(&terminal, Spot { line: 0, col: 0 }, true, NOW), None);
        let (search, at) = searched(&terminal, "");
        assert_eq!((search.found(), at), (Found::Nothing, None));
    }

    #[test]
    fn output_is_counted_soon_and_seen_at_once() {
        let mut terminal = terminal(2);
        let (mut search, at) = searched(&terminal, "word");
        assert_eq!(search.in_view().filter(|(_, here)| *here).count(), 1);
        terminal.feed(b"one more word\r\n");
        search.changed(&terminal, at, Moment::from_millis(10));
        assert_eq!(search.in_view().count(), 3);
        assert_eq!(places(&search).1, 2);
        assert_eq!(search.wake(), Some(Moment::from_millis(250)));
        assert!(!search.tick(&terminal, at, Moment::from_millis(249)));
        assert!(search.tick(&terminal, at, Moment::from_millis(250)));
        assert_eq!(places(&search), (Some(2), 3));
        assert_eq!(search.wake(), None);
    }

    #[test]
    fn more_than_can_be_counted_are_cut() {
        let mut terminal = Terminal::new(Size { cols: 80, rows: 5 }, Options::default());
        for _ in 0..200 {
            terminal.feed("x ".repeat(40).as_bytes());
        }
        let (search, _) = searched(&terminal, "x");
        assert!(places(&search).1 <= MOST);
        assert!(places(&search).1 > 5_000);
    }
}
