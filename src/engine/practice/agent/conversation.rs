//! What the agent needs to know of a request: the newest prompt, and what was done since.

use serde_json::Value;

/// A tool call of the conversation, with its result.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// The tool's name.
    pub name: String,
    /// What it was given.
    pub input: Value,
    /// What it gave back, as text.
    pub result: String,
    /// Whether it failed.
    pub failed: bool,
}

impl Done {
    /// A text field of the input.
    pub fn field(&self, key: &str) -> &str {
        self.input.get(key).and_then(Value::as_str).unwrap_or_default()
    }
}

/// The request, digested.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Conversation {
    /// Names of the tools the client offers.
    pub tools: Vec<String>,
    /// The project folder, where the request names it.
    pub folder: Option<String>,
    /// All that people asked, oldest first, without the client's reminders.
    pub prompts: Vec<String>,
    /// The newest of them.
    pub prompt: String,
    /// Calls before the newest prompt.
    pub before: Vec<Done>,
    /// Calls since.
    pub since: Vec<Done>,
    /// Messages in the request; makes the ids of calls unique.
    pub messages: usize,
}

impl Conversation {
    /// Digests a request of `/v1/messages`.
    pub fn read(request: &Value) -> Self {
        let mut out = Self::default();
        let list = |key: &str| request.get(key).and_then(Value::as_array).map_or(&[][..], |v| v);
        let name = |tool: &Value| tool.get("name").and_then(Value::as_str).map(str::to_owned);
        out.tools = list("tools").iter().filter_map(name).collect();
        let system = request.get("system").map(text_of).unwrap_or_default();
        out.folder = folder_in(&system);
        let messages = list("messages");
        out.messages = messages.len();
        let mut open: Vec<(String, Done)> = Vec::new();
        for message in messages {
            let Some(content) = message.get("content") else { continue };
            match message.get("role").and_then(Value::as_str) {
                Some("assistant") => open.extend(calls(content)),
                Some("system") => {
                    out.folder = out.folder.take().or_else(|| folder_in(&text_of(content)));
                }
                Some(_) | None => out.user(content, &mut open),
            }
        }
        out
    }

    /// A message of the user: results of calls, and perhaps a new prompt.
    fn user(&mut self, content: &Value, open: &mut Vec<(String, Done)>) {
        for block in content.as_array().map_or(&[][..], |v| v) {
            let Some(id) = block.get("tool_use_id").and_then(Value::as_str) else { continue };
            let Some(at) = open.iter().position(|(call, _)| call == id) else { continue };
            let (_, mut done) = open.remove(at);
            done.result = block.get("content").map(text_of).unwrap_or_default();
            done.failed = block.get("is_error").and_then(Value::as_bool).unwrap_or(false);
            self.since.push(done);
        }
        let text = text_of(content);
        self.folder = self.folder.take().or_else(|| folder_in(&text));
        let prompt = without_reminders(&text);
        if !prompt.is_empty() {
            self.before.append(&mut self.since);
            self.prompts.push(prompt.clone());
            self.prompt = prompt;
        }
    }

    /// Whether the client offers the tool.
    pub fn has(&self, tool: &str) -> bool {
        self.tools.iter().any(|name| name == tool)
    }

    /// Whether the newest prompt is the client's request for a summary to go on from.
    pub fn wants_summary(&self) -> bool {
        self.prompt.contains("<analysis>") && self.prompt.contains("<summary>")
    }
}

/// The tool calls in a message of the model.
fn calls(content: &Value) -> Vec<(String, Done)> {
    let blocks = content.as_array().map_or(&[][..], |v| v);
    let call = |block: &Value| {
        let text = |key: &str| block.get(key).and_then(Value::as_str).map(str::to_owned);
        (text("type")? == "tool_use").then_some(())?;
        let input = block.get("input").cloned().unwrap_or_default();
        let done = Done { name: text("name")?, input, result: String::new(), failed: false };
        Some((text("id")?, done))
    };
    blocks.iter().filter_map(call).collect()
}

/// The text of a string or of a list of blocks, one block a line.
pub fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let text = |block: &Value| block.get("text").and_then(Value::as_str).map(str::to_owned);
            blocks.iter().filter_map(text).collect::<Vec<_>>().join("\n")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    }
}

/// The folder named by a line such as ` - Primary working directory: /home/me/project`.
fn folder_in(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (label, path) = line.split_once(": ")?;
        let is_label = label.to_lowercase().ends_with("working directory");
        (is_label && path.starts_with('/')).then(|| path.trim_end().to_owned())
    })
}

/// What people wrote: the text without `<system-reminder>` parts, trimmed.
fn without_reminders(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<system-reminder>") {
        out.push_str(before);
        rest = after.split_once("</system-reminder>").map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    out.trim().to_owned()
}
