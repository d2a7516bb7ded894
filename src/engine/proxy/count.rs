//! Asks the server how many tokens a prompt has, beside the request itself and never in its way.

use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash, Hasher},
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

/// Counts that are remembered by the digest of what was counted.
const REMEMBERED: usize = 64;

/// Remembers the size of the fixed part, which rarely changes, and of what Claude Code asked for.
#[derive(Debug, Default)]
pub struct Counter {
    fixed: Mutex<Option<(u64, u64)>>,
    /// The digest of the fixed part whose sections were counted, or could not be.
    weighed: Mutex<Option<u64>>,
    asked: Mutex<VecDeque<(u64, u64)>>,
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
        self.weigh(&reporter, job, digest);
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

    /// Has the sections of a new fixed part counted. Goes on when the request is over: it is asked
    /// once and matters to the next ones too.
    fn weigh(&self, reporter: &Reporter, job: &Job, digest: u64) {
        let mut weighed = self.weighed.lock().unwrap_or_else(PoisonError::into_inner);
        if weighed.replace(digest) == Some(digest) {
            return;
        }
        let (reporter, question, request) = (reporter.clone(), job.tokens.clone(), job.request);
        let body = job.sent.clone();
        tokio::spawn(async move {
            let Ok(text) = std::str::from_utf8(&body) else { return };
            if let Some(parts) = super::fixed::weigh(&question, text).await {
                reporter.report(Event::FixedWeighed { request, parts });
            }
        });
    }

    /// The count of this very body, when the server has made it before.
    pub fn remembered(&self, body: &[u8]) -> Option<u64> {
        let digest = digest(body);
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.iter().find(|(of, _)| *of == digest).map(|(_, tokens)| *tokens)
    }

    /// The server has counted this body.
    pub fn remember(&self, body: &[u8], tokens: u64) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.len() >= REMEMBERED {
            asked.pop_front();
        }
        asked.push_back((digest(body), tokens));
    }

    fn known(&self, digest: u64) -> Option<u64> {
        let fixed = self.fixed.lock().unwrap_or_else(PoisonError::into_inner);
        fixed.filter(|(of, _)| *of == digest).map(|(_, tokens)| tokens)
    }
}

/// Tells bodies apart within one session.
fn digest(body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    hasher.finish()
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

    /// Tokens of a request's system and tools, with one message of one character; `None` when the
    /// server does not count.
    pub async fn fixed(&self, body: &str) -> Option<u64> {
        self.ask(Bytes::from(fixed_only(body)?)).await
    }

    /// The tokens of a request, as the server counts them; `None` when it does not.
    pub async fn ask(&self, body: Bytes) -> Option<u64> {
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
