//! What holds for any session, in any order.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod metrics_support;

use lcc::{
    domain::{
        Event, Moment, Observation, Outcome, RequestId, RequestKind, Source, Tail,
        observation::DeltaKind,
    },
    engine::metrics::{Budget, Meter},
    protocol::Snapshot,
};
use metrics_support::{SIDE, facts, prompt};
use proptest::prelude::*;

fn amount() -> impl Strategy<Value = u64> {
    prop_oneof![0..40_000_u64, Just(0), Just(u64::MAX), any::<u64>()]
}

fn id() -> impl Strategy<Value = RequestId> {
    (1..6_u64).prop_map(RequestId)
}

fn source() -> impl Strategy<Value = Source> {
    prop_oneof![Just(Source::Server), Just(Source::Log), Just(Source::Estimate)]
}

fn kind() -> impl Strategy<Value = RequestKind> {
    prop_oneof![
        3 => Just(RequestKind::Main),
        1 => Just(SIDE),
        1 => Just(RequestKind::Subagent("x".into())),
        1 => Just(RequestKind::Compaction),
    ]
}

fn tail() -> impl Strategy<Value = Tail> {
    prop_oneof![
        Just(Tail::Prompt),
        Just(Tail::Other),
        amount().prop_map(|bytes| Tail::ToolResults { count: 1, bytes }),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        4 => proptest::option::of("end_turn|tool_use|max_tokens")
            .prop_map(|stop_reason| Outcome::Done { stop_reason }),
        1 => Just(Outcome::ClientGone),
        1 => Just(Outcome::ServerLost { message: String::new() }),
        1 => Just(Outcome::Failed { status: 400, kind: None, message: String::new() }),
    ]
}

fn what() -> impl Strategy<Value = DeltaKind> {
    prop_oneof![
        Just(DeltaKind::Text),
        Just(DeltaKind::Thinking),
        Just(DeltaKind::LeakedThinking),
        Just(DeltaKind::ToolInput),
    ]
}

fn of_requests() -> impl Strategy<Value = Event> {
    let sections = (proptest::collection::vec(0..4_u64, 0..4), proptest::option::of(amount()))
        .prop_map(|(messages, bytes)| {
            let mut sections = prompt(&messages);
            if let (Some(bytes), Some(last)) = (bytes, sections.last_mut()) {
                last.bytes = bytes;
            }
            sections
        });
    let opt = || proptest::option::of(amount());
    prop_oneof![
        4 => (id(), kind(), sections, tail(), any::<bool>(), proptest::option::of("a|b")).prop_map(
            |(request, kind, sections, tail, thinking_allowed, session)| Event::RequestStarted {
                request, kind, model: None, body_bytes: 0, sections, tail, max_tokens: None,
                thinking_allowed, session,
            }
        ),
        1 => (id(), opt(), opt(), source()).prop_map(|(request, total, fixed, source)| {
            Event::PromptCounted { request, total, fixed, source }
        }),
        4 => (proptest::option::of(id()), amount(), opt(), opt(), 0..2_u64, source()).prop_map(
            |(request, done, cached, total, generated, source)| Event::PrefillProgress {
                request, done, cached, total, generated, source,
            }
        ),
        2 => id().prop_map(|request| Event::FirstToken { request }),
        2 => (id(), opt(), opt(), opt()).prop_map(|(request, input, cached, output)| {
            Event::Usage { request, input, cached, output }
        }),
        2 => (id(), what(), amount())
            .prop_map(|(request, what, bytes)| Event::Delta { request, what, bytes }),
        1 => id().prop_map(|request| Event::ToolCalled { request, name: "Bash".into() }),
        3 => (id(), outcome())
            .prop_map(|(request, outcome)| Event::RequestEnded { request, outcome }),
        1 => "a|b|c".prop_map(|session| Event::ChildStarted { session }),
        1 => Just(Event::ChildEnded { code: None }),
        1 => proptest::option::of(amount()).prop_map(|window| Event::Server {
            facts: window.map(|w| lcc::domain::ServerFacts { window: Some(w), ..facts() }),
        }),
    ]
}

