//! Following a server while a session runs: its facts, its progress, its memory.

use std::time::Duration;

use tokio::{
    sync::{mpsc::UnboundedSender, watch},
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep},
};

use crate::{
    domain::{Api, Dialect, Event, Observation, RequestId, ServerFacts, ServerKind, Source},
    engine::{access::Reach, clock::Clock},
};

use super::{
    http::{Http, NoAnswer},
    identify::{Known, look_again, recognise},
    kind::{Backend, KINDS},
    machine::Machine,
    queue::waiting,
    slots::SlotProgress,
    unknown::Unknown,
};

/// Between looks at a healthy server, and at the machine.
const CALM: Duration = Duration::from_secs(2);
/// Between looks at a server that is away or loads its model.
const ANXIOUS: Duration = Duration::from_millis(250);
/// Between looks at the progress of a prompt.
const POLL: Duration = Duration::from_millis(100);
/// For one answer about progress; older builds of llama.cpp answer only between two batches.
const PATIENCE: Duration = Duration::from_secs(2);

/// What following a server takes.
#[derive(Debug)]
pub struct WatchSettings {
    /// The client to ask with.
    pub client: Reach,
    /// Scheme, host and port of the server.
    pub base_url: String,
    /// What was found there at first.
    pub facts: ServerFacts,
    /// The engine's clock.
    pub clock: Clock,
    /// The main or compaction request under way.
    pub active: watch::Receiver<Option<RequestId>>,
    /// Where the dialect goes whenever the server turns out to be another.
    pub dialect: watch::Sender<Dialect>,
    /// Where observations go.
    pub out: UnboundedSender<Observation>,
}

/// Follows a server until the task is aborted or nobody listens any more: its facts when they
/// change, its progress while a request is under way, the machine's memory.
pub fn watch(settings: WatchSettings) -> JoinHandle<()> {
    let WatchSettings { client, base_url, facts, clock, active, dialect, out } = settings;
    let http = Http::new(&client, &base_url);
    let machine = Machine::new(&base_url);
    let report = Report { clock, out };
    let (known, seen_known) = watch::channel(Known { backend: backend_of(&facts), facts });
    let queue_known = seen_known.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = follow_facts(&http, known, &dialect, &active, &report) => {}
            () = follow_progress(&http, seen_known, active.clone(), &report) => {}
            () = follow_queue(&http, queue_known, &report) => {}
            () = follow_machine(machine, &report) => {}
            () = report.out.closed() => {}
        }
    })
}

/// The kind behind facts that were found earlier.
fn backend_of(facts: &ServerFacts) -> &'static dyn Backend {
    use crate::domain::ServerKind as Kind;
    let [openai_only, llama, ollama, vllm, sglang, lm_studio, llama_swap, _] = KINDS;
    match facts.kind {
        Kind::MlxLm => openai_only,
        Kind::Llamafile if facts.dialect.api == Api::OpenAi => openai_only,
        Kind::Practice | Kind::LlamaServer | Kind::Llamafile => llama,
        Kind::Ollama => ollama,
        Kind::LmStudio => lm_studio,
        Kind::Vllm => vllm,
        Kind::Sglang => sglang,
        Kind::LlamaSwap => llama_swap,
        Kind::Unknown => &Unknown,
    }
}

struct Report {
    clock: Clock,
    out: UnboundedSender<Observation>,
}

impl Report {
    fn send(&self, event: Event) {
        // A closed channel ends the whole task elsewhere.
        let _ = self.out.send(Observation { at: self.clock.now(), event });
    }
}

