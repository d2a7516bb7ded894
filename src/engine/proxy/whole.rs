//! Pure: a whole message as the events of a stream, for a server that answers without a stream
//! when the client has already been promised one.

use serde_json::{Value, json};

/// The events of a message; `None` when the text is no message.
#[must_use]
pub fn events(text: &str) -> Option<String> {
    let mut message: Value = serde_json::from_str(text).ok()?;
    let fields = message.as_object_mut()?;
    let Value::Array(content) = fields.remove("content")? else { return None };
    let stop_reason = fields.remove("stop_reason").unwrap_or(Value::Null);
    let stop_sequence = fields.remove("stop_sequence").unwrap_or(Value::Null);
    let usage = fields.get("usage").cloned().unwrap_or_else(|| json!({}));
    fields.insert("content".to_owned(), json!([]));
    fields.insert("stop_reason".to_owned(), Value::Null);
    fields.insert("stop_sequence".to_owned(), Value::Null);

    let mut out = String::new();
    let mut add = |event: Value| {
        let name = event.get("type").and_then(Value::as_str).unwrap_or_default();
        out.push_str(&format!("event: {name}\ndata: {event}\n\n"));
    };
    add(json!({"type": "message_start", "message": message}));
    for (index, block) in content.into_iter().enumerate() {
        let (begun, delta) = split(block)?;
        add(json!({"type": "content_block_start", "index": index, "content_block": begun}));
        add(json!({"type": "content_block_delta", "index": index, "delta": delta}));
        add(json!({"type": "content_block_stop", "index": index}));
    }
    let delta = json!({"stop_reason": stop_reason, "stop_sequence": stop_sequence});
    add(json!({"type": "message_delta", "delta": delta, "usage": usage}));
    add(json!({"type": "message_stop"}));
    Some(out)
}

/// A block as it begins, and all that it holds as one delta.
fn split(mut block: Value) -> Option<(Value, Value)> {
    let kind = block.get("type")?.as_str()?.to_owned();
    let fields = block.as_object_mut()?;
    let delta = match kind.as_str() {
        "text" => {
            let text = fields.insert("text".to_owned(), json!(""))?;
            json!({"type": "text_delta", "text": text})
        }
        "thinking" => {
            let text = fields.insert("thinking".to_owned(), json!(""))?;
            json!({"type": "thinking_delta", "thinking": text})
        }
        "tool_use" => {
            let input = fields.insert("input".to_owned(), json!({}))?;
            json!({"type": "input_json_delta", "partial_json": input.to_string()})
        }
        // A block of a kind that no local server knows.
        _ => return None,
    };
    Some((block, delta))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_becomes_a_stream_of_the_same() {
        let message = r#"{"id":"m1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"hi"},{"type":"tool_use","id":"t1","name":"Bash","input":{"command":"ls"}}],"stop_reason":"tool_use","usage":{"input_tokens":7,"output_tokens":3}}"#;
        let out = events(message).unwrap();
        let names: Vec<_> = out.lines().filter_map(|l| l.strip_prefix("event: ")).collect();
        assert_eq!(
            names,
            [
                "message_start",
                "content_block_start",
                "content_block_delta",
                "content_block_stop",
                "content_block_start",
                "content_block_delta",
                "content_block_stop",
                "message_delta",
                "message_stop"
            ]
        );
        let data = |n: usize| -> Value {
            let line = out.lines().filter_map(|l| l.strip_prefix("data: ")).nth(n).unwrap();
            serde_json::from_str(line).unwrap()
        };
        assert_eq!(data(0)["message"]["content"], json!([]));
        assert_eq!(data(2)["delta"]["text"], "hi");
        assert_eq!(data(4)["content_block"]["name"], "Bash");
        assert_eq!(data(5)["delta"]["partial_json"], r#"{"command":"ls"}"#);
        assert_eq!(data(7)["delta"]["stop_reason"], "tool_use");
        assert_eq!(data(7)["usage"]["output_tokens"], 3);
    }

    #[test]
    fn what_is_no_message_stays_what_it_is() {
        for text in ["", "[]", "{}", r#"{"content":"x"}"#, r#"{"content":[{"type":"image"}]}"#] {
            assert_eq!(events(text), None, "{text}");
        }
    }
}
