//! Pure looking into the messages of a prompt: of which kinds its blocks are, and how large.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    body::{Block, Body},
    sections::weight,
};
use crate::domain::{Piece, PieceKind};

/// How Claude Code opens what it adds to a message by itself.
const REMINDER: &str = "<system-reminder>";

/// What ties a result to its call.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Tied<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    tool_use_id: Option<Cow<'a, str>>,
}

/// The blocks of every message, those of one kind and tool put together; no texts.
#[must_use]
pub fn pieces(body: &Body<'_>) -> Vec<Piece> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut all: Vec<Piece> = Vec::new();
    for (at, message) in body.messages.iter().enumerate() {
        let role = message.role.as_deref().unwrap_or_default();
        let first = all.len();
        let mut add = |kind: PieceKind, tool: Option<String>, bytes: u64| {
            let known = all[first..].iter_mut().find(|p| p.kind == kind && p.tool == tool);
            match known {
                Some(piece) => piece.bytes = piece.bytes.saturating_add(bytes),
                None => all.push(Piece { message: at, kind, tool, bytes }),
            }
        };
        let Some(content) = message.content else { continue };
        let raw: Vec<&RawValue> = serde_json::from_str(content.get()).unwrap_or_default();
        if raw.is_empty() {
            for block in super::body::blocks(content) {
                add(words(role, &block), None, weight(&block));
            }
            continue;
        }
        for raw in raw {
            let Ok(block) = serde_json::from_str::<Block<'_>>(raw.get()) else { continue };
            let tied: Tied<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
            let bytes = weight(&block);
            match block.kind.as_deref().unwrap_or_default() {
                "thinking" | "redacted_thinking" => add(PieceKind::Thinking, None, bytes),
                "tool_use" => {
                    let name = block.name.as_deref().unwrap_or_default().to_owned();
                    if let Some(id) = tied.id {
                        names.insert(id.into_owned(), name.clone());
                    }
                    add(PieceKind::Call, Some(name), bytes);
                }
                "tool_result" => {
                    let id = tied.tool_use_id.unwrap_or_default();
                    add(PieceKind::Result, names.get(id.as_ref()).cloned(), bytes);
                }
                "image" | "document" => add(PieceKind::Attachment, None, bytes),
                _ => add(words(role, &block), None, bytes),
            }
        }
    }
    all
}

fn words(role: &str, block: &Block<'_>) -> PieceKind {
    let text = block.text.as_deref().unwrap_or_default();
    match role {
        "assistant" => PieceKind::Answer,
        "system" => PieceKind::Reminder,
        _ if text.trim_start().starts_with(REMINDER) => PieceKind::Reminder,
        _ => PieceKind::Prompt,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::{domain::Part, engine::proxy::sections::sections};

    fn of(value: &Value) -> Vec<(usize, PieceKind, Option<String>, u64)> {
        let text = value.to_string();
        let body = Body::read(&text).unwrap();
        pieces(&body).into_iter().map(|p| (p.message, p.kind, p.tool, p.bytes)).collect()
    }

    #[test]
    fn every_kind_is_told_with_its_tool() {
        let got = of(&json!({"messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "<system-reminder>\nabc</system-reminder>"},
                {"type": "text", "text": "hello"},
                {"type": "text", "text": "you"}]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm"},
                {"type": "text", "text": "I look"},
                {"type": "tool_use", "id": "t1", "name": "Read", "input": {"a": 1}},
                {"type": "tool_use", "id": "t2", "name": "Bash", "input": {}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t2", "content": "1234"},
                {"type": "tool_result", "tool_use_id": "t1", "content": [
                    {"type": "text", "text": "12345678"}]},
                {"type": "tool_result", "tool_use_id": "gone", "content": "x"}]},
            {"role": "system", "content": "be brief"},
            {"role": "assistant", "content": "done"}]}));
        let tool = |name: &str| Some(name.to_owned());
        assert_eq!(
            got,
            [
                (0, PieceKind::Reminder, None, 39),
                (0, PieceKind::Prompt, None, 8),
                (1, PieceKind::Thinking, None, 2),
                (1, PieceKind::Answer, None, 6),
                (1, PieceKind::Call, tool("Read"), 11),
                (1, PieceKind::Call, tool("Bash"), 6),
                (2, PieceKind::Result, tool("Bash"), 4),
                (2, PieceKind::Result, tool("Read"), 8),
                (2, PieceKind::Result, None, 1),
                (3, PieceKind::Reminder, None, 8),
                (4, PieceKind::Answer, None, 4),
            ]
        );
    }

    proptest! {
        /// What is told of a message weighs as much as the message.
        #[test]
        fn pieces_weigh_what_their_message_does(
            texts in proptest::collection::vec((".{0,12}", 0_usize..5), 1..8),
        ) {
            let block = |(text, kind): &(String, usize)| match kind {
                0 => json!({"type": "text", "text": text}),
                1 => json!({"type": "thinking", "thinking": text}),
                2 => json!({"type": "tool_use", "id": "a", "name": "T", "input": {"x": text}}),
                3 => json!({"type": "tool_result", "tool_use_id": "a", "content": text}),
                _ => json!({"type": "odd", "text": text}),
            };
            let blocks: Vec<_> = texts.iter().map(block).collect();
            let text = json!({"messages": [
                {"role": "user", "content": blocks.clone()},
                {"role": "assistant", "content": blocks},
                {"role": "user", "content": texts[0].0},
            ]}).to_string();
            let body = Body::read(&text).unwrap();
            for section in sections(&body) {
                let Part::Message(at) = section.part else { continue };
                let told = pieces(&body);
                let sum: u64 = told.iter().filter(|p| p.message == at).map(|p| p.bytes).sum();
                prop_assert_eq!(sum, section.bytes);
            }
        }
    }
}
