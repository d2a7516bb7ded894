//! LM Studio. Answers 200 to every path, so only shapes count.

use serde_json::Value;

use crate::domain::{Dialect, ServerFacts, ServerKind};

use super::{http::Seen, kind::Backend};

/// LM Studio's local server.
pub(super) struct LmStudio;

/// The model that is loaded, or else the first there is.
#[derive(Default)]
struct Model {
    name: Option<String>,
    window: Option<u64>,
}

impl Backend for LmStudio {
    fn paths(&self) -> &'static [&'static str] {
        &["/api/v1/models", "/api/v0/models"]
    }

    fn recognises(&self, seen: &Seen) -> bool {
        native(seen).is_some() || older(seen).is_some()
    }

    fn facts(&self, seen: &Seen) -> ServerFacts {
        let model = native(seen).or_else(|| older(seen)).unwrap_or_default();
        ServerFacts {
            kind: ServerKind::LmStudio,
            version: None,
            model: model.name,
            window: model.window,
            slots: None,
            // It loads a model when one is asked for.
            healthy: true,
            loading: false,
            // Its count_tokens answers 200 without a count; usage at the start is not documented.
            // It finishes reading a prompt whose client has gone, as its log says.
            dialect: Dialect { wants_local_host_header: false, cancels: false, ..Dialect::UNKNOWN },
        }
    }
}

/// `/api/v1/models`: models with their loaded instances.
fn native(seen: &Seen) -> Option<Model> {
    let list = seen.json("/api/v1/models")?;
    let models = list.get("models")?.as_array()?;
    let instances = |m: &Value| m.get("loaded_instances")?.as_array().cloned();
    if !models.iter().all(|m| instances(m).is_some()) {
        return None;
    }
    let loaded = models.iter().find_map(|m| instances(m)?.first().cloned());
    Some(match loaded {
        Some(instance) => Model {
            name: text(&instance, "id"),
            window: instance.pointer("/config/context_length").and_then(Value::as_u64),
        },
        None => Model { name: models.first().and_then(|m| text(m, "key")), window: None },
    })
}

/// `/api/v0/models`: a flat list with a state each.
fn older(seen: &Seen) -> Option<Model> {
    let list = seen.json("/api/v0/models")?;
    let models = list.get("data")?.as_array()?;
    if !models.iter().all(|m| m.get("state").is_some_and(Value::is_string)) {
        return None;
    }
    let is_loaded = |m: &&Value| m.get("state").and_then(Value::as_str) == Some("loaded");
    let chosen = models.iter().find(is_loaded).or_else(|| models.first());
    Some(Model {
        name: chosen.and_then(|m| text(m, "id")),
        window: chosen.and_then(|m| m.get("loaded_context_length")?.as_u64()),
    })
}

fn text(model: &Value, key: &str) -> Option<String> {
    model.get(key)?.as_str().map(str::to_owned)
}
