//! The session of tests/backends, shortened, on real llama.cpp; its progress hidden, so that the
//! estimator stands alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;
#[path = "backends/house.rs"]
mod house;

use std::time::{Duration, Instant};

use common::RealServer;
use house::House;
use lcc::{
    domain::{Phase, Source},
    engine::backend::LogPlace,
};
use serde_json::Value;

/// Turns in which the estimator learns, and turns in which it is judged.
const LEARN: u64 = 3;
const JUDGE: u64 = 4;
/// With `LCC_TEST_LONG=1`: as many turns as the session of tests/backends.
const JUDGE_LONG: u64 = 17;
/// Nearer to the end nobody looks at an estimate.
const LEAST_LEFT: f64 = 1.0;
/// What the median of the estimates may be off, as a part of the time that was left. Held only
/// with `LCC_TEST_BOUNDS=1`: where another program takes a core in the middle, no estimate holds.
const BOUND: f64 = 0.15;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_estimator_alone_foresees_llama_cpp() {
    let Some(server) = RealServer::start(&[]) else { return };
    let client = lcc::engine::backend::client().unwrap().client().clone();
    let mut house = House::start(server.url(), LogPlace::Off, true).await;
    house.limit_answer(8);
    house.until("the server", |s| s.phase == Phase::Idle).await;
    let mut off: Vec<f64> = Vec::new();
    let long = std::env::var_os("LCC_TEST_LONG").is_some();
    for turn in 0..LEARN + if long { JUDGE_LONG } else { JUDGE } {
        let words = 90 + (turn * 3 % 4) * 30;
        let text: String = (0..words).map(|w| format!("row {turn} holds {w}, ")).collect();
        let asked = house.say(&text);
        let mut frames: Vec<(Instant, f64)> = Vec::new();
        let mut began = None;
        while !asked.is_finished() {
            let figures = house.figures();
            if figures.phase == Phase::Prefill && figures.turns == turn {
                if let (Some(eta), Some(source)) = (figures.prefill.eta_s, figures.prefill.source) {
                    assert_eq!(source, Source::Estimate, "the server's own word is hidden");
                    frames.push((Instant::now(), eta));
                }
            } else if figures.phase == Phase::Generate && began.is_none() {
                began = Some(Instant::now());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let reply = asked.await.unwrap();
        assert!(reply.contains("message_stop"), "turn {turn}: {reply}");
        let end = began.unwrap_or_else(Instant::now);
        let done = house.until("the end", |s| s.turns == turn + 1 && s.phase == Phase::Idle).await;
        let last = done.prefill.last.clone().expect("a prefill");
        println!(
            "turn {turn}: {} tokens, {} reused, {:.1} s, {} estimates",
            last.total.unwrap(),
            last.cached.unwrap(),
            last.seconds,
            frames.len()
        );
        if turn >= LEARN {
            let errors = frames.iter().filter_map(|(at, eta)| {
                let left = end.checked_duration_since(*at)?.as_secs_f64();
                (left >= LEAST_LEFT).then(|| (eta - left).abs() / left)
            });
            off.extend(errors);
        }
        agrees(&client, server.url(), &done, turn).await;
        house.hear("row");
    }
    off.sort_by(f64::total_cmp);
    let at = |share: f64| off[((off.len() - 1) as f64 * share) as usize];
    println!("{} estimates: median {:.3} off, 9 of 10 within {:.3}", off.len(), at(0.5), at(0.9));
    assert!(off.len() >= 20, "too few estimates to judge: {}", off.len());
    if std::env::var_os("LCC_TEST_BOUNDS").is_some() {
        assert!(at(0.5) < BOUND, "the median estimate is {:.3} off", at(0.5));
    }
}

/// The figures that the usage tells against what the slot holds.
async fn agrees(client: &reqwest::Client, url: &str, told: &lcc::protocol::Snapshot, turn: u64) {
    let reply = client.get(format!("{url}/slots")).send().await.unwrap();
    let slots: Value = reply.json().await.unwrap();
    let held = slots[0]["n_prompt_tokens"].as_u64().unwrap();
    let used = told.window.used.unwrap();
    assert!(used == held || used == held + 1, "turn {turn}: used {used}, the slot holds {held}");
    assert_eq!(told.window.size, Some(32_768));
    assert!(!told.window.truncated);
}

/// How far the pane may be from the server's own figure, in points of a hundred.
const POINTS: f64 = 3.0;
/// The pane looks ten times a second and the server moves by whole batches: what the server said
/// this long ago still counts as its own figure.
const LAG: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_prompt_is_followed_by_the_point() {
    let Some(server) = RealServer::start(&[]) else { return };
    let client = lcc::engine::backend::client().unwrap().client().clone();
    let mut house = House::start(server.url(), LogPlace::Off, false).await;
    house.limit_answer(4);
    house.until("the server", |s| s.phase == Phase::Idle).await;
    // With `LCC_TEST_LONG=1` over 20,000 tokens, which take minutes on a processor.
    let long = std::env::var_os("LCC_TEST_LONG").is_some();
    let (rows, least) = if long { (1_900, 20_000) } else { (420, 5_000) };
    let text: String = (0..rows).map(|w| format!("row {w} holds {w}, ")).collect();
    let asked = house.say(&text);
    let (mut worst, mut frames, mut total) = (0.0_f64, 0_u64, 0);
    let mut said: Vec<(Instant, u64)> = Vec::new();
    while !asked.is_finished() {
        said.push((Instant::now(), read(&client, server.url()).await));
        let figures = house.figures();
        said.push((Instant::now(), read(&client, server.url()).await));
        said.retain(|(at, _)| at.elapsed() <= LAG);
        if let (Phase::Prefill, Some(done), Some(all)) =
            (figures.phase, figures.prefill.done, figures.prefill.total)
        {
            let off = |told: u64| told.abs_diff(done) as f64 * 100.0 / all as f64;
            let nearest = said.iter().map(|(_, told)| off(*told)).fold(f64::INFINITY, f64::min);
            worst = worst.max(nearest);
            frames += 1;
            total = all;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    asked.await.unwrap();
    println!("{total} tokens, {frames} looks, the pane at most {worst:.2} points off");
    assert!(total >= least && frames >= 50, "{total} tokens, {frames} looks");
    assert!(worst <= POINTS, "{worst:.2} points off");
}

/// Tokens the only slot has read, reused ones included.
async fn read(client: &reqwest::Client, url: &str) -> u64 {
    let reply = client.get(format!("{url}/slots")).send().await.unwrap();
    let slots: Value = reply.json().await.unwrap();
    let figure = |name: &str| slots[0][name].as_u64().unwrap_or(0);
    figure("n_prompt_tokens_cache") + figure("n_prompt_tokens_processed")
}