/// What concerns no request.
fn aside() -> impl Strategy<Value = Event> {
    prop_oneof![
        ("/a|/b", prop_oneof![Just(200_u16), Just(404)], any::<bool>()).prop_map(
            |(path, status, local)| Event::Answered { method: "GET".into(), path, status, local }
        ),
        Just(Event::Refused { method: "GET".into(), target: "x".into(), reason: "y".into() }),
    ]
}

fn session() -> impl Strategy<Value = Vec<(u64, Event)>> {
    proptest::collection::vec((0..5_000_000_u64, of_requests()), 0..80)
}

fn meter() -> Meter {
    let mut meter = Meter::new("s".into());
    meter.set_budget(Budget { output_reserve: 4_096, thinking_off: true, ..Budget::default() });
    meter
}

fn check(see: &Snapshot) {
    for ratio in [see.cache.last_ratio, see.cache.session_ratio].into_iter().flatten() {
        assert!((0.0..=1.0).contains(&ratio), "{ratio}");
    }
    let time = &see.time;
    let split = time.prefill_s + time.generate_s + time.tools_s + time.idle_s + time.compaction_s;
    assert!(split <= time.session_s * (1.0 + 1e-9) + 1e-6, "{split} of {}", time.session_s);
    assert!(time.turn_s.is_none_or(|s| s <= time.session_s), "{time:?}");
    let prefill = &see.prefill;
    if let (Some(done), Some(total)) = (prefill.done, prefill.total) {
        assert!(done <= total, "{done} of {total}");
    }
    if let (Some(cached), Some(done)) = (prefill.cached, prefill.done) {
        assert!(cached <= done, "{cached} of {done}");
    }
    for seconds in
        [prefill.eta_s, see.forecast.next_prefill_s, Some(see.phase_s), prefill.elapsed_s]
            .into_iter()
            .flatten()
    {
        assert!(seconds.is_finite() && seconds >= 0.0, "{seconds}");
    }
    assert!(prefill.rate.is_none_or(|r| r.is_finite() && r > 0.0));
    assert_eq!(prefill.done.is_some(), prefill.source.is_some());
    assert_eq!(see.window.used.is_some(), see.window.source.is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_order_of_anything_gives_sound_figures(story in session(), jumps in any::<bool>()) {
        let mut meter = meter();
        let mut now = 0;
        for (step, event) in story {
            now = if jumps { step } else { now + step };
            let at = Moment(now);
            meter.observe(&Observation { at, event });
            let see = meter.snapshot(at);
            check(&see);
            prop_assert_eq!(&see, &meter.snapshot(at));
            check(&meter.snapshot(Moment(now + 3_000_000)));
        }
    }

    #[test]
    fn what_is_unrelated_may_come_in_any_order(
        story in session(),
        asides in proptest::collection::vec((aside(), any::<prop::sample::Index>()), 0..20),
    ) {
        let mut now = 0;
        let main: Vec<Observation> = story
            .into_iter()
            .map(|(step, event)| {
                now += step;
                Observation { at: Moment(now), event }
            })
            .collect();
        let feed = |list: &[Observation]| {
            let mut meter = meter();
            list.iter().for_each(|o| meter.observe(o));
            meter.snapshot(Moment(now + 1))
        };
        let mut last = main.clone();
        last.extend(asides.iter().map(|(event, _)| {
            Observation { at: Moment(now), event: event.clone() }
        }));
        let mut mixed = main;
        for (event, place) in asides {
            let place = place.index(mixed.len() + 1);
            let at = place.checked_sub(1).map_or(Moment(0), |before| mixed[before].at);
            mixed.insert(place, Observation { at, event });
        }
        prop_assert_eq!(feed(&mixed), feed(&last));
    }
}
