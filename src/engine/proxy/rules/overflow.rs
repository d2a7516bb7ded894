//! Turns every server's "prompt too long" into the words Claude Code knows.
//!
//! It compacts and tries again, or names the way out, only at `prompt is too long: N tokens > M
//! maximum`; at other words an older client is stuck.

use serde_json::{Value, json};

/// The error in Anthropic's envelope, to be sent with status 400; `None` when `body` is no such
/// error or says it so already.
#[must_use]
pub fn known(status: u16, body: &str) -> Option<String> {
    let wordings: &[&[&str]] = match status {
        400 | 413 => &WORDINGS,
        // LM Studio answers 500, which the client would only repeat.
        500 => &WORDINGS_500,
        _ => return None,
    };
    let value: Value = serde_json::from_str(body).ok()?;
    // llama-server, Ollama and vLLM nest the error; some builds send it bare.
    let error = value.get("error").filter(|e| e.is_object()).unwrap_or(&value);
    let message = error.get("message").or(value.get("error"))?.as_str()?;
    if message.to_ascii_lowercase().starts_with("prompt is too long") {
        return None;
    }
    let lower = message.to_ascii_lowercase();
    let by_type = error.get("type").and_then(Value::as_str) == Some("exceed_context_size_error");
    let by_code = error.get("code").and_then(Value::as_str) == Some("context_length_exceeded");
    if !by_type && !by_code && !wordings.iter().any(|words| words.iter().all(|w| lower.contains(w)))
    {
        return None;
    }
    let field = |name: &str| error.get(name).and_then(Value::as_u64);
    let (tokens, maximum) = match (field("n_prompt_tokens"), field("n_ctx")) {
        (Some(tokens), Some(maximum)) => (Some(tokens), Some(maximum)),
        (Some(_), None) | (None, Some(_)) | (None, None) => counts(&lower),
    };
    let text = match (tokens, maximum) {
        (Some(tokens), Some(maximum)) => {
            format!("prompt is too long: {tokens} tokens > {maximum} maximum")
        }
        (Some(_) | None, Some(_) | None) => "prompt is too long".to_owned(),
    };
    let envelope = json!({
        "type": "error",
        "error": {"type": "invalid_request_error", "message": text},
    });
    Some(envelope.to_string())
}

/// The same for an error inside a stream, where no status tells the servers apart.
#[must_use]
pub fn in_stream(data: &str) -> Option<String> {
    known(400, data).or_else(|| known(500, data))
}

/// Words that occur together in one server's message, in lower case.
const WORDINGS: [&[&str]; 9] = [
    // llama-server
    &["exceeds the available context size"],
    // Ollama, GGUF with shifting off
    &["prompt is longer than the context length"],
    // Ollama, MLX
    &["input length", "exceeds the model's maximum context length"],
    // vLLM
    &["maximum context length is", "tokens"],
    // SGLang
    &["longer than the model's context length"],
    // LM Studio
    &["greater than the context length"],
    &["tokens when context", "overflows"],
    &["cannot truncate prompt with n_keep"],
    &["context size has been exceeded"],
];

/// The same for answers with status 500 (LM Studio's two engines).
const WORDINGS_500: [&[&str]; 3] = [
    &["tokens when context", "overflows"],
    &["cannot truncate prompt with n_keep"],
    &["context size has been exceeded"],
];

/// The prompt's tokens and the maximum, from the numbers in a message: those followed by "tokens"
/// (or "input tokens"). The larger one is the prompt, which is why there is an error at all.
fn counts(message: &str) -> (Option<u64>, Option<u64>) {
    let words: Vec<&str> = message
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let after = |name: &str| {
        let at = words.iter().rposition(|word| *word == name)?;
        words.get(at + 1)?.parse().ok()
    };
    // LM Studio: `n_keep (15028) >= n_ctx (7424)`; the underscore separates words here.
    if let (Some(tokens), Some(maximum)) = (after("keep"), after("ctx")) {
        return (Some(tokens), Some(maximum));
    }
    let mut numbers: Vec<u64> = words
        .iter()
        .enumerate()
        .filter(|(n, _)| {
            words.get(n + 1..).unwrap_or_default().iter().take(2).any(|w| w.starts_with("token"))
        })
        .filter_map(|(_, word)| word.parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    match numbers.as_slice() {
        [maximum, tokens] => (Some(*tokens), Some(*maximum)),
        _ => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_servers_words_become_the_known_ones() {
        let long = "prompt is too long: 40000 tokens > 32768 maximum";
        let table: &[(u16, &str, Option<&str>)] = &[
            (
                400,
                r#"{"error":{"code":400,"message":"request (40000 tokens) exceeds the available context size (32768 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":40000,"n_ctx":32768}}"#,
                Some(long),
            ),
            (
                400,
                r#"{"error":{"message":"request (40000 tokens) exceeds the available context size (32768 tokens), try increasing it"}}"#,
                Some(long),
            ),
            (
                400,
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"input length (40000 tokens) exceeds the model's maximum context length (32768 tokens)"}}"#,
                Some(long),
            ),
            (
                400,
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"This model's maximum context length is 32768 tokens. However, your prompt contains at least 40000 input tokens, which exceeds this limit even without any output tokens."}}"#,
                Some(long),
            ),
            (
                400,
                r#"{"error":{"message":"the prompt is longer than the context length currently available to the model; shorten the prompt"}}"#,
                Some("prompt is too long"),
            ),
            (400, r#"{"error":{"message":"prompt is too long: 5 tokens > 4 maximum"}}"#, None),
            (400, r#"{"error":{"message":"max_tokens must be positive"}}"#, None),
            (500, r#"{"error":{"message":"exceeds the available context size"}}"#, None),
            (
                500,
                r#"{"type":"error","error":{"type":"api_error","message":"Context size has been exceeded."}}"#,
                Some("prompt is too long"),
            ),
            (
                400,
                r#"{"error":{"message":"The input (40000 tokens) is longer than the model's context length (32768 tokens)."}}"#,
                Some(long),
            ),
            (
                500,
                r#"{"type":"error","error":{"type":"api_error","message":"Cannot truncate prompt with n_keep (40000) >= n_ctx (32768)"}}"#,
                Some(long),
            ),
            (
                400,
                r#"{"error":"Trying to keep the first 40000 tokens when context the overflows. However, the model is loaded with context length of only 32768 tokens, which is not enough."}"#,
                Some(long),
            ),
            (
                400,
                r#"{"error":{"message":"too much","code":"context_length_exceeded"}}"#,
                Some("prompt is too long"),
            ),
            (
                500,
                r#"{"error":"Trying to keep the first 40000 tokens when context the overflows."}"#,
                Some("prompt is too long"),
            ),
            (400, "<html>", None),
            (400, "{}", None),
            (400, r#"{"error":{"code":1}}"#, None),
        ];
        for (status, body, expected) in table {
            let got = known(*status, body);
            let expected = expected.map(|message| {
                format!(
                    r#"{{"type":"error","error":{{"type":"invalid_request_error","message":"{message}"}}}}"#
                )
            });
            assert_eq!(got, expected, "{body}");
        }
    }
}
