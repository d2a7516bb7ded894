//! Proxy, watch and warm start as a session wires them, in front of a practice server.

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use lcc::{
    domain::{Dialect, Event, Observation, Warm},
    engine::{
        access::Reach,
        backend::{LogPlace, WatchSettings, identify, watch},
        clock::Clock,
        practice::{self, PracticeOptions, PracticeServer},
        proxy::{Proxy, ProxySettings, Serving, rules::Rules},
        warm::{Opening, Parts, Probe, WarmSettings, Warmer},
        window::warm::Pace,
    },
};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch as cell};

/// For anything that is waited for.
pub const PATIENCE: Duration = Duration::from_secs(30);
pub const LIMIT: u64 = 1 << 30;

/// A practice server that reads at once, with a folder for slots.
pub fn options(slots: &Path) -> PracticeOptions {
    PracticeOptions {
        read_rate: 0.0,
        write_rate: 0.0,
        slots_dir: Some(slots.to_owned()),
        ..PracticeOptions::default()
    }
}

/// Starts it at `addr`, or anywhere. The address may still be held for a moment by a server that
/// has just ended.
pub async fn serve(addr: Option<SocketAddr>, options: PracticeOptions) -> PracticeServer {
    let addr = addr.unwrap_or_else(|| "127.0.0.1:0".parse().unwrap());
    let end = Instant::now() + PATIENCE;
    loop {
        match tokio::net::TcpListener::bind(addr).await {
            Ok(listener) => return practice::start(listener, options).await.unwrap(),
            Err(e) => assert!(Instant::now() < end, "{addr}: {e}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What a test may want otherwise.
pub struct Wish {
    pub warm_start: bool,
    pub pace: Pace,
    pub probe: Option<Probe>,
}

impl Default for Wish {
    fn default() -> Self {
        Self { warm_start: true, pace: Pace { every_s: 0, limit: LIMIT }, probe: None }
    }
}

pub struct Desk {
    warmer: Arc<Mutex<Option<Warmer>>>,
    events: Arc<Mutex<Vec<Event>>>,
    address: String,
    url: String,
    client: reqwest::Client,
    _serving: Serving,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

/// What the server counted of one prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    pub total: u64,
    pub cached: u64,
}

impl Desk {
    pub async fn start(addr: SocketAddr, state: &Path, wish: Wish) -> Self {
        let url = format!("http://{addr}");
        let reach = Reach::plain().unwrap();
        let facts = identify(&reach, &url).await.unwrap();
        let clock = Clock::start();
        let (out, mut seen) = mpsc::unbounded_channel::<Observation>();
        let (dialect, dialects) = cell::channel(Dialect::UNKNOWN);
        dialect.send_replace(facts.dialect);
        let settings = ProxySettings {
            upstream: url.clone(),
            dialect: dialects,
            token: None,
            rules: Rules::default(),
            api: None,
        };
        let proxy = Proxy::through(reach.clone(), settings, clock, out.clone()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let serving = proxy.serve(listener).unwrap();
        let watching = watch(WatchSettings {
            client: reach.clone(),
            base_url: url.clone(),
            facts: facts.clone(),
            clock,
            active: proxy.active(),
            dialect,
            log: LogPlace::Off,
            out: out.clone(),
        });
        let warmer = Warmer::start(Parts {
            proxy,
            reach: reach.clone(),
            url: url.clone(),
            facts,
            clock,
            out,
            settings: WarmSettings {
                warm_start: wish.warm_start,
                pace: wish.pace,
                settle: Duration::ZERO,
                state: state.to_owned(),
                project: "/demo".into(),
                about: "/demo 2.1.330 lean".into(),
            },
            probe: wish.probe,
        })
        .unwrap();
        let warmer = Arc::new(Mutex::new(Some(warmer)));
        let events = Arc::new(Mutex::new(Vec::new()));
        let (to, kept) = (Arc::clone(&warmer), Arc::clone(&events));
        let pump = tokio::spawn(async move {
            while let Some(observation) = seen.recv().await {
                if let Some(warmer) = to.lock().unwrap().as_mut() {
                    warmer.observe(&observation);
                }
                kept.lock().unwrap().push(observation.event);
            }
        });
        let client = reach.client().clone();
        let tasks = vec![watching, pump];
        Self { warmer, events, address, url, client, _serving: serving, tasks }
    }

    /// Claude Code opens a conversation.
    pub fn open(&self, opening: Opening) {
        self.warmer.lock().unwrap().as_ref().unwrap().open(opening);
    }

    /// The steps so far.
    pub fn steps(&self) -> Vec<Warm> {
        let events = self.events.lock().unwrap();
        let step = |event: &Event| match event {
            Event::Warm(step) => Some(step.clone()),
            _ => None,
        };
        events.iter().filter_map(step).collect()
    }

    /// Waits for the `n`-th step that `is` so, from 1.
    pub async fn step(&self, what: &str, n: usize, is: impl Fn(&Warm) -> bool) -> Warm {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(step) = self.steps().into_iter().filter(|s| is(s)).nth(n - 1) {
                return step;
            }
            assert!(Instant::now() < end, "waited for {what}; the steps: {:#?}", self.steps());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until a warm-up was read to its end, the `n`-th one.
    pub async fn read(&self, n: usize) -> Usage {
        match self.step("a warm-up", n, |s| matches!(s, Warm::Read { .. })).await {
            Warm::Read { total, cached, .. } => Usage { total, cached },
            other => panic!("{other:?}"),
        }
    }

    /// A request of Claude Code's; its counts.
    pub async fn say(&self, session: &str, messages: &Value) -> Usage {
        let body = request(messages);
        let ended = || {
            let over = |e: &&Event| matches!(e, Event::RequestEnded { .. });
            self.events.lock().unwrap().iter().filter(over).count()
        };
        let before = ended();
        let usage = ask(&self.client, &self.address, Some(session), &body).await;
        // The session hears of it a moment after the client.
        let end = Instant::now() + PATIENCE;
        while ended() == before {
            assert!(Instant::now() < end, "the request was not followed to its end");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        usage
    }

    /// A request of somebody else, straight to the server: the slot is then his.
    pub async fn evict(&self) {
        let words: String = (0..3_000).map(|n| format!("other{n} ")).collect();
        let body = json!({
            "model": "practice", "max_tokens": 4,
            "messages": [{"role": "user", "content": words}],
        });
        ask(&self.client, &self.url, None, &body).await;
    }

    /// Whether the server was seen to come back, `n` times.
    pub async fn returned(&self, n: usize) {
        let end = Instant::now() + PATIENCE;
        let count = || {
            let events = self.events.lock().unwrap();
            let mut away = false;
            let mut back = 0;
            for event in events.iter() {
                match event {
                    Event::Server { facts: None } => away = true,
                    Event::Server { facts: Some(_) } if std::mem::take(&mut away) => back += 1,
                    _ => {}
                }
            }
            back
        };
        while count() < n {
            assert!(Instant::now() < end, "the server was not seen to come back");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the server was seen to be away.
    pub async fn away(&self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let gone = |e: &Event| matches!(e, Event::Server { facts: None });
            if self.events.lock().unwrap().iter().any(gone) {
                return;
            }
            assert!(Instant::now() < end, "the server was not missed");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The session ends.
    pub async fn close(self) {
        let warmer = self.warmer.lock().unwrap().take().unwrap();
        warmer.close().await;
    }
}

/// The first request of a session as Claude Code 2.1.330 sends it, with these messages.
pub fn request(messages: &Value) -> Value {
    let mut body: Value =
        serde_json::from_str(include_str!("../fixtures/proxy/main-2.1.330.json")).unwrap();
    body["messages"] = messages.clone();
    body
}

/// The first message of a session.
pub fn first(text: &str) -> Value {
    json!([{"role": "user", "content": [
        {"type": "text", "text": "<system-reminder>\nKeep to the rules of this project.\n</system-reminder>"},
        {"type": "text", "text": format!("practice: say {text}")},
    ]}])
}

/// One more turn.
pub fn next(messages: &Value, text: &str) -> Value {
    let mut messages = messages.clone();
    let all = messages.as_array_mut().unwrap();
    let said = all.last().unwrap()["content"].as_array().unwrap().last().unwrap()["text"].clone();
    let said = said.as_str().unwrap().strip_prefix("practice: say ").unwrap().to_owned();
    all.push(json!({"role": "assistant", "content": [{"type": "text", "text": said}]}));
    all.push(json!({"role": "user", "content": [
        {"type": "text", "text": format!("practice: say {text}")},
    ]}));
    messages
}

async fn ask(client: &reqwest::Client, base: &str, session: Option<&str>, body: &Value) -> Usage {
    let mut call = client.post(format!("{base}/v1/messages?beta=true")).json(body);
    if let Some(session) = session {
        call = call.header("x-claude-code-session-id", session);
    }
    let answer = call.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let text = answer.text().await.unwrap();
    let usage = |value: &Value| {
        let number = |key: &str| value[key].as_u64();
        let cached = number("cache_read_input_tokens").unwrap_or(0);
        number("input_tokens").map(|input| Usage { total: input + cached, cached })
    };
    if let Ok(whole) = serde_json::from_str::<Value>(&text) {
        return usage(&whole["usage"]).unwrap();
    }
    let starts = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let start = starts.filter_map(|data| serde_json::from_str::<Value>(data).ok());
    start
        .filter(|event| event["type"] == "message_start")
        .find_map(|event| usage(&event["message"]["usage"]))
        .expect("a message_start with usage")
}
