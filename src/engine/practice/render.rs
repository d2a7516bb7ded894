//! Renders a request to the tokens a server would read: system, then tools, then messages.
//!
//! A string and a list of one text block render alike, as they do in a chat template. Ids,
//! `cache_control` and signatures are left out: templates do not show them to a model.

use serde_json::Value;

use super::tokenize::{self, FIRST_TEXT, Token};

/// The marks between the parts of a prompt, one token each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Mark {
    /// Opens the system text.
    System = 1,
    /// Opens one tool.
    Tool,
    /// Opens a message of the user.
    User,
    /// Opens a message of the model.
    Assistant,
    /// Opens a message of the system between the others.
    Note,
    /// Opens thinking.
    Think,
    /// Closes thinking.
    ThinkEnd,
    /// Opens a tool call.
    Call,
    /// Closes a tool call.
    CallEnd,
    /// Opens a tool's result.
    Result,
    /// Closes a tool's result.
    ResultEnd,
    /// Stands for content that is not text.
    Other,
    /// Closes a message, the system text or a tool.
    End,
}

const _: () = assert!((Mark::End as Token) < FIRST_TEXT);

impl Mark {
    /// The mark's token.
    #[must_use]
    pub const fn token(self) -> Token {
        self as Token
    }
}

/// The tokens of the whole request, up to where the model's answer begins.
#[must_use]
pub fn prompt(request: &Value) -> Vec<Token> {
    let mut out = Vec::new();
    if let Some(system) = request.get("system") {
        out.push(Mark::System.token());
        content(&mut out, system);
        out.push(Mark::End.token());
    }
    for tool in array(request.get("tools")) {
        out.push(Mark::Tool.token());
        for key in ["name", "description", "input_schema"] {
            match tool.get(key) {
                Some(Value::String(words)) => text(&mut out, words),
                Some(schema) => text(&mut out, &schema.to_string()),
                None => {}
            }
        }
        out.push(Mark::End.token());
    }
    for message in array(request.get("messages")) {
        let role = match message.get("role").and_then(Value::as_str) {
            Some("assistant") => Mark::Assistant,
            Some("system") => Mark::Note,
            Some(_) | None => Mark::User,
        };
        out.push(role.token());
        if let Some(body) = message.get("content") {
            content(&mut out, body);
        }
        out.push(Mark::End.token());
    }
    out.push(Mark::Assistant.token());
    out
}

fn array(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text(out: &mut Vec<Token>, words: &str) {
    out.extend(tokenize::pieces(words).into_iter().map(tokenize::number));
}

fn content(out: &mut Vec<Token>, value: &Value) {
    match value {
        Value::String(words) => text(out, words),
        Value::Array(blocks) => blocks.iter().for_each(|block| self::block(out, block)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {}
    }
}

fn block(out: &mut Vec<Token>, block: &Value) {
    let field = |key: &str| block.get(key).and_then(Value::as_str).unwrap_or_default();
    match field("type") {
        "text" => text(out, field("text")),
        "thinking" => thinking(out, field("thinking")),
        "tool_use" => {
            let input = block.get("input").map_or_else(|| "{}".to_owned(), Value::to_string);
            call(out, field("name"), &input);
        }
        "tool_result" => {
            out.push(Mark::Result.token());
            if let Some(result) = block.get("content") {
                content(out, result);
            }
            out.push(Mark::ResultEnd.token());
        }
        _ => {
            out.push(Mark::Other.token());
            text(out, &block.to_string());
        }
    }
}

fn thinking(out: &mut Vec<Token>, words: &str) {
    out.push(Mark::Think.token());
    text(out, words);
    out.push(Mark::ThinkEnd.token());
}

fn call(out: &mut Vec<Token>, name: &str, input: &str) {
    out.push(Mark::Call.token());
    text(out, name);
    text(out, input);
    out.push(Mark::CallEnd.token());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn user(content: &Value) -> Value {
        json!({"messages": [{"role": "user", "content": content}]})
    }

    #[test]
    fn a_string_and_a_text_block_render_alike() {
        let string = prompt(&user(&json!("list the files")));
        let block = user(
            &json!([{"type": "text", "text": "list the files", "cache_control": {"type": "ephemeral"}}]),
        );
        assert_eq!(string, prompt(&block));
        assert_eq!(string.first(), Some(&Mark::User.token()));
        assert_eq!(string.last(), Some(&Mark::Assistant.token()));
    }

    #[test]
    fn system_comes_before_tools_before_messages() {
        let tokens = prompt(&json!({
            "messages": [{"role": "user", "content": "c"}],
            "tools": [{"name": "b", "description": "d", "input_schema": {}}],
            "system": [{"type": "text", "text": "a"}],
        }));
        let place = |mark: Mark| tokens.iter().position(|&token| token == mark.token());
        assert!(place(Mark::System) < place(Mark::Tool));
        assert!(place(Mark::Tool) < place(Mark::User));
    }

    #[test]
    fn ids_are_not_read() {
        let with = |id: &str| {
            prompt(&json!({"messages": [
                {"role": "assistant", "content": [{"type": "tool_use", "id": id, "name": "Bash", "input": {"command": "ls"}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": "a"}]},
            ]}))
        };
        assert_eq!(with("1"), with("2"));
    }

    proptest! {
        #[test]
        fn one_more_message_only_appends(words in prop::collection::vec("[ a-z0-9\\n]{0,40}", 1..6)) {
            let messages: Vec<Value> = words.iter().enumerate().map(|(i, words)| {
                json!({"role": if i % 2 == 0 { "user" } else { "assistant" }, "content": words})
            }).collect();
            let all = prompt(&json!({"system": "s", "messages": messages}));
            let fewer = prompt(&json!({"system": "s", "messages": &messages[..messages.len() - 1]}));
            let shared = fewer.len() - 1;
            prop_assert_eq!(&all[..shared], &fewer[..shared]);
        }
    }
}
