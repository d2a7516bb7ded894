//! Where turns begin: a mark in the cell itself, so that it stays with its line however the
//! screen scrolls, wraps or loses lines.

use alacritty_terminal::grid::Dimensions;
use alacritty_terminal::index::{Column, Line, Point};
use alacritty_terminal::term::cell::{Flags, Hyperlink};

use super::emulator::Terminal;

/// What a mark is called. It is kept where a cell keeps its link; the child cannot set one.
const SCHEME: &str = "lcc-turn:";
/// So many lines above the last one a prompt is looked for: the longest answer that may stand
/// between a prompt and the request it causes is none.
const LOOK: i32 = 400;

/// Where a turn begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnMark {
    /// The turn.
    pub number: u64,
    /// Its line: 0 is the first of the live screen, those above are negative.
    pub line: i32,
}

/// Whether a link is a mark of ours.
pub(super) fn is_mark(uri: &str) -> bool {
    uri.starts_with(SCHEME)
}

impl Terminal {
    /// Marks the newest prompt on the screen as the start of a turn; says whether there is one
    /// that has no mark yet. Claude Code writes a prompt that was sent as `❯`, a blank and its
    /// text at the left edge; after the `❯` of its input box comes a no-break space. On the
    /// alternate screen nothing is marked: what is on it does not stay.
    pub fn mark_prompt(&mut self, number: u64) -> bool {
        if self.modes().alternate_screen {
            return false;
        }
        let last = self.term().bottommost_line().0;
        let first = self.term().topmost_line().0.max(last - LOOK);
        let Some(line) = (first..=last).rev().find(|line| self.is_prompt(*line)) else {
            return false;
        };
        if self.mark_of(line).is_some() {
            return false;
        }
        self.mark(line, number);
        true
    }

    /// Marks the line of the cursor, where no prompt can be told.
    pub fn mark_cursor(&mut self, number: u64) {
        let line = self.term().grid().cursor.point.line.0;
        if !self.modes().alternate_screen && self.mark_of(line).is_none() {
            self.mark(line, number);
        }
    }

    /// The marks that are left, oldest first.
    #[must_use]
    pub fn turn_marks(&self) -> Vec<TurnMark> {
        if self.modes().alternate_screen {
            return Vec::new();
        }
        let lines = self.term().topmost_line().0..=self.term().bottommost_line().0;
        lines.filter_map(|line| Some(TurnMark { number: self.mark_of(line)?, line })).collect()
    }

    fn mark(&mut self, line: i32, number: u64) {
        let link = Hyperlink::new(Some("lcc"), format!("{SCHEME}{number}"));
        self.term_mut().grid_mut()[Point::new(Line(line), Column(0))].set_hyperlink(Some(link));
    }

    fn mark_of(&self, line: i32) -> Option<u64> {
        let link = self.term().grid()[Point::new(Line(line), Column(0))].hyperlink()?;
        link.uri().strip_prefix(SCHEME)?.parse().ok()
    }

    fn is_prompt(&self, line: i32) -> bool {
        let grid = self.term().grid();
        let row = &grid[Line(line)];
        let wrapped = line > self.term().topmost_line().0
            && grid[Line(line - 1)][self.term().last_column()].flags.contains(Flags::WRAPLINE);
        let glyph = matches!(row[Column(0)].c, '❯' | '>');
        let text = self.term().columns() > 2 && row[Column(2)].c != ' ';
        !wrapped && glyph && row[Column(1)].c == ' ' && text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::front::terminal::{Options, Size};

    fn terminal() -> Terminal {
        let options = Options { scrollback: 30, ..Options::default() };
        Terminal::new(Size { cols: 20, rows: 6 }, options)
    }

    fn lines(t: &mut Terminal, text: &str) {
        t.feed(text.replace('\n', "\r\n").as_bytes());
    }

    /// The text of the line a mark stands on.
    fn marked(t: &Terminal) -> Vec<(u64, String)> {
        let text = |mark: &TurnMark| {
            let row = &t.term().grid()[Line(mark.line)];
            let text: String = (0..t.term().columns()).map(|c| row[Column(c)].c).collect();
            (mark.number, text.trim_end().to_owned())
        };
        t.turn_marks().iter().map(text).collect()
    }

    #[test]
    fn the_newest_prompt_is_marked_and_the_input_box_is_not() {
        let mut t = terminal();
        lines(&mut t, "❯ first\n● answer\n────\n❯\u{a0}typed\n────\n");
        assert!(t.mark_prompt(1));
        assert!(!t.mark_prompt(2), "its prompt has not come yet");
        assert_eq!(marked(&t), [(1, "❯ first".to_owned())]);
        lines(&mut t, "❯ second\n  of two lines\n❯\u{a0}\n");
        assert!(t.mark_prompt(2));
        assert_eq!(marked(&t), [(1, "❯ first".to_owned()), (2, "❯ second".to_owned())]);
    }

    #[test]
    fn where_no_prompt_is_told_the_cursor_is() {
        let mut t = terminal();
        lines(&mut t, "$ one\n$ two");
        assert!(!t.mark_prompt(1));
        t.mark_cursor(1);
        assert_eq!(marked(&t), [(1, "$ two".to_owned())]);
        t.feed(b"\x1b[?1049h\x1b[H> three");
        assert!(!t.mark_prompt(2));
        t.mark_cursor(2);
        assert_eq!(t.turn_marks(), []);
        t.feed(b"\x1b[?1049l");
        assert_eq!(marked(&t).len(), 1);
    }

    #[test]
    fn the_child_cannot_set_a_mark() {
        let mut t = terminal();
        t.feed(b"\x1b]8;id=lcc;lcc-turn:9\x1b\\x\x1b]8;;\x1b\\");
        assert_eq!(t.turn_marks(), []);
    }

    proptest! {
        #[test]
        fn marks_stay_with_their_lines(
            steps in prop::collection::vec((1_usize..40, 8_u16..40, 3_u16..12), 1..8),
        ) {
            let mut t = terminal();
            for (n, (more, cols, rows)) in steps.into_iter().enumerate() {
                let number = n as u64 + 1;
                lines(&mut t, &format!("> turn {number}\n"));
                prop_assert!(t.mark_prompt(number));
                for line in 0..more {
                    lines(&mut t, &format!("{line} some words of text that may wrap\n"));
                }
                t.resize(Size { cols, rows });
            }
            for (number, text) in marked(&t) {
                prop_assert!(format!("> turn {number}").starts_with(&text), "{} on {:?}", number, text);
            }
        }
    }
}
