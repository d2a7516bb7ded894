//! A plain answer without its thinking.

use bytes::Bytes;
use serde_json::Value;

use crate::engine::proxy::{
    rules::json::{Fields, with_field},
    think::{Stretch, Tag, ThinkFinder, tag},
};

/// The answer without blocks of thinking and without reasoning at the start of its texts; `None`
/// when there is none, or the body is no answer.
#[must_use]
pub fn strip(body: &Bytes) -> Option<Bytes> {
    let text = std::str::from_utf8(body).ok()?;
    let content = Fields::read(text)?.get("content")?;
    let blocks: Vec<Value> = serde_json::from_str(content).ok()?;
    let mut kept = Vec::with_capacity(blocks.len());
    let mut changed = false;
    for mut block in blocks {
        let kind = block.get("type").and_then(Value::as_str);
        if matches!(kind, Some("thinking" | "redacted_thinking")) {
            changed = true;
            continue;
        }
        let said = block.get("text").and_then(Value::as_str).and_then(said);
        if let Some(said) = said {
            changed = true;
            if said.is_empty() {
                continue;
            }
            if let Some(text) = block.get_mut("text") {
                *text = Value::from(said);
            }
        }
        kept.push(block);
    }
    if !changed {
        return None;
    }
    with_field(text, "content", &Value::from(kept).to_string()).map(Bytes::from)
}

/// The tokens of an answer that holds thinking and, but for blank text, nothing else, estimated;
/// `None` when there is something in it for the client, or it is no answer.
#[must_use]
pub fn only_thinking(body: &Bytes) -> Option<u64> {
    let text = std::str::from_utf8(body).ok()?;
    let blocks: Vec<Value> = serde_json::from_str(Fields::read(text)?.get("content")?).ok()?;
    let mut thought = 0;
    let mut found = false;
    for block in &blocks {
        let field = |name: &str| block.get(name).and_then(Value::as_str);
        match field("type") {
            Some("thinking" | "redacted_thinking") => {
                found = true;
                thought += field("thinking").map_or(0, str::len);
            }
            Some("text") => {
                let text = field("text").unwrap_or_default();
                match said(text) {
                    Some(said) if said.is_empty() => {
                        found = true;
                        thought += text.len();
                    }
                    None if text.trim().is_empty() => {}
                    Some(_) | None => return None,
                }
            }
            Some(_) | None => return None,
        }
    }
    // Local models take about four bytes a token, in every script.
    found.then_some(thought as u64 / 4)
}

/// What a text says after the reasoning it begins with; `None` when it begins with none.
fn said(text: &str) -> Option<String> {
    if !matches!(tag(text.trim_start()), Tag::Open(_)) {
        return None;
    }
    let mut said = String::new();
    let mut finder = ThinkFinder::new();
    let mut keep = |stretch: Stretch<'_>| {
        if let Stretch::Text(text) = stretch {
            said.push_str(text);
        }
    };
    finder.feed_into(text, &mut keep);
    finder.finish_into(&mut keep);
    Some(said.trim_start().to_owned())
}
