//! Requests beside the conversation never cost it its prefix: the proxy before the practice server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, dead_code)]

#[path = "proxy/support.rs"]
mod support;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use lcc::{
    domain::{Dialect, Event, RequestKind, SideKind, SidePolicy, SideStep},
    engine::{
        practice::{self, PracticeOptions, PracticeServer},
        proxy::rules::Rules,
    },
};
use serde_json::{Value, json};
use support::*;

const TURNS: usize = 20;

async fn server() -> PracticeServer {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options =
        PracticeOptions { read_rate: 0.0, write_rate: 0.0, slots: 1, ..PracticeOptions::default() };
    practice::start(listener, options).await.unwrap()
}

fn guarded(upstream: SocketAddr, side_requests: SidePolicy) -> House {
    let rules = Rules { side_requests, ..Rules::default() };
    house(upstream, Setup { dialect: Dialect::LLAMA, rules, ..Setup::default() })
}

/// The conversation's request of a turn: everything before it, and a new prompt.
fn main_request(turn: usize) -> Vec<u8> {
    let filler = "the ingress of the namespace answers with an error and nobody knows why ";
    let mut messages = Vec::new();
    for n in 0..=turn {
        messages.push(json!({"role": "user", "content": format!("practice: say turn {n}")}));
        if n < turn {
            messages.push(json!({"role": "assistant", "content": format!("turn {n}")}));
        }
    }
    json!({
        "model": "practice", "max_tokens": 32, "stream": true, "system": filler.repeat(60),
        "tools": [{"name": "Read", "description": "reads", "input_schema": {"type": "object"}}],
        "messages": messages,
    })
    .to_string()
    .into_bytes()
}

fn fixture(name: &str, turn: usize) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/proxy/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap().replace("topic 1", &format!("topic {turn}")).into_bytes()
}

/// A side request that only the model can answer, such as the summary of a page.
fn page(turn: usize) -> Vec<u8> {
    json!({
        "model": "practice", "max_tokens": 64, "stream": true, "tools": [],
        "messages": [{"role": "user", "content": format!("Summarise page {turn}: {}", "words ".repeat(200))}],
    })
    .to_string()
    .into_bytes()
}

/// `(all prompt tokens, of these cached)` as the answer's usage tells.
fn usage(reply: &Reply) -> (u64, u64) {
    assert!(reply.complete && reply.status == 200, "{}", reply.text());
    let text = reply.text();
    let start = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let start: Value = serde_json::from_str(start).unwrap();
    let told = &start["message"]["usage"];
    let cached = told["cache_read_input_tokens"].as_u64().unwrap_or(0);
    (told["input_tokens"].as_u64().unwrap() + cached, cached)
}

fn send(addr: SocketAddr, body: Vec<u8>) -> tokio::task::JoinHandle<Reply> {
    tokio::spawn(async move { raw(addr, post("/v1/messages?beta=true", "", &body)).await })
}

