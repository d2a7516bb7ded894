//! A request of lcc's own, past Claude Code and its figures: it has the server read a prompt.

use bytes::Bytes;
use hyper::{
    HeaderMap, Method,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde_json::Value;

use super::{Proxy, chat::Chat, upstream::request_headers, upstream::why};
use crate::domain::{Api, RequestId};

/// Most bytes of an answer's message that are told.
const LONGEST: usize = 200;

/// What a server counted of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// All tokens of the prompt.
    pub total: u64,
    /// Of these, reused ones, where it tells.
    pub cached: Option<u64>,
}

impl Proxy {
    /// A body of Claude Code's as it would go upstream, rewritten by the rules in force.
    #[must_use]
    pub fn as_sent(&self, body: &str) -> String {
        self.house.rules.request(body).unwrap_or_else(|| body.to_owned())
    }

    /// Sends a body in Anthropic's form as one of Claude Code would go, and waits for its answer,
    /// which must not be streamed. Dropped, it ends the request.
    ///
    /// # Errors
    /// In words, why the server did not answer it.
    pub async fn ask_quietly(&self, body: &str) -> Result<Counted, String> {
        let house = &self.house;
        let dialect = *house.dialect.borrow();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
        let headers = request_headers(&headers, house.hides_credentials());
        let (target, body) = match house.api.unwrap_or(dialect.api) {
            Api::Anthropic => ("/v1/messages", Bytes::copy_from_slice(body.as_bytes())),
            Api::OpenAi => {
                let chat = Chat::new(house.rules, dialect, RequestId(0));
                let body = chat.plain(body.as_bytes()).map_err(|failure| failure.message)?;
                ("/v1/chat/completions", body)
            }
        };
        let local_host = dialect.wants_local_host_header;
        let sent = house.upstream.send(Method::POST, target, headers, body, local_host).await;
        let answer = sent.map_err(|e| house.upstream.no_answer(&e).0)?;
        let status = answer.status();
        let text = answer.text().await.map_err(|e| why(&e))?;
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        if !status.is_success() {
            let said = value.pointer("/error/message").and_then(Value::as_str);
            let said: String = said.unwrap_or(&text).chars().take(LONGEST).collect();
            return Err(format!("{}: {said}", status.as_u16()));
        }
        counted(&value).ok_or_else(|| "its answer counts no tokens".to_owned())
    }
}

/// The prompt's tokens in a plain answer of either API.
fn counted(answer: &Value) -> Option<Counted> {
    let usage = answer.get("usage")?;
    let number = |path: &str| usage.pointer(path).and_then(Value::as_u64);
    if let Some(total) = number("/prompt_tokens") {
        return Some(Counted { total, cached: number("/prompt_tokens_details/cached_tokens") });
    }
    let input = number("/input_tokens")?;
    let cached = number("/cache_read_input_tokens");
    let made = number("/cache_creation_input_tokens").unwrap_or(0);
    Some(Counted { total: input + cached.unwrap_or(0) + made, cached })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_apis_count() {
        for (usage, expected) in [
            (
                json!({"input_tokens": 1, "cache_read_input_tokens": 9, "output_tokens": 1}),
                Some(Counted { total: 10, cached: Some(9) }),
            ),
            (json!({"input_tokens": 4}), Some(Counted { total: 4, cached: None })),
            (
                json!({"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 8}}),
                Some(Counted { total: 10, cached: Some(8) }),
            ),
            (json!({}), None),
        ] {
            assert_eq!(counted(&json!({"usage": usage})), expected);
        }
        assert_eq!(counted(&json!({})), None);
    }
}
