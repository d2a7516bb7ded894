//! The conversation: Anthropic's messages as OpenAI's.

use serde_json::{Map, Value, json};

use super::{
    Options, SystemMessages,
    content::{BETWEEN_BLOCKS, Blocks, Piece, blocks, piece, pieces, string, text_of, value_of},
    request::RequestError::{self, Malformed, Unsupported},
};

/// A message on its way out.
enum Message {
    System(String),
    User(Vec<Piece>),
    Assistant { text: Vec<String>, thinking: Vec<String>, calls: Vec<Call> },
    Tool { id: String, text: String },
}

struct Call {
    id: String,
    name: String,
    arguments: String,
}

/// Turns the system prompt and the messages of a request into OpenAI's messages.
pub(super) fn translate(body: &Value, options: &Options) -> Result<Vec<Value>, RequestError> {
    let mut out = Vec::new();
    let system = text_of(&pieces(body.get("system"), options.images, "system")?);
    if !system.is_empty() {
        out.push(Message::System(system));
    }
    let messages = body
        .get("messages")
        .and_then(Value::as_array)
        .ok_or_else(|| Malformed { at: "messages".to_owned(), expected: "an array" })?;
    for (n, message) in messages.iter().enumerate() {
        let at = format!("messages[{n}]");
        match string(message, "role", &at)? {
            "user" => user(message, &at, options, &mut out)?,
            "assistant" => assistant(message, &at, options, &mut out)?,
            "system" => {
                let text = text_of(&pieces(message.get("content"), options.images, &at)?);
                system_message(text, options, &mut out);
            }
            _ => {
                return Err(Malformed {
                    at: format!("{at}.role"),
                    expected: "user, assistant or system",
                });
            }
        }
    }
    Ok(out.into_iter().map(|message| message.into_value(options)).collect())
}

fn system_message(text: String, options: &Options, out: &mut Vec<Message>) {
    match options.system_messages {
        SystemMessages::InPlace => out.push(Message::System(text)),
        SystemMessages::InUserTurn => match out.last_mut() {
            None => out.push(Message::System(text)),
            Some(Message::System(first)) => {
                first.push_str(BETWEEN_BLOCKS);
                first.push_str(&text);
            }
            Some(Message::User(_) | Message::Assistant { .. } | Message::Tool { .. }) => {
                let reminder = format!("<system-reminder>\n{text}\n</system-reminder>");
                say(vec![Piece::Text(reminder)], out);
            }
        },
    }
}

/// Adds to the user's turn; two user messages in a row are one turn, as on Anthropic's side.
fn say(more: Vec<Piece>, out: &mut Vec<Message>) {
    if more.is_empty() {
        return;
    }
    if let Some(Message::User(said)) = out.last_mut() {
        said.extend(more);
    } else {
        out.push(Message::User(more));
    }
}

fn user(
    message: &Value,
    at: &str,
    options: &Options,
    out: &mut Vec<Message>,
) -> Result<(), RequestError> {
    let many = match blocks(message.get("content"), at)? {
        Blocks::One(text) => {
            say(vec![Piece::Text(text.to_owned())], out);
            return Ok(());
        }
        Blocks::Many(many) => many,
    };
    let mut said = Vec::new();
    for (n, block) in many.iter().enumerate() {
        let at = format!("{at}.content[{n}]");
        if block.get("type").and_then(Value::as_str) != Some("tool_result") {
            said.push(piece(block, options.images, &at)?);
            continue;
        }
        let id = string(block, "tool_use_id", &at)?.to_owned();
        let found = pieces(block.get("content"), options.images, &at)?;
        let mut text = text_of(&found);
        // OpenAI's tool message has no field for a failure.
        if block.get("is_error").and_then(Value::as_bool) == Some(true) {
            text = if text.is_empty() { "Error".to_owned() } else { format!("Error: {text}") };
        }
        answer(id, text, out);
        // Nor can it carry pictures: they follow as the user's.
        said.extend(found.into_iter().filter(|piece| matches!(piece, Piece::Image(_))));
    }
    say(said, out);
    Ok(())
}

/// Puts a tool's result behind its call and the results that already follow it, even when a
/// reminder stands between: chat templates want calls and results side by side.
fn answer(id: String, text: String, out: &mut Vec<Message>) {
    let call = out.iter().rposition(|message| match message {
        Message::Assistant { calls, .. } => calls.iter().any(|call| call.id == id),
        Message::System(_) | Message::User(_) | Message::Tool { .. } => false,
    });
    let place = call.map_or(out.len(), |call| {
        let results =
            out[call + 1..].iter().take_while(|m| matches!(m, Message::Tool { .. })).count();
        call + 1 + results
    });
    out.insert(place, Message::Tool { id, text });
}

fn assistant(
    message: &Value,
    at: &str,
    options: &Options,
    out: &mut Vec<Message>,
) -> Result<(), RequestError> {
    let (mut text, mut thinking, mut calls) = (Vec::new(), Vec::new(), Vec::new());
    match blocks(message.get("content"), at)? {
        Blocks::One(one) => text.push(one.to_owned()),
        Blocks::Many(many) => {
            for (n, block) in many.iter().enumerate() {
                let at = format!("{at}.content[{n}]");
                match string(block, "type", &at)? {
                    "text" => text.push(string(block, "text", &at)?.to_owned()),
                    "thinking" => {
                        let thought = string(block, "thinking", &at)?;
                        if !options.forget_thinking && !thought.is_empty() {
                            thinking.push(thought.to_owned());
                        }
                    }
                    // Readable for Anthropic's servers alone.
                    "redacted_thinking" => {}
                    "tool_use" => calls.push(Call {
                        id: string(block, "id", &at)?.to_owned(),
                        name: string(block, "name", &at)?.to_owned(),
                        arguments: arguments(block.get("input")),
                    }),
                    other => return Err(Unsupported { at, block: other.to_owned() }),
                }
            }
        }
    }
    out.push(Message::Assistant { text, thinking, calls });
    Ok(())
}

fn arguments(input: Option<&Value>) -> String {
    match input {
        None | Some(Value::Null) => "{}".to_owned(),
        Some(input) => input.to_string(),
    }
}

impl Message {
    fn into_value(self, options: &Options) -> Value {
        match self {
            Self::System(text) => json!({"role": "system", "content": text}),
            Self::User(said) => json!({"role": "user", "content": value_of(&said)}),
            Self::Tool { id, text } => {
                json!({"role": "tool", "tool_call_id": id, "content": text})
            }
            Self::Assistant { text, thinking, calls } => {
                let mut out = Map::new();
                out.insert("role".to_owned(), json!("assistant"));
                // An empty string and not null: older servers insist on a string.
                out.insert("content".to_owned(), json!(text.join(BETWEEN_BLOCKS)));
                if !thinking.is_empty() && !options.forget_thinking {
                    let thoughts = thinking.join(BETWEEN_BLOCKS);
                    out.insert("reasoning_content".to_owned(), json!(thoughts));
                }
                if !calls.is_empty() {
                    let calls: Value = calls.into_iter().map(Call::into_value).collect();
                    out.insert("tool_calls".to_owned(), calls);
                }
                Value::Object(out)
            }
        }
    }
}

impl Call {
    fn into_value(self) -> Value {
        json!({
            "id": self.id,
            "type": "function",
            "function": {"name": self.name, "arguments": self.arguments},
        })
    }
}
