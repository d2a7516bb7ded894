//! Answers to the client's own requests: summaries, titles, and whatever else comes without
//! tools.

use serde_json::{Map, Value, json};

use super::conversation::{Conversation, text_of};

/// Most characters of a prompt that a summary quotes.
const QUOTE: usize = 200;

/// The summary to go on from after a compaction, in the form the client asks for.
pub fn summary(conversation: &Conversation) -> String {
    let (_, asked) = conversation.prompts.split_last().unwrap_or((&conversation.prompt, &[]));
    let people = asked.iter().filter(|prompt| !prompt.starts_with('<'));
    let prompts: Vec<String> = people.map(|prompt| format!("- \"{}\"", quote(prompt))).collect();
    let calls: Vec<String> = conversation
        .before
        .iter()
        .chain(&conversation.since)
        .map(|done| {
            let what = [done.field("file_path"), done.field("command")].concat();
            format!(
                "- {} {}{}",
                done.name,
                quote(&what),
                if done.failed { " (failed)" } else { "" }
            )
        })
        .collect();
    let list =
        |lines: Vec<String>| if lines.is_empty() { "- none".to_owned() } else { lines.join("\n") };
    format!(
        "<analysis>\nThe practice server, a script without a model, goes through the conversation: \
         {} prompts, {} tool calls.\n</analysis>\n\n<summary>\n1. Primary Request and Intent:\n{}\n\n\
         2. What was done:\n{}\n\n3. Pending Tasks:\n- none\n\n4. Current Work:\n\
         The practice server played its script to the end. It is no model.\n</summary>",
        prompts.len(),
        calls.len(),
        list(prompts),
        list(calls),
    )
}

/// One line, cut short, without what the client or the agent would take for a mark of its own.
fn quote(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.replace("practice:", "practice -").replace(['<', '>'], "'");
    let cut: String = line.chars().take(QUOTE).collect();
    if cut.len() < line.len() { format!("{cut}…") } else { cut }
}

/// The answer to a request without tools that asks for nothing in particular.
pub const NO_MODEL: &str = "This is lcc's practice server: there is no model behind it.";

/// The JSON that a request without tools asks for, by a schema or as a title; `None` when it asks
/// for no form. Directives do not count here: the text may quote a prompt that holds some.
pub fn formal(request: &Value, conversation: &Conversation) -> Option<String> {
    if !conversation.tools.is_empty() {
        return None;
    }
    let title = title(&conversation.prompt);
    if let Some(schema) = request.pointer("/output_config/format/schema").filter(|s| s.is_object())
    {
        return Some(fill(schema, &title).to_string());
    }
    let system = request.get("system").map(text_of).unwrap_or_default();
    system.contains("\"title\"").then(|| json!({"title": title}).to_string())
}

/// Up to five words of what the title is for, as a sentence begins.
fn title(prompt: &str) -> String {
    let inner = prompt.split_once("<session>").map_or(prompt, |(_, rest)| rest);
    let inner = inner.split_once("</session>").map_or(inner, |(inner, _)| inner);
    let words: Vec<&str> = inner
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(5)
        .collect();
    let text = format!("Practice: {}", words.join(" "));
    text.trim_end_matches([':', ' ']).to_owned()
}

/// The smallest value that fits a JSON schema, with `text` for every string.
fn fill(schema: &Value, text: &str) -> Value {
    if let Some(first) = schema.pointer("/enum/0") {
        return first.clone();
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("object") => {
            let required = schema.get("required").and_then(Value::as_array);
            let names = required.map_or(&[][..], |v| v).iter().filter_map(Value::as_str);
            let field = |name: &str| {
                let inner = schema.get("properties").and_then(|all| all.get(name));
                (name.to_owned(), inner.map_or(Value::Null, |inner| fill(inner, text)))
            };
            Value::Object(names.map(field).collect::<Map<String, Value>>())
        }
        Some("array") => json!([]),
        Some("integer" | "number") => json!(0),
        Some("boolean") => json!(false),
        Some("null") => Value::Null,
        Some(_) | None => json!(text),
    }
}
