//! Sources that dry up, prompts that are cut, logs that come late.

use lcc::{
    domain::{Event, Phase, ServerLine, Source},
    engine::backend::LogPlace,
};

use super::{
    fakes::{ANSWER, Fake, Kind},
    house::House,
};

fn text(turn: u64, words: u64) -> String {
    (0..words).map(|w| format!("word{turn}x{w} ")).collect()
}

/// Lets the server read until its answer is there.
async fn finish(fake: &Fake, house: &mut House, asked: tokio::task::JoinHandle<String>) {
    fake.change(|t| t.free = true);
    assert!(asked.await.unwrap().contains("message_stop"));
    house.until("the end of the turn", |s| s.phase == Phase::Idle).await;
    house.hear(ANSWER);
    fake.change(|t| t.free = false);
}

async fn at(fake: &Fake, house: &House, source: Source) {
    let wait = house.until("the next batch", |_| {
        let truth = fake.truth();
        truth.reading && truth.step > truth.released
    });
    wait.await;
    let done = fake.truth().done;
    house
        .until("the figures", |s| s.prefill.done == Some(done) && s.prefill.source == Some(source))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_slots_dry_up_the_log_takes_over() {
    let fake = Fake::start(Kind::OllamaGguf);
    let mut house = House::start(&fake.url, LogPlace::File(fake.log.clone()), false).await;
    let asked = house.say(&text(0, 900));
    at(&fake, &house, Source::Server).await;
    let total = fake.truth().total;
    house.until("the total by the log", |s| s.prefill.total == Some(total)).await;
    fake.change(|t| t.child_gone = true);
    fake.release();
    // What the log says is heard as soon as the slots have been silent for a while.
    loop {
        let truth = fake.truth();
        if house.figures().prefill.source == Some(Source::Log) {
            // Held between two batches, the fake can be caught up with.
            at(&fake, &house, Source::Log).await;
            break;
        }
        assert!(truth.reading, "the log was never heard");
        tokio::time::sleep(std::time::Duration::from_millis(400)).await;
        if truth.step > truth.released {
            fake.release();
        }
    }
    finish(&fake, &mut house, asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_ollama_cuts_is_noticed_by_line_and_by_count() {
    for with_log in [true, false] {
        let fake = Fake::start(Kind::OllamaGguf);
        let log = if with_log { LogPlace::File(fake.log.clone()) } else { LogPlace::Off };
        let mut house = House::start(&fake.url, log, false).await;
        let asked = house.say(&text(0, 900));
        finish(&fake, &mut house, asked).await;
        let before = fake.truth().total;
        assert!(!house.figures().window.truncated);
        fake.change(|t| t.keeps = Some(before / 2));
        let asked = house.say(&text(1, 40));
        finish(&fake, &mut house, asked).await;
        let window = house.figures().window;
        assert!(window.truncated, "log {with_log}");
        assert!(window.dropped.is_some_and(|d| d >= before / 2), "log {with_log}: {window:?}");
        let told = house
            .kept()
            .iter()
            .any(|e| matches!(e, Event::ServerLine { line: ServerLine::Truncated { .. } }));
        assert_eq!(told, with_log);
        // It stops being true when a prompt is read whole again.
        fake.change(|t| t.keeps = None);
        let asked = house.say(&text(2, 40));
        finish(&fake, &mut house, asked).await;
        house.until("a whole prompt", |s| !s.window.truncated).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_child_of_ollama_means_a_lost_cache() {
    let fake = Fake::start(Kind::OllamaGguf);
    let mut house = House::start(&fake.url, LogPlace::File(fake.log.clone()), false).await;
    let asked = house.say(&text(0, 300));
    finish(&fake, &mut house, asked).await;
    fake.write(r#"level=INFO msg="starting llama-server" cmd="/x/llama-server --port 9 -c 1""#);
    house
        .until("the restart", |_| {
            house.kept().iter().any(|e| matches!(e, Event::ServerRestarted { .. }))
        })
        .await;
}
