//! The system prompt: without the attribution line, and without what differs by session.

use super::{Work, attribution, reminder};
use crate::{domain::PrefixRule, engine::proxy::rules::json::with_field};

/// Where a session's scratchpad is told; the section ends with the next heading.
const SCRATCHPAD: &str = "# Scratchpad Directory\n";
/// Where the git status begins; it goes on to the end of its block.
const GIT_STATUS: &str = "gitStatus: This is the git status at the start of the conversation.";

/// Cuts something out of a text: what is left, and what was taken.
type Cut = fn(&str) -> Option<(String, String)>;

/// The system prompt as it is to be; `None` when nothing changes. What the first prompt is to end
/// with is added to `moved`; nothing is moved unless there is such a prompt (`can_move`).
pub(super) fn edit(
    raw: &str,
    can_move: bool,
    moved: &mut Vec<String>,
    work: &mut Work,
) -> Option<String> {
    // The raw JSON is enough to rule nearly all requests out.
    let marks = ["x-anthropic-billing-header:", "gitStatus: ", "# Scratchpad", "Today's date"];
    if !marks.iter().any(|mark| raw.contains(mark)) {
        return None;
    }
    if raw.starts_with('"') {
        let text: String = serde_json::from_str(raw).ok()?;
        let new = changed(&text, can_move, moved, work)?;
        return Some(serde_json::Value::from(new).to_string());
    }
    let mut any = false;
    let mut out = Vec::new();
    for block in reminder::blocks(raw)? {
        let new = reminder::text(&block).and_then(|text| changed(&text, can_move, moved, work));
        any |= new.is_some();
        match new {
            None => out.push(block.into_owned()),
            Some(text) if text.is_empty() => {}
            Some(text) => {
                let text = serde_json::Value::from(text).to_string();
                out.push(with_field(&block, "text", &text)?);
            }
        }
    }
    any.then(|| format!("[{}]", out.join(",")))
}

fn changed(text: &str, can_move: bool, moved: &mut Vec<String>, work: &mut Work) -> Option<String> {
    let mut new: Option<String> = None;
    if work.has(PrefixRule::Attribution)
        && let Some(rest) = attribution::without(text)
    {
        new = Some(rest.to_owned());
        work.did(PrefixRule::Attribution);
    }
    if !can_move {
        return new;
    }
    let rules: [(PrefixRule, Cut); 3] = [
        (PrefixRule::GitStatus, git_status),
        (PrefixRule::SessionPaths, scratchpad),
        (PrefixRule::Dates, date),
    ];
    for (rule, cut) in rules {
        if work.has(rule)
            && let Some((rest, taken)) = cut(new.as_deref().unwrap_or(text))
        {
            new = Some(rest);
            moved.push(reminder::remind(&taken));
            work.did(rule);
        }
    }
    new
}

/// The text without the git status, and the git status.
fn git_status(text: &str) -> Option<(String, String)> {
    let at = text.find(GIT_STATUS)?;
    let (rest, taken) = text.split_at_checked(at)?;
    let begins = rest.is_empty() || rest.ends_with('\n');
    begins.then(|| (rest.trim_end().to_owned(), taken.trim_end().to_owned()))
}

/// The text without the section of the scratchpad, and the section.
fn scratchpad(text: &str) -> Option<(String, String)> {
    let at = text.find(SCRATCHPAD)?;
    let (before, section) = text.split_at_checked(at)?;
    if !(before.is_empty() || before.ends_with('\n')) {
        return None;
    }
    let end = section.find("\n# ").map_or(section.len(), |end| end + 1);
    let (section, after) = section.split_at_checked(end)?;
    Some((format!("{before}{after}"), section.trim_end().to_owned()))
}

/// The text without the line of the date (`Today's date: …` or `Today's date is …`), and the line.
fn date(text: &str) -> Option<(String, String)> {
    let at = ["Today's date: ", "Today's date is "].iter().find_map(|mark| text.find(mark))?;
    let (before, rest) = text.split_at_checked(at)?;
    // A line of its own, or an item of a list.
    let (before, item) = match before.strip_suffix(" - ") {
        Some(before) => (before, true),
        None => (before, false),
    };
    if !(before.is_empty() || before.ends_with('\n')) {
        return None;
    }
    let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
    if !reminder::is_date(line) {
        return None;
    }
    let before = if after.is_empty() && !item { before.trim_end() } else { before };
    Some((format!("{before}{after}"), line.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_by_session_is_cut_out_whole() {
        let status =
            "gitStatus: This is the git status at the start of the conversation. Note\n\nM a";
        assert_eq!(
            git_status(&format!("You are\n\n{status}")),
            Some(("You are".to_owned(), status.to_owned()))
        );
        assert_eq!(git_status("the words gitStatus: are known"), None);
        assert_eq!(
            scratchpad("A\n# Scratchpad Directory\n\nuse /tmp/x/session\n\n# Context\nB"),
            Some((
                "A\n# Context\nB".to_owned(),
                "# Scratchpad Directory\n\nuse /tmp/x/session".to_owned()
            ))
        );
        assert_eq!(
            date("<env>\nPlatform: linux\nToday's date: 2026-11-23\n</env>"),
            Some((
                "<env>\nPlatform: linux\n</env>".to_owned(),
                "Today's date: 2026-11-23".to_owned()
            ))
        );
        assert_eq!(date("say what Today's date is and why"), None);
    }
}
