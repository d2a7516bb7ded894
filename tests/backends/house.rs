//! The proxy, the watch and the meter as a session wires them, in this process.

use std::{
    net::TcpListener,
    sync::{Arc, Mutex},
    time::Duration,
};

use lcc::{
    domain::{Dialect, Event, Observation},
    engine::{
        backend::{LogPlace, WatchSettings, client, identify, watch},
        clock::Clock,
        metrics::{Budget, Meter},
        proxy::{Proxy, ProxySettings, Serving, rules::Rules},
    },
    protocol::Snapshot,
};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch as cell};

const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at something that is awaited.
const LOOK: Duration = Duration::from_millis(3);

#[allow(dead_code, reason = "two test programs use it")]
pub struct House {
    clock: Clock,
    pub meter: Arc<Mutex<Meter>>,
    pub events: Arc<Mutex<Vec<Event>>>,
    address: String,
    client: reqwest::Client,
    body: Value,
    _serving: Serving,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for House {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

#[allow(dead_code, reason = "two test programs use it")]
impl House {
    /// In front of the server at `url`; `hide`: the server's progress stays unseen.
    pub async fn start(url: &str, log: LogPlace, hide: bool) -> Self {
        let client = client().unwrap();
        let facts = identify(&client, url).await.unwrap();
        let clock = Clock::start();
        let (out, mut seen) = mpsc::unbounded_channel::<Observation>();
        let (dialect, dialects) = cell::channel(Dialect::UNKNOWN);
        dialect.send_replace(facts.dialect);
        let settings = ProxySettings {
            upstream: url.to_owned(),
            dialect: dialects,
            token: None,
            rules: Rules::default(),
            api: None,
        };
        let proxy = Proxy::new(settings, clock, out.clone()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let serving = proxy.serve(listener).unwrap();
        let watching = watch(WatchSettings {
            client: client.clone(),
            base_url: url.to_owned(),
            facts,
            clock,
            active: proxy.active(),
            dialect,
            log,
            out,
        });
        let meter = Arc::new(Mutex::new(Meter::new("s".into())));
        meter.lock().unwrap().set_budget(Budget {
            output_reserve: 4_096,
            thinking_off: true,
            server_url: url.to_owned(),
            ..Budget::default()
        });
        let events = Arc::new(Mutex::new(Vec::new()));
        let (to, kept) = (Arc::clone(&meter), Arc::clone(&events));
        let pump = tokio::spawn(async move {
            let session = Event::ChildStarted { session: SESSION.into() };
            to.lock().unwrap().observe(&Observation { at: clock.now(), event: session });
            while let Some(mut observation) = seen.recv().await {
                if hide {
                    if let Event::PrefillProgress { .. } = &observation.event {
                        continue;
                    }
                    if let Event::Server { facts: Some(facts) } = &mut observation.event {
                        facts.dialect.slots = false;
                    }
                }
                to.lock().unwrap().observe(&observation);
                kept.lock().unwrap().push(observation.event);
            }
        });
        let body = serde_json::from_str(include_str!("../fixtures/proxy/main-2.1.330.json"));
        let tasks = vec![watching, pump];
        let body = body.unwrap();
        let client = client.client().clone();
        Self { clock, meter, events, address, client, body, _serving: serving, tasks }
    }

    pub fn figures(&self) -> Snapshot {
        self.meter.lock().unwrap().snapshot(self.clock.now())
    }

    /// Waits until `is` holds; fails only when it does not for a long time.
    pub async fn until(&self, what: &str, mut is: impl FnMut(&Snapshot) -> bool) -> Snapshot {
        let wait = async {
            loop {
                let figures = self.figures();
                if is(&figures) {
                    return figures;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(figures) => figures,
            Err(_) => panic!("never came: {what}\n{:#?}", self.figures()),
        }
    }

    /// The user says something: the request goes out in a task of its own.
    pub fn say(&mut self, text: &str) -> tokio::task::JoinHandle<String> {
        let messages = self.body["messages"].as_array_mut().unwrap();
        // What was said before comes as a plain string from now on.
        for message in messages.iter_mut() {
            if let Some([block]) = message["content"].as_array().map(Vec::as_slice) {
                message["content"] = block["text"].clone();
            }
        }
        messages.push(json!({ "role": "user", "content": [{ "type": "text", "text": text }] }));
        self.ask()
    }

    /// Sends the conversation as it stands: once more, when it was sent before.
    pub fn ask(&self) -> tokio::task::JoinHandle<String> {
        let request = self
            .client
            .post(format!("{}/v1/messages?beta=true", self.address))
            .header("content-type", "application/json")
            .header("x-claude-code-session-id", SESSION)
            .body(self.body.to_string());
        tokio::spawn(async move { request.send().await.unwrap().text().await.unwrap() })
    }

    pub fn limit_answer(&mut self, tokens: u64) {
        self.body["max_tokens"] = json!(tokens);
    }

    /// The answer becomes part of the conversation.
    pub fn hear(&mut self, text: &str) {
        let messages = self.body["messages"].as_array_mut().unwrap();
        let content = json!([{ "type": "text", "text": text }]);
        messages.push(json!({ "role": "assistant", "content": content }));
    }

    pub fn kept(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }
}

const SESSION: &str = "0d9fbd0e-0000-4000-8000-000000000000";
