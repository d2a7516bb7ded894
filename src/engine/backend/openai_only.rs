//! Servers that speak OpenAI's API alone: llamafile up to 0.9.3 and `mlx_lm.server`.

use serde_json::Value;

use crate::domain::{Api, Dialect, ServerFacts, ServerKind};

use super::{http::Seen, kind::Backend};

/// Both of them. They are tried before llama.cpp, whose `/props` an old llamafile resembles.
pub(super) struct OpenAiOnly;

impl Backend for OpenAiOnly {
    fn paths(&self) -> &'static [&'static str] {
        &["/health", "/props", "/v1/models"]
    }

    fn recognises(&self, seen: &Seen) -> bool {
        kind(seen).is_some()
    }

    fn facts(&self, seen: &Seen) -> ServerFacts {
        let props = seen.json("/props").unwrap_or_default();
        let listed = seen.first_model();
        let model = listed.as_ref().and_then(|m| m.get("id")?.as_str()).map(str::to_owned);
        let loading = seen.reply("/health").is_some_and(|r| r.status == 503);
        ServerFacts {
            kind: kind(seen).unwrap_or(ServerKind::Unknown),
            version: None,
            model,
            window: props
                .pointer("/default_generation_settings/n_ctx")
                .and_then(Value::as_u64)
                .filter(|n| *n > 0),
            slots: props.get("total_slots").and_then(Value::as_u64),
            healthy: !loading,
            loading,
            // The old /slots lacks the figures of the prompt.
            dialect: Dialect {
                api: Api::OpenAi,
                wants_local_host_header: false,
                // Neither looks at its connection while it reads a prompt.
                cancels: false,
                ..Dialect::UNKNOWN
            },
        }
    }
}

/// Which of the two it is.
fn kind(seen: &Seen) -> Option<ServerKind> {
    // The second server of 0.9 names itself; the first is known by what `/props` lacks and has:
    // names for the chat page, and no build number.
    let props = seen.json("/props").unwrap_or_default();
    let old_props = props.get("user_name").is_some()
        && props.get("assistant_name").is_some()
        && props.get("build_info").is_none();
    if old_props || seen.server_is("llamafiler") {
        return Some(ServerKind::Llamafile);
    }
    // Python's own HTTP server says so on every answer; a list of models is not its own.
    let python = seen.server_is("BaseHTTP/") && seen.server_is("Python/");
    (python && seen.first_model().is_some()).then_some(ServerKind::MlxLm)
}