async fn follow_facts(
    http: &Http,
    known: watch::Sender<Known>,
    dialect: &watch::Sender<Dialect>,
    active: &watch::Receiver<Option<RequestId>>,
    report: &Report,
) {
    let first = known.borrow().facts.clone();
    dialect.send_replace(first.dialect);
    report.send(Event::Server { facts: Some(first.clone()) });
    let mut told = Some(first);
    loop {
        let calm = told.as_ref().is_some_and(|facts| facts.healthy && !facts.loading);
        sleep(if calm { CALM } else { ANXIOUS }).await;
        let before = known.borrow().clone();
        let look = match look_again(http, &before).await {
            Ok(Some(now)) => Ok(now),
            Ok(None) => recognise(http).await,
            Err(error) => Err(error),
        };
        let now = match look {
            Ok(now) => Some(now),
            // A server deep in a batch may be slow to answer; that is not an absence.
            Err(NoAnswer::Silent) if active.borrow().is_some() => continue,
            Err(
                NoAnswer::Silent
                | NoAnswer::Unreachable(_)
                | NoAnswer::Garbage(_)
                | NoAnswer::Barred(_),
            ) => None,
        };
        let facts = now.as_ref().map(|now| now.facts.clone());
        if let Some(now) = now {
            if dialect.borrow().ne(&now.facts.dialect) {
                dialect.send_replace(now.facts.dialect);
            }
            if now.facts != before.facts {
                known.send_replace(now);
            }
        }
        if facts != told {
            report.send(Event::Server { facts: facts.clone() });
            told = facts;
        }
    }
}

async fn follow_progress(
    http: &Http,
    mut known: watch::Receiver<Known>,
    mut active: watch::Receiver<Option<RequestId>>,
    report: &Report,
) {
    loop {
        let request = *active.borrow_and_update();
        let backend = {
            let known = known.borrow_and_update();
            known.facts.dialect.slots.then_some(known.backend)
        };
        let changed = match (request, backend.and_then(|b| Some((b, b.progress_path()?)))) {
            (Some(request), Some((backend, path))) => tokio::select! {
                () = poll(http, backend, path, request, report) => {
                    // This server tells nothing after all; another request may not help either.
                    wait(&mut active, &mut known).await
                }
                changed = wait(&mut active, &mut known) => changed,
            },
            (Some(_) | None, Some(_) | None) => wait(&mut active, &mut known).await,
        };
        if !changed {
            // Nobody will ever say again that a request is under way.
            std::future::pending::<()>().await;
        }
    }
}

/// Waits for another request or another server. False when neither can come any more.
async fn wait(
    active: &mut watch::Receiver<Option<RequestId>>,
    known: &mut watch::Receiver<Known>,
) -> bool {
    tokio::select! {
        changed = active.changed() => changed.is_ok(),
        changed = known.changed() => changed.is_ok(),
    }
}

/// Asks for progress until the caller stops; returns when the server has no progress to tell.
async fn poll(http: &Http, backend: &dyn Backend, path: &str, request: RequestId, report: &Report) {
    let mut ticks = interval(POLL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told: Option<SlotProgress> = None;
    loop {
        ticks.tick().await;
        let Ok(reply) = http.get(path, PATIENCE).await else { continue };
        if matches!(reply.status, 401 | 403 | 404 | 501) {
            return;
        }
        let progress = reply.json().and_then(|answer| backend.progress(&answer));
        let Some(now) = progress.filter(|now| told.as_ref() != Some(now)) else { continue };
        told = Some(now);
        report.send(Event::PrefillProgress {
            request: Some(request),
            done: now.done,
            cached: now.cached,
            total: None,
            generated: now.generated,
            source: Source::Server,
        });
    }
}

/// Tells how many requests wait, when the server has a page for it; asks no further once it has
/// none, or shows it to others only, until another server answers.
async fn follow_queue(http: &Http, mut known: watch::Receiver<Known>, report: &Report) {
    let mut told = None;
    loop {
        let metric = {
            let known = known.borrow_and_update();
            let practice = known.facts.kind == ServerKind::Practice;
            known.backend.queue_metric().filter(|_| !practice)
        };
        while let Some(metric) = metric {
            if let Ok(reply) = http.get("/metrics", PATIENCE).await {
                let now = (reply.status == 200).then(|| waiting(&reply.body, metric)).flatten();
                let Some(now) = now else { break };
                if told != Some(now) {
                    told = Some(now);
                    report.send(Event::Queue { waiting: now });
                }
            }
            sleep(CALM).await;
        }
        if known.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

async fn follow_machine(mut machine: Machine, report: &Report) {
    let mut ticks = interval(CALM);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let look = tokio::task::spawn_blocking(move || {
            let event = machine.look();
            (machine, event)
        });
        match look.await {
            Ok((back, event)) => {
                machine = back;
                report.send(event);
            }
            // The runtime is going down.
            Err(_) => return std::future::pending().await,
        }
    }
}
