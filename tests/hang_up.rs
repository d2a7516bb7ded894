//! A client that gives up while its prompt is read: the server stops, what it had read stays in
//! its cache and in the figures, and the second try starts from there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;
#[path = "backends/house.rs"]
mod house;

use std::time::{Duration, Instant};

use common::RealServer;
use house::House;
use lcc::{
    domain::{Event, Outcome, Phase},
    engine::{
        backend::LogPlace,
        practice::{self, PracticeOptions},
    },
};
use serde_json::Value;

/// Reads a prompt half, hangs up, asks again.
async fn half_and_again(url: &str, rows: usize, half: u64) {
    let client = lcc::engine::backend::client().unwrap().client().clone();
    let mut house = House::start(url, LogPlace::Off, false).await;
    house.limit_answer(4);
    house.until("the server", |s| s.phase == Phase::Idle).await;
    let text: String = (0..rows).map(|w| format!("row {w} holds {w}, ")).collect();
    let first = house.say(&text);
    house.until("half of it read", |s| s.prefill.done.is_some_and(|done| done >= half)).await;

    let left = Instant::now();
    first.abort();
    let given_up = house.until("the request's end", |s| s.prefill.kept.is_some()).await;
    let told = left.elapsed();
    assert_eq!(given_up.phase, Phase::Idle);
    let kept = given_up.prefill.kept.unwrap();
    assert!(kept.tokens >= half && kept.tokens < kept.total, "{kept:?}");
    while busy(&client, url).await {
        assert!(left.elapsed() < Duration::from_secs(180), "the server goes on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("told after {told:?}, the server stopped after {:?}: {kept:?}", left.elapsed());

    let second = house.ask();
    let answer = second.await.unwrap();
    assert!(answer.contains("message_stop"), "{answer}");
    let done = house.until("the answer", |s| s.phase == Phase::Idle && s.turns == 1).await;
    let last = done.prefill.last.unwrap();
    println!("asked again: {last:?}");
    // The server goes on to the end of its batch: it keeps at least what was seen.
    assert!(last.cached.unwrap() + 1 >= kept.tokens, "{last:?}, kept {kept:?}");
    assert_eq!(done.prefill.kept, None);
    assert_eq!(done.cache.breaks, 0, "{:?}", done.cache);
    // What had been read counts as reusable, and was reused.
    assert!(done.cache.session_ratio.is_some_and(|ratio| ratio > 0.99), "{:?}", done.cache);
    let events = house.kept();
    let again = |e: &&Event| matches!(e, Event::AskedAgain { joined: false, .. });
    assert_eq!(events.iter().filter(again).count(), 1);
    let gone = |e: &&Event| matches!(e, Event::RequestEnded { outcome: Outcome::ClientGone, .. });
    assert_eq!(events.iter().filter(gone).count(), 1);
}

/// Whether the server works on anything.
async fn busy(client: &reqwest::Client, url: &str) -> bool {
    let reply = client.get(format!("{url}/slots")).send().await.unwrap();
    let slots: Value = reply.json().await.unwrap();
    slots[0]["is_processing"].as_bool().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_practice_server_keeps_what_it_read() {
    let options = PracticeOptions { read_rate: 4_000.0, batch: 256, ..PracticeOptions::default() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = practice::start(listener, options).await.unwrap();
    half_and_again(&format!("http://{}", server.addr()), 900, 2_048).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_llama_cpp_keeps_what_it_read() {
    let Some(server) = RealServer::start(&[]) else { return };
    half_and_again(server.url(), 300, 2_048).await;
}
