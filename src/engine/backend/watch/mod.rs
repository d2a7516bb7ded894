//! Following a server while a session runs: its facts, its progress, its log, its load, its memory.

mod facts;
mod load;
mod log;
mod machine;
mod progress;

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use tokio::{
    sync::{mpsc::UnboundedSender, watch},
    task::JoinHandle,
};

use crate::{
    domain::{Api, Dialect, Event, Moment, Observation, RequestId, ServerFacts},
    engine::{access::Reach, clock::Clock},
};

use super::{
    http::Http,
    identify::Known,
    kind::{Backend, KINDS},
    log_place::LogPlace,
    machine::Machine,
    unknown::Unknown,
};

/// While the server's own progress is younger than this, its log is not heard for progress.
const DRY: Duration = Duration::from_secs(1);

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
    /// Where the server writes its log.
    pub log: LogPlace,
    /// Where observations go.
    pub out: UnboundedSender<Observation>,
}

/// Follows a server until the task is aborted or nobody listens any more: its facts when they
/// change, its progress while a request is under way, its log, how busy it is, the machine's
/// memory.
pub fn watch(settings: WatchSettings) -> JoinHandle<()> {
    let WatchSettings { client, base_url, facts, clock, active, dialect, log, out } = settings;
    let http = Http::new(&client, &base_url);
    let machine = Machine::new(&base_url);
    // Only a server on this machine writes its log here.
    let is_local = machine.is_local();
    let log = if is_local { log } else { LogPlace::Off };
    let report = Report {
        clock,
        out,
        told: AtomicU64::new(0),
        total: AtomicU64::new(0),
        page: AtomicBool::new(false),
    };
    let (known, seen_known) = watch::channel(Known { backend: backend_of(&facts), facts });
    let child = watch::Sender::new(None);
    tokio::spawn(async move {
        tokio::select! {
            () = facts::follow(&http, known, &dialect, &active, &report) => {}
            () = progress::follow(
                progress::Ways { client: &client, http: &http, child: &child, is_local },
                seen_known.clone(),
                active.clone(),
                &report,
            ) => {}
            () = log::follow(&log, seen_known.clone(), active.clone(), &child, &report) => {}
            () = load::follow(&http, seen_known.clone(), active.clone(), &report) => {}
            () = machine::follow(machine, &report) => {}
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
    /// When the server itself last answered about progress, in microseconds of the clock; 0: never.
    told: AtomicU64,
    /// All tokens of the prompt under way by the log; 0: not told. `/slots` does not tell it.
    total: AtomicU64,
    /// Whether a metrics page tells how busy the server is, so that its log is the worse source.
    page: AtomicBool,
}

impl Report {
    fn send(&self, event: Event) {
        // A closed channel ends the whole task elsewhere.
        let _ = self.out.send(Observation { at: self.clock.now(), event });
    }

    /// The server answered about progress just now.
    fn server_told(&self) {
        self.told.store(self.clock.now().0.max(1), Ordering::Relaxed);
    }

    /// The log told the size of the prompt under way, or that there is none.
    fn log_total(&self, total: Option<u64>) {
        self.total.store(total.unwrap_or(0), Ordering::Relaxed);
    }

    /// All tokens of the prompt under way, by the log.
    fn total(&self) -> Option<u64> {
        Some(self.total.load(Ordering::Relaxed)).filter(|total| *total > 0)
    }

    /// Whether the server itself tells progress, so that its log is the worse source.
    fn server_tells(&self) -> bool {
        let last = self.told.load(Ordering::Relaxed);
        last > 0 && self.clock.now().since(Moment(last)) < DRY
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
