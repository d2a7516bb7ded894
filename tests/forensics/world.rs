//! A practice server, the proxy before it, the watch over it, and the meter that hears of all.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use lcc::{
    domain::{Event, Observation, PrefixCare},
    engine::{
        access::Reach,
        backend::{self, LogPlace, WatchSettings},
        clock::Clock,
        metrics::Meter,
        practice::{self, PracticeOptions, PracticeServer},
        proxy::{Proxy, ProxySettings, Serving, rules::Rules},
    },
    protocol::{CacheBreak, CacheFigures},
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{mpsc::UnboundedReceiver, watch},
    task::JoinHandle,
};

/// Longest wait for anything; reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Everything between a client and the figures.
pub struct World {
    pub server: Option<PracticeServer>,
    pub options: PracticeOptions,
    pub meter: Meter,
    upstream: String,
    proxy: SocketAddr,
    client: reqwest::Client,
    seen: UnboundedReceiver<Observation>,
    watching: JoinHandle<()>,
    _house: (Proxy, Serving, tempfile::TempDir),
}

impl Drop for World {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

/// A practice server that reads and writes at once.
pub fn fast() -> PracticeOptions {
    PracticeOptions {
        read_rate: 0.0,
        write_rate: 0.0,
        window: 4_000_000,
        ..PracticeOptions::default()
    }
}

impl World {
    /// On a practice server, all rules on.
    pub async fn practice(options: PracticeOptions) -> Self {
        Self::careless(options, PrefixCare::default()).await
    }

    /// The same with other rules.
    pub async fn careless(options: PracticeOptions, care: PrefixCare) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("server.log");
        std::fs::write(&log, "").unwrap();
        let options = PracticeOptions { log: Some(log.clone()), ..options };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = practice::start(listener, options.clone()).await.unwrap();
        let url = format!("http://{}", server.addr());
        let mut world = Self::before(&url, log, care, dir).await;
        (world.server, world.options) = (Some(server), options);
        world
    }

    /// Before any server.
    pub async fn before(url: &str, log: PathBuf, care: PrefixCare, dir: tempfile::TempDir) -> Self {
        let clock = Clock::start();
        let (out, seen) = tokio::sync::mpsc::unbounded_channel();
        let reach = Reach::plain().unwrap();
        let facts = backend::identify(&reach, url).await.unwrap();
        let (dialect, dialects) = watch::channel(facts.dialect);
        let proxy = Proxy::new(
            ProxySettings {
                upstream: url.to_owned(),
                dialect: dialects,
                token: None,
                rules: Rules { prefix: care, ..Rules::default() },
                api: None,
            },
            clock,
            out.clone(),
        )
        .unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let serving = proxy.serve(listener).unwrap();
        let watching = backend::watch(WatchSettings {
            client: reach,
            base_url: url.to_owned(),
            facts,
            clock,
            active: proxy.active(),
            dialect,
            log: LogPlace::File(log),
            out,
        });
        let mut world = Self {
            server: None,
            options: fast(),
            meter: Meter::new("s".to_owned()),
            upstream: url.to_owned(),
            proxy: addr,
            client: backend::client().unwrap().client().clone(),
            seen,
            watching,
            _house: (proxy, serving, dir),
        };
        world.until(|e| matches!(e, Event::Server { facts: Some(_) })).await;
        world
    }

