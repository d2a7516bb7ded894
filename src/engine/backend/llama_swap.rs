//! llama-swap in front of other servers. Asking it about a model would load that model.

use serde_json::Value;

use crate::domain::{Dialect, ServerFacts, ServerKind};

use super::{http::Seen, kind::Backend};

/// llama-swap.
pub(super) struct LlamaSwap;

impl Backend for LlamaSwap {
    fn paths(&self) -> &'static [&'static str] {
        &["/running", "/api/version", "/v1/models"]
    }

    fn recognises(&self, seen: &Seen) -> bool {
        running(seen).is_some()
    }

    fn facts(&self, seen: &Seen) -> ServerFacts {
        let active = running(seen).unwrap_or_default();
        let first = active.first();
        let text = |key: &str| first?.get(key)?.as_str();
        let version = seen.json("/api/version");
        let listed = seen.first_model();
        ServerFacts {
            kind: ServerKind::LlamaSwap,
            version: version.as_ref().and_then(|v| v.get("version")?.as_str()).map(str::to_owned),
            model: text("model")
                .or_else(|| listed.as_ref()?.get("id")?.as_str())
                .map(str::to_owned),
            window: None,
            slots: None,
            // It starts a model's server when one is asked for.
            healthy: true,
            loading: text("state") == Some("starting"),
            // What stands behind it may count or not; lcc counts by itself. Its slots are asked
            // while a request is under way, when the model is loaded anyway.
            dialect: Dialect {
                wants_local_host_header: false,
                slots: text("model").is_some(),
                ..Dialect::UNKNOWN
            },
        }
    }

    fn progress_path(&self, facts: &ServerFacts) -> Option<String> {
        Some(format!("/upstream/{}/slots", facts.model.as_ref()?))
    }
}

fn running(seen: &Seen) -> Option<Vec<Value>> {
    let answer = seen.json("/running")?;
    let list = answer.get("running")?.as_array()?;
    list.iter().all(|entry| entry.get("model").is_some_and(Value::is_string)).then(|| list.clone())
}
