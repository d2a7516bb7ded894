//! The backends against servers that behave like the real ones, traps included.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use lcc::{
    domain::{Dialect, Event, Observation, RequestId, ServerFacts, ServerKind},
    engine::{
        backend::{IdentifyError, WatchSettings, find, identify, progress_of, watch},
        clock::Clock,
    },
};
use tokio::sync::{mpsc, watch as cell};

const PROPS: &str = include_str!("fixtures/backend/llama-props.json");
const MODELS: &str = include_str!("fixtures/backend/llama-models.json");
const LOADING: &str = include_str!("fixtures/backend/llama-loading.json");

/// What a fake answers: by path, or the same to everything else.
#[derive(Clone, Default)]
struct Routes {
    server: Option<&'static str>,
    paths: BTreeMap<&'static str, (u16, String)>,
    otherwise: Option<(u16, String)>,
}

impl Routes {
    fn new(server: Option<&'static str>) -> Self {
        Self { server, otherwise: Some((404, "404 page not found".into())), ..Self::default() }
    }

    fn on(mut self, path: &'static str, status: u16, body: &str) -> Self {
        self.paths.insert(path, (status, body.to_owned()));
        self
    }

    fn otherwise(mut self, status: u16, body: &str) -> Self {
        self.otherwise = Some((status, body.to_owned()));
        self
    }
}

/// A server on an ephemeral port whose answers can be changed while it runs.
struct Fake {
    addr: SocketAddr,
    routes: Arc<Mutex<Option<Routes>>>,
}

impl Fake {
    fn start(routes: Routes) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let routes = Arc::new(Mutex::new(Some(routes)));
        let shared = Arc::clone(&routes);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let routes = shared.lock().unwrap().clone();
                // Without routes it hangs up like a dead server.
                if let Some(routes) = routes {
                    thread::spawn(move || answer(stream, &routes));
                }
            }
        });
        Self { addr, routes }
    }

    fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    fn set(&self, routes: Option<Routes>) {
        *self.routes.lock().unwrap() = routes;
    }
}

fn answer(mut stream: TcpStream, routes: &Routes) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
    });
    stream.read_exact(&mut vec![0; length.unwrap_or(0)]).unwrap();
    let path = head.split(' ').nth(1).unwrap();
    let Some((status, body)) = routes.paths.get(path).or(routes.otherwise.as_ref()) else {
        return;
    };
    let server = routes.server.map(|s| format!("Server: {s}\r\n")).unwrap_or_default();
    let _ = write!(
        stream,
        "HTTP/1.1 {status} X\r\n{server}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}

/// Answers every connection with the same bytes, or holds it open in silence.
fn raw(bytes: Option<&'static [u8]>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut held = Vec::new();
        for mut stream in listener.incoming().map_while(Result::ok) {
            if let Some(bytes) = bytes {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(bytes);
            }
            held.push(stream);
            if bytes.is_some() {
                held.clear();
            }
        }
    });
    url
}

