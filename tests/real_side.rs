//! Requests beside the conversation before real llama.cpp with one slot, in both orders, and a
//! slot of their own where it has two.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, dead_code)]

mod common;
#[path = "proxy/support.rs"]
mod support;

use common::RealServer;
use lcc::{
    domain::{Dialect, Event, SidePolicy, SideStep},
    engine::{access::Reach, proxy::rules::Rules},
};
use serde_json::{Value, json};
use support::*;

const TURNS: usize = 20;

fn guarded(server: &RealServer, side_requests: SidePolicy) -> House {
    let addr = server.url().strip_prefix("http://").unwrap().parse().unwrap();
    let rules = Rules { side_requests, ..Rules::default() };
    house(addr, Setup { dialect: Dialect::LLAMA, rules, ..Setup::default() })
}

/// A conversation that begins with some 250 tokens and grows by some 30 a turn.
fn main_request(turn: usize) -> Vec<u8> {
    let mut messages = Vec::new();
    for n in 0..=turn {
        let text = format!("Question {n}: why does the ingress answer with an error?");
        messages.push(json!({"role": "user", "content": text}));
        if n < turn {
            messages.push(json!({"role": "assistant", "content": format!("Answer {n}: unknown.")}));
        }
    }
    json!({
        "model": "gemma", "max_tokens": 2,
        "system": "You look after a cluster and answer in few words. ".repeat(15),
        "tools": [{"name": "Read", "description": "reads", "input_schema": {"type": "object"}}],
        "messages": messages,
    })
    .to_string()
    .into_bytes()
}

/// What only the model can answer.
fn page(turn: usize) -> Vec<u8> {
    let text = format!("Summarise page {turn}: pods, services and volumes of a small cluster.");
    json!({"model": "gemma", "max_tokens": 2, "messages": [{"role": "user", "content": text}]})
        .to_string()
        .into_bytes()
}

async fn ask(addr: std::net::SocketAddr, body: Vec<u8>) -> Value {
    let client = Reach::plain().unwrap().client().clone();
    let call = client.post(format!("http://{addr}/v1/messages"));
    let reply = call.header("content-type", "application/json").body(body).send().await.unwrap();
    let (status, text) = (reply.status(), reply.text().await.unwrap());
    assert!(status.is_success(), "{status} {text}");
    serde_json::from_str(&text).unwrap()
}

fn prompt(answer: &Value) -> (u64, u64) {
    let told = |name: &str| answer["usage"][name].as_u64().unwrap_or(0);
    (told("input_tokens") + told("cache_read_input_tokens"), told("cache_read_input_tokens"))
}

/// The lowest share of the prompt before that was reused, from the second turn on.
async fn lowest_reuse(house: &House, turns: usize, order: impl Fn(usize) -> bool) -> f64 {
    let (mut before, mut lowest) = (0, f64::INFINITY);
    for turn in 0..turns {
        let (main, side) = (main_request(turn), page(turn));
        let addr = house.addr;
        let later = std::time::Duration::from_millis(10);
        let (main, _side) = if order(turn) {
            let side = tokio::spawn(ask(addr, side));
            tokio::time::sleep(later).await;
            (ask(addr, main).await, side.await.unwrap())
        } else {
            let main = tokio::spawn(ask(addr, main));
            tokio::time::sleep(later).await;
            let side = tokio::spawn(ask(addr, side));
            (main.await.unwrap(), side.await.unwrap())
        };
        let (total, cached) = prompt(&main);
        println!("turn {turn}: {cached} of {before} reusable, {total} in all");
        if turn > 0 {
            lowest = lowest.min(cached as f64 / before as f64);
        }
        before = total;
    }
    lowest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_turns_in_both_orders_keep_the_prefix_on_one_slot() {
    let Some(server) = RealServer::start(&["--ctx", "4096"]) else { return };
    let house = guarded(&server, SidePolicy::Auto);
    let lowest = lowest_reuse(&house, TURNS, |turn| turn % 2 == 0).await;
    assert!(lowest >= 0.99, "{lowest}");
    let events = house.rest().await;
    let held = |e: &&Event| matches!(e, Event::Side { step: SideStep::Released, .. });
    assert_eq!(events.iter().filter(held).count(), TURNS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_two_slots_the_side_requests_have_one_of_their_own() {
    let Some(server) = RealServer::start(&["--ctx", "8192", "--slots", "2"]) else { return };
    let house = guarded(&server, SidePolicy::Auto);
    let lowest = lowest_reuse(&house, 5, |turn| turn % 2 == 0).await;
    assert!(lowest >= 0.99, "{lowest}");
    let events = house.rest().await;
    let slotted = |e: &&Event| matches!(e, Event::Side { step: SideStep::Slotted, .. });
    assert!(events.iter().filter(slotted).count() >= 4, "{events:?}");
}