    /// Takes observations in up to and with the first that `last` accepts.
    pub async fn until(&mut self, last: impl Fn(&Event) -> bool) -> Event {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.seen.recv()).await;
            let Ok(Some(observation)) = next else { panic!("no such observation") };
            self.meter.observe(&observation);
            if last(&observation.event) {
                return observation.event;
            }
        }
    }

    /// Sends a request through the proxy and waits until all is known of it; gives the answer's
    /// stream.
    pub async fn send(&mut self, body: &Value, headers: &[(&'static str, &str)]) -> String {
        let mut request = self.client.post(format!("http://{}/v1/messages", self.proxy)).json(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let text = answer.text().await.unwrap();
        self.until(|e| matches!(e, Event::RequestEnded { .. })).await;
        text
    }

    /// The same past the proxy: another client of the server.
    pub async fn foreign(&self, body: &Value) {
        let url = format!("{}/v1/messages", self.upstream);
        let answer = self.client.post(url).json(body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.text().await.unwrap();
    }

    /// The server goes and comes back at the same address.
    pub async fn restart(&mut self) {
        let addr = self.server.take().unwrap().addr();
        self.until(|e| matches!(e, Event::Server { facts: None })).await;
        let listener = TcpListener::bind(addr).await.unwrap();
        self.server = Some(practice::start(listener, self.options.clone()).await.unwrap());
        self.until(|e| matches!(e, Event::Server { facts: Some(_) })).await;
    }

    pub fn cache(&self) -> CacheFigures {
        self.meter.snapshot(lcc::domain::Moment::default()).cache
    }

    /// The one break there was.
    pub fn broken(&self) -> CacheBreak {
        let cache = self.cache();
        assert_eq!(cache.breaks, 1, "{cache:?}");
        cache.last_break.unwrap()
    }
}

/// A conversation as Claude Code keeps it.
#[derive(Clone)]
pub struct Talk {
    pub session: String,
    pub model: String,
    pub system: Vec<String>,
    pub tools: Vec<String>,
    pub messages: Vec<Value>,
}

/// A text of so many words, another for every name.
pub fn words(name: &str, n: usize) -> String {
    (0..n).map(|n| format!("{name}{n}")).collect::<Vec<_>>().join(" ")
}

impl Talk {
    pub fn new(session: &str) -> Self {
        Self {
            session: session.to_owned(),
            model: "practice".to_owned(),
            system: vec!["You are Claude Code.".to_owned(), words("sys", 600)],
            tools: ["Bash", "Edit", "Read"].map(str::to_owned).to_vec(),
            messages: Vec::new(),
        }
    }

    pub fn say(&mut self, role: &str, content: impl Into<Value>) {
        self.messages.push(json!({"role": role, "content": content.into()}));
    }

    /// As it is sent: the newest message carries the mark for the cloud's cache.
    pub fn body(&self) -> Value {
        let tools: Vec<_> = self
            .tools
            .iter()
            .map(|t| json!({"name": t, "description": words(t, 300), "input_schema": {"type": "object"}}))
            .collect();
        let text = |t: &String| json!({"type": "text", "text": t});
        let mut messages = self.messages.clone();
        if let Some(last) = messages.last_mut() {
            let mut blocks = match &last["content"] {
                Value::String(text) => vec![json!({"type": "text", "text": text})],
                content => content.as_array().unwrap().clone(),
            };
            blocks.last_mut().unwrap()["cache_control"] = json!({"type": "ephemeral"});
            last["content"] = Value::from(blocks);
        }
        json!({
            "model": self.model, "max_tokens": 4_000, "stream": true,
            "system": self.system.iter().map(text).collect::<Vec<_>>(),
            "tools": tools, "messages": messages,
        })
    }

    /// Sends what there is, and takes the answer in. Tells the tools it calls, by id.
    pub async fn go(&mut self, world: &mut World) -> Vec<String> {
        let session = self.session.clone();
        let stream = world.send(&self.body(), &[("x-claude-code-session-id", &session)]).await;
        let blocks = blocks(&stream);
        let calls = blocks.iter().filter_map(|b| Some(b["id"].as_str()?.to_owned())).collect();
        self.say("assistant", blocks);
        calls
    }

    /// A whole turn: the prompt, and every tool it makes the model call.
    pub async fn turn(&mut self, world: &mut World, prompt: &str) {
        self.say("user", prompt);
        loop {
            let calls = self.go(world).await;
            if calls.is_empty() {
                return;
            }
            let results = calls.iter().map(
                |id| json!({"type": "tool_result", "tool_use_id": id, "content": words("out", 40)}),
            );
            self.say("user", results.collect::<Vec<_>>());
        }
    }
}

/// The blocks of an answer's stream.
fn blocks(stream: &str) -> Vec<Value> {
    let mut blocks: Vec<Value> = Vec::new();
    for data in stream.lines().filter_map(|line| line.strip_prefix("data: ")) {
        let event: Value = serde_json::from_str(data).unwrap();
        match event["type"].as_str() {
            Some("content_block_start") => blocks.push(event["content_block"].clone()),
            Some("content_block_delta") => {
                let block = blocks.last_mut().unwrap();
                let (key, more) = match event["delta"]["text"].as_str() {
                    Some(text) => ("text", text),
                    None => ("json", event["delta"]["partial_json"].as_str().unwrap_or_default()),
                };
                let old = block[key].as_str().unwrap_or_default().to_owned();
                block[key] = Value::from(old + more);
            }
            _ => {}
        }
    }
    for block in &mut blocks {
        if let Some(json) = block.as_object_mut().unwrap().remove("json") {
            block["input"] = serde_json::from_str(json.as_str().unwrap()).unwrap();
        }
    }
    blocks
}

/// A small request that writes a title.
pub fn title() -> Value {
    json!({
        "model": "practice", "max_tokens": 200, "stream": true,
        "system": [{"type": "text", "text": format!("Write a title for this session. {}", words("t", 60))}],
        "messages": [{"role": "user", "content": "<session>list the files</session>"}],
    })
}
