//! What the meter says of the prefix cache and of its breaks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod metrics_support;

use lcc::{
    domain::{Event, Kept, Part, RequestKind, ServerLine, ServerLoad, Tail, Warm},
    protocol::BreakKind,
};
use metrics_support::{SIDE, Tale, facts, prompt, section};

#[track_caller]
fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-6, "{a} is not {b}");
}

#[test]
fn every_break_has_a_token_a_section_and_a_cause() {
    let held = || {
        let mut tale = Tale::new();
        tale.main(prompt(&[10, 11]), Tail::Prompt, (6_000, 0, 10), "end_turn");
        tale
    };
    let side = |tale: &mut Tale, kind: RequestKind| {
        let id = tale.start(kind, prompt(&[]), Tail::Prompt);
        tale.first(id, 100, 0).done(id, 5, "end_turn");
    };
    let next = |tale: &mut Tale, sections, cached: u64| {
        tale.main(sections, Tail::Prompt, (7_000 - cached, cached, 10), "end_turn");
        tale.see().cache
    };
    let grown = || prompt(&[10, 11, 12]);

    let mut tale = held();
    let cache = next(&mut tale, grown(), 5_990);
    assert_eq!((cache.breaks, cache.reread_tokens, cache.estimated), (0, 0, false));
    assert!(cache.session_ratio.unwrap() > 0.99);

    let mut tale = held();
    let cache = next(&mut tale, grown(), 0);
    let broken = cache.last_break.unwrap();
    assert_eq!((broken.at_token, broken.section.as_str()), (0, "system[0]"));
    assert_eq!(broken.kind, BreakKind::SlidingWindow);
    assert!(broken.cause.contains("probably"), "{}", broken.cause);
    assert_eq!((broken.tokens, broken.estimated), (6_000, false));
    // Six of the seven thousand tokens that took two seconds.
    close(broken.seconds.unwrap(), 2.0 * 6.0 / 7.0);
    assert_eq!((cache.breaks, cache.reread_tokens), (1, 6_000));
    close(cache.last_ratio.unwrap(), 0.0);
    close(cache.session_ratio.unwrap(), 0.0);

    let mut tale = held();
    side(&mut tale, SIDE);
    let broken = next(&mut tale, grown(), 4_500).last_break.unwrap();
    assert_eq!((broken.at_token, broken.section.as_str()), (4_500, "messages[0]"));
    assert_eq!(broken.cause, "a title request took the slot");

    let mut tale = held();
    side(&mut tale, RequestKind::Subagent("x".into()));
    assert!(next(&mut tale, grown(), 10).last_break.unwrap().cause.contains("subagent"));

    let mut tale = held();
    tale.tell(Event::Server { facts: None });
    tale.tell(Event::Server { facts: Some(facts()) });
    assert!(next(&mut tale, grown(), 0).last_break.unwrap().cause.contains("started anew"));

    // The cache kept all it could; what changed is the text.
    let mut tale = held();
    let mut changed = grown();
    changed[0] = section(Part::System(0), 1_000, 99);
    let cache = next(&mut tale, changed, 0);
    let broken = cache.last_break.unwrap();
    assert_eq!((broken.section.as_str(), cache.reread_tokens), ("system[0]", 0));
    assert_eq!(broken.cause, "the text changed in system[0]");
}

#[test]
fn a_side_request_beside_the_main_one_is_blamed_too() {
    let mut tale = Tale::new();
    tale.main(prompt(&[10, 11]), Tail::Prompt, (6_000, 0, 10), "end_turn");
    let main = tale.start(RequestKind::Main, prompt(&[10, 11, 12]), Tail::Prompt);
    let side = tale.start(SIDE, prompt(&[]), Tail::Prompt);
    tale.first(side, 100, 0).done(side, 5, "end_turn");
    tale.first(main, 7_000, 0).done(main, 5, "end_turn");
    assert!(tale.see().cache.last_break.unwrap().cause.contains("title request"));
}

