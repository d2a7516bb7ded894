//! `@` and the start of a path: the project's files that fit, and Tab to take one after another.

/// So many are shown and gone through.
const MOST: usize = 50;

/// The list of files, and what of it fits what is typed.
#[derive(Debug, Default)]
pub(super) struct Completion {
    files: Vec<String>,
    /// Whether they were asked for since the composer was opened.
    pub(super) asked: bool,
    open: Option<Open>,
    /// The word whose list was put away.
    put_away: Option<String>,
}

/// A word being completed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Open {
    /// What was typed after the `@`.
    typed: String,
    /// The files that fit, best first.
    hits: Vec<String>,
    /// Which of them stands in the text.
    at: Option<usize>,
}

/// The word before the cursor that is being completed: what stands after its `@`.
pub(super) fn word(line: &str, col: usize) -> Option<String> {
    let before: String = line.chars().take(col).collect();
    let (head, typed) = before.rsplit_once('@')?;
    let begins = head.chars().next_back().is_none_or(|c| c.is_whitespace() || "([{\"'".contains(c));
    let whole = !typed.chars().any(char::is_whitespace);
    (begins && whole).then(|| typed.to_owned())
}

/// A path as it is written behind an `@`: in quotes when it has blanks.
pub(super) fn written(path: &str) -> String {
    if path.chars().any(char::is_whitespace) { format!("\"{path}\"") } else { path.to_owned() }
}

impl Completion {
    /// The files have come. Says whether there is anything new to be seen.
    pub(super) fn came(&mut self, files: Vec<String>) -> bool {
        self.files = files;
        let Some(typed) = self.open.as_ref().map(|open| open.typed.clone()) else { return false };
        self.open = None;
        self.typed(Some(typed));
        true
    }

    /// The word before the cursor is another one, or none.
    pub(super) fn typed(&mut self, word: Option<String>) {
        if self.put_away.is_some() && self.put_away == word {
            self.open = None;
            return;
        }
        self.put_away = None;
        self.open = word.map(|typed| {
            let hits = fitting(&self.files, &typed);
            Open { typed, hits, at: None }
        });
    }

    /// The next (or the one before) that fits: the characters to take away before the cursor and
    /// the text to put there.
    pub(super) fn next(&mut self, back: bool) -> Option<(usize, String)> {
        let open = self.open.as_mut()?;
        let count = open.hits.len();
        let there = match open.at {
            Some(at) => open.hits.get(at).map(|hit| written(hit))?,
            None => open.typed.clone(),
        };
        let to = match (open.at, back) {
            _ if count == 0 => return None,
            (None, false) => 0,
            (None, true) => count - 1,
            (Some(at), false) => (at + 1) % count,
            (Some(at), true) => (at + count - 1) % count,
        };
        open.at = Some(to);
        Some((there.chars().count(), written(open.hits.get(to)?)))
    }

    /// Puts the list away; says whether there was one.
    pub(super) fn close(&mut self) -> bool {
        let Some(open) = self.open.take() else { return false };
        let seen = !open.hits.is_empty();
        self.put_away = Some(open.typed);
        seen
    }

    /// The files that fit and which of them was taken; none when there is nothing to choose.
    pub(super) fn shown(&self) -> Option<(&[String], Option<usize>)> {
        let open = self.open.as_ref().filter(|open| !open.hits.is_empty())?;
        Some((&open.hits, open.at))
    }
}

/// The files that fit, best first: by how their name, then their path, holds what is typed.
fn fitting(files: &[String], typed: &str) -> Vec<String> {
    let wanted = typed.trim_start_matches('"').to_lowercase();
    let mut hits: Vec<(u8, usize, &String)> = files
        .iter()
        .filter_map(|path| Some((rank(&path.to_lowercase(), &wanted)?, path.len(), path)))
        .collect();
    hits.sort_unstable();
    hits.into_iter().take(MOST).map(|(_, _, path)| path.clone()).collect()
}

/// How well a path fits, 0 best.
fn rank(path: &str, wanted: &str) -> Option<u8> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if path.starts_with(wanted) {
        Some(0)
    } else if name.starts_with(wanted) {
        Some(1)
    } else if name.contains(wanted) {
        Some(2)
    } else if path.contains(wanted) {
        Some(3)
    } else {
        let mut rest = path.chars();
        wanted.chars().all(|c| rest.any(|p| p == c)).then_some(4)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn which_word_is_completed() {
        for (line, col, want) in [
            ("look at @src/ma", 15, Some("src/ma")),
            ("@", 1, Some("")),
            ("(@a", 3, Some("a")),
            ("look at @src/ma please", 22, None),
            ("look at @src/ma please", 11, Some("sr")),
            ("mail@example", 12, None),
            ("no", 2, None),
            ("ä @ö", 4, Some("ö")),
        ] {
            assert_eq!(word(line, col).as_deref(), want, "{line:?} at {col}");
        }
    }

    fn completion() -> Completion {
        let files = ["README.md", "docs/main page.md", "src/domain/units.rs", "src/main.rs"];
        let mut completion = Completion::default();
        completion.came(files.map(str::to_owned).to_vec());
        completion
    }

    #[test]
    fn tab_goes_through_what_fits() {
        let mut c = completion();
        c.typed(Some("main".to_owned()));
        let (hits, at) = c.shown().unwrap();
        assert_eq!(hits, ["src/main.rs", "docs/main page.md", "src/domain/units.rs"]);
        assert_eq!(at, None);
        assert_eq!(c.next(false), Some((4, "src/main.rs".to_owned())));
        assert_eq!(c.next(false), Some((11, "\"docs/main page.md\"".to_owned())));
        assert_eq!(c.next(true), Some((19, "src/main.rs".to_owned())));
        assert_eq!(c.next(true), Some((11, "src/domain/units.rs".to_owned())));
        assert!(c.close());
        assert_eq!(c.next(false), None);
        c.typed(Some("zzz".to_owned()));
        assert_eq!(c.shown(), None);
        assert_eq!(c.next(false), None);
    }

    #[test]
    fn a_list_that_was_put_away_comes_with_the_next_letter() {
        let mut c = completion();
        c.typed(Some("s".to_owned()));
        assert!(c.close());
        c.typed(Some("s".to_owned()));
        assert_eq!(c.shown(), None);
        c.typed(Some("sr".to_owned()));
        assert!(c.shown().is_some());
    }

    #[test]
    fn files_that_come_late_are_shown() {
        let mut c = Completion::default();
        c.typed(Some("re".to_owned()));
        assert_eq!(c.shown(), None);
        assert!(c.came(vec!["README.md".to_owned()]));
        assert_eq!(c.shown().unwrap().0, ["README.md"]);
    }

    proptest! {
        #[test]
        fn what_is_taken_away_is_what_was_put_there(
            typed in "[a-z]{0,3}",
            steps in prop::collection::vec(any::<bool>(), 1..10),
        ) {
            let mut c = completion();
            c.typed(Some(typed.clone()));
            let mut text = typed;
            for back in steps {
                let Some((gone, put)) = c.next(back) else { break };
                prop_assert_eq!(gone, text.chars().count());
                text = put;
            }
        }
    }
}
