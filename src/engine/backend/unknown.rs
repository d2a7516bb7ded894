//! A server that answers HTTP and is none of the known ones.

use serde_json::Value;

use crate::domain::{Dialect, ServerFacts, ServerKind};

use super::{http::Seen, kind::Backend};

/// Anything that speaks HTTP.
pub(super) struct Unknown;

impl Backend for Unknown {
    fn paths(&self) -> &'static [&'static str] {
        &["/", "/v1/models"]
    }

    fn recognises(&self, _seen: &Seen) -> bool {
        true
    }

    fn facts(&self, seen: &Seen) -> ServerFacts {
        let model = seen.first_model().unwrap_or_default();
        ServerFacts {
            kind: ServerKind::Unknown,
            version: None,
            model: model.get("id").and_then(Value::as_str).map(str::to_owned),
            window: model.get("max_model_len").and_then(Value::as_u64),
            slots: None,
            healthy: true,
            loading: false,
            dialect: Dialect::UNKNOWN,
        }
    }
}
