//! Reminders: text that Claude Code puts into the user's message for the model to know.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::engine::proxy::rules::json::Fields;

const OPEN: &str = "<system-reminder>\n";
const CLOSE: &str = "\n</system-reminder>";

/// `text` as a reminder; unchanged when it is one.
pub(super) fn remind(text: &str) -> String {
    if text.trim_start().starts_with("<system-reminder>") {
        text.to_owned()
    } else {
        format!("{OPEN}{text}{CLOSE}")
    }
}

/// `text` as a reminder, as it stands.
pub(super) fn remind_as(text: &str) -> String {
    format!("{OPEN}{text}")
}

/// What a reminder says; `None` when `text` is no reminder.
pub(super) fn said(text: &str) -> Option<&str> {
    text.strip_prefix(OPEN)
}

/// The JSON of a block of text.
pub(super) fn block(text: &str) -> String {
    format!(r#"{{"type":"text","text":{}}}"#, serde_json::Value::from(text))
}

/// The blocks of a content as they are written; a plain text is one block. `None` when the
/// content is neither.
pub(super) fn blocks(content: &str) -> Option<Vec<Cow<'_, str>>> {
    if content.starts_with('"') {
        return Some(vec![Cow::Owned(format!(r#"{{"type":"text","text":{content}}}"#))]);
    }
    let blocks: Vec<&RawValue> = serde_json::from_str(content).ok()?;
    Some(blocks.into_iter().map(|b| Cow::Borrowed(b.get())).collect())
}

/// The text of a text block; `None` for other blocks.
pub(super) fn text(block: &str) -> Option<String> {
    let fields = Fields::read(block)?;
    if fields.get("type")? != r#""text""# {
        return None;
    }
    serde_json::from_str(fields.get("text")?).ok()
}

/// The text of a content that is text alone, blocks of it put one under the other.
pub(super) fn all_text(content: &str) -> Option<String> {
    let texts: Option<Vec<String>> = blocks(content)?.iter().map(|b| text(b)).collect();
    Some(texts?.join("\n"))
}

/// Splits the sentence with the date off the end of a text: `…\n\nToday's date is 2026-11-23.`
pub(super) fn split_date(text: &str) -> Option<(&str, &str)> {
    let at = text.rfind("Today's date is ")?;
    let (before, date) = text.split_at_checked(at)?;
    let alone = before.is_empty() || before.ends_with('\n');
    let last = date.trim_end();
    (alone && is_date(last)).then(|| (before.trim_end(), last))
}

/// Whether a text is the sentence with the date, and no more.
pub(super) fn is_date(text: &str) -> bool {
    let rest =
        text.strip_prefix("Today's date is ").or_else(|| text.strip_prefix("Today's date: "));
    rest.is_some_and(|date| date.len() <= 32 && date.starts_with(|c: char| c.is_ascii_digit()))
        && !text.contains('\n')
}
