//! Choosing the model server: the one named, the first one found, or the practice server.

use std::time::Duration;

use super::{
    served::{self, Served},
    settings::ServerChoice,
};
use crate::{
    domain::{Event, ServerFacts, units},
    engine::{
        access::Reach,
        backend::{self, IdentifyError},
        practice::{self, PracticeOptions, PracticeServer},
        server::ServeSettings,
    },
    protocol::NoticeLevel,
};

/// What a session says of its server when an observation shows it changed.
#[derive(Debug, Default)]
pub(super) struct ServerNews {
    /// The last facts, however long ago.
    facts: Option<ServerFacts>,
    away: bool,
}

impl ServerNews {
    /// Takes in an event and says in words what became of the server; `None`: nothing new.
    pub(super) fn of(&mut self, event: &Event) -> Option<String> {
        match event {
            Event::Server { facts: None } => {
                let first = !std::mem::replace(&mut self.away, true);
                (first && self.facts.is_some())
                    .then(|| "the model server does not answer any more".to_owned())
            }
            Event::Server { facts: Some(now) } => {
                let away = std::mem::replace(&mut self.away, false);
                let before = self.facts.replace(now.clone())?;
                changed(&before, now, away)
            }
            // Seen as an absence too: said then.
            Event::ServerRestarted { .. } if self.away => None,
            Event::ServerRestarted { sign } => Some(format!(
                "the model server was started anew ({sign}): the next prompt is read from its start"
            )),
            Event::ChildStarted { .. }
            | Event::ChildEnded { .. }
            | Event::Egress(_)
            | Event::RequestStarted { .. }
            | Event::Pieces { .. }
            | Event::PromptCounted { .. }
            | Event::FixedWeighed { .. }
            | Event::PrefillProgress { .. }
            | Event::PrefillShare { .. }
            | Event::Headers { .. }
            | Event::FirstToken { .. }
            | Event::Usage { .. }
            | Event::Delta { .. }
            | Event::ToolCalled { .. }
            | Event::RequestEnded { .. }
            | Event::Answered { .. }
            | Event::Refused { .. }
            | Event::SandboxLooked(_)
            | Event::TextWasThinking { .. }
            | Event::ThinkingCounted { .. }
            | Event::ThinkingStopped { .. }
            | Event::Prefix { .. }
            | Event::Queued { .. }
            | Event::TooLong { .. }
            | Event::AskedAgain { .. }
            | Event::ServerLine { .. }
            | Event::ServerLoad { .. }
            | Event::Warm(_)
            | Event::Side { .. }
            | Event::Machine { .. } => None,
        }
    }
}

fn changed(before: &ServerFacts, now: &ServerFacts, away: bool) -> Option<String> {
    let name = now.kind.name();
    if now.loading && !before.loading {
        return Some(format!("{name} is loading its model"));
    }
    if now.loading {
        return None;
    }
    if before.kind != now.kind {
        return Some(format!(
            "another model server answers: {name} instead of {}",
            before.kind.name()
        ));
    }
    if before.model != now.model {
        let model = now.model.as_deref().unwrap_or("no model");
        return Some(format!("{name} serves {model} now"));
    }
    match (before.window, now.window) {
        (Some(_), None) => {
            Some(format!("{name} has unloaded its model; the next request loads it"))
        }
        (Some(old), Some(new)) if old != new => Some(format!(
            "the window is {} tokens now, it was {}",
            units::count(new),
            units::count(old)
        )),
        (Some(_) | None, Some(_)) | (None, None) => (away || before.loading)
            .then(|| format!("{name} is back: the next prompt is read from its start")),
    }
}

/// Between two looks at a server that is not there yet.
const RETRY: Duration = Duration::from_millis(400);

/// The server of a session.
pub(super) struct Chosen {
    /// Its base URL, without a trailing slash.
    pub url: String,
    /// What is known of it.
    pub facts: ServerFacts,
    /// The practice server, when it is lcc's own; it ends when this is dropped.
    _practice: Option<PracticeServer>,
    /// The model server that this session started.
    served: Option<Served>,
}

impl Chosen {
    const fn found(url: String, facts: ServerFacts) -> Self {
        Self { url, facts, _practice: None, served: None }
    }

    /// What happened to the session's own server since the last look.
    pub(super) fn news(&mut self) -> Vec<(NoticeLevel, String)> {
        self.served.as_mut().map(Served::news).unwrap_or_default()
    }

    /// Ends what the session started.
    pub(super) async fn end(&mut self) {
        if let Some(served) = self.served.take() {
            served.end().await;
        }
    }
}

