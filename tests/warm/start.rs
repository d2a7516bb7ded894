//! Warm-ups: read while the user types, and given up for a real request.

use lcc::{
    domain::{Kept, Warm},
    engine::{practice::PracticeOptions, warm::Opening, window::warm::Pace},
};
use serde_json::json;

use super::desk::{Desk, Usage, Wish, first, next, options, request, serve};

const NO_SNAPSHOTS: Pace = Pace { every_s: 0, limit: 0 };

fn without_snapshots() -> Wish {
    Wish { pace: NO_SNAPSHOTS, ..Wish::default() }
}

/// The prompt begins with the whole warm-up, but for the end of its message.
fn is_warm(first: Usage, warm: Usage) -> bool {
    first.cached * 100 >= warm.total * 98 && first.cached <= first.total
}

#[tokio::test]
async fn a_new_session_finds_its_start_read() {
    let state = tempfile::tempdir().unwrap();
    let server = serve(None, PracticeOptions { slots_dir: None, ..options(state.path()) }).await;
    let one = Desk::start(server.addr(), state.path(), without_snapshots()).await;
    one.open(Opening::New);
    let cold = one.say("s-1", &first("one")).await;
    assert_eq!(cold.cached, 0, "nothing was known of this project");
    one.close().await;

    let two = Desk::start(server.addr(), state.path(), without_snapshots()).await;
    two.evict().await;
    two.open(Opening::New);
    let warm = two.read(1).await;
    assert_eq!(warm.cached, 0, "the slot was another's");
    let said = two.say("s-2", &first("another thing")).await;
    assert!(is_warm(said, warm), "{said:?} after {warm:?}");

    // F5: another session, the slot holds a conversation.
    two.say("s-2", &next(&first("another thing"), "more")).await;
    two.open(Opening::New);
    let again = two.read(2).await;
    assert!(again.cached + 4 >= again.total, "{again:?}");
    let fresh = two.say("s-3", &first("fresh")).await;
    assert!(is_warm(fresh, again), "{fresh:?}");

    // F5 after something else took the slot.
    two.evict().await;
    two.open(Opening::New);
    let cold = two.read(3).await;
    assert_eq!(cold.cached, 0);
    assert!(is_warm(two.say("s-4", &first("fresher")).await, cold));
}

#[tokio::test]
async fn a_session_that_was_never_seen_is_found_out() {
    let state = tempfile::tempdir().unwrap();
    let server = serve(None, options(state.path())).await;
    let body = request(&first("hello")).to_string();
    let probe = Box::new(move || -> std::pin::Pin<Box<dyn Future<Output = _> + Send>> {
        Box::pin(async move { Some(body) })
    });
    let wish = Wish { probe: Some(probe), ..without_snapshots() };
    let desk = Desk::start(server.addr(), state.path(), wish).await;
    desk.open(Opening::New);
    let warm = desk.read(1).await;
    assert!(is_warm(desk.say("s-1", &first("one")).await, warm));
}

#[tokio::test]
async fn a_real_request_stops_the_reading_and_what_was_read_counts() {
    let state = tempfile::tempdir().unwrap();
    let teach = serve(None, options(state.path())).await;
    let one = Desk::start(teach.addr(), state.path(), without_snapshots()).await;
    one.open(Opening::New);
    let all = one.say("s-1", &first("one")).await.total;
    one.close().await;

    // Reads so slowly that it cannot be done before the request comes.
    let slow = PracticeOptions { read_rate: 400.0, batch: 64, ..options(state.path()) };
    let server = serve(None, slow).await;
    let two = Desk::start(server.addr(), state.path(), without_snapshots()).await;
    two.open(Opening::New);
    let begun = |s: &Warm| matches!(s, Warm::Reading { done, .. } if *done > 0);
    two.step("some reading", 1, begun).await;
    let said = two.say("s-2", &first("two")).await;
    let stopped = two.step("the end of it", 1, |s| matches!(s, Warm::Stopped { .. })).await;
    let Warm::Stopped { what, done, .. } = stopped else { panic!("{stopped:?}") };
    assert_eq!(what, Kept::Fixed);
    assert!(done > 0 && said.cached >= done, "{done} were read, {said:?}");
    assert!(said.cached < all, "it was not read to its end: {said:?}");
    assert!(!two.steps().iter().any(|s| matches!(s, Warm::Read { .. })), "{:?}", two.steps());
}

#[tokio::test]
async fn switched_off_it_sends_nothing() {
    let state = tempfile::tempdir().unwrap();
    let server = serve(None, options(state.path())).await;
    let off = || Wish { warm_start: false, ..without_snapshots() };
    let one = Desk::start(server.addr(), state.path(), off()).await;
    one.open(Opening::New);
    one.say("s-1", &first("one")).await;
    one.close().await;
    let two = Desk::start(server.addr(), state.path(), off()).await;
    two.evict().await;
    two.open(Opening::New);
    let said = two.say("s-2", &first("two")).await;
    assert_eq!(said.cached, 0);
    assert_eq!(two.steps(), []);
}

#[tokio::test]
async fn a_resumed_conversation_is_read_while_its_user_types() {
    let state = tempfile::tempdir().unwrap();
    let server = serve(None, options(state.path())).await;
    let one = Desk::start(server.addr(), state.path(), without_snapshots()).await;
    one.open(Opening::New);
    let long: String = (0..400).map(|n| format!("word{n} ")).collect();
    let talk = next(&first(&long), "short");
    one.say("s-1", &first(&long)).await;
    one.say("s-1", &talk).await;
    one.close().await;
    for opening in [Opening::Session("s-1".into()), Opening::Last] {
        let two = Desk::start(server.addr(), state.path(), without_snapshots()).await;
        two.evict().await;
        two.open(opening);
        let warm = two.read(1).await;
        let said = two.say("s-1", &next(&talk, "on")).await;
        assert!(is_warm(said, warm) && warm.total > 2_000, "{said:?} after {warm:?}");
    }
    let other = Desk::start(server.addr(), state.path(), without_snapshots()).await;
    other.open(Opening::Session("s-unknown".into()));
    other.say("s-unknown", &json!([{"role": "user", "content": "practice: say x"}])).await;
    assert_eq!(other.steps(), [], "nothing is known of it");
}

#[tokio::test]
async fn a_server_that_fails_costs_nothing() {
    let state = tempfile::tempdir().unwrap();
    let server = serve(None, options(state.path())).await;
    let one = Desk::start(server.addr(), state.path(), without_snapshots()).await;
    one.say("s-1", &first("one")).await;
    one.close().await;
    let failing = PracticeOptions { script: "500".parse().unwrap(), ..options(state.path()) };
    let server = serve(None, failing).await;
    let two = Desk::start(server.addr(), state.path(), without_snapshots()).await;
    two.open(Opening::New);
    let failed = two.step("its failure", 1, |s| matches!(s, Warm::Failed { .. })).await;
    let Warm::Failed { why, .. } = failed else { panic!("{failed:?}") };
    assert!(why.starts_with("500: "), "{why}");
}