/// The lowest share of the prompt before that was reused from the second turn on.
async fn lowest_reuse(addr: SocketAddr, side_first: bool, side: impl Fn(usize) -> Vec<u8>) -> f64 {
    let (mut before, mut lowest) = (0, f64::INFINITY);
    for turn in 0..TURNS {
        let (main, side) = if side_first {
            let side = send(addr, side(turn));
            // In the same instant, and surely later.
            tokio::time::sleep(Duration::from_millis(5)).await;
            (send(addr, main_request(turn)), side)
        } else {
            let main = send(addr, main_request(turn));
            tokio::time::sleep(Duration::from_millis(5)).await;
            (main, send(addr, side(turn)))
        };
        let (total, cached) = usage(&main.await.unwrap());
        let side = side.await.unwrap();
        assert!(side.complete && side.status == 200, "{}", side.text());
        if turn > 0 {
            lowest = lowest.min(cached as f64 / before as f64);
        }
        before = total;
    }
    lowest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn titles_of_both_versions_cost_nothing_in_either_order() {
    for (fixture_name, side_first) in [
        ("title-2.1.197", true),
        ("title-2.1.197", false),
        ("title-2.1.330", true),
        ("title-2.1.330", false),
    ] {
        let server = server().await;
        let house = guarded(server.addr(), SidePolicy::Auto);
        let side = |turn| fixture(fixture_name, turn);
        let lowest = lowest_reuse(house.addr, side_first, side).await;
        assert!(lowest >= 0.99, "{fixture_name}, side first {side_first}: {lowest}");
        let events = house.rest().await;
        let answered = events
            .iter()
            .filter(|e| matches!(e, Event::Side { step: SideStep::Answered, kind, .. } if *kind == SideKind::Title));
        assert_eq!(answered.count(), TURNS);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_care_the_same_requests_take_the_slot() {
    let server = server().await;
    let house = guarded(server.addr(), SidePolicy::Pass);
    let lowest = lowest_reuse(house.addr, true, page).await;
    assert!(lowest < 0.5, "the control shows no loss: {lowest}");
}

#[tokio::test]
async fn a_title_is_answered_as_a_stream_and_whole() {
    // Nobody listens there: the answer can only be lcc's own.
    let house = guarded(nobody(), SidePolicy::Auto);
    let body = fixture("title-2.1.330", 7);
    let streamed = send(house.addr, body.clone()).await.unwrap();
    assert!(header(&streamed.head, "content-type").unwrap().starts_with("text/event-stream"));
    assert!(
        streamed.text().contains(r#"{\"title\":\"Say something about topic 7\"}"#),
        "{}",
        streamed.text()
    );
    assert!(
        streamed.text().ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n")
    );
    let mut plain: Value = serde_json::from_slice(&body).unwrap();
    plain["stream"] = json!(false);
    let whole = send(house.addr, plain.to_string().into_bytes()).await.unwrap();
    let message: Value = serde_json::from_slice(&whole.body).unwrap();
    assert_eq!(message["content"][0]["text"], r#"{"title":"Say something about topic 7"}"#);
    assert_eq!(message["stop_reason"], "end_turn");
    assert!(message["usage"]["input_tokens"].as_u64().unwrap() > 20);
}

/// An upstream that notes in which order requests come, by a word of their own.
fn ordered() -> (SocketAddr, Arc<Mutex<Vec<&'static str>>>) {
    let order = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&order);
    let addr = upstream(move |mut visit| {
        if !visit.head.starts_with("POST /v1/messages ") && !visit.head.contains("messages?") {
            return;
        }
        let side = String::from_utf8_lossy(&visit.body).contains("Summarise page");
        noted.lock().unwrap().push(if side { "side" } else { "main" });
        visit.send(STREAM_HEAD);
        // The conversation is answered after a while, so that a race would show.
        std::thread::sleep(Duration::from_millis(if side { 0 } else { 200 }));
        visit.chunk(frames().as_bytes());
        visit.chunk(b"");
    });
    (addr, order)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_the_model_can_answer_waits_for_the_conversation_in_either_order() {
    for side_first in [true, false] {
        let (addr, order) = ordered();
        let house = guarded(addr, SidePolicy::Auto);
        let (first, second) =
            if side_first { (page(0), MAIN.to_vec()) } else { (MAIN.to_vec(), page(0)) };
        let first = send(house.addr, first);
        tokio::time::sleep(Duration::from_millis(5)).await;
        let second = send(house.addr, second);
        assert_eq!(first.await.unwrap().status, 200);
        assert_eq!(second.await.unwrap().status, 200);
        assert_eq!(*order.lock().unwrap(), ["main", "side"], "side first: {side_first}");
        let steps: Vec<SideStep> = house
            .rest()
            .await
            .into_iter()
            .filter_map(|e| if let Event::Side { step, .. } = e { Some(step) } else { None })
            .collect();
        assert_eq!(steps, [SideStep::Waiting, SideStep::Released]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_side_request_that_its_client_gives_up_never_reaches_the_server() {
    let (addr, order) = ordered();
    let mut house = guarded(addr, SidePolicy::Hold);
    let client = open(house.addr, &post("/v1/messages", "", &fixture("title-2.1.197", 1)));
    house.until(|e| matches!(e, Event::Side { step: SideStep::Waiting, .. })).await;
    hang_up(&client);
    drop(client);
    house.until(|e| matches!(e, Event::Side { step: SideStep::Abandoned, .. })).await;
    assert!(order.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_slot_is_named_where_llama_cpp_has_one() {
    let (tell, told) = telling();
    let addr = upstream(move |mut visit| {
        let body: String = if visit.head.starts_with("GET /slots") {
            json!([{"id": 0, "n_prompt_tokens": 200, "is_processing": false},
                   {"id": 1, "n_prompt_tokens": 9_000, "is_processing": false}])
            .to_string()
        } else {
            tell.send((visit.head.clone(), visit.body.clone())).unwrap();
            json!({"id": "c", "choices": [{"index": 0, "finish_reason": "stop",
                   "message": {"role": "assistant", "content": "a summary"}}],
                   "usage": {"prompt_tokens": 9, "completion_tokens": 2}})
            .to_string()
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\nServer: llama.cpp\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        visit.send(head.as_bytes());
        visit.send(body.as_bytes());
    });
    let mut house = guarded(addr, SidePolicy::Auto);
    let plain = String::from_utf8(page(1)).unwrap().replace("\"stream\":true", "\"stream\":false");
    let reply = send(house.addr, plain.into_bytes()).await.unwrap();
    let message: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(message["content"][0]["text"], "a summary");
    let (head, body) = told.recv().unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert!(head.starts_with("POST /v1/chat/completions"), "{head}");
    assert_eq!(body["id_slot"], 0);
    let events = house.until(|e| matches!(e, Event::RequestStarted { .. })).await;
    assert!(matches!(&events[0], Event::Side { step: SideStep::Slotted, .. }), "{events:?}");
    let other = RequestKind::Side(SideKind::Other);
    assert!(matches!(events.last(), Some(Event::RequestStarted { kind, .. }) if *kind == other));
}

#[tokio::test]
async fn a_count_without_a_tokenizer_is_learned_and_says_so() {
    let addr = upstream(|mut visit| {
        visit.send(STREAM_HEAD);
        visit.chunk(frames().as_bytes());
        visit.chunk(b"");
    });
    let rules = Rules::default();
    let dialect = Dialect { count_tokens: false, ..Dialect::LLAMA };
    let house = house(addr, Setup { dialect, rules, ..Setup::default() });
    let ask = || raw(house.addr, post("/v1/messages/count_tokens", "", &main_request(3)));
    let first = ask().await;
    assert_eq!(header(&first.head, "x-lcc-estimate"), Some("true"));
    let tokens = |reply: &Reply| {
        serde_json::from_slice::<Value>(&reply.body).unwrap()["input_tokens"].as_u64().unwrap()
    };
    assert!((900..1_500).contains(&tokens(&first)), "{}", first.text());
}
