//! What the meter says of the prefix cache and of its breaks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod metrics_support;

use lcc::domain::{Event, Part, RequestKind, Tail};
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
    assert_eq!(broken.cause, "unknown");
    assert_eq!((cache.breaks, cache.reread_tokens), (1, 6_000));
    close(cache.last_ratio.unwrap(), 0.0);
    close(cache.session_ratio.unwrap(), 0.0);

    let mut tale = held();
    side(&mut tale, SIDE);
    let broken = next(&mut tale, grown(), 4_500).last_break.unwrap();
    assert_eq!((broken.at_token, broken.section.as_str()), (4_500, "messages[0]"));
    assert!(broken.cause.contains("side request"), "{}", broken.cause);

    let mut tale = held();
    side(&mut tale, RequestKind::Subagent("x".into()));
    assert!(next(&mut tale, grown(), 10).last_break.unwrap().cause.contains("subagent"));

    let mut tale = held();
    tale.tell(Event::Server { facts: None });
    tale.tell(Event::Server { facts: Some(facts()) });
    assert!(next(&mut tale, grown(), 0).last_break.unwrap().cause.contains("restarted"));

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
    assert!(tale.see().cache.last_break.unwrap().cause.contains("side request"));
}
