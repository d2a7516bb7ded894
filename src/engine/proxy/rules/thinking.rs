//! Switches thinking off whatever Claude Code sent or left out.
//!
//! `thinking: {"type":"disabled"}` holds on Ollama, vLLM and `SGLang`, where a missing field or
//! an `output_config.effort` would turn thinking on. llama-server ignores it and reads the chat
//! template's switch, which must be a JSON bool.

use super::json::{Fields, with_field};

const DISABLED: &str = r#"{"type":"disabled"}"#;

/// The body with both switches off; `None` when they are off already or it is no JSON object.
#[must_use]
pub fn off(body: &str) -> Option<String> {
    let fields = Fields::read(body)?;
    let kwargs = match fields.get("chat_template_kwargs") {
        Some(kwargs) if kwargs.starts_with('{') => with_field(kwargs, "enable_thinking", "false"),
        Some(_) | None => Some(r#"{"enable_thinking":false}"#.to_owned()),
    };
    let thinking = with_field(body, "thinking", DISABLED);
    let Some(kwargs) = kwargs else { return thinking };
    let first = thinking.as_deref().unwrap_or(body);
    with_field(first, "chat_template_kwargs", &kwargs).or(thinking)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_switches_end_up_off_and_the_rest_stays() {
        let table: &[(&str, Option<&str>)] = &[
            (
                r#"{"model":"m","messages":[]}"#,
                Some(
                    r#"{"model":"m","messages":[],"thinking":{"type":"disabled"},"chat_template_kwargs":{"enable_thinking":false}}"#,
                ),
            ),
            (
                r#"{"thinking":{"type":"adaptive","display":"updates"}, "z":1,"a":[ ]}"#,
                Some(
                    r#"{"thinking":{"type":"disabled"}, "z":1,"a":[ ],"chat_template_kwargs":{"enable_thinking":false}}"#,
                ),
            ),
            (
                r#"{"chat_template_kwargs":{"x":1,"enable_thinking":"no"},"thinking":null}"#,
                Some(
                    r#"{"chat_template_kwargs":{"x":1,"enable_thinking":false},"thinking":{"type":"disabled"}}"#,
                ),
            ),
            (
                r#"{"thinking":{"type":"disabled"},"chat_template_kwargs":{"enable_thinking":false}}"#,
                None,
            ),
            (
                r#"{"thinking":{"type":"disabled"},"chat_template_kwargs":null}"#,
                Some(
                    r#"{"thinking":{"type":"disabled"},"chat_template_kwargs":{"enable_thinking":false}}"#,
                ),
            ),
            ("not json", None),
            ("[]", None),
        ];
        for (body, expected) in table {
            assert_eq!(off(body).as_deref(), *expected, "{body}");
        }
    }
}
