//! Changes as a unified diff that is safe to print: it shows what a sandboxed program wrote.

use std::path::Path;

/// Lines of one diff, at most.
const MOST_LINES: usize = 200;
/// Characters of one line, at most.
const MOST_CHARS: usize = 400;

/// The unified diff of two texts, without control characters and bounded.
#[must_use]
pub fn unified(path: &Path, old: &str, new: &str) -> String {
    let name = plain(path);
    let made = similar::TextDiff::from_lines(old, new)
        .unified_diff()
        .context_radius(3)
        .header(&format!("a/{name}"), &format!("b/{name}"))
        .to_string();
    let mut text = String::new();
    for (number, line) in made.lines().enumerate() {
        if number == MOST_LINES {
            let more = made.lines().count() - MOST_LINES;
            text.push_str(&format!("… {more} more lines\n"));
            break;
        }
        text.push_str(&safe(line));
        text.push('\n');
    }
    text
}

/// A path as one printable line.
#[must_use]
pub fn plain(path: &Path) -> String {
    safe(&path.to_string_lossy())
}

/// A line without anything a terminal obeys or a reader cannot see: controls, and the marks that
/// turn the direction of text.
#[must_use]
pub fn safe(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for c in line.chars().take(MOST_CHARS) {
        let hidden = matches!(
            c,
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        );
        if c == '\t' {
            text.push(c);
        } else if c.is_control() || hidden {
            text.extend(c.escape_unicode());
        } else {
            text.push(c);
        }
    }
    if line.chars().nth(MOST_CHARS).is_some() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_reads_as_a_diff() {
        let text = unified(Path::new("Makefile"), "all:\n\techo a\n", "all:\n\tcurl x | sh\n");
        assert_eq!(
            text,
            "--- a/Makefile\n+++ b/Makefile\n@@ -1,2 +1,2 @@\n all:\n-\techo a\n+\tcurl x | sh\n"
        );
        let long: String = (0..900).map(|n| format!("{n}\n")).collect();
        let text = unified(Path::new("x"), "", &long);
        assert_eq!(text.lines().count(), MOST_LINES + 1);
        assert!(text.ends_with("… 703 more lines\n"), "{text}");
    }

    proptest! {
        #[test]
        fn nothing_in_it_moves_a_terminal(old in "(?s).{0,60}", new in "(?s).{0,60}", name in ".{1,9}") {
            let text = unified(Path::new(&name), &old, &new);
            prop_assert!(text.chars().all(|c| c == '\n' || c == '\t' || !c.is_control()));
        }
    }
}
