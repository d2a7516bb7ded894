//! llama.cpp's server, a llamafile that embeds it, and lcc's practice server that speaks like it.

use serde_json::Value;

use crate::domain::{Dialect, ServerFacts, ServerKind, ServerLoad};

use super::{http::Seen, kind::Backend, prometheus::count};

/// llama.cpp's dialect.
pub(super) struct Llama;

impl Backend for Llama {
    fn paths(&self) -> &'static [&'static str] {
        &["/health", "/props", "/v1/models"]
    }

    fn recognises(&self, seen: &Seen) -> bool {
        // The header is on every answer; behind a reverse proxy only the shape of /props is left.
        seen.server_is("llama.cpp") || seen.server_is("lcc-practice") || has_props(seen)
    }

    fn facts(&self, seen: &Seen) -> ServerFacts {
        let props = seen.json("/props").unwrap_or_default();
        let text = |key: &str| props.get(key).and_then(Value::as_str).filter(|s| !s.is_empty());
        let version = text("build_info").map(str::to_owned);
        let listed = seen.first_model();
        let model =
            text("model_alias").or_else(|| listed.as_ref()?.get("id")?.as_str()).map(str::to_owned);
        let window = props
            .pointer("/default_generation_settings/n_ctx")
            .or_else(|| listed.as_ref()?.pointer("/meta/n_ctx"))
            .and_then(Value::as_u64)
            .filter(|n| *n > 0);
        let loading = seen
            .reply("/health")
            .is_some_and(|r| r.status == 503 && r.body.contains("Loading model"));
        let healthy = match seen.reply("/health") {
            Some(reply) => reply.status == 200,
            None => !props.is_null(),
        };
        let slots = props.get("endpoint_slots").and_then(Value::as_bool);
        ServerFacts {
            kind: kind(seen, &props),
            version,
            model,
            window,
            slots: props.get("total_slots").and_then(Value::as_u64),
            healthy,
            loading,
            dialect: Dialect {
                count_tokens: seen.counts_tokens.unwrap_or(true),
                slots: slots.unwrap_or(true),
                ..Dialect::LLAMA
            },
        }
    }

    fn may_probe_count(&self) -> bool {
        true
    }

    fn progress_path(&self, _facts: &ServerFacts) -> Option<String> {
        Some("/slots".to_owned())
    }

    fn load(&self, page: &str) -> Option<ServerLoad> {
        let waiting = count(page, "llamacpp:requests_deferred")?;
        Some(ServerLoad {
            running: count(page, "llamacpp:requests_processing"),
            waiting: Some(waiting),
            prompt_read: count(page, "llamacpp:prompt_tokens_total"),
            ..ServerLoad::default()
        })
    }
}

fn has_props(seen: &Seen) -> bool {
    seen.json("/props").is_some_and(|props| {
        props.get("total_slots").is_some_and(Value::is_u64)
            && props.get("default_generation_settings").is_some_and(Value::is_object)
    })
}

fn kind(seen: &Seen, props: &Value) -> ServerKind {
    if seen.server_is("lcc-practice") {
        return ServerKind::Practice;
    }
    let text = |key: &str| props.get(key).and_then(Value::as_str).unwrap_or_default();
    let path = text("model_path");
    let marked = seen.server_is("llamafile")
        || text("build_info").contains("llamafile")
        || path.ends_with(".llamafile")
        || path.starts_with("/zip/")
        || stamped(text("build_info"));
    if marked { ServerKind::Llamafile } else { ServerKind::LlamaServer }
}

/// A llamafile's build number is the second it was built in (`b1775854028-5e9c63546`);
/// llama.cpp's has four or five digits.
fn stamped(build: &str) -> bool {
    let digits = build.strip_prefix('b').map(|rest| rest.split('-').next().unwrap_or_default());
    digits.is_some_and(|d| d.len() >= 9 && d.bytes().all(|b| b.is_ascii_digit()))
}
