//! The forecast, the ways out and what compactions did, by sessions told to the meter.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod metrics_support;

use lcc::{
    domain::{Culprit, Event, Outcome, Part, Phase, RequestKind, Risk, Section, Source, Tail},
    engine::metrics::Budget,
};
use metrics_support::{Tale, facts, section};

/// A fixed part of 4,000 tokens at four bytes a token, and a conversation of so many tokens.
fn talk(tokens: u64, digest: u64) -> Vec<Section> {
    vec![section(Part::System(0), 16_000, 1), section(Part::Message(0), tokens * 4, digest)]
}

/// One turn that leaves `used` tokens in the window, all of it but `new` from the cache.
fn turn(tale: &mut Tale, used: u64, new: u64) {
    let id = tale.start(RequestKind::Main, talk(used - 4_020, used), Tail::Prompt);
    tale.counted(id, used - 20, 4_000).wait(2.0).first(id, new, used - 20 - new);
    tale.wait(1.0).done(id, 20, "end_turn");
}

#[test]
fn growing_turns_are_warned_of_two_turns_before_it_is_too_late() {
    let mut tale = Tale::new();
    let (mut used, mut rise) = (6_000, 800);
    let mut risks = Vec::new();
    let limit = loop {
        turn(&mut tale, used, rise);
        let see = tale.see().forecast;
        let limit = see.limit.unwrap();
        risks.push((see.risk, see.due, see.turns_left));
        if used > see.compaction_limit.unwrap() {
            break limit;
        }
        rise += 300;
        used += rise;
    };
    // 32,768 − 4,096 − 6,900 bytes of instruction.
    assert_eq!(limit, 32_768 - 4_096 - 1_725);
    let late = risks.len() - 1;
    let first = |what: Risk| risks.iter().position(|(risk, ..)| *risk == what).unwrap();
    assert_eq!(first(Risk::Now), late, "{risks:?}");
    assert!(late - first(Risk::Near) >= 2, "{risks:?}");
    let due = risks.iter().position(|(_, due, _)| *due).unwrap();
    assert!(due < late && due >= first(Risk::Near), "{risks:?}");
    assert_eq!(risks[late].2, Some(0));
}

#[test]
fn every_way_out_tells_what_it_costs_and_frees() {
    let mut tale = Tale::new();
    assert_eq!(tale.see().forecast.compact, None);
    turn(&mut tale, 10_000, 9_980);
    turn(&mut tale, 20_000, 10_000);
    let see = tale.see().forecast;
    let (compact, fresh, note) = (see.compact.unwrap(), see.fresh.unwrap(), see.handover.unwrap());
    // The instruction and a summary of 1,000 tokens.
    assert_eq!((compact.reads_tokens, compact.frees, compact.fits), (2_725, 15_000, true));
    assert_eq!((fresh.reads_tokens, fresh.frees), (0, 16_000));
    assert_eq!((note.reads_tokens, note.frees), (1_200, 14_800));
    assert!(compact.seconds.unwrap() > note.seconds.unwrap());
    // A server that was started anew has to read all of it.
    tale.tell(Event::ServerRestarted { sign: "another process".into() });
    let see = tale.see().forecast;
    assert_eq!(see.compact.unwrap().reads_tokens, 22_725);
    assert_eq!(see.fresh.unwrap().reads_tokens, 4_000);
    assert!(see.next_prefill_s.unwrap() > 3.0);
}

#[test]
fn tool_results_in_flight_are_seen_before_anybody_has_counted_them() {
    let mut tale = Tale::new();
    turn(&mut tale, 10_000, 9_980);
    let tail = Tail::ToolResults { count: 1, bytes: 80_000 };
    tale.start(RequestKind::Main, talk(26_000, 9), tail);
    let see = tale.see().forecast;
    let in_flight = see.in_flight.unwrap();
    assert!((19_500..20_500).contains(&in_flight), "{in_flight}");
    assert_eq!((see.risk, see.due), (Risk::Now, false));
    assert!(see.reason.unwrap().starts_with("the next request needs 30,0"));
}

