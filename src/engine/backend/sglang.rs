//! `SGLang`. Its progress is in its log alone.

use serde_json::Value;

use crate::domain::{Dialect, ServerFacts, ServerKind, ServerLoad};

use super::{
    http::Seen,
    kind::Backend,
    prometheus::{count, sum},
};

/// `SGLang`'s server, also when it poses as Ollama.
pub(super) struct Sglang;

impl Backend for Sglang {
    /// Not `/health`: it may run a token and so wait for a long prompt.
    fn paths(&self) -> &'static [&'static str] {
        &["/", "/server_info", "/v1/models"]
    }

    fn recognises(&self, seen: &Seen) -> bool {
        let greets = seen
            .reply("/")
            .is_some_and(|r| r.status == 200 && r.body.contains("SGLang is running"));
        let owns = seen
            .first_model()
            .is_some_and(|m| m.get("owned_by").and_then(Value::as_str) == Some("sglang"));
        // Anyone may have a /server_info; this one's names the model's path.
        let told = seen.json("/server_info").is_some_and(|info| {
            info.get("version").is_some_and(Value::is_string)
                && (info.get("model_path").is_some() || info.get("served_model_name").is_some())
        });
        greets || owns || told
    }

    fn facts(&self, seen: &Seen) -> ServerFacts {
        let model = seen.first_model().unwrap_or_default();
        let info = seen.json("/server_info").unwrap_or_default();
        ServerFacts {
            kind: ServerKind::Sglang,
            version: info.get("version").and_then(Value::as_str).map(str::to_owned),
            model: model.get("id").and_then(Value::as_str).map(str::to_owned),
            window: model.get("max_model_len").and_then(Value::as_u64),
            slots: None,
            healthy: !model.is_null(),
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
        let waiting = count(page, "sglang:num_queue_reqs")?;
        Some(ServerLoad {
            running: count(page, "sglang:num_running_reqs"),
            waiting: Some(waiting),
            kv_percent: sum(page, "sglang:full_token_usage").map(|share| share * 100.0),
            ..ServerLoad::default()
        })
    }
}
