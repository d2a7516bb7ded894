//! Switches thinking off whatever Claude Code sent or left out.
//!
//! | server | what it heeds | without it |
//! |---|---|---|
//! | Ollama | `thinking: {"type":"disabled"}` | on, also by `output_config.effort` alone |
//! | vLLM | the same; `chat_template_kwargs` too | by the model; `effort` sets the depth |
//! | `SGLang` | the same; `chat_template_kwargs` too | by the model |
//! | llama-server, llamafile | `chat_template_kwargs.enable_thinking`, a JSON bool | by the template |
//! | OpenAI-only servers | `chat_template_kwargs`, by the translation | by the template |
//! | LM Studio | undocumented; ignores what it does not know | by the model's setting |
//!
//! Each ignores the switches of the others, so every request carries all of them: a server that
//! was taken for another one does not think either. The `effort` is taken out.

use super::{
    edits::Edits,
    json::{Fields, with_field, without_field},
};

const DISABLED: &str = r#"{"type":"disabled"}"#;
/// llama.cpp ends the reasoning at once; it is the one field of `thinking` that it reads.
const NO_BUDGET: &str = r#"{"type":"enabled","budget_tokens":0}"#;

/// The body with every switch off; `None` when they are off already or it is no JSON object.
#[must_use]
pub fn off(body: &str) -> Option<String> {
    switched(body, DISABLED, &["enable_thinking"])
}

/// The body for a second try at a server that thought all the same: for llama.cpp a budget of no
/// tokens, for others also the switch of templates that name it `thinking`.
#[must_use]
pub fn harder(body: &str, llama_cpp: bool) -> Option<String> {
    let thinking = if llama_cpp { NO_BUDGET } else { DISABLED };
    switched(body, thinking, &["enable_thinking", "thinking"])
}

fn switched(body: &str, thinking: &str, switches: &[&str]) -> Option<String> {
    let fields = Fields::read(body)?;
    let mut edits = Edits::new(body);
    switch(&fields, &mut edits, thinking, switches);
    edits.done()
}

/// Adds to `edits` what switches thinking off in a body with these fields.
pub(super) fn edit<'a>(fields: &Fields<'a>, edits: &mut Edits<'a>) {
    switch(fields, edits, DISABLED, &["enable_thinking"]);
}

fn switch<'a>(fields: &Fields<'a>, edits: &mut Edits<'a>, thinking: &str, switches: &[&str]) {
    let given = fields.get("chat_template_kwargs").filter(|kwargs| kwargs.starts_with('{'));
    let mut kwargs = given.unwrap_or("{}").to_owned();
    for switch in switches {
        kwargs = with_field(&kwargs, switch, "false").unwrap_or(kwargs);
    }
    if let Some(config) = fields.get("output_config").and_then(|c| without_field(c, "effort")) {
        if Fields::read(&config).is_none_or(|rest| rest.0.is_empty()) {
            fields.remove("output_config", edits);
        } else {
            fields.set(&[("output_config", &config)], edits);
        }
    }
    fields.set(&[("thinking", thinking), ("chat_template_kwargs", &kwargs)], edits);
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
            (
                r#"{"output_config":{"effort":"high"},"a":1}"#,
                Some(
                    r#"{"a":1,"thinking":{"type":"disabled"},"chat_template_kwargs":{"enable_thinking":false}}"#,
                ),
            ),
            (
                r#"{"output_config":{"effort":"high","format":{}}}"#,
                Some(
                    r#"{"output_config":{"format":{}},"thinking":{"type":"disabled"},"chat_template_kwargs":{"enable_thinking":false}}"#,
                ),
            ),
            ("not json", None),
            ("[]", None),
        ];
        for (body, expected) in table {
            assert_eq!(off(body).as_deref(), *expected, "{body}");
        }
    }

    #[test]
    fn the_second_try_says_it_in_every_way_and_puts_no_word_into_the_prompt() {
        let body = r#"{"messages":[{"role":"user","content":"hi"}]}"#;
        let kwargs = r#""chat_template_kwargs":{"enable_thinking":false,"thinking":false}"#;
        let prompt = r#"{"messages":[{"role":"user","content":"hi"}]"#;
        for (llama_cpp, thinking) in [(true, NO_BUDGET), (false, DISABLED)] {
            let expected = format!("{prompt},\"thinking\":{thinking},{kwargs}}}");
            assert_eq!(harder(&off(body).unwrap(), llama_cpp), Some(expected));
        }
    }
}
