//! A plain chat completion as an Anthropic message.

use serde_json::{Map, Value, json};

use super::{blocks::unique, errors::Failure, usage::Usage};

/// Turns the body of a chat completion that was not streamed into an Anthropic message.
///
/// `model` is the name Claude Code asked for; `seed` makes ids and must differ from answer to
/// answer.
///
/// # Errors
/// The server's error when the body holds one, or one that says what is missing in it; with status
/// 502, since the server itself said 200.
pub fn translate(body: &Value, model: &str, seed: &str) -> Result<Value, Failure> {
    if let Some(failure) = Failure::from_json(200, body) {
        return Err(Failure { status: 502, ..failure });
    }
    let lacks = |what: &str| Failure {
        status: 502,
        kind: "api_error",
        message: format!("the model server's answer holds no {what}"),
    };
    let choice =
        body.get("choices").and_then(|choices| choices.get(0)).ok_or_else(|| lacks("choice"))?;
    let message = choice.get("message").ok_or_else(|| lacks("message"))?;
    let mut content = Vec::new();
    if let Some(thought) = reasoning(message) {
        content.push(json!({"type": "thinking", "thinking": thought, "signature": ""}));
    }
    if let Some(text) = content_text(message) {
        content.push(json!({"type": "text", "text": text}));
    }
    let calls = message.get("tool_calls").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut given: Vec<String> = Vec::new();
    for (n, call) in calls.iter().enumerate() {
        let function = call.get("function").unwrap_or(&Value::Null);
        let told = call.get("id").and_then(Value::as_str).unwrap_or_default();
        let id = unique(told, seed, n, &given);
        let name = function.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
        content.push(json!({
            "type": "tool_use",
            "id": id,
            "name": name.unwrap_or("unknown"),
            "input": input(function.get("arguments")),
        }));
        given.push(id);
    }
    let finish = Finish::of(choice).unwrap_or_default();
    Ok(json!({
        "id": format!("msg_{seed}"),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": finish.stop_reason(!calls.is_empty()),
        "stop_sequence": finish.sequence,
        "usage": Usage::of(body).unwrap_or_default().to_json(),
    }))
}

/// A call's input. Arguments that are not a JSON object are kept under a name of their own: the
/// tool then says what it misses, and the model can try again.
fn input(arguments: Option<&Value>) -> Value {
    let kept = |raw: Value| {
        let mut out = Map::new();
        out.insert("unreadable_arguments".to_owned(), raw);
        Value::Object(out)
    };
    match arguments {
        None | Some(Value::Null) => json!({}),
        Some(Value::Object(input)) => Value::Object(input.clone()),
        Some(Value::String(text)) if text.trim().is_empty() => json!({}),
        Some(Value::String(text)) => match serde_json::from_str(text) {
            Ok(Value::Object(input)) => Value::Object(input),
            Ok(_) | Err(_) => kept(json!(text)),
        },
        Some(other) => kept(other.clone()),
    }
}

/// Why a choice ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Finish {
    reason: String,
    /// The stop sequence that was hit, which vLLM tells.
    pub sequence: Option<String>,
}

impl Finish {
    /// What a choice says; `None` while it goes on.
    pub(super) fn of(choice: &Value) -> Option<Self> {
        let reason = choice.get("finish_reason")?.as_str().filter(|reason| !reason.is_empty())?;
        let sequence = choice.get("stop_reason").and_then(Value::as_str).map(str::to_owned);
        Some(Self { reason: reason.to_owned(), sequence })
    }

    /// Anthropic's word for it. Several servers say `stop` after tool calls, and some `tool_calls`
    /// without any: what the answer holds decides.
    pub(super) fn stop_reason(&self, any_call: bool) -> &'static str {
        match self.reason.as_str() {
            "length" => "max_tokens",
            "content_filter" => "refusal",
            _ if any_call => "tool_use",
            _ if self.sequence.is_some() => "stop_sequence",
            _ => "end_turn",
        }
    }
}

/// The thinking in a message or delta: `reasoning_content` (llama.cpp, vLLM, SGLang) or `reasoning`
/// (mlx_lm.server, newer vLLM). `None` when there is none.
pub(super) fn reasoning(part: &Value) -> Option<String> {
    ["reasoning_content", "reasoning"]
        .iter()
        .find_map(|field| part.get(field).and_then(Value::as_str).filter(|text| !text.is_empty()))
        .map(str::to_owned)
}

/// The text in a message or delta, written as a string or as parts. `None` when there is none.
pub(super) fn content_text(part: &Value) -> Option<String> {
    let text = match part.get("content")? {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect()
        }
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}
