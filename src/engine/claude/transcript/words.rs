//! Whose words a user message holds: the user's own, Claude Code's, or a command's.

/// Bytes of one text that are kept; the middle of a longer one is left out.
const KEPT: usize = 16 * 1024;

/// What stands for the middle that was left out.
pub(super) const GAP: &str = " […] ";

/// Tags Claude Code wraps its own texts in; what stands in them is nobody's wish.
const FOREIGN: [&str; 10] = [
    "system-reminder",
    "local-command-caveat",
    "local-command-stdout",
    "local-command-stderr",
    "bash-input",
    "bash-stdout",
    "bash-stderr",
    "command-message",
    "task-notification",
    "user-memory-input",
];

/// What a user message says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// The user's own words.
    Own(String),
    /// That the user stopped the turn.
    Interrupted,
    /// Nothing of the user's.
    None,
}

/// Reads the text of a user message.
pub(super) fn read(text: &str) -> Words {
    let mut own = text.to_owned();
    for tag in FOREIGN {
        own = without(&own, tag);
    }
    if let Some(name) = inside(&own, "command-name") {
        // A command of Claude Code's own (`/compact`) has no wish in it; one with words may.
        return match inside(&own, "command-args").map(str::trim) {
            Some(args) if !args.is_empty() => {
                Words::Own(shorten(&format!("{} {args}", name.trim())))
            }
            Some(_) | None => Words::None,
        };
    }
    let own = own.trim();
    if own.starts_with("[Request interrupted") {
        return Words::Interrupted;
    }
    if own.is_empty() { Words::None } else { Words::Own(shorten(own)) }
}

/// A text of at most about [`KEPT`] bytes, its beginning and its end.
pub(super) fn shorten(text: &str) -> String {
    shorten_to(text, KEPT)
}

/// The same with another bound.
pub(super) fn shorten_to(text: &str, kept: usize) -> String {
    if text.len() <= kept {
        return text.to_owned();
    }
    let head = text.get(..text.floor_char_boundary(kept / 2)).unwrap_or_default();
    let tail = text.get(text.ceil_char_boundary(text.len() - kept / 2)..).unwrap_or_default();
    format!("{head}{GAP}{tail}")
}

/// What stands between a tag and its end.
fn inside<'a>(text: &'a str, tag: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{tag}>"))?;
    Some(rest.split_once(&format!("</{tag}>")).map_or(rest, |(inner, _)| inner))
}

/// The text without a tag and what stands in it; an open one ends nowhere and takes the rest.
fn without(text: &str, tag: &str) -> String {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(&open) {
        out.push_str(before);
        rest = after.split_once(&close).map_or("", |(_, behind)| behind);
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_words() {
        let own = |text: &str| Words::Own(text.to_owned());
        for (text, want) in [
            ("fix the ingress", own("fix the ingress")),
            ("  two\nlines ", own("two\nlines")),
            ("<system-reminder>\nthe date\n</system-reminder>\nfix it", own("fix it")),
            ("<system-reminder>never closed", Words::None),
            ("", Words::None),
            ("[Request interrupted by user]", Words::Interrupted),
            ("[Request interrupted by user for tool use]", Words::Interrupted),
            ("<local-command-stdout>Compacted</local-command-stdout>", Words::None),
            (
                "<command-name>/compact</command-name>\n <command-message>compact\
                 </command-message>\n <command-args></command-args>",
                Words::None,
            ),
            (
                "<command-name>/review</command-name><command-args>the tests</command-args>",
                own("/review the tests"),
            ),
            ("a <b> c", own("a <b> c")),
        ] {
            assert_eq!(read(text), want, "{text:?}");
        }
    }

    #[test]
    fn long_texts_keep_both_ends() {
        let long = format!("begin {}end", "é".repeat(KEPT));
        let Words::Own(kept) = read(&long) else { panic!() };
        assert!(kept.starts_with("begin ") && kept.ends_with("end") && kept.contains(GAP));
        assert!(kept.len() <= KEPT + GAP.len());
    }
}