fn dead() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn llama() -> Routes {
    Routes::new(Some("llama.cpp"))
        .otherwise(
            404,
            r#"{"error":{"message":"File Not Found","type":"not_found_error","code":404}}"#,
        )
        .on("/health", 200, r#"{"status":"ok"}"#)
        .on("/props", 200, PROPS)
        .on("/v1/models", 200, MODELS)
        .on("/slots", 200, r#"[{"id":0,"n_ctx":32768,"is_processing":false}]"#)
        .on("/v1/messages/count_tokens", 200, r#"{"input_tokens":25}"#)
}

fn ollama() -> Routes {
    Routes::new(None)
        .on("/", 200, "Ollama is running")
        .on("/api/version", 200, r#"{"version":"0.33.0"}"#)
        .on(
            "/api/ps",
            200,
            r#"{"models":[{"name":"qwen3:8b","model":"qwen3:8b","size":7,"size_vram":7,"context_length":32768}]}"#,
        )
        .on("/api/tags", 200, r#"{"models":[{"name":"gemma3:270m"},{"name":"qwen3:8b"}]}"#)
        .on("/v1/models", 200, r#"{"object":"list","data":[{"id":"qwen3:8b","owned_by":"library"}]}"#)
}

fn vllm() -> Routes {
    Routes::new(Some("uvicorn"))
        .otherwise(404, r#"{"detail":"Not Found"}"#)
        .on("/health", 200, "")
        .on("/version", 200, r#"{"version":"0.33.0"}"#)
        .on(
            "/v1/models",
            200,
            r#"{"object":"list","data":[{"id":"Qwen/Qwen3-8B","owned_by":"vllm","max_model_len":40960}]}"#,
        )
        .on(
            "/v1/messages/count_tokens",
            200,
            r#"{"input_tokens":9,"context_management":{"original_input_tokens":9}}"#,
        )
}

/// `SGLang` with its Ollama look-alike switched on.
fn sglang() -> Routes {
    Routes::new(Some("uvicorn"))
        .on("/", 200, "Ollama is running")
        .on("/api/tags", 200, r#"{"models":[{"name":"Qwen3-8B"}]}"#)
        .on("/server_info", 200, r#"{"version":"0.5.23","model_path":"Qwen/Qwen3-8B"}"#)
        .on(
            "/v1/models",
            200,
            r#"{"object":"list","data":[{"id":"Qwen/Qwen3-8B","owned_by":"sglang","max_model_len":32768}]}"#,
        )
        .on("/v1/messages/count_tokens", 200, r#"{"input_tokens":9}"#)
}

/// LM Studio answers 200 to whatever it does not know.
fn lm_studio() -> Routes {
    Routes::new(None)
        .otherwise(200, r#"{"error":"Unexpected endpoint or method. (GET /x)"}"#)
        .on(
            "/api/v1/models",
            200,
            r#"{"models":[{"key":"a/idle","loaded_instances":[],"max_context_length":131072},
                {"key":"qwen/qwen3-8b","loaded_instances":[{"id":"qwen/qwen3-8b","config":{"context_length":16384}}]}]}"#,
        )
        .on("/v1/models", 200, r#"{"data":[{"id":"a/idle","object":"model"}],"object":"list"}"#)
}

fn lm_studio_older() -> Routes {
    Routes::new(None).otherwise(200, r#"{"error":"Unexpected endpoint or method."}"#).on(
        "/api/v0/models",
        200,
        r#"{"data":[{"id":"x","state":"not-loaded","max_context_length":4096},
                {"id":"y","state":"loaded","loaded_context_length":8192}]}"#,
    )
}

/// llama-swap answers its own pages to most paths, with a version where Ollama has one.
fn llama_swap() -> Routes {
    Routes::new(None)
        .otherwise(200, "<!doctype html><title>llama-swap</title>")
        .on("/health", 200, "OK")
        .on("/api/version", 200, r#"{"version":"250","commit":"abc","build_date":"2026"}"#)
        .on("/version", 200, r#"{"version":"250"}"#)
        .on("/running", 200, r#"{"running":[{"model":"qwen","state":"ready"}]}"#)
        .on(
            "/v1/models",
            200,
            r#"{"data":[{"id":"other","owned_by":"llama-swap"}],"object":"list"}"#,
        )
}

#[tokio::test]
async fn every_kind_is_told_by_its_fingerprint() {
    let llamafile = PROPS.replace("b11434-5e9c63546", "b1775854028-5e9c63546");
    let no_slots = PROPS.replace(r#""endpoint_slots": true"#, r#""endpoint_slots": false"#);
    assert_ne!(no_slots, PROPS);
    let table: Vec<(&str, Routes, ServerKind, Option<&str>, Option<u64>, Dialect)> = vec![
        (
            "llama",
            llama(),
            ServerKind::LlamaServer,
            Some("gemma-3-270m"),
            Some(32_768),
            Dialect::LLAMA,
        ),
        (
            "llamafile",
            llama().on("/props", 200, &llamafile),
            ServerKind::Llamafile,
            Some("gemma-3-270m"),
            Some(32_768),
            Dialect::LLAMA,
        ),
        (
            "practice",
            Routes { server: Some("lcc-practice"), ..llama() },
            ServerKind::Practice,
            Some("gemma-3-270m"),
            Some(32_768),
            Dialect::LLAMA,
        ),
        (
            "llama behind a reverse proxy",
            Routes { server: Some("nginx"), ..llama() },
            ServerKind::LlamaServer,
            Some("gemma-3-270m"),
            Some(32_768),
            Dialect::LLAMA,
        ),
        (
            "llama without slots and count_tokens",
            Routes {
                paths: llama()
                    .on("/props", 200, &no_slots)
                    .paths
                    .into_iter()
                    .filter(|(path, _)| !path.starts_with("/v1/messages"))
                    .collect(),
                ..llama()
            },
            ServerKind::LlamaServer,
            Some("gemma-3-270m"),
            Some(32_768),
            Dialect { count_tokens: false, slots: false, ..Dialect::LLAMA },
        ),
        (
            "Ollama",
            ollama(),
            ServerKind::Ollama,
            Some("qwen3:8b"),
            Some(32_768),
            Dialect {
                count_tokens: false,
                slots: false,
                start_usage_is_real: false,
                wants_local_host_header: true,
            },
        ),
        (
            "Ollama with nothing loaded",
            ollama().on("/api/ps", 200, r#"{"models":[]}"#),
            ServerKind::Ollama,
            Some("gemma3:270m"),
            None,
            Dialect::UNKNOWN,
        ),
        (
            "vLLM",
            vllm(),
            ServerKind::Vllm,
            Some("Qwen/Qwen3-8B"),
            Some(40_960),
            Dialect {
                count_tokens: true,
                slots: false,
                start_usage_is_real: true,
                wants_local_host_header: false,
            },
        ),
        (
            "SGLang posing as Ollama",
            sglang(),
            ServerKind::Sglang,
            Some("Qwen/Qwen3-8B"),
            Some(32_768),
            Dialect {
                count_tokens: true,
                slots: false,
                start_usage_is_real: true,
                wants_local_host_header: false,
            },
        ),
        (
            "LM Studio, 200 to everything",
            lm_studio(),
            ServerKind::LmStudio,
            Some("qwen/qwen3-8b"),
            Some(16_384),
            Dialect { wants_local_host_header: false, ..Dialect::UNKNOWN },
        ),
        (
            "LM Studio before its native API",
            lm_studio_older(),
            ServerKind::LmStudio,
            Some("y"),
            Some(8_192),
            Dialect { wants_local_host_header: false, ..Dialect::UNKNOWN },
        ),
        (
            "llama-swap, 200 to everything",
            llama_swap(),
            ServerKind::LlamaSwap,
            Some("qwen"),
            None,
            Dialect { wants_local_host_header: false, ..Dialect::UNKNOWN },
        ),
        (
            "200 and {} to everything",
            Routes::new(None).otherwise(200, "{}"),
            ServerKind::Unknown,
            None,
            None,
            Dialect::UNKNOWN,
        ),
        (
            "an OpenAI-only server",
            Routes::new(None).on("/v1/models", 200, r#"{"data":[{"id":"mlx"}]}"#),
            ServerKind::Unknown,
            Some("mlx"),
            None,
            Dialect::UNKNOWN,
        ),
    ];
    let client = client();
    for (name, routes, kind, model, window, dialect) in table {
        let fake = Fake::start(routes);
        let facts = identify(&client, &fake.url()).await.expect(name);
        assert_eq!(facts.kind, kind, "{name}");
        assert_eq!(facts.model.as_deref(), model, "{name}");
        assert_eq!(facts.window, window, "{name}");
        assert_eq!(facts.dialect, dialect, "{name}");
        assert!(facts.healthy && !facts.loading, "{name}");
    }
}

#[tokio::test]
async fn a_loading_server_is_known_as_such() {
    let fake = Fake::start(Routes::new(Some("llama.cpp")).otherwise(503, LOADING));
    let facts = identify(&client(), &fake.url()).await.unwrap();
    assert_eq!(facts.kind, ServerKind::LlamaServer);
    assert!(facts.loading && !facts.healthy);
    assert_eq!((facts.window, facts.model), (None, None));
}

#[tokio::test]
async fn what_is_no_server_gets_a_clear_error_in_bounded_time() {
    let client = client();
    let within = Duration::from_secs(10);
    let look = |url: String| {
        let client = client.clone();
        async move { tokio::time::timeout(within, identify(&client, &url)).await.unwrap() }
    };
    assert!(matches!(look(dead()).await, Err(IdentifyError::Unreachable { .. })));
    assert!(matches!(look(raw(None)).await, Err(IdentifyError::Silent { .. })));
    let garbage = look(raw(Some(b"220 mail.example ESMTP ready\r\n\x00\xff"))).await;
    assert!(matches!(garbage, Err(IdentifyError::NotHttp { .. })), "{garbage:?}");
    let nothing = look(raw(Some(b""))).await;
    assert!(nothing.is_err(), "{nothing:?}");
    // HTTP at last, but a body that never ends.
    let endless = look(raw(Some(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n{"))).await;
    assert!(endless.is_err(), "{endless:?}");
}

#[tokio::test]
async fn the_first_known_server_in_order_wins() {
    let web = Fake::start(Routes::new(None).otherwise(200, "<h1>Jenkins</h1>"));
    let (one, two) = (Fake::start(ollama()), Fake::start(llama()));
    let client = client();
    let urls = |list: &[&Fake]| -> Vec<String> {
        std::iter::once(dead()).chain(list.iter().map(|f| f.url())).collect()
    };
    let (url, facts) = find(&client, &urls(&[&web, &one, &two])).await.unwrap();
    assert_eq!((url, facts.kind), (one.url(), ServerKind::Ollama));
    let (url, _) = find(&client, &urls(&[&two, &one])).await.unwrap();
    assert_eq!(url, two.url());
    assert_eq!(find(&client, &urls(&[&web])).await, None);
    assert_eq!(find(&client, &[]).await, None);
}

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

/// Samples of a real llama.cpp (build 11434) reading 11,698 tokens in batches of 2,048, cold, and
/// 12,406 tokens of which it held 11,667.
#[test]
fn recorded_slots_of_a_real_prefill_are_read_as_they_were() {
    let read = |text: &str| -> Vec<(u64, Option<u64>, u64)> {
        text.lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .filter_map(|sample| progress_of(&sample["slots"]))
            .map(|p| (p.done, p.cached, p.generated))
            .collect()
    };
    let cold = read(include_str!("fixtures/backend/llama-slots-cold.jsonl"));
    let reading: Vec<u64> =
        cold.iter().filter(|(.., generated)| *generated == 0).map(|(done, ..)| *done).collect();
    assert_eq!(reading, [0, 2_048, 4_096, 6_144, 8_192, 10_240]);
    assert!(cold.iter().filter(|(.., g)| *g > 0).all(|(done, ..)| *done == 11_698));
    let warm = read(include_str!("fixtures/backend/llama-slots-warm.jsonl"));
    assert_eq!(warm.first(), Some(&(11_667, Some(11_667), 0)));
    assert!(warm.iter().filter(|(.., g)| *g > 0).all(|(done, ..)| *done == 12_406));
}
