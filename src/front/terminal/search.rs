//! Searching the screen and the scrollback; wrapped lines are searched as one.

use alacritty_terminal::grid::Dimensions;
use alacritty_terminal::index::{Column, Direction, Line, Point};
use alacritty_terminal::term::search::{RegexIter, RegexSearch};

use super::emulator::Terminal;
use super::reading::Spot;

/// Characters that mean something in a regular expression.
const SPECIAL: &str = r"\.+*?()|[]{}^$#&-~";

/// What is searched for, ready to be used.
#[derive(Debug, Clone)]
pub struct Pattern(RegexSearch);

impl Pattern {
    /// From what a person typed: plain text, or with `regex` a regular expression.
    ///
    /// # Errors
    /// The sentence to show when it is no regular expression or a too costly one.
    pub fn new(text: &str, regex: bool, case: bool) -> Result<Self, String> {
        // The emulator feeds its cells without a sign between the lines.
        let anchored = text.starts_with('^') || (text.ends_with('$') && !text.ends_with(r"\$"));
        if regex && anchored {
            return Err("^ and $ find nothing here".to_owned());
        }
        let body = if regex { text.to_owned() } else { escaped(text) };
        let flag = if case { "(?-i)" } else { "(?i)" };
        RegexSearch::new(&format!("{flag}{body}"))
            .map(Self)
            .map_err(|_| "not a regular expression".to_owned())
    }
}

/// A place where the pattern was found, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// The first cell.
    pub from: Spot,
    /// The last cell.
    pub to: Spot,
}

impl Terminal {
    /// Every place where the pattern is found, oldest first, `most` at most.
    #[must_use]
    pub fn find_all(&self, pattern: &mut Pattern, most: usize) -> Vec<Hit> {
        let term = self.term();
        let start = Point::new(term.topmost_line(), Column(0));
        let end = Point::new(term.bottommost_line(), term.last_column());
        self.hits(pattern, start, end, most)
    }

    /// The places that can be seen now.
    #[must_use]
    pub fn find_in_view(&self, pattern: &mut Pattern) -> Vec<Hit> {
        let term = self.term();
        let top = Line(self.top_of_view());
        let bottom = Line(self.top_of_view() + i32::from(self.size().rows) - 1);
        // A wrapped line may begin above the view and end below it.
        let start = term.line_search_left(Point::new(top, Column(0)));
        let end = term.line_search_right(Point::new(bottom, term.last_column()));
        let mut hits = self.hits(pattern, start, end, usize::MAX);
        hits.retain(|hit| hit.to.line >= top.0 && hit.from.line <= bottom.0);
        hits
    }

    fn hits(&self, pattern: &mut Pattern, start: Point, end: Point, most: usize) -> Vec<Hit> {
        RegexIter::new(start, end, Direction::Right, self.term(), &mut pattern.0)
            .take(most)
            .map(|found| Hit { from: Spot::of(*found.start()), to: Spot::of(*found.end()) })
            .collect()
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        if SPECIAL.contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::front::terminal::{Options, Size};

    fn terminal(text: &str) -> Terminal {
        let mut terminal = Terminal::new(Size { cols: 10, rows: 4 }, Options::default());
        terminal.feed(text.replace('\n', "\r\n").as_bytes());
        terminal
    }

    fn places(terminal: &Terminal, text: &str, regex: bool, case: bool) -> Vec<(i32, u16, u16)> {
        let mut pattern = Pattern::new(text, regex, case).unwrap();
        let hits = terminal.find_all(&mut pattern, 100);
        hits.iter().map(|hit| (hit.from.line, hit.from.col, hit.to.col)).collect()
    }

    #[test]
    fn plain_text_and_expressions() {
        let t = terminal("a.b\naxb\nA.B\nend");
        assert_eq!(places(&t, "a.b", false, true), [(0, 0, 2)]);
        assert_eq!(places(&t, "a.b", false, false), [(0, 0, 2), (2, 0, 2)]);
        assert_eq!(places(&t, "a.b", true, true), [(0, 0, 2), (1, 0, 2)]);
        assert_eq!(places(&t, "[^x]nd", true, true), [(3, 0, 2)]);
        assert_eq!(places(&t, "^", false, true), []);
        for anchored in ["^a", "d$"] {
            assert!(Pattern::new(anchored, true, true).is_err(), "{anchored}");
        }
        assert!(Pattern::new(r"\$", true, true).is_ok());
        assert!(Pattern::new("(", true, true).is_err());
        assert!(Pattern::new("(", false, true).is_ok());
    }

    #[test]
    fn wrapped_lines_are_one_and_the_scrollback_is_searched() {
        let t = terminal("needle\n1\n2\n3\n4\n5\n12345678needle90");
        let found = places(&t, "needle", false, false);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].0 < 0, "in the scrollback: {found:?}");
        let mut pattern = Pattern::new("needle", false, false).unwrap();
        let seen = t.find_in_view(&mut pattern);
        assert_eq!(seen.len(), 1);
        assert_eq!((seen[0].from.col, seen[0].to.col), (8, 3), "over the edge");
        assert_eq!(seen[0].to.line, seen[0].from.line + 1);
    }

    #[test]
    fn what_matches_nothing_or_anything_ends() {
        let t = terminal("aaa\nbbb");
        for text in ["x*", "", "()", ".*", "a{0,3}"] {
            let mut pattern = Pattern::new(text, true, false).unwrap();
            assert!(t.find_all(&mut pattern, 1_000).len() <= 1_000, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_found_as_it_stands(text in "[ -~]{1,8}") {
            let text = text.trim();
            prop_assume!(!text.is_empty());
            let t = terminal(text);
            prop_assert_eq!(places(&t, text, false, true).first().map(|p| p.1), Some(0));
        }

        #[test]
        fn no_expression_fails(text in "\\PC{0,12}", regex: bool, case: bool) {
            let t = terminal("some text\nand more (of) it");
            if let Ok(mut pattern) = Pattern::new(&text, regex, case) {
                prop_assert!(t.find_all(&mut pattern, 100).len() <= 100);
                prop_assert!(t.find_in_view(&mut pattern).len() < 100);
            }
        }
    }
}
