//! The server's own word on how far it has read, asked while a request is under way.

use std::time::Duration;

use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval, sleep},
};

use crate::{
    domain::{Event, RequestId, ServerFacts, ServerKind, Source},
    engine::access::Reach,
};

use super::{
    super::{
        child,
        http::{Http, NoAnswer},
        identify::Known,
        slots::{SlotProgress, progress_of},
    },
    Report, wait,
};

/// Between looks at the progress of a prompt.
const POLL: Duration = Duration::from_millis(100);
/// For one answer about progress; older builds of llama.cpp answer only between two batches.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between looks for a child of the server that is not known.
const SEEK: Duration = Duration::from_secs(2);

/// Whom to ask.
pub(super) struct Ways<'a> {
    pub client: &'a Reach,
    pub http: &'a Http,
    /// The port of Ollama's llama.cpp child, as its log or the process list tells.
    pub child: &'a watch::Sender<Option<u16>>,
    /// Whether the server runs on this machine.
    pub is_local: bool,
}

/// Polls the best place there is while a request is under way.
pub(super) async fn follow(
    ways: Ways<'_>,
    mut known: watch::Receiver<Known>,
    mut active: watch::Receiver<Option<RequestId>>,
    report: &Report,
) {
    loop {
        let request = *active.borrow_and_update();
        let (facts, path) = {
            let known = known.borrow_and_update();
            (known.facts.clone(), known.backend.progress_path(&known.facts))
        };
        let child_news = ways.child.subscribe();
        let asking = async {
            let Some(request) = request else { return std::future::pending().await };
            if let Some(path) = path.filter(|_| facts.dialect.slots) {
                poll(ways.http, &path, request, false, report).await;
                // This server tells nothing after all; asking again may not help either.
                std::future::pending::<()>().await;
            }
            match child_of(&ways, &facts).await {
                Some(http) => {
                    poll(&http, "/slots", request, true, report).await;
                    ways.child.send_if_modified(|port| port.take().is_some());
                }
                None if facts.kind != ServerKind::Ollama => std::future::pending().await,
                None => {}
            }
            // The model may still be loading, or be loaded anew.
            sleep(SEEK).await;
        };
        tokio::select! {
            () = asking => {}
            changed = wait(&mut active, &mut known) => if !changed {
                // Nobody will ever say again that a request is under way.
                std::future::pending::<()>().await;
            },
            true = appears(child_news, ways.child.borrow().is_none()) => {}
        }
    }
}

/// Waits until a child's port is told, when none is known.
async fn appears(mut news: watch::Receiver<Option<u16>>, unknown: bool) -> bool {
    if !unknown {
        return std::future::pending().await;
    }
    news.wait_for(Option::is_some).await.is_ok()
}

/// Ollama's llama.cpp child, when there is one on this machine.
async fn child_of(ways: &Ways<'_>, facts: &ServerFacts) -> Option<Http> {
    if facts.kind != ServerKind::Ollama || !ways.is_local {
        return None;
    }
    let told = *ways.child.borrow();
    let port = match told {
        Some(port) => port,
        None => tokio::task::spawn_blocking(child::port).await.ok()??,
    };
    Some(Http::new(ways.client, &format!("http://127.0.0.1:{port}")))
}

/// Asks for progress until the caller stops; returns when the server has no progress to tell.
async fn poll(http: &Http, path: &str, request: RequestId, is_child: bool, report: &Report) {
    let mut ticks = interval(POLL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told: Option<(SlotProgress, Option<u64>)> = None;
    loop {
        ticks.tick().await;
        let reply = match http.get(path, PATIENCE).await {
            Ok(reply) => reply,
            // A child is started anew at another port.
            Err(NoAnswer::Unreachable(_) | NoAnswer::Garbage(_)) if is_child => return,
            Err(
                NoAnswer::Unreachable(_)
                | NoAnswer::Garbage(_)
                | NoAnswer::Barred(_)
                | NoAnswer::Silent,
            ) => continue,
        };
        if matches!(reply.status, 401 | 403 | 404 | 501) {
            return;
        }
        let progress = reply.json().and_then(|answer| progress_of(&answer));
        if progress.is_some() {
            report.server_told();
        }
        let now = progress.map(|now| {
            let total = report.total().filter(|total| *total >= now.done);
            (now, total)
        });
        let Some((now, total)) = now.filter(|now| told.as_ref() != Some(now)) else { continue };
        told = Some((now, total));
        report.send(Event::PrefillProgress {
            request: Some(request),
            done: now.done,
            cached: now.cached,
            total,
            generated: now.generated,
            source: Source::Server,
        });
    }
}
