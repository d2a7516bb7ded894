//! Requests that do not fit the window, between a client that asks and a server that counts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::time::Duration;

use lcc::{
    domain::{Dialect, Event, Moment, Observation, Phase, Risk, Source},
    engine::{
        backend::{client, identify},
        clock::Clock,
        metrics::{Budget, Meter},
        practice::{self, PracticeOptions, PracticeServer},
        proxy::{Proxy, ProxySettings, Serving, fit::Bounds, rules::Rules},
    },
    protocol::Snapshot,
};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

const WINDOW: u64 = 8_192;
const PATIENCE: Duration = Duration::from_secs(20);

/// A practice server, the proxy before it, and the meter that hears both.
struct Bench {
    server: PracticeServer,
    proxy: Proxy,
    meter: Meter,
    clock: Clock,
    events: Vec<Event>,
    seen: mpsc::UnboundedReceiver<Observation>,
    address: String,
    _serving: Serving,
    messages: Vec<Value>,
}

impl Bench {
    async fn start(dialect: Option<Dialect>) -> Self {
        let options = PracticeOptions {
            window: WINDOW,
            read_rate: 0.0,
            write_rate: 0.0,
            ..PracticeOptions::default()
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = practice::start(listener, options).await.unwrap();
        let url = format!("http://{}", server.addr());
        let facts = identify(&client().unwrap(), &url).await.unwrap();
        let clock = Clock::start();
        let (out, seen) = mpsc::unbounded_channel();
        let settings = ProxySettings {
            upstream: url,
            dialect: watch::channel(dialect.unwrap_or(facts.dialect)).1,
            token: None,
            rules: Rules::default(),
            api: None,
        };
        let proxy = Proxy::new(settings, clock, out).unwrap();
        proxy.set_bounds(Some(Bounds { size: WINDOW, early: None }));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let serving = proxy.serve(listener).unwrap();
        let mut meter = Meter::new("s".into());
        meter.set_budget(Budget { output_reserve: 1_024, ..Budget::default() });
        let at = Moment::default();
        for event in
            [Event::Server { facts: Some(facts) }, Event::ChildStarted { session: "a".into() }]
        {
            meter.observe(&Observation { at, event });
        }
        let messages = vec![json!({"role": "user", "content": "practice: say well"})];
        let events = Vec::new();
        let _serving = serving;
        Self { server, proxy, meter, clock, events, seen, address, _serving, messages }
    }

    fn body(&self) -> Value {
        json!({"model": "practice", "max_tokens": 64, "stream": false, "system": "Be brief.",
            "tools": [{"name": "Bash", "description": "runs", "input_schema": {"type": "object"}}],
            "messages": self.messages})
    }

    /// Adds the call of a tool and its result of so many lines.
    fn result(&mut self, command: &str, lines: usize) {
        let id = format!("t{}", self.messages.len());
        let text: String = (0..lines).map(|n| format!("{}\n", 1_000_000 + n)).collect();
        self.messages.push(json!({"role": "assistant", "content": [
            {"type": "tool_use", "id": id, "name": "Bash", "input": {"command": command}}]}));
        self.messages.push(json!({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": id, "content": text}]}));
    }

    /// Sends the conversation; the status and the answer.
    async fn ask(&mut self) -> (u16, String) {
        let client = client().unwrap().client().clone();
        let body = self.body().to_string();
        let sent = client
            .post(format!("{}/v1/messages?beta=true", self.address))
            .header("content-type", "application/json")
            .header("x-claude-code-session-id", "a")
            .body(body)
            .send();
        let answer = tokio::time::timeout(PATIENCE, sent).await.unwrap().unwrap();
        let told = (answer.status().as_u16(), answer.text().await.unwrap());
        let mut over = false;
        while !over {
            let o = tokio::time::timeout(PATIENCE, self.seen.recv()).await.unwrap().unwrap();
            over = matches!(o.event, Event::RequestEnded { .. });
            self.meter.observe(&o);
            self.events.push(o.event);
        }
        told
    }

    fn figures(&self) -> Snapshot {
        self.meter.snapshot(self.clock.now())
    }
}

fn too_long(told: &(u16, String)) -> (u64, u64) {
    assert_eq!(told.0, 400, "{told:?}");
    let body: Value = serde_json::from_str(&told.1).unwrap();
    assert_eq!(
        (&body["type"], &body["error"]["type"]),
        (&json!("error"), &json!("invalid_request_error"))
    );
    let message = body["error"]["message"].as_str().unwrap();
    let rest = message.strip_prefix("prompt is too long: ").unwrap();
    let (tokens, rest) = rest.split_once(" tokens > ").unwrap();
    let maximum = rest.strip_suffix(" maximum").unwrap();
    (tokens.parse().unwrap(), maximum.parse().unwrap())
}

#[tokio::test]
async fn growing_results_are_sent_as_long_as_they_fit_and_then_announced() {
    let mut bench = Bench::start(None).await;
    let mut last = None;
    for turn in 0..40 {
        bench.result(&format!("seq {turn}"), 60 + 20 * turn);
        let told = bench.ask().await;
        if told.0 != 200 {
            last = Some((turn, told));
            break;
        }
        assert!(!bench.figures().window.turned_back);
    }
    let (turn, told) = last.expect("the window is finite");
    let (tokens, maximum) = too_long(&told);
    assert!(tokens > maximum && maximum == WINDOW - 64, "{tokens} {maximum}");
    let served = bench.server.served();
    assert!(served.iter().all(|s| !s.too_long && s.total <= WINDOW), "{served:?}");
    assert_eq!(served.len(), turn, "the last one never reached the server");
    assert!(served.last().unwrap().total + 1_000 > WINDOW / 2);
    let Some(Event::TooLong { tokens: told, source, early, culprit, .. }) =
        bench.events.iter().find(|e| matches!(e, Event::TooLong { .. })).cloned()
    else {
        panic!("it is told")
    };
    assert_eq!((told, source, early), (tokens, Source::Server, false));
    let culprit = culprit.expect("a culprit");
    assert_eq!(culprit.tool.as_deref(), Some("Bash"));
    assert_eq!(culprit.asked, Some(format!("seq {turn}")));
    let figures = bench.figures();
    assert_eq!((figures.phase, figures.forecast.risk), (Phase::Idle, Risk::Now));
    assert!(figures.window.turned_back && figures.forecast.due);
    let reason = figures.forecast.reason.unwrap();
    assert!(reason.contains(&format!("Bash (seq {turn})")), "{reason}");
    // A shorter conversation goes through, and all is well again.
    bench.messages.truncate(1);
    assert_eq!(bench.ask().await.0, 200);
    let figures = bench.figures();
    assert!(!figures.window.turned_back && figures.forecast.risk == Risk::None, "{figures:#?}");
}

#[tokio::test]
async fn an_early_limit_turns_one_back_and_lets_what_follows_pass() {
    let mut bench = Bench::start(None).await;
    bench.result("seq 1", 1_000);
    assert_eq!(bench.ask().await.0, 200);
    bench.proxy.set_bounds(Some(Bounds { size: WINDOW, early: Some(2_000) }));
    let (tokens, maximum) = too_long(&bench.ask().await);
    assert!(tokens > 2_000 && maximum == 2_000, "{tokens}");
    let early = |e: &Event| matches!(e, Event::TooLong { early: true, .. });
    assert!(bench.events.iter().any(early));
    // The compaction, the request again, one more: whatever they weigh, they fit.
    for _ in 0..3 {
        assert_eq!(bench.ask().await.0, 200);
    }
    too_long(&bench.ask().await);
    // What does not fit at all is turned back at any time.
    bench.result("seq 2", 4_000);
    let (_, maximum) = too_long(&bench.ask().await);
    assert_eq!(maximum, WINDOW - 64);
}

#[tokio::test]
async fn nothing_is_turned_back_while_the_window_is_unknown() {
    let mut bench = Bench::start(None).await;
    bench.proxy.set_bounds(None);
    bench.result("seq 1", 6_000);
    too_long(&bench.ask().await);
    assert!(bench.server.served().last().unwrap().too_long, "the server itself said so");
    assert!(!bench.events.iter().any(|e| matches!(e, Event::TooLong { .. })));
}

#[tokio::test]
async fn where_nobody_counts_only_what_is_beyond_doubt_is_turned_back() {
    let blind = Dialect { count_tokens: false, ..Dialect::LLAMA };
    let mut bench = Bench::start(Some(blind)).await;
    bench.result("seq 1", 1_200);
    // The ratio is learned from what the server counts.
    for _ in 0..6 {
        assert_eq!(bench.ask().await.0, 200);
    }
    bench.result("seq 2", 4_000);
    too_long(&bench.ask().await);
    assert!(!bench.server.served().iter().any(|s| s.too_long));
    let told = bench.events.iter().find(|e| matches!(e, Event::TooLong { .. }));
    assert!(matches!(told, Some(Event::TooLong { source: Source::Estimate, .. })), "{told:?}");
    // Bytes of an image are no tokens: nobody can tell, so it goes on.
    let image = json!({"type": "image", "source":
        {"type": "base64", "media_type": "image/png", "data": "A".repeat(400_000)}});
    bench.messages = vec![json!({"role": "user", "content": [image]})];
    bench.ask().await;
    let told = bench.events.iter().filter(|e| matches!(e, Event::TooLong { .. })).count();
    assert_eq!(told, 1);
}
