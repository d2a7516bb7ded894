//! A session that began with a note: what the note quoted of the user is carried on, not quoted
//! as a whole once more.

use super::write::{LATER, OPENING, TASK};

/// What an earlier note said in the user's words, and what the user wrote around it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Earlier {
    /// The task.
    pub(super) task: String,
    /// What the user said later, oldest first.
    pub(super) later: Vec<String>,
}

/// Reads a prompt that is a note; `None` when it is none or its task is gone.
pub(super) fn read(prompt: &str) -> Option<Earlier> {
    let (_, note) = prompt.split_once(OPENING)?;
    let task = quotes(section(note, TASK)?).join("\n");
    let later = section(note, LATER).map(quotes).unwrap_or_default();
    (!task.is_empty()).then_some(Earlier { task, later })
}

/// The lines under a heading, up to the next one.
fn section<'a>(note: &'a str, heading: &str) -> Option<&'a str> {
    let (_, rest) = note.split_once(&format!("\n## {heading}\n"))?;
    Some(rest.split_once("\n## ").map_or(rest, |(section, _)| section))
}

/// The quotes in a section, each without its marks.
fn quotes(section: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut open = false;
    for line in section.lines() {
        match line.strip_prefix('>') {
            Some(text) => {
                let text = text.strip_prefix(' ').unwrap_or(text);
                match out.last_mut().filter(|_| open) {
                    Some(last) => {
                        last.push('\n');
                        last.push_str(text);
                    }
                    None => out.push(text.to_owned()),
                }
                open = true;
            }
            None => open = false,
        }
    }
    out.retain(|quote| !quote.trim().is_empty());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_words_come_out_as_they_went_in() {
        let note = format!(
            "{OPENING} More.\n\n## {TASK}\n> fix it\n>\n> all of it\n\n## {LATER}\n> one\n> two\n\n\
             > three\n\n## Files\n> four\n"
        );
        let earlier = read(&note).unwrap();
        assert_eq!(earlier.task, "fix it\n\nall of it");
        assert_eq!(earlier.later, ["one\ntwo", "three"]);
        assert_eq!(read("fix it"), None);
        assert_eq!(read(OPENING), None);
    }
}
