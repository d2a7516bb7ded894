//! Errors of OpenAI-speaking servers in the envelope that Claude Code reads.

use serde_json::{Value, json};

/// Characters of a server's own words that are kept; a traceback or a page of HTML helps nobody.
const LONGEST: usize = 2_000;

/// A failed request, in Anthropic's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// HTTP status. 200 for an error inside a stream that began well.
    pub status: u16,
    /// Anthropic's error type.
    pub kind: &'static str,
    /// The server's own words where it gave any. Too-long wordings are left as they are.
    pub message: String,
}

impl Failure {
    /// Reads the body of an answer with an HTTP error.
    ///
    /// Knows `{"error": {…}}` (OpenAI, llama.cpp, vLLM), `{"error": "…"}` (mlx_lm.server),
    /// `{"message": …}` (older vLLM), `{"detail": …}` (FastAPI) and plain text.
    #[must_use]
    pub fn from_body(status: u16, body: &[u8]) -> Self {
        if let Some(failure) =
            serde_json::from_slice(body).ok().and_then(|value| Self::from_json(status, &value))
        {
            return failure;
        }
        let text = String::from_utf8_lossy(body);
        let text = text.trim();
        let message = if text.is_empty() {
            format!("the model server answered HTTP {status} without a body")
        } else {
            shorten(text)
        };
        Self { status, kind: kind_of_status(status), message }
    }

    /// The error in a JSON value; `None` when there is none in it.
    #[must_use]
    pub fn from_json(status: u16, value: &Value) -> Option<Self> {
        let error = match value.get("error") {
            Some(error) if !error.is_null() => error,
            _ if value.get("object").and_then(Value::as_str) == Some("error") => value,
            _ if status >= 400 && value.get("message").is_some() => value,
            _ if status >= 400 => value.get("detail")?,
            _ => return None,
        };
        let message = match error {
            Value::String(text) => text.clone(),
            other => match other.get("message").and_then(Value::as_str) {
                Some(text) => text.to_owned(),
                None => other.to_string(),
            },
        };
        let code = error.get("code").and_then(Value::as_u64).and_then(|code| code.try_into().ok());
        // Inside a stream the status is 200, and the object's own code tells more.
        let telling = if status >= 400 { status } else { code.unwrap_or(500) };
        let kind = error
            .get("type")
            .and_then(Value::as_str)
            .and_then(kind_of_type)
            .unwrap_or_else(|| kind_of_status(telling));
        Some(Self { status, kind, message: shorten(&message) })
    }

    /// An error that lcc found itself, inside a stream.
    pub(super) fn in_stream(message: impl Into<String>) -> Self {
        Self { status: 200, kind: "api_error", message: message.into() }
    }

    /// The body that Claude Code reads.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({"type": "error", "error": {"type": self.kind, "message": self.message}})
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}

/// Anthropic's type for an error type of another server; `None` for one that says nothing.
fn kind_of_type(name: &str) -> Option<&'static str> {
    Some(match name {
        "invalid_request_error"
        | "exceed_context_size_error"
        | "not_supported_error"
        | "BadRequestError"
        | "UnprocessableEntityError" => "invalid_request_error",
        "authentication_error" | "AuthenticationError" => "authentication_error",
        "permission_error" | "PermissionDeniedError" => "permission_error",
        "not_found_error" | "NotFoundError" => "not_found_error",
        "rate_limit_error" | "rate_limit_exceeded" | "RateLimitError" => "rate_limit_error",
        "insufficient_quota" => "billing_error",
        "unavailable_error" | "overloaded_error" | "ServiceUnavailableError" => "overloaded_error",
        "server_error" | "api_error" | "InternalServerError" => "api_error",
        _ => return None,
    })
}

/// Anthropic's type for an HTTP status.
fn kind_of_status(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        408 | 504 => "timeout_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        // Servers that load their model or are full: Claude Code asks again.
        503 | 529 => "overloaded_error",
        400..=499 | 501 => "invalid_request_error",
        _ => "api_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_s_error_gets_its_type_and_keeps_its_words() {
        for (status, body, kind, message) in [
            (
                400,
                r#"{"error":{"code":400,"message":"request (40024 tokens) exceeds the available context size (32768 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":40024,"n_ctx":32768}}"#,
                "invalid_request_error",
                "request (40024 tokens) exceeds the available context size (32768 tokens), try increasing it",
            ),
            (
                401,
                r#"{"error":{"message":"Invalid API Key","type":"authentication_error","code":401}}"#,
                "authentication_error",
                "Invalid API Key",
            ),
            (
                503,
                r#"{"error":{"message":"Loading model","type":"unavailable_error","code":503}}"#,
                "overloaded_error",
                "Loading model",
            ),
            (
                500,
                r#"{"error":{"code":500,"message":"no pictures","type":"server_error"}}"#,
                "api_error",
                "no pictures",
            ),
            (
                501,
                r#"{"error":{"message":"off","type":"not_supported_error"}}"#,
                "invalid_request_error",
                "off",
            ),
            (
                400,
                r#"{"error":"Invalid JSON in request body"}"#,
                "invalid_request_error",
                "Invalid JSON in request body",
            ),
            (503, r#"{"error":"out of Metal memory"}"#, "overloaded_error", "out of Metal memory"),
            (
                404,
                r#"{"object":"error","message":"no such model","type":"NotFoundError","code":404}"#,
                "not_found_error",
                "no such model",
            ),
            (
                422,
                r#"{"detail":[{"loc":["body"]}]}"#,
                "invalid_request_error",
                r#"[{"loc":["body"]}]"#,
            ),
            (
                429,
                r#"{"error":{"message":"slow down","type":null}}"#,
                "rate_limit_error",
                "slow down",
            ),
            (404, "Not Found", "not_found_error", "Not Found"),
            (504, "  upstream\n", "timeout_error", "upstream"),
            (413, "", "request_too_large", "the model server answered HTTP 413 without a body"),
            (500, r#"{"error":null}"#, "api_error", r#"{"error":null}"#),
            (529, "{}", "overloaded_error", "{}"),
        ] {
            let failure = Failure::from_body(status, body.as_bytes());
            assert_eq!(
                (failure.kind, failure.message.as_str()),
                (kind, message),
                "{status} {body}"
            );
            assert_eq!(failure.status, status);
        }
    }

    #[test]
    fn in_a_stream_the_object_s_own_code_tells() {
        let chunk = json!({"error": {"code": 429, "message": "full"}});
        assert_eq!(Failure::from_json(200, &chunk).map(|f| f.kind), Some("rate_limit_error"));
        assert_eq!(Failure::from_json(200, &json!({"choices": []})), None);
        assert_eq!(Failure::from_json(200, &json!({"message": "an answer's field"})), None);
    }

    #[test]
    fn a_long_body_is_shortened_between_characters() {
        let failure = Failure::from_body(500, "é".repeat(5_000).as_bytes());
        assert_eq!(failure.message.chars().count(), LONGEST + 1);
    }

    #[test]
    fn the_envelope_is_anthropic_s() {
        assert_eq!(
            Failure::from_body(404, b"gone").to_json().to_string(),
            r#"{"type":"error","error":{"type":"not_found_error","message":"gone"}}"#
        );
    }
}