#[test]
fn what_is_told_late_explains_the_break_before_and_no_other() {
    let broken = |late: &[Event]| {
        let mut tale = Tale::new();
        tale.tell(load(1_000));
        tale.main(prompt(&[10, 11]), Tail::Prompt, (6_000, 0, 10), "end_turn");
        tale.main(prompt(&[10, 11, 12]), Tail::Prompt, (4_000, 3_000, 10), "end_turn");
        let first = tale.see().cache.last_break.unwrap();
        assert_eq!(first.kind, BreakKind::Unknown, "{first:?}");
        for event in late {
            tale.tell(event.clone());
        }
        let explained = tale.see().cache.last_break.unwrap();
        // The next break has nothing to do with it.
        tale.main(prompt(&[10, 11, 12, 13]), Tail::Prompt, (5_000, 3_000, 10), "end_turn");
        let next = tale.see().cache;
        assert_eq!((next.breaks, next.last_break.unwrap().kind), (2, BreakKind::Unknown));
        explained.kind
    };
    let line = |line| Event::ServerLine { line };
    assert_eq!(broken(&[]), BreakKind::Unknown);
    assert_eq!(broken(&[line(ServerLine::Evicted { tokens: Some(9) })]), BreakKind::SlotEvicted);
    assert_eq!(broken(&[line(ServerLine::Reread)]), BreakKind::SlidingWindow);
    // All that the server counts is ours; then it counts more.
    assert_eq!(broken(&[load(11_000)]), BreakKind::Unknown);
    assert_eq!(broken(&[load(11_000), load(12_000)]), BreakKind::OtherClient);
}

fn load(prompt_read: u64) -> Event {
    let prompt_read = Some(prompt_read);
    Event::ServerLoad { load: ServerLoad { prompt_read, ..ServerLoad::default() } }
}

#[test]
fn what_lcc_reads_ahead_is_nobody_elses() {
    let what = Kept::Fixed;
    let reading = Event::Warm(Warm::Reading { what, done: 0, cached: None, total: Some(4_000) });
    let ends = [
        Warm::Read { what, total: 4_000, cached: 0, seconds: 2.0 },
        Warm::Stopped { what, done: 2_048, total: Some(4_000) },
        Warm::Failed { what, why: "500".to_owned() },
    ];
    for end in ends {
        let mut tale = Tale::new();
        tale.tell(load(50_000)).tell(reading.clone()).tell(load(52_048));
        tale.tell(Event::Warm(end)).tell(load(54_000));
        tale.main(prompt(&[10, 11]), Tail::Prompt, (6_000, 0, 10), "end_turn");
        tale.tell(load(60_000));
        tale.main(prompt(&[10, 11, 12]), Tail::Prompt, (3_500, 3_500, 10), "end_turn");
        tale.tell(load(63_500));
        let found = tale.see().cache.last_break.unwrap();
        assert_eq!(found.kind, BreakKind::Unknown, "{}", found.cause);
    }
}

#[test]
fn a_count_that_falls_is_another_process() {
    let mut tale = Tale::new();
    tale.tell(load(50_000));
    tale.main(prompt(&[10, 11]), Tail::Prompt, (6_000, 0, 10), "end_turn");
    tale.tell(load(56_000)).tell(load(70));
    tale.main(prompt(&[10, 11, 12]), Tail::Prompt, (7_000, 0, 10), "end_turn");
    assert_eq!(tale.see().cache.last_break.unwrap().kind, BreakKind::ServerRestarted);
}

#[test]
fn a_model_that_was_unloaded_and_one_that_was_swapped() {
    let ollama = |window, model: &str| {
        let facts = lcc::domain::ServerFacts {
            kind: lcc::domain::ServerKind::Ollama,
            window,
            model: Some(model.to_owned()),
            ..facts()
        };
        Event::Server { facts: Some(facts) }
    };
    let table = [
        (vec![ollama(None, "a"), ollama(Some(32_768), "a")], BreakKind::KeepAliveExpired),
        // Unloaded, it names the newest model it has.
        (vec![ollama(None, "z"), ollama(Some(32_768), "a")], BreakKind::KeepAliveExpired),
        (vec![ollama(Some(32_768), "b"), ollama(Some(32_768), "a")], BreakKind::ModelChanged),
        (vec![ollama(Some(4_096), "a")], BreakKind::ServerRestarted),
        (
            vec![Event::Server { facts: None }, ollama(Some(32_768), "a")],
            BreakKind::ServerRestarted,
        ),
    ];
    for (events, kind) in table {
        let mut tale = Tale::new();
        // The server's kind shows itself anew: nothing is held yet that could be lost.
        tale.tell(ollama(Some(32_768), "a"));
        tale.main(prompt(&[10, 11]), Tail::Prompt, (6_000, 0, 10), "end_turn");
        for event in events {
            tale.tell(event);
        }
        tale.main(prompt(&[10, 11, 12]), Tail::Prompt, (7_000, 0, 10), "end_turn");
        assert_eq!(tale.see().cache.last_break.unwrap().kind, kind);
    }
}
