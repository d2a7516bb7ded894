//! Asking a server: short, bounded, and never surprised by what comes back.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use serde_json::Value;

use crate::engine::access::{Reach, SendError, explain};

/// No more of an answer is read than this; facts are small.
const LARGEST: usize = 4 << 20;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// Nothing listens, or it hung up before a word.
    Unreachable(String),
    /// It listens and says nothing in time.
    Silent,
    /// It speaks, but not HTTP.
    Garbage(String),
    /// It is there, but there is no way in: certificate or credential. Says what to do.
    Barred(String),
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub status: u16,
    /// The `Server` header.
    pub server: Option<String>,
    /// The `Process-Start-Time-Unix` header that llama.cpp gives its metrics page.
    pub started: Option<String>,
    pub body: String,
}

impl Reply {
    /// The body as JSON when the status is 200. The status alone proves nothing: some servers
    /// answer 200 to every path.
    pub(super) fn json(&self) -> Option<Value> {
        (self.status == 200).then(|| serde_json::from_str(&self.body).ok()).flatten()
    }
}

/// The answers of one look, by path.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    replies: BTreeMap<String, Reply>,
    /// Whether `count_tokens` answered with an integer. `None`: not asked.
    pub counts_tokens: Option<bool>,
}

impl Seen {
    pub(super) fn insert(&mut self, path: &str, reply: Reply) {
        self.replies.insert(path.to_owned(), reply);
    }

    pub(super) fn reply(&self, path: &str) -> Option<&Reply> {
        self.replies.get(path)
    }

    /// The JSON that a path answered with status 200.
    pub(super) fn json(&self, path: &str) -> Option<Value> {
        self.reply(path)?.json()
    }

    /// Whether any answer's `Server` header contains `mark`.
    pub(super) fn server_is(&self, mark: &str) -> bool {
        self.replies.values().any(|r| r.server.as_deref().is_some_and(|s| s.contains(mark)))
    }

    /// The status with which the server turned lcc away for want of a (good) credential. Judged by
    /// the list of models, and for llama.cpp, which shows that to anybody, by any answer.
    pub(super) fn turned_away(&self) -> Option<u16> {
        let refused = |reply: &Reply| matches!(reply.status, 401 | 403).then_some(reply.status);
        let listed = self.reply("/v1/models").and_then(refused);
        let llama = || {
            self.replies.values().find(|r| {
                r.status == 401 && r.server.as_deref().is_some_and(|s| s.contains("llama.cpp"))
            })
        };
        listed.or_else(|| llama().map(|r| r.status))
    }

    /// The first model of an OpenAI-like list at `/v1/models`.
    pub(super) fn first_model(&self) -> Option<Value> {
        let list = self.json("/v1/models")?;
        let first = list.pointer("/data/0")?;
        first.get("id")?.as_str()?;
        Some(first.clone())
    }
}

/// A server to ask.
#[derive(Debug, Clone)]
pub(super) struct Http {
    reach: Reach,
    base: String,
}

impl Http {
    pub(super) fn new(reach: &Reach, base_url: &str) -> Self {
        Self { reach: reach.clone(), base: base_url.trim_end_matches('/').to_owned() }
    }

    pub(super) async fn get(&self, path: &str, within: Duration) -> Result<Reply, NoAnswer> {
        let url = format!("{}{path}", self.base);
        self.bounded(self.reach.client().get(url), within).await
    }

    pub(super) async fn post(
        &self,
        path: &str,
        body: &Value,
        within: Duration,
    ) -> Result<Reply, NoAnswer> {
        let url = format!("{}{path}", self.base);
        self.bounded(self.reach.client().post(url).json(body), within).await
    }

    /// Asks all paths at once. An error when not one answered.
    pub(super) async fn ask(&self, paths: &[&str], within: Duration) -> Result<Seen, NoAnswer> {
        let replies = join_all(paths.iter().map(|path| self.get(path, within))).await;
        let mut seen = Seen::default();
        let mut worst: Option<NoAnswer> = None;
        for (path, reply) in paths.iter().zip(replies) {
            match reply {
                Ok(reply) => seen.insert(path, reply),
                Err(error) => worst = Some(clearer(worst, error)),
            }
        }
        match worst {
            Some(error) if seen.replies.is_empty() => Err(error),
            Some(_) | None => Ok(seen),
        }
    }

    /// Whether calls carry a credential of lcc's own.
    pub(super) fn has_credential(&self) -> bool {
        self.reach.has_credential()
    }

    async fn bounded(
        &self,
        request: reqwest::RequestBuilder,
        within: Duration,
    ) -> Result<Reply, NoAnswer> {
        match tokio::time::timeout(within, read(&self.reach, request)).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(error)) => Err(match (explain(&error, &self.reach), &error) {
                (Some(said), _) => NoAnswer::Barred(said),
                (None, SendError::Http(error)) => reason(error),
                (None, SendError::Credential(error)) => NoAnswer::Barred(error.to_string()),
            }),
            Err(_elapsed) => Err(NoAnswer::Silent),
        }
    }
}

/// Of two reasons the one that says more.
fn clearer(known: Option<NoAnswer>, new: NoAnswer) -> NoAnswer {
    match (known, new) {
        (Some(NoAnswer::Barred(said)), _) | (_, NoAnswer::Barred(said)) => NoAnswer::Barred(said),
        (Some(NoAnswer::Garbage(said)), _) | (_, NoAnswer::Garbage(said)) => {
            NoAnswer::Garbage(said)
        }
        (Some(NoAnswer::Silent), _) | (_, NoAnswer::Silent) => NoAnswer::Silent,
        (Some(NoAnswer::Unreachable(_)) | None, NoAnswer::Unreachable(said)) => {
            NoAnswer::Unreachable(said)
        }
    }
}

async fn read(reach: &Reach, request: reqwest::RequestBuilder) -> Result<Reply, SendError> {
    let mut response = reach.send(request.build()?).await?;
    let status = response.status().as_u16();
    let header = |name: &str| response.headers().get(name)?.to_str().ok().map(str::to_owned);
    let (server, started) = (header("server"), header("process-start-time-unix"));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = LARGEST.saturating_sub(body.len());
        body.extend(chunk.iter().take(room));
        if body.len() >= LARGEST {
            break;
        }
    }
    Ok(Reply { status, server, started, body: String::from_utf8_lossy(&body).into_owned() })
}

fn reason(error: &reqwest::Error) -> NoAnswer {
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(error);
    let mut parse = false;
    while let Some(inner) = cause {
        parse |= inner.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse);
        said = inner.to_string();
        cause = inner.source();
    }
    if error.is_timeout() {
        NoAnswer::Silent
    } else if error.is_connect() || !parse {
        NoAnswer::Unreachable(said)
    } else {
        NoAnswer::Garbage(said)
    }
}