/// Finds the server, waiting for a named one; `say` is told what it waits for, once per change.
///
/// # Errors
/// The system's word when not even the practice server can be started, or what bars the way to the
/// one that was named.
pub(super) async fn choose(
    client: &Reach,
    choice: &ServerChoice,
    serve: Option<&ServeSettings>,
    practice: &PracticeOptions,
    say: impl Fn(String),
) -> std::io::Result<Chosen> {
    match choice {
        ServerChoice::Url(url) => wait_for(client, url, say).await,
        ServerChoice::Search => {
            if let Some(settings) = serve {
                let url = served::url(settings);
                return match backend::identify(client, &url).await {
                    Ok(_) => wait_for(client, &url, say).await,
                    Err(_) => match served::start(client, settings, &say).await {
                        Some((served, facts)) => {
                            Ok(Chosen { url, facts, _practice: None, served: Some(served) })
                        }
                        None => start_practice(client, practice).await,
                    },
                };
            }
            let candidates = backend::CANDIDATES.map(str::to_owned);
            match backend::find(client, &candidates).await {
                Some((url, facts)) if facts.loading => {
                    say(format!("{} at {url} is loading its model", facts.kind.name()));
                    wait_for(client, &url, say).await
                }
                Some((url, facts)) => Ok(Chosen::found(url, facts)),
                None => start_practice(client, practice).await,
            }
        }
    }
}

/// Looks at `url` until it answers with a loaded model, or turns out to be barred.
async fn wait_for(client: &Reach, url: &str, say: impl Fn(String)) -> std::io::Result<Chosen> {
    let mut said = String::new();
    loop {
        let news = match backend::identify(client, url).await {
            Ok(facts) if !facts.loading => {
                return Ok(Chosen::found(url.to_owned(), facts));
            }
            Ok(facts) => format!("{} at {url} is loading its model", facts.kind.name()),
            // Waiting opens no door.
            Err(e @ IdentifyError::Barred { .. }) => {
                return Err(std::io::Error::other(format!("no way to the model server {e}")));
            }
            Err(
                e @ (IdentifyError::Unreachable { .. }
                | IdentifyError::Silent { .. }
                | IdentifyError::NotHttp { .. }),
            ) => waiting_text(url, &e),
        };
        if news != said {
            said.clone_from(&news);
            say(news);
        }
        tokio::time::sleep(RETRY).await;
    }
}

fn waiting_text(url: &str, error: &IdentifyError) -> String {
    format!("waiting for the model server at {url}: {error}. Start it; lcc goes on by itself")
}

async fn start_practice(client: &Reach, options: &PracticeOptions) -> std::io::Result<Chosen> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let server = practice::start(listener, options.clone()).await?;
    let url = format!("http://{}", server.addr());
    let facts = backend::identify(client, &url)
        .await
        .map_err(|e| std::io::Error::other(format!("the practice server does not answer: {e}")))?;
    Ok(Chosen { url, facts, _practice: Some(server), served: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Dialect, ServerKind};

    fn facts() -> ServerFacts {
        ServerFacts {
            kind: ServerKind::Ollama,
            version: Some("0.33.0".into()),
            model: Some("qwen3:8b".into()),
            window: Some(32_768),
            slots: None,
            healthy: true,
            loading: false,
            dialect: Dialect::UNKNOWN,
        }
    }

    #[test]
    fn every_change_is_said_once() {
        let server = |facts| Event::Server { facts };
        let restarted = || Event::ServerRestarted { sign: "x".into() };
        let mut news = ServerNews::default();
        for (event, said) in [
            (server(Some(facts())), None),
            (server(Some(facts())), None),
            (server(None), Some("does not answer any more")),
            (server(None), None),
            (restarted(), None),
            (server(Some(facts())), Some("is back")),
            (server(Some(ServerFacts { window: None, ..facts() })), Some("unloaded")),
            (server(Some(ServerFacts { window: Some(4_096), ..facts() })), None),
            (server(Some(facts())), Some("32,768 tokens now, it was 4,096")),
            (
                server(Some(ServerFacts { model: Some("b".into()), ..facts() })),
                Some("serves b now"),
            ),
            (restarted(), Some("started anew (x)")),
            (server(Some(ServerFacts { loading: true, ..facts() })), Some("loading")),
            (server(Some(ServerFacts { kind: ServerKind::Vllm, ..facts() })), Some("vLLM instead")),
        ] {
            let told = news.of(&event);
            match said {
                None => assert_eq!(told, None, "{event:?}"),
                Some(said) => assert!(told.as_ref().is_some_and(|t| t.contains(said)), "{told:?}"),
            }
        }
    }
}
