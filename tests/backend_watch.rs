//! Following a server that lives, dies and changes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod backend_support;

use std::time::Duration;

use backend_support::{Fake, LOADING, Routes, client, llama, ollama};
use lcc::{
    domain::{Dialect, Event, Observation, RequestId, ServerFacts, ServerKind},
    engine::{
        backend::{LogPlace, WatchSettings, identify, watch},
        clock::Clock,
    },
};
use tokio::sync::{mpsc, watch as cell};

struct Watched {
    out: mpsc::UnboundedReceiver<Observation>,
    dialect: cell::Receiver<Dialect>,
    active: cell::Sender<Option<RequestId>>,
    task: tokio::task::JoinHandle<()>,
}

impl Watched {
    async fn start(fake: &Fake) -> Self {
        let client = client();
        let facts = identify(&client, &fake.url()).await.unwrap();
        let (out_tx, out) = mpsc::unbounded_channel();
        let (dialect_tx, dialect) = cell::channel(Dialect::UNKNOWN);
        let (active, active_rx) = cell::channel(None);
        let task = watch(WatchSettings {
            client,
            base_url: fake.url(),
            facts,
            clock: Clock::start(),
            active: active_rx,
            dialect: dialect_tx,
            log: LogPlace::Off,
            out: out_tx,
        });
        Self { out, dialect, active, task }
    }

    /// The next event that `pick` takes; fails only when none comes for a long time.
    async fn next<T>(&mut self, pick: impl Fn(Event) -> Option<T>) -> T {
        let wait = async {
            loop {
                let observation = self.out.recv().await.expect("the watch ended");
                if let Some(found) = pick(observation.event) {
                    return found;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), wait).await.expect("nothing came")
    }

    async fn server(&mut self) -> Option<ServerFacts> {
        self.next(|event| match event {
            Event::Server { facts } => Some(facts),
            _ => None,
        })
        .await
    }

    async fn progress(&mut self) -> (u64, u64, Option<u64>, u64) {
        self.next(|event| match event {
            Event::PrefillProgress { request, done, cached, generated, .. } => {
                Some((request.unwrap().0, done, cached, generated))
            }
            _ => None,
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_loads_and_returns_is_followed() {
    let fake = Fake::start(llama());
    let mut watched = Watched::start(&fake).await;
    let first = watched.server().await.unwrap();
    assert!(first.healthy);
    assert_eq!(*watched.dialect.borrow(), Dialect::LLAMA);
    fake.set(None);
    assert_eq!(watched.server().await, None);
    fake.set(Some(Routes::new(Some("llama.cpp")).otherwise(503, LOADING)));
    let loading = watched.server().await.unwrap();
    assert!(loading.loading && !loading.healthy);
    fake.set(Some(llama()));
    assert_eq!(watched.server().await, Some(first));
    // Another program on the same port: it is told anew, not taken for the old one.
    fake.set(Some(ollama()));
    assert_eq!(watched.server().await.unwrap().kind, ServerKind::Ollama);
    assert!(!watched.dialect.borrow().slots);
    watched.task.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_told_while_a_request_is_under_way_and_only_then() {
    let slot = |processed: u64, decoded: u64| {
        format!(
            r#"[{{"id":0,"is_processing":true,"n_prompt_tokens":8192,
               "n_prompt_tokens_processed":{processed},"n_prompt_tokens_cache":1024,
               "next_token":[{{"n_decoded":{decoded}}}]}}]"#
        )
    };
    let fake = Fake::start(llama().on("/slots", 200, &slot(2_048, 0)));
    let mut watched = Watched::start(&fake).await;
    watched.server().await;
    // The machine is looked at, nothing is polled.
    watched
        .next(|event| match event {
            Event::Machine { memory_percent, .. } => {
                assert!(memory_percent.is_some_and(|p| p > 0.0 && p <= 100.0));
                Some(())
            }
            Event::PrefillProgress { .. } => panic!("nobody asked"),
            _ => None,
        })
        .await;
    watched.active.send_replace(Some(RequestId(7)));
    assert_eq!(watched.progress().await, (7, 3_072, Some(1_024), 0));
    fake.set(Some(llama().on("/slots", 200, &slot(4_096, 0))));
    assert_eq!(watched.progress().await, (7, 5_120, Some(1_024), 0));
    fake.set(Some(llama().on("/slots", 200, &slot(7_168, 3))));
    assert_eq!(watched.progress().await, (7, 8_192, Some(1_024), 3));
    watched.active.send_replace(Some(RequestId(8)));
    assert_eq!(watched.progress().await, (8, 8_192, Some(1_024), 3));
    watched.task.abort();
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn the_server_process_is_found_by_its_port() {
    let fake = Fake::start(llama());
    let mut watched = Watched::start(&fake).await;
    let rss = watched
        .next(|event| match event {
            Event::Machine { server_rss, .. } => Some(server_rss),
            _ => None,
        })
        .await;
    assert!(rss.is_some_and(|bytes| bytes > 1 << 20), "{rss:?}");
    watched.task.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watch_ends_when_nobody_listens() {
    let fake = Fake::start(llama());
    let watched = Watched::start(&fake).await;
    drop(watched.out);
    tokio::time::timeout(Duration::from_secs(30), watched.task).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_change_is_noticed_within_two_seconds() {
    let unloaded = || ollama().on("/api/ps", 200, r#"{"models":[]}"#);
    let other_model =
        || ollama().on("/api/ps", 200, r#"{"models":[{"name":"other:1b","context_length":8192}]}"#);
    let fake = Fake::start(ollama());
    let mut watched = Watched::start(&fake).await;
    assert_eq!(watched.server().await.unwrap().window, Some(32_768));
    for (routes, model, window) in [
        (Some(unloaded()), Some("gemma3:270m"), None),
        (Some(other_model()), Some("other:1b"), Some(8_192)),
        (Some(llama()), Some("gemma-3-270m"), Some(32_768)),
        (None, None, None),
        (Some(ollama()), Some("qwen3:8b"), Some(32_768)),
    ] {
        let away = routes.is_none();
        fake.set(routes);
        // The watch sleeps a second between looks and asks for 1.4 at most; a busy machine may be
        // late, so the wait is longer than the promise.
        let facts = watched.server().await;
        assert_eq!(facts.is_none(), away);
        let seen = facts.map(|f| (f.model, f.window)).unwrap_or_default();
        assert_eq!(seen, (model.map(str::to_owned), window));
    }
    watched.task.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_between_two_looks_is_told_by_the_start_time_of_the_metrics_page() {
    let page = |started: &'static str| {
        llama()
            .on("/metrics", 200, "llamacpp:requests_processing 1\nllamacpp:requests_deferred 2\n")
            .header("Process-Start-Time-Unix", started)
    };
    let fake = Fake::start(page("1700000000"));
    let mut watched = Watched::start(&fake).await;
    let load = watched
        .next(|event| match event {
            Event::ServerLoad { load } => Some(load),
            Event::ServerRestarted { .. } => panic!("nothing restarted"),
            _ => None,
        })
        .await;
    assert_eq!((load.running, load.waiting), (Some(1), Some(2)));
    fake.set(Some(page("1700000099")));
    watched.next(|event| matches!(event, Event::ServerRestarted { .. }).then_some(())).await;
    watched.task.abort();
}
