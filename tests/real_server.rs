//! The cockpit's figures against real llama.cpp: what the pane says is what the server says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::time::{Duration, Instant};

use common::{Key, Lcc, Project, Real, RealServer};
use lcc::{domain::Phase, protocol::Snapshot};
use serde_json::Value;

const START: Duration = Duration::from_secs(20);
/// A busy machine writes a few tokens a second, and a cut-off answer is asked for again.
const WORK: Duration = Duration::from_secs(600);
/// Claude Code asks for the rest of an answer well within this.
const CALM: Duration = Duration::from_secs(2);
/// llama.cpp's logical batch: `/slots` moves by so much.
const BATCH: u64 = 2_048;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// One look at the only slot: tokens read so far, and whether it is at work.
struct Slot {
    done: u64,
    held: u64,
    busy: bool,
}

async fn slot(client: &reqwest::Client, url: &str) -> Slot {
    let reply = client.get(format!("{url}/slots")).send().await.unwrap();
    let slots: Value = reply.json().await.unwrap();
    let figure = |name: &str| slots[0][name].as_u64().unwrap_or(0);
    Slot {
        done: figure("n_prompt_tokens_cache") + figure("n_prompt_tokens_processed"),
        held: figure("n_prompt_tokens"),
        busy: slots[0]["is_processing"].as_bool().unwrap_or(false),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_and_window_agree_with_llama_cpp() {
    let (Some(claude), Some(_)) = (Real::claude("2.1.197"), Real::bwrap()) else { return };
    let Some(server) = RealServer::start(&[]) else { return };
    let client = lcc::engine::backend::client().unwrap().client().clone();
    let project = Project::with_git();
    // Notes that Claude Code puts into its first message: the prompt grows over 4,000 tokens.
    let notes: String = (0..90).map(|n| format!("- rule {n}: keep line {n} short\n")).collect();
    project.write("CLAUDE.md", &notes);
    let lcc = Lcc::new(project.path())
        .env("LCC_CLAUDE", &claude)
        // The prefill is what is looked at here: nothing of it is to be read ahead.
        .config("output_reserve = 256\nwarm_start = false\n")
        .args(["--server", server.url()]);
    let mut outer = lcc.start();
    outer.wait_for("❯", START);

    let mut compared = 0;
    for turn in 0..2_u64 {
        let text = format!("say hello, number {turn}");
        outer.type_text(&text);
        outer.wait_for(&text, START);
        outer.key(Key::Enter);
        let end = Instant::now() + WORK;
        let mut idle_since = None;
        loop {
            let before = slot(&client, server.url()).await;
            let figures = lcc.figures().expect("the session answers");
            let after = slot(&client, server.url()).await;
            compared += u64::from(agree(&before, &figures, &after));
            // An answer that was cut off at its limit is asked for again a moment later.
            let idle = figures.turns > turn && figures.phase == Phase::Idle && !after.busy;
            idle_since = idle.then(|| idle_since.unwrap_or_else(Instant::now));
            if idle_since.is_some_and(|since| since.elapsed() > CALM) {
                break;
            }
            // The server needs the processor more than this test does.
            tokio::time::sleep(LOOK).await;
            assert!(Instant::now() < end, "turn {turn} did not end:\n{}", outer.screen_text());
        }
        let used = lcc.figures().unwrap().window.used.unwrap();
        let held = slot(&client, server.url()).await.held;
        // The last token was written, but is not decoded into the slot before something follows.
        assert!(
            used == held || used == held + 1,
            "turn {turn}: used {used}, the slot holds {held}"
        );
        println!("turn {turn}: used {used}, the slot holds {held}");
    }
    println!("{compared} looks in prefill compared");
    assert!(compared >= 3, "the prefill was too short to look at: {compared} looks");
    let figures = lcc.figures().unwrap();
    assert!(figures.cache.session_ratio.unwrap() > 0.95, "{:?}", figures.cache);
    assert_eq!(figures.window.size, Some(32_768));
    outer.leave(START);
}

/// Compares one snapshot with the server's own figures just before and just after it; whether
/// there was something to compare.
fn agree(before: &Slot, figures: &Snapshot, after: &Slot) -> bool {
    let (Phase::Prefill, Some(done)) = (figures.phase, figures.prefill.done) else { return false };
    if !before.busy || !after.busy {
        return false;
    }
    assert!(
        done + BATCH >= before.done && done <= after.done + BATCH,
        "the pane says {done}, /slots {} then {}",
        before.done,
        after.done
    );
    if let Some(total) = figures.prefill.total {
        assert!(total >= 4_000 && done <= total, "{done} of {total}");
    }
    true
}
