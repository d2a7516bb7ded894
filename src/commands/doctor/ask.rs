//! Asking the server for what the usual look leaves out, and running the model when wanted.

use std::{
    fs::File,
    io::BufReader,
    time::{Duration, Instant, SystemTime},
};

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{
    details::{Details, OllamaPages},
    facts::Probed,
    gguf,
    memory::Shape,
    probe::{self, Answer, Reread, Smoke, Thinking},
};
use crate::{
    domain::{ServerFacts, ServerKind},
    engine::access::{Reach, SendError, explain},
};

/// For facts: they take milliseconds.
const FACT: Duration = Duration::from_secs(2);
/// For one answer of the model, its load included.
const ANSWER: Duration = Duration::from_secs(180);

/// A server to ask.
pub struct Asker {
    reach: Reach,
    base: String,
    model: String,
}

impl Asker {
    /// At `base`, about `model`; every call carries the credential of `reach`.
    pub fn new(reach: Reach, base: &str, model: &str) -> Self {
        Self { reach, base: base.trim_end_matches('/').to_owned(), model: model.to_owned() }
    }

    /// What the server says of its model. Reads only.
    pub async fn details(&self, facts: &ServerFacts, here: bool) -> Details {
        match facts.kind {
            ServerKind::LlamaServer | ServerKind::Llamafile | ServerKind::Practice => {
                let (props, models) = tokio::join!(self.get("/props"), self.get("/v1/models"));
                let mut details = Details::llama(&props, &models);
                if here && let Some(file) = details.file.as_deref() {
                    details.shape = shape_of(file);
                }
                details
            }
            ServerKind::Ollama => {
                let wanted = json!({"model": self.model});
                let show = self.post("/api/show", &wanted, FACT);
                let gets = ["/api/ps", "/api/tags", "/api/status"].map(|path| self.get(path));
                let (show, mut gets) = tokio::join!(show, join_all(gets));
                let mut next = || if gets.is_empty() { Value::Null } else { gets.remove(0) };
                let pages = OllamaPages {
                    show: show.ok().and_then(|(_, body)| parse(&body)).unwrap_or_default(),
                    ps: next(),
                    tags: next(),
                    status: next(),
                };
                Details::ollama(&pages, &self.model, now())
            }
            ServerKind::LmStudio
            | ServerKind::Vllm
            | ServerKind::Sglang
            | ServerKind::LlamaSwap
            | ServerKind::MlxLm
            | ServerKind::Unknown => Details::openai(&self.get("/v1/models").await),
        }
    }

    /// Asks what 2+2 is, both ways.
    pub async fn thinking(&self) -> Probed<Thinking> {
        let asked = async {
            let off = self.message(&probe::two_and_two(&self.model, false)).await?;
            let on = self.message(&probe::two_and_two(&self.model, true)).await?;
            Ok(Thinking { off, on })
        };
        probed(asked.await)
    }

    /// Sends the same prefix twice.
    pub async fn reread(&self) -> Probed<Reread> {
        let asked = async {
            let run = now().unsigned_abs();
            let body = |ending| probe::long_prefix(&self.model, run, ending);
            let first = self.message(&body("Say yes.")).await?;
            let second = self.message(&body("Now say no.")).await?;
            Ok(Reread { first, second })
        };
        probed(asked.await)
    }

    /// Has the model call one tool.
    pub async fn smoke(&self) -> Probed<Smoke> {
        let asked = self.message(&probe::one_call(&self.model)).await;
        probed(asked.map(|answer| Smoke { answer }))
    }

    async fn message(&self, body: &Value) -> Result<Answer, String> {
        let start = Instant::now();
        let (status, text) = self.post("/v1/messages", body, ANSWER).await?;
        Answer::read(status, &text, start.elapsed().as_secs_f64())
    }

    async fn get(&self, path: &str) -> Value {
        let call = self.reach.client().get(format!("{}{path}", self.base)).timeout(FACT);
        let Ok(reply) = self.send(call).await else { return Value::Null };
        if reply.status() != 200 {
            return Value::Null;
        }
        reply.json().await.unwrap_or_default()
    }

    async fn post(
        &self,
        path: &str,
        body: &Value,
        within: Duration,
    ) -> Result<(u16, String), String> {
        let url = format!("{}{path}", self.base);
        let call = self.reach.client().post(url).json(body).timeout(within);
        let why = |e: &SendError| explain(e, &self.reach).unwrap_or_else(|| said(e, within));
        let reply = self.send(call).await.map_err(|e| why(&e))?;
        let status = reply.status().as_u16();
        Ok((status, reply.text().await.map_err(|e| why(&e.into()))?))
    }

    async fn send(&self, call: reqwest::RequestBuilder) -> Result<reqwest::Response, SendError> {
        self.reach.send(call.build()?).await
    }
}

fn probed<T>(result: Result<T, String>) -> Probed<T> {
    result.map_or_else(Probed::Failed, Probed::Done)
}

fn said(e: &SendError, within: Duration) -> String {
    if matches!(e, SendError::Http(e) if e.is_timeout()) {
        return format!("no answer within {} s", within.as_secs());
    }
    let mut cause: &dyn std::error::Error = e;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

fn parse(body: &str) -> Option<Value> {
    serde_json::from_str(body).ok()
}

/// What the model file says of its KV cache, when this user may read it.
fn shape_of(file: &str) -> Option<Shape> {
    let mut file = BufReader::new(File::open(file).ok()?);
    let entries = gguf::metadata(&mut file).ok()?;
    Shape::from_metadata(|key| entries.get(key).cloned())
}

/// Unix seconds.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
