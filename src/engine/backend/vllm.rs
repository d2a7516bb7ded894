//! vLLM. Tells no progress of a single request.

use serde_json::Value;

use crate::domain::{Dialect, ServerFacts, ServerKind, ServerLoad};

use super::{
    http::Seen,
    kind::Backend,
    prometheus::{count, sum},
};

/// vLLM's OpenAI and Anthropic server.
pub(super) struct Vllm;

impl Backend for Vllm {
    fn paths(&self) -> &'static [&'static str] {
        &["/health", "/version", "/v1/models"]
    }

    fn recognises(&self, seen: &Seen) -> bool {
        // Any program may have a /version; only together with its way to list models it is vLLM.
        let lists = seen.first_model().is_some_and(|model| {
            model.get("max_model_len").is_some_and(Value::is_u64)
                || model.get("owned_by").and_then(Value::as_str) == Some("vllm")
        });
        version(seen).is_some() && lists
    }

    fn facts(&self, seen: &Seen) -> ServerFacts {
        let model = seen.first_model().unwrap_or_default();
        ServerFacts {
            kind: ServerKind::Vllm,
            version: version(seen),
            model: model.get("id").and_then(Value::as_str).map(str::to_owned),
            window: model.get("max_model_len").and_then(Value::as_u64),
            slots: None,
            healthy: seen.reply("/health").is_none_or(|r| r.status == 200),
            loading: false,
            dialect: Dialect {
                count_tokens: seen.counts_tokens.unwrap_or(false),
                slots: false,
                start_usage_is_real: true,
                wants_local_host_header: false,
                ..Dialect::UNKNOWN
            },
        }
    }

    fn may_probe_count(&self) -> bool {
        true
    }

    fn load(&self, page: &str) -> Option<ServerLoad> {
        let waiting = count(page, "vllm:num_requests_waiting")?;
        let hits = count(page, "vllm:prefix_cache_hits_total");
        let queries = count(page, "vllm:prefix_cache_queries_total");
        Some(ServerLoad {
            running: count(page, "vllm:num_requests_running"),
            waiting: Some(waiting),
            kv_percent: sum(page, "vllm:kv_cache_usage_perc").map(|share| share * 100.0),
            prefix_hits: hits,
            prefix_queries: queries,
            prompt_read: queries.zip(hits).and_then(|(queries, hits)| queries.checked_sub(hits)),
        })
    }
}

fn version(seen: &Seen) -> Option<String> {
    Some(seen.json("/version")?.get("version")?.as_str()?.to_owned())
}
