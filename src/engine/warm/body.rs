//! Pure: from a request that Claude Code sent, the request that has the server read its start.

use serde_json::value::RawValue;

use crate::engine::proxy::{
    body::{Body, blocks},
    rules::json::{Fields, with_field, without_field},
};

/// The fields that a chat template renders, in the order in which they are digested.
const RENDERED: [&str; 5] = ["system", "tools", "messages", "thinking", "chat_template_kwargs"];
/// The shortest message: without one no server takes a request.
const SHORT: &str = "\".\"";
/// Blocks of the first message that Claude Code writes itself begin so.
const OWN: &str = "<system-reminder>";

/// The start that every new session shares with this request: its system and tools, and of its
/// first message what Claude Code puts before the user's words. `None` when it is no request with
/// tools, so that nothing can be learned from it.
#[must_use]
pub fn fixed(sent: &str) -> Option<String> {
    let body = Body::read(sent)?;
    body.tools.as_ref().filter(|tools| !tools.is_empty())?;
    let content = body.messages.first().filter(|m| m.role.as_deref() == Some("user"))?.content?;
    // After a compaction the first message holds the summary as well; it does not begin so.
    let own = blocks(content)
        .iter()
        .take_while(|b| b.text.as_deref().is_some_and(|t| t.trim_start().starts_with(OWN)))
        .count();
    let kept: Vec<&str> = raw_blocks(content).into_iter().take(own).collect();
    // The user's own words are at least one block: a message of reminders alone is not cut.
    let content = if kept.is_empty() { SHORT.to_owned() } else { format!("[{}]", kept.join(",")) };
    shortest(sent, Some(&format!("[{{\"role\":\"user\",\"content\":{content}}}]")))
}

/// The same request, answered by one token and not streamed.
#[must_use]
pub fn whole(sent: &str) -> Option<String> {
    shortest(sent, None)
}

/// The texts of the blocks of a list; empty for a plain string.
fn raw_blocks(content: &RawValue) -> Vec<&str> {
    let blocks: Vec<&RawValue> = serde_json::from_str(content.get()).unwrap_or_default();
    blocks.into_iter().map(RawValue::get).collect()
}

fn shortest(sent: &str, messages: Option<&str>) -> Option<String> {
    Fields::read(sent)?;
    let mut out = sent.to_owned();
    let fields = [("messages", messages), ("max_tokens", Some("1")), ("stream", Some("false"))];
    for (name, value) in fields {
        if let Some(changed) = value.and_then(|value| with_field(&out, name, value)) {
            out = changed;
        }
    }
    // Names the session it came from, which this request is not part of.
    Some(without_field(&out, "metadata").unwrap_or(out))
}

/// Digest (FNV-1a, 64 bits) of what a chat template renders of a request.
#[must_use]
pub fn digest(body: &str) -> u64 {
    let fields = Fields::read(body);
    let mut digest = 0xcbf2_9ce4_8422_2325_u64;
    for name in RENDERED {
        let value = fields.as_ref().and_then(|f| f.get(name)).unwrap_or_default();
        for byte in value.bytes().chain([0x1f]) {
            digest = (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    digest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::engine::practice::render;

    fn request(messages: &Value) -> Value {
        json!({
            "model": "m", "max_tokens": 4_096, "stream": true,
            "metadata": {"user_id": "u"},
            "system": [{"type": "text", "text": "You are told what to do, at some length."}],
            "tools": [{"name": "Bash", "description": "runs", "input_schema": {"type": "object"}}],
            "messages": messages,
        })
    }

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_users_words_are_cut_and_the_rest_stays() {
        let sent = request(&json!([
            {"role": "user", "content": [
                {"type": "text", "text": "<system-reminder>\nrules\n</system-reminder>"},
                {"type": "text", "text": "my secret plan"},
            ]},
            {"role": "system", "content": "environment"},
        ]));
        let cut = fixed(&sent.to_string()).unwrap();
        assert!(!cut.contains("secret") && !cut.contains("user_id"), "{cut}");
        let cut = parsed(&cut);
        assert_eq!(cut["max_tokens"], 1);
        assert_eq!(cut["stream"], false);
        assert_eq!(cut["system"], sent["system"]);
        assert_eq!(cut["messages"].as_array().unwrap().len(), 1);
        let (cut, full) = (render::prompt(&cut), render::prompt(&sent));
        // All but the end of the message and the start of the answer.
        assert_eq!(&full[..cut.len() - 2], &cut[..cut.len() - 2]);
    }

    #[test]
    fn a_first_message_of_the_users_own_words_leaves_nothing() {
        for content in [json!("plan"), json!([{"type": "text", "text": "plan"}])] {
            let sent = request(&json!([{"role": "user", "content": content}]));
            assert_eq!(parsed(&fixed(&sent.to_string()).unwrap())["messages"][0]["content"], ".");
        }
    }

    #[test]
    fn nothing_is_learned_from_requests_without_tools_or_sense() {
        let mut side = request(&json!([{"role": "user", "content": "a title"}]));
        side["tools"] = json!([]);
        for text in [side.to_string(), "{}".into(), "nonsense".into(), "[1]".into()] {
            assert_eq!(fixed(&text), None, "{text}");
        }
        assert_eq!(whole("nonsense"), None);
    }

    #[test]
    fn the_digest_tells_what_is_rendered() {
        let hello = json!([{"role": "user", "content": "hello"}]);
        let one = request(&hello);
        let mut two = one.clone();
        two["max_tokens"] = json!(9);
        two["metadata"] = json!({"user_id": "other"});
        assert_eq!(digest(&one.to_string()), digest(&two.to_string()));
        two["system"][0]["text"] = json!("other");
        assert_ne!(digest(&one.to_string()), digest(&two.to_string()));
    }

    proptest! {
        #[test]
        fn what_is_read_is_a_true_start_of_every_first_request(words in "[a-z <>\"\\\\é]{0,60}", reminder in "[a-z ]{0,60}") {
            let first = format!("<system-reminder>{reminder}</system-reminder>");
            let sent = request(&json!([{"role": "user", "content": [
                {"type": "text", "text": first}, {"type": "text", "text": words},
            ]}]));
            let cut = render::prompt(&parsed(&fixed(&sent.to_string()).unwrap()));
            let full = render::prompt(&sent);
            let start = cut.len() - 2;
            prop_assert_eq!(&full[..start], &cut[..start]);
        }
    }
}
