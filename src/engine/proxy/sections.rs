//! Pure weighing of a prompt: its parts in rendered order, each with its bytes and a digest.

use serde_json::{Value, value::RawValue};

use super::body::{Block, Body, blocks};
use crate::domain::{Part, Section};

/// The parts of a prompt in the order servers render them: system blocks, tools, messages.
#[must_use]
pub fn sections(body: &Body<'_>) -> Vec<Section> {
    inked(body, false).map(|(ink, part)| ink.section(part)).collect()
}

/// The text of the n-th of [`sections`] as rendered; empty when there is none. It has as many
/// bytes as the section tells, but for images, which have other bytes than text.
#[must_use]
pub fn rendered(body: &Body<'_>, n: usize) -> String {
    inked(body, true).nth(n).and_then(|(ink, _)| ink.kept).unwrap_or_default()
}

fn inked<'a>(body: &'a Body<'_>, keep: bool) -> impl Iterator<Item = (Ink, Part)> + 'a {
    let system = body.system.map(blocks).unwrap_or_default();
    let system = system.into_iter().enumerate().map(move |(n, block)| {
        let mut ink = Ink::new(keep);
        ink.block(&block);
        (ink, Part::System(n))
    });
    let tools = body.tools.iter().flatten().map(move |tool| {
        let mut ink = Ink::new(keep);
        let name = tool.name.as_deref().unwrap_or_default();
        ink.text(name);
        ink.text(tool.description.as_deref().unwrap_or_default());
        if let Some(schema) = tool.input_schema {
            ink.json(schema);
        }
        (ink, Part::Tool(name.to_owned()))
    });
    let messages = body.messages.iter().enumerate().map(move |(n, message)| {
        let mut ink = Ink::new(keep);
        ink.mark(message.role.as_deref().unwrap_or_default());
        for block in message.content.map(blocks).unwrap_or_default() {
            ink.block(&block);
        }
        (ink, Part::Message(n))
    });
    system.chain(tools).chain(messages)
}

/// One digest over system and tools: what stays the same from request to request of a session.
#[must_use]
pub fn fixed_digest(sections: &[Section]) -> u64 {
    let mut ink = Ink::new(false);
    for section in sections {
        match section.part {
            Part::System(_) | Part::Tool(_) => ink.hash(&section.digest.to_le_bytes()),
            Part::Message(_) => {}
        }
    }
    ink.digest
}

/// Bytes of one block as rendered, for the weight of tool results.
#[must_use]
pub fn weight(block: &Block<'_>) -> u64 {
    let mut ink = Ink::new(false);
    ink.block(block);
    ink.bytes
}

/// Collects rendered text into a count and an FNV-1a digest (64 bits, stable across builds).
struct Ink {
    bytes: u64,
    digest: u64,
    /// The text itself, where it is wanted.
    kept: Option<String>,
}

impl Ink {
    fn new(keep: bool) -> Self {
        Self { bytes: 0, digest: 0xcbf2_9ce4_8422_2325, kept: keep.then(String::new) }
    }

    fn hash(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.digest = (self.digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// Text that tells apart but is not counted: roles, kinds, the border between two texts.
    fn mark(&mut self, text: &str) {
        self.hash(text.as_bytes());
        self.hash(&[0x1f]);
    }

    fn text(&mut self, text: &str) {
        self.bytes += text.len() as u64;
        if let Some(kept) = &mut self.kept {
            kept.push_str(text);
        }
        self.mark(text);
    }

    /// JSON as a server writes it anew: without the blanks and escapes it came with.
    fn json(&mut self, raw: &RawValue) {
        let compact = serde_json::from_str::<Value>(raw.get()).map(|v| v.to_string());
        self.text(compact.as_deref().unwrap_or(raw.get()));
    }

    fn block(&mut self, block: &Block<'_>) {
        self.mark(block.kind.as_deref().unwrap_or_default());
        for text in [&block.text, &block.thinking, &block.name].into_iter().flatten() {
            self.text(text);
        }
        for raw in [block.input, block.source].into_iter().flatten() {
            self.json(raw);
        }
        for inner in block.content.map(blocks).unwrap_or_default() {
            self.block(&inner);
        }
    }

    fn section(self, part: Part) -> Section {
        Section { part, bytes: self.bytes, digest: self.digest }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn of(value: &Value) -> Vec<Section> {
        sections(&Body::read(&value.to_string()).unwrap())
    }

    #[test]
    fn parts_come_in_rendered_order_with_their_bytes() {
        let got = of(&json!({
            "messages": [
                {"role": "user", "content": "hello"},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "abc", "signature": "zzzz"},
                    {"type": "tool_use", "id": "t1", "name": "Read", "input": {"a": 1}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "t1", "content": [
                        {"type": "text", "text": "12345678"}]}]},
            ],
            "tools": [{"name": "Read", "description": "reads", "input_schema": {"x": [1, 2]}}],
            "system": [{"type": "text", "text": "one"}, {"type": "text", "text": "three"}],
        }));
        let got: Vec<_> = got.iter().map(|s| (s.part.to_string(), s.bytes)).collect();
        let expected = [
            ("system[0]", 3),
            ("system[1]", 5),
            ("tool Read", 4 + 5 + 11),
            ("messages[0]", 5),
            ("messages[1]", 3 + 4 + 7),
            ("messages[2]", 8),
        ];
        assert_eq!(got, expected.map(|(p, b)| (p.to_owned(), b)));
    }

    #[test]
    fn the_same_schema_written_otherwise_is_the_same_tool() {
        let a = r#"{"messages":[],"tools":[{"name":"R","input_schema":{"d":"é","n":[1]}}]}"#;
        let b = r#"{"tools":[{"input_schema": {"d":"\u00e9", "n": [ 1 ]},"name":"\u0052"}]}"#;
        let read = |t: &str| sections(&Body::read(t).unwrap());
        assert_eq!(read(a), read(b));
    }

    #[test]
    fn another_role_or_order_is_another_digest() {
        let say = |role: &str| of(&json!({"messages": [{"role": role, "content": "x"}]}));
        assert_ne!(say("user")[0].digest, say("assistant")[0].digest);
        let fixed = |s: &[&str]| {
            let blocks: Vec<_> = s.iter().map(|t| json!({"type": "text", "text": t})).collect();
            fixed_digest(&of(&json!({"system": blocks})))
        };
        assert_ne!(fixed(&["a", "b"]), fixed(&["b", "a"]));
        assert_ne!(fixed(&["ab"]), fixed(&["a", "b"]));
    }

    proptest! {
        #[test]
        fn a_string_and_its_text_block_are_the_same(text in any::<String>(), role in "[a-z]{1,5}") {
            let plain = of(&json!({"system": text, "messages": [{"role": role, "content": text}]}));
            let block = json!([{"type": "text", "text": text, "cache_control": {"type": "x"}}]);
            let blocks = of(&json!({"system": block, "messages": [{"role": role, "content": block}]}));
            prop_assert_eq!(&plain, &blocks);
            prop_assert_eq!(plain[0].bytes, text.len() as u64);
        }

        #[test]
        fn growing_at_the_end_keeps_the_prefix(texts in proptest::collection::vec(".{0,8}", 1..6)) {
            let messages: Vec<_> =
                texts.iter().map(|t| json!({"role": "user", "content": t})).collect();
            let long = of(&json!({"messages": &messages}));
            let short = of(&json!({"messages": &messages[..messages.len() - 1]}));
            prop_assert_eq!(&long[..short.len()], &short[..]);
        }
    }
}
