//! Ollama. Tells no progress by HTTP: the metrics estimate it.

use serde_json::Value;

use crate::domain::{Dialect, ServerFacts, ServerKind};

use super::{http::Seen, kind::Backend};

/// Ollama, whichever engine it runs the model in.
pub(super) struct Ollama;

impl Backend for Ollama {
    fn paths(&self) -> &'static [&'static str] {
        &["/", "/api/version", "/api/ps", "/api/tags"]
    }

    fn recognises(&self, seen: &Seen) -> bool {
        // SGLang can greet with the same words and has no version there; llama-swap has a version
        // there and other words.
        let greets = seen
            .reply("/")
            .is_some_and(|r| r.status == 200 && r.body.trim() == "Ollama is running");
        greets && version(seen).is_some()
    }

    fn facts(&self, seen: &Seen) -> ServerFacts {
        let loaded = seen.json("/api/ps");
        let loaded = loaded.as_ref().and_then(|ps| ps.pointer("/models/0"));
        let known = seen.json("/api/tags");
        let newest = known.as_ref().and_then(|tags| tags.pointer("/models/0"));
        let name = |model: &Value| {
            let name = model.get("name").or_else(|| model.get("model"))?.as_str()?;
            Some(name.to_owned())
        };
        ServerFacts {
            kind: ServerKind::Ollama,
            version: version(seen),
            model: loaded.and_then(name).or_else(|| newest.and_then(name)),
            // Only what was loaded counts: the automatic choice may have shrunk.
            window: loaded
                .and_then(|model| model.get("context_length")?.as_u64())
                .filter(|n| *n > 0),
            slots: None,
            // It loads a model when one is asked for, so answering is all it takes.
            healthy: true,
            loading: false,
            dialect: Dialect {
                count_tokens: false,
                slots: false,
                start_usage_is_real: false,
                wants_local_host_header: true,
                ..Dialect::UNKNOWN
            },
        }
    }
}

fn version(seen: &Seen) -> Option<String> {
    Some(seen.json("/api/version")?.get("version")?.as_str()?.to_owned())
}
