//! A Messages request as a chat completion request.

use serde_json::{Map, Value, json};
use thiserror::Error;

use super::{Options, errors::Failure, messages};

/// Why a request cannot be sent to a server that speaks only OpenAI's API.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequestError {
    /// It holds a picture or a document and the server takes text only.
    #[error(
        "{at} holds {what}, and this model server takes text only; go on without it (/clear or \
         /rewind), or set the server to pass images if its model can see"
    )]
    Image {
        /// Place in the request, such as `messages[3].content[1]`.
        at: String,
        /// What it is, with its article.
        what: &'static str,
    },
    /// It holds a block that OpenAI's API has no form for.
    #[error("{at} is a {block:?} block, which OpenAI's chat completions cannot carry")]
    Unsupported {
        /// Place in the request.
        at: String,
        /// The block's type.
        block: String,
    },
    /// It is not what the Messages API describes.
    #[error("{at} must be {expected}")]
    Malformed {
        /// Place in the request.
        at: String,
        /// What should stand there.
        expected: &'static str,
    },
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        Self { status: 400, kind: "invalid_request_error", message: error.to_string() }
    }
}

/// A chat completion request.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatRequest {
    /// The body for `POST /v1/chat/completions`.
    pub body: Value,
    /// What of Claude Code's request has no form on the other side and was left out, by place.
    pub left_out: Vec<String>,
}

/// Turns the body of a `POST /v1/messages` into one for `POST /v1/chat/completions`.
///
/// # Errors
/// When the body is malformed or holds what the server cannot take.
pub fn translate(body: &Value, options: &Options) -> Result<ChatRequest, RequestError> {
    let Some(fields) = body.as_object() else {
        return Err(RequestError::Malformed {
            at: "the body".to_owned(),
            expected: "a JSON object",
        });
    };
    let mut out = Map::new();
    let mut left_out = Vec::new();
    if let Some(model) =
        options.model.as_ref().map(|name| json!(name)).or(fields.get("model").cloned())
    {
        out.insert("model".to_owned(), model);
    }
    out.insert("messages".to_owned(), messages::translate(body, options)?.into());
    let mut template = Map::new();
    for (name, value) in fields {
        match name.as_str() {
            "model" | "system" | "messages" => {}
            "max_tokens" | "temperature" | "top_p" | "top_k" | "stream" => {
                out.insert(name.clone(), value.clone());
            }
            "stop_sequences" => {
                if value.as_array().is_some_and(|stops| !stops.is_empty()) {
                    out.insert("stop".to_owned(), value.clone());
                }
            }
            "tools" => {
                let tools = tools(value, &mut left_out)?;
                if !tools.is_empty() {
                    out.insert("tools".to_owned(), tools.into());
                }
            }
            "tool_choice" => tool_choice(value, &mut out)?,
            "thinking" => thinking(value, options, &mut template, &mut out),
            "chat_template_kwargs" => {
                template.extend(value.as_object().cloned().unwrap_or_default());
            }
            "output_config" => match response_format(value) {
                Some(format) => {
                    out.insert("response_format".to_owned(), format);
                }
                None => left_out.push(name.clone()),
            },
            _ => left_out.push(name.clone()),
        }
    }
    // A choice without tools is an error on most servers.
    if !out.contains_key("tools") {
        out.remove("tool_choice");
        out.remove("parallel_tool_calls");
    }
    if out.get("stream").and_then(Value::as_bool) == Some(true) {
        out.insert("stream_options".to_owned(), json!({"include_usage": true}));
        if options.llama_cpp {
            out.insert("return_progress".to_owned(), json!(true));
            out.insert("timings_per_token".to_owned(), json!(true));
        }
    }
    if options.thinking_off {
        out.remove("thinking_budget_tokens");
        template.insert("enable_thinking".to_owned(), json!(false));
    }
    template.extend(options.template_kwargs.clone());
    if !template.is_empty() {
        out.insert("chat_template_kwargs".to_owned(), template.into());
    }
    Ok(ChatRequest { body: out.into(), left_out })
}

fn tools(tools: &Value, left_out: &mut Vec<String>) -> Result<Vec<Value>, RequestError> {
    let tools = tools
        .as_array()
        .ok_or_else(|| RequestError::Malformed { at: "tools".to_owned(), expected: "an array" })?;
    let mut out = Vec::with_capacity(tools.len());
    for (n, tool) in tools.iter().enumerate() {
        let name = tool.get("name").and_then(Value::as_str).ok_or_else(|| {
            RequestError::Malformed { at: format!("tools[{n}].name"), expected: "a string" }
        })?;
        // Without a schema it is one that Anthropic's own servers run (web search and the like).
        let Some(schema) = tool.get("input_schema") else {
            left_out.push(format!("tools[{n}] {name}"));
            continue;
        };
        let mut function = Map::new();
        function.insert("name".to_owned(), json!(name));
        if let Some(description) = tool.get("description") {
            function.insert("description".to_owned(), description.clone());
        }
        function.insert("parameters".to_owned(), schema.clone());
        out.push(json!({"type": "function", "function": function}));
    }
    Ok(out)
}

fn tool_choice(choice: &Value, out: &mut Map<String, Value>) -> Result<(), RequestError> {
    let malformed = |expected| RequestError::Malformed { at: "tool_choice".to_owned(), expected };
    let chosen = match choice.get("type").and_then(Value::as_str) {
        Some("auto") => json!("auto"),
        Some("any") => json!("required"),
        Some("none") => json!("none"),
        Some("tool") => {
            let name = choice.get("name").and_then(Value::as_str);
            let name = name.ok_or_else(|| malformed("a tool with a name"))?;
            json!({"type": "function", "function": {"name": name}})
        }
        _ => return Err(malformed("of type auto, any, tool or none")),
    };
    out.insert("tool_choice".to_owned(), chosen);
    if choice.get("disable_parallel_tool_use").and_then(Value::as_bool) == Some(true) {
        out.insert("parallel_tool_calls".to_owned(), json!(false));
    }
    Ok(())
}

fn thinking(
    asked: &Value,
    options: &Options,
    template: &mut Map<String, Value>,
    out: &mut Map<String, Value>,
) {
    match asked.get("type").and_then(Value::as_str) {
        // A JSON bool: llama.cpp refuses the word as a string.
        Some("disabled") => {
            template.insert("enable_thinking".to_owned(), json!(false));
        }
        Some("enabled") if options.llama_cpp => {
            if let Some(budget) = asked.get("budget_tokens").and_then(Value::as_u64) {
                out.insert("thinking_budget_tokens".to_owned(), json!(budget));
            }
        }
        // Adaptive and everything else leaves it to the template.
        _ => {}
    }
}

/// `output_config.format` asks for an answer after a JSON schema.
fn response_format(config: &Value) -> Option<Value> {
    let format = config.get("format")?;
    (format.get("type")?.as_str()? == "json_schema").then_some(())?;
    let schema = format.get("schema")?;
    Some(json!({
        "type": "json_schema",
        "json_schema": {"name": "answer", "strict": true, "schema": schema},
    }))
}
