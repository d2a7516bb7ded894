//! Asks the server how many tokens a prompt has, beside the request itself and never in its way.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use hyper::{HeaderMap, Method};
use serde::Deserialize;
use tokio::task::JoinHandle;

use super::{
    follow::{Job, Reporter},
    rules::json::Fields,
    upstream::Upstream,
};
use crate::domain::{Event, Source};

/// How long a text may take to be counted.
const PATIENCE: Duration = Duration::from_secs(1);

/// How to ask.
#[derive(Debug, Clone)]
pub struct Question {
    /// The server.
    pub upstream: Upstream,
    /// The headers of the request itself, ready for upstream.
    pub headers: HeaderMap,
    /// Whether the server wants a local `Host`.
    pub local_host: bool,
}

/// Remembers the size of the fixed part, which rarely changes.
#[derive(Debug, Default)]
pub struct Counter {
    fixed: Mutex<Option<(u64, u64)>>,
}

/// A count under way; it ends when this is dropped.
#[derive(Debug)]
pub struct Counting(JoinHandle<()>);

impl Drop for Counting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[derive(Deserialize)]
struct Answer {
    input_tokens: u64,
}

impl Counter {
    /// Starts to count a main request. Reports the whole prompt as soon as it is known, the fixed
    /// part (system and tools, by its digest) again after it. The fixed count holds one message
    /// of one character too, a handful of tokens: no server counts a prompt without a message,
    /// and what the template puts around it cannot be told apart from outside.
    ///
    /// Says nothing at all when the server cannot count or fails to.
    #[must_use]
    pub fn start(self: Arc<Self>, reporter: Reporter, job: &Job, digest: u64) -> Option<Counting> {
        let question = job.question.clone()?;
        let (request, body) = (job.request, job.sent.clone());
        let task = tokio::spawn(async move {
            let known = self.known(digest);
            let report = |total, fixed| {
                let source = Source::Server;
                reporter.report(Event::PromptCounted { request, total, fixed, source });
            };
            let total = question.ask(body.clone()).await;
            if total.is_some() || known.is_some() {
                report(total, known);
            }
            if known.is_some() {
                return;
            }
            let Some(minimal) = std::str::from_utf8(&body).ok().and_then(fixed_only) else {
                return;
            };
            if let Some(fixed) = question.ask(Bytes::from(minimal)).await {
                let mut place = self.fixed.lock().unwrap_or_else(PoisonError::into_inner);
                *place = Some((digest, fixed));
                report(total, Some(fixed));
            }
        });
        Some(Counting(task))
    }

    fn known(&self, digest: u64) -> Option<u64> {
        let fixed = self.fixed.lock().unwrap_or_else(PoisonError::into_inner);
        fixed.filter(|(of, _)| *of == digest).map(|(_, tokens)| tokens)
    }
}

/// What servers answer at `/tokenize`: vLLM and `SGLang` count, llama.cpp lists.
#[derive(Deserialize)]
struct Tokens {
    count: Option<u64>,
    tokens: Option<Vec<serde::de::IgnoredAny>>,
}

impl Question {
    /// How many tokens the server makes of a text; `None` when it does not say so within a second.
    pub async fn tokenize(&self, text: &str) -> Option<u64> {
        // Each server reads the fields it knows.
        let body = serde_json::json!({
            "content": text, "prompt": text, "add_special": false, "add_special_tokens": false,
        });
        let body = Bytes::from(body.to_string());
        let headers = self.headers.clone();
        let asked = async {
            let host = self.local_host;
            let sent = self.upstream.send(Method::POST, "/tokenize", headers, body, host).await;
            sent.ok()?.error_for_status().ok()?.json::<Tokens>().await.ok()
        };
        let told = tokio::time::timeout(PATIENCE, asked).await.ok()??;
        told.count.or_else(|| Some(told.tokens?.len() as u64))
    }

    /// How many tokens the server makes of a request; `None` when it does not say.
    pub(super) async fn ask(&self, body: Bytes) -> Option<u64> {
        const TARGET: &str = "/v1/messages/count_tokens";
        let headers = self.headers.clone();
        let sent = self.upstream.send(Method::POST, TARGET, headers, body, self.local_host).await;
        let answer = sent.ok()?.error_for_status().ok()?.json::<Answer>().await.ok()?;
        Some(answer.input_tokens)
    }
}

/// The request with its own system and tools, and one message of one character.
fn fixed_only(body: &str) -> Option<String> {
    let fields = Fields::read(body)?;
    let kept = ["model", "system", "tools", "thinking", "chat_template_kwargs"];
    let kept = kept.iter().filter_map(|name| Some((name, fields.get(name)?)));
    let kept: String = kept.map(|(name, value)| format!("\"{name}\":{value},")).collect();
    Some(format!(r#"{{{kept}"messages":[{{"role":"user","content":"."}}]}}"#))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixed_part_alone() {
        let body = r#"{"model":"m","messages":[{"role":"user","content":"x"}],"system":[ "s" ],"max_tokens":9,"tools":[]}"#;
        let expected = r#"{"model":"m","system":[ "s" ],"tools":[],"messages":[{"role":"user","content":"."}]}"#;
        assert_eq!(fixed_only(body).as_deref(), Some(expected));
        assert_eq!(fixed_only("nonsense"), None);
    }
}
