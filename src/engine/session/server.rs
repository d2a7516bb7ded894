//! Choosing the model server: the one named, the first one found, or the practice server.

use std::time::Duration;

use super::settings::ServerChoice;
use crate::{
    domain::ServerFacts,
    engine::{
        access::Reach,
        backend::{self, IdentifyError},
        practice::{self, PracticeOptions, PracticeServer},
    },
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
}

/// Finds the server, waiting for a named one; `say` is told what it waits for, once per change.
///
/// # Errors
/// The system's word when not even the practice server can be started, or what bars the way to the
/// one that was named.
pub(super) async fn choose(
    client: &Reach,
    choice: &ServerChoice,
    practice: &PracticeOptions,
    say: impl Fn(String),
) -> std::io::Result<Chosen> {
    match choice {
        ServerChoice::Url(url) => wait_for(client, url, say).await,
        ServerChoice::Search => {
            let candidates = backend::CANDIDATES.map(str::to_owned);
            match backend::find(client, &candidates).await {
                Some((url, facts)) if facts.loading => {
                    say(format!("{} at {url} is loading its model", facts.kind.name()));
                    wait_for(client, &url, say).await
                }
                Some((url, facts)) => Ok(Chosen { url, facts, _practice: None }),
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
                return Ok(Chosen { url: url.to_owned(), facts, _practice: None });
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
    Ok(Chosen { url, facts, _practice: Some(server) })
}
