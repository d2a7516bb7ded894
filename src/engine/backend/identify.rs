//! Finding a server and telling what it is, within two seconds whatever it does.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    domain::{ServerFacts, ServerKind},
    engine::access::{AccessError, Reach},
};

use super::{
    http::{Http, NoAnswer, Seen},
    kind::{Backend, all_paths, kind_of},
};

/// Where model servers listen by default: llama.cpp (now and announced), Ollama, LM Studio, vLLM.
/// The port never tells the kind.
pub const CANDIDATES: [&str; 5] = [
    "http://127.0.0.1:8080",
    "http://127.0.0.1:9931",
    "http://127.0.0.1:11434",
    "http://127.0.0.1:1234",
    "http://127.0.0.1:8000",
];

/// For the first answers; with [`COUNT`] it keeps the whole look under two seconds.
const ASK: Duration = Duration::from_millis(1_400);
/// For the count of a two-letter prompt.
const COUNT: Duration = Duration::from_millis(500);

/// Why nothing can be said of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentifyError {
    /// Nothing listens there.
    #[error("no model server at {url} ({reason}); start one there, or name another with --server")]
    Unreachable {
        /// Where it was sought.
        url: String,
        /// What the connection said.
        reason: String,
    },
    /// It takes the connection and says nothing.
    #[error(
        "{url} takes connections but did not answer within two seconds; see whether that program \
         hangs, or name another server with --server"
    )]
    Silent {
        /// Where it was sought.
        url: String,
    },
    /// It answers, but not in HTTP.
    #[error("{url} does not speak HTTP ({reason}); name a model server with --server")]
    NotHttp {
        /// Where it was sought.
        url: String,
        /// What was wrong with its answer.
        reason: String,
    },
    /// It is there, but there is no way in; waiting does not help.
    #[error("{url}: {reason}")]
    Barred {
        /// Where it was sought.
        url: String,
        /// What bars the way, and what to do.
        reason: String,
    },
}

impl IdentifyError {
    fn new(url: &str, error: NoAnswer) -> Self {
        let url = url.to_owned();
        match error {
            NoAnswer::Unreachable(reason) => Self::Unreachable { url, reason },
            NoAnswer::Silent => Self::Silent { url },
            NoAnswer::Garbage(reason) => Self::NotHttp { url, reason },
            NoAnswer::Barred(reason) => Self::Barred { url, reason },
        }
    }
}

/// A server that was recognised.
#[derive(Clone)]
pub(super) struct Known {
    pub backend: &'static dyn Backend,
    pub facts: ServerFacts,
}

/// The way to servers that ask for nothing, such as this machine's own.
///
/// # Errors
/// When the system gives no entropy or memory for it.
pub fn client() -> Result<Reach, AccessError> {
    Reach::plain()
}

/// Tells what serves at `base_url` (scheme, host and port) by its answers. Reads only; takes two
/// seconds at most.
///
/// # Errors
/// When nothing listens there, nothing answers in time, or the answer is not HTTP.
pub async fn identify(client: &Reach, base_url: &str) -> Result<ServerFacts, IdentifyError> {
    let http = Http::new(client, base_url);
    let known = recognise(&http).await.map_err(|error| IdentifyError::new(base_url, error))?;
    Ok(known.facts)
}

/// Asks everything that any kind wants to know and takes the first kind that fits.
pub(super) async fn recognise(http: &Http) -> Result<Known, NoAnswer> {
    let mut seen = http.ask(&all_paths(), ASK).await?;
    if let Some(status) = seen.turned_away() {
        return Err(NoAnswer::Barred(turned_away(status, http.has_credential())));
    }
    let backend = kind_of(&seen);
    let facts = backend.facts(&seen);
    if !backend.may_probe_count() || facts.loading {
        return Ok(Known { backend, facts });
    }
    seen.counts_tokens = counts_tokens(http, facts.model.as_deref()).await;
    Ok(Known { backend, facts: backend.facts(&seen) })
}

fn turned_away(status: u16, with_credential: bool) -> String {
    if with_credential {
        format!("it refuses lcc's credential ({status}); see that the one in auth.* is still good")
    } else {
        format!(
            "it wants a credential ({status}); name it with auth.bearer_file, auth.key_file or \
             auth.command in the configuration"
        )
    }
}

/// Looks again at a server that was recognised before. `Ok(None)`: something else answers there.
pub(super) async fn look_again(http: &Http, known: &Known) -> Result<Option<Known>, NoAnswer> {
    let mut seen: Seen = http.ask(known.backend.paths(), ASK).await?;
    if let Some(status) = seen.turned_away() {
        return Err(NoAnswer::Barred(turned_away(status, http.has_credential())));
    }
    if !known.backend.recognises(&seen) {
        return Ok(None);
    }
    let was_ready = known.facts.healthy && !known.facts.loading;
    let mut facts = known.backend.facts(&seen);
    if was_ready {
        // Asked once; a server does not unlearn it while it runs.
        seen.counts_tokens = Some(known.facts.dialect.count_tokens);
        facts = known.backend.facts(&seen);
    } else if known.backend.may_probe_count() && facts.healthy {
        seen.counts_tokens = counts_tokens(http, facts.model.as_deref()).await;
        facts = known.backend.facts(&seen);
    }
    Ok(Some(Known { backend: known.backend, facts }))
}

/// Whether `count_tokens` answers with an integer. `None` when it did not answer in time.
async fn counts_tokens(http: &Http, model: Option<&str>) -> Option<bool> {
    let body = json!({
        "model": model.unwrap_or("default"),
        "messages": [{ "role": "user", "content": "hi" }],
    });
    let reply = http.post("/v1/messages/count_tokens", &body, COUNT).await.ok()?;
    let count = reply.json().and_then(|json| json.get("input_tokens").and_then(Value::as_u64));
    Some(count.is_some())
}

/// Looks for a server at all `candidates` at once. Of those that are recognised the first in order
/// wins; a program that merely answers HTTP counts only when it lists a model and nothing better
/// was found.
pub async fn find(client: &Reach, candidates: &[String]) -> Option<(String, ServerFacts)> {
    let looks = join_all(candidates.iter().map(|url| identify(client, url))).await;
    let found: Vec<(&String, ServerFacts)> =
        candidates.iter().zip(looks).filter_map(|(url, look)| Some((url, look.ok()?))).collect();
    let known = |facts: &ServerFacts| facts.kind != ServerKind::Unknown;
    found
        .iter()
        .find(|(_, facts)| known(facts))
        .or_else(|| found.iter().find(|(_, facts)| facts.model.is_some()))
        .map(|(url, facts)| ((*url).clone(), facts.clone()))
}