#[test]
fn what_was_turned_back_is_a_risk_until_it_is_mended() {
    let back = |request| Event::TooLong {
        request,
        tokens: 40_000,
        maximum: 32_512,
        source: Source::Server,
        early: false,
        culprit: Some(Culprit {
            tool: Some("Bash".into()),
            asked: Some("seq 1 9".into()),
            tokens: 21_000,
        }),
    };
    let failed = || Outcome::Failed { status: 400, kind: None, message: "too long".into() };
    let start = |tale: &mut Tale| {
        turn(tale, 10_000, 9_980);
        let id = tale.start(RequestKind::Main, talk(36_000, 7), Tail::Prompt);
        tale.tell(back(id)).end(id, failed());
        let see = tale.see();
        assert_eq!((see.forecast.risk, see.forecast.turns_left), (Risk::Now, Some(0)));
        assert!(see.forecast.due && see.window.turned_back && see.phase == Phase::Idle);
        assert_eq!(
            see.forecast.reason.unwrap(),
            "the last request had 40,000 tok, 32,512 fit the window with the shortest answer: the \
             result of Bash (seq 1 9) is ~21,000 tok; it was not sent"
        );
        assert!(!see.forecast.compact.unwrap().fits);
    };
    let well = |tale: &Tale| {
        let see = tale.see();
        assert!(!see.window.turned_back && see.forecast.risk != Risk::Now, "{:?}", see.forecast);
    };
    let mut tale = Tale::new();
    start(&mut tale);
    turn(&mut tale, 11_000, 1_000);
    well(&tale);
    let mut tale = Tale::new();
    start(&mut tale);
    let id = tale.start(RequestKind::Compaction, talk(20_000, 8), Tail::Prompt);
    tale.first(id, 100, 24_000).done(id, 400, "end_turn");
    well(&tale);
    let mut tale = Tale::new();
    start(&mut tale);
    tale.tell(Event::ChildEnded { code: None });
    tale.tell(Event::ChildStarted { session: "b".into() });
    well(&tale);
    // A side request that does not fit is nobody's risk.
    let mut tale = Tale::new();
    turn(&mut tale, 10_000, 9_980);
    let id = tale.start(metrics_support::SIDE, talk(36_000, 7), Tail::Prompt);
    tale.tell(back(id)).end(id, failed());
    well(&tale);
}

#[test]
fn compactions_are_measured() {
    let mut tale = Tale::new();
    turn(&mut tale, 20_000, 19_980);
    assert_eq!(tale.see().compactions.last, None);
    let mut sections = talk(16_000, 3);
    sections.push(section(Part::Message(1), 6_400, 4));
    let id = tale.start(RequestKind::Compaction, sections, Tail::Prompt);
    // 20,000 tokens, a pending result of 2,000 and the instruction of 1,600.
    tale.wait(4.0).first(id, 3_600, 20_000);
    tale.wait(6.0).done(id, 600, "end_turn");
    let see = tale.see();
    let last = see.compactions.last.unwrap();
    assert_eq!((see.compactions.count, last.seconds), (1, 10.0));
    assert_eq!((last.after, last.after_estimated), (Some(4_600), true));
    assert!((21_900..22_100).contains(&last.before.unwrap()), "{last:?}");
    // The next compaction is foreseen with a summary like this one.
    assert_eq!(see.forecast.compaction_limit, Some(32_768 - 900 - room(&tale)));
    turn(&mut tale, 4_750, 700);
    let last = tale.see().compactions.last.unwrap();
    assert_eq!((last.after, last.after_estimated), (Some(4_730), false));
    // One that fails is counted apart.
    let id = tale.start(RequestKind::Compaction, talk(16_000, 3), Tail::Prompt);
    tale.end(id, Outcome::ClientGone);
    let all = tale.see().compactions;
    assert_eq!((all.count, all.failed, all.last.unwrap().after), (1, 1, Some(4_730)));
}

fn room(tale: &Tale) -> u64 {
    let see = tale.see().forecast;
    32_768 - 4_096 - see.limit.unwrap()
}

#[test]
fn a_window_that_was_asked_for_is_the_smaller_of_two() {
    for (asked, told, size) in [
        (Some(16_384), Some(32_768), Some(16_384)),
        (Some(65_536), Some(32_768), Some(32_768)),
        (Some(16_384), None, Some(16_384)),
        (None, None, None),
    ] {
        let mut tale = Tale::new();
        tale.meter.set_budget(Budget { window: asked, ..Budget::default() });
        let facts = lcc::domain::ServerFacts { window: told, ..facts() };
        tale.tell(Event::Server { facts: Some(facts) });
        assert_eq!(tale.see().window.size, size, "{asked:?} {told:?}");
    }
}
