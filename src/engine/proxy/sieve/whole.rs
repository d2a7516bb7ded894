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
