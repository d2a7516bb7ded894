//! Choosing the model server: the one named, the first one found, or the practice server.

use std::time::Duration;

use super::{
    served::{self, Served},
    settings::ServerChoice,
};
use crate::{
    domain::ServerFacts,
    engine::{
        access::Reach,
        backend::{self, IdentifyError},
        practice::{self, PracticeOptions, PracticeServer},
        server::ServeSettings,
    },
    protocol::NoticeLevel,
};

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
