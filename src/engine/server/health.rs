//! Asking a server that starts whether it is ready; Ollama's model is loaded on the way.

use std::time::Duration;

use reqwest::{Client, StatusCode};

use super::plan::Probe;

/// For one answer. A server that loads may be slow to say so.
const ANSWER: Duration = Duration::from_secs(2);

/// One look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Look {
    /// Nothing answers yet.
    Nothing,
    /// It answers and loads its model.
    Loading,
    /// It is ready.
    Ready,
    /// It is up, but its model cannot be had: the server's own words.
    NoModel(String),
    /// It was ready and answers nothing now.
    Silent,
}

/// Looks at `url`. For Ollama this waits until the model is loaded.
pub(super) async fn look(client: &Client, url: &str, probe: &Probe) -> Look {
    match probe {
        Probe::Health => match get(client, &format!("{url}/health")).await {
            Some(StatusCode::OK) => Look::Ready,
            Some(_) => Look::Loading,
            None => Look::Nothing,
        },
        Probe::Ollama(model) => match get(client, &format!("{url}/api/version")).await {
            Some(StatusCode::OK) => match model {
                Some(model) => preload(client, url, model).await,
                None => Look::Ready,
            },
            Some(_) => Look::Loading,
            None => Look::Nothing,
        },
    }
}

/// Whether a server that was ready still answers anything, whatever it is.
pub(super) async fn answers(client: &Client, url: &str, probe: &Probe) -> bool {
    let path = match probe {
        Probe::Health => "health",
        Probe::Ollama(_) => "api/version",
    };
    get(client, &format!("{url}/{path}")).await.is_some()
}

async fn get(client: &Client, url: &str) -> Option<StatusCode> {
    let reply = client.get(url).timeout(ANSWER).send().await.ok()?;
    Some(reply.status())
}

/// A request that names only the model loads it and keeps it.
async fn preload(client: &Client, url: &str, model: &str) -> Look {
    let body = serde_json::json!({ "model": model, "keep_alive": -1, "stream": false });
    let reply = client.post(format!("{url}/api/generate")).json(&body).send().await;
    let Ok(reply) = reply else { return Look::Loading };
    let status = reply.status();
    if status.is_success() {
        return Look::Ready;
    }
    let text = reply.text().await.unwrap_or_default();
    let text: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
    Look::NoModel(format!("{model}: {status}: {text}"))
}
