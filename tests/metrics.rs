//! Sessions told to the meter, and what it must say of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod metrics_support;

use lcc::domain::{
    Dialect, Egress, EgressWay, Event, Outcome, Part, Phase, RequestKind, Risk, ServerFacts,
    Source, Tail, observation::DeltaKind,
};
use metrics_support::{SIDE, TOOLS, Tale, facts, prompt, section};

#[track_caller]
fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-6, "{a} is not {b}");
}

fn failed() -> Outcome {
    Outcome::Failed { status: 500, kind: None, message: "no".into() }
}

#[test]
fn a_turn_with_a_tool_goes_through_its_phases_and_its_time_is_split() {
    let mut tale = Tale::new();
    assert_eq!(tale.see().phase, Phase::Idle);
    tale.wait(5.0);
    let id = tale.start(RequestKind::Main, prompt(&[10]), Tail::Prompt);
    assert_eq!(tale.see().phase, Phase::Prefill);
    tale.counted(id, 1_250, 1_000).wait(3.0).first(id, 1_250, 0);
    assert_eq!(tale.see().phase, Phase::Generate);
    tale.wait(2.0).text(id, DeltaKind::ToolInput, 200).done(id, 50, "tool_use");
    let see = tale.wait(4.0).see();
    assert_eq!((see.phase, see.turns), (Phase::Tools, 0));
    close(see.phase_s, 4.0);
    assert_eq!((see.window.used, see.window.fixed), (Some(1_300), Some(1_000)));
    assert_eq!((see.window.source, see.window.size), (Some(Source::Server), Some(32_768)));
    tale.main(prompt(&[10, 11, 12]), TOOLS, (300, 1_290, 40), "end_turn");
    let see = tale.wait(7.0).see();
    assert_eq!((see.phase, see.turns, see.window.used), (Phase::Idle, 1, Some(1_630)));
    close(see.time.prefill_s, 5.0);
    close(see.time.generate_s, 3.0);
    close(see.time.tools_s, 4.0);
    close(see.time.idle_s, 7.0);
    close(see.time.compaction_s, 0.0);
    close(see.time.turn_s.unwrap(), 12.0);
    close(see.time.session_s, 24.0);
    let last = see.prefill.last.unwrap();
    assert_eq!((last.total, last.cached), (Some(1_590), Some(1_290)));
    close(last.seconds, 2.0);
    close(last.rate.unwrap(), 150.0);
    assert_eq!(see.prefill.done, None);
}

#[test]
fn an_answer_that_is_cut_off_and_resumed_is_one_turn() {
    let mut tale = Tale::new();
    tale.main(prompt(&[10]), Tail::Prompt, (4_100, 0, 100), "end_turn");
    tale.main(prompt(&[10, 11]), Tail::Prompt, (1_400, 4_200, 256), "max_tokens");
    let cut = tale.see();
    tale.main(prompt(&[10, 11, 12]), Tail::Other, (40, 5_856, 100), "end_turn");
    let whole = tale.see();
    assert_eq!((cut.turns, whole.turns), (2, 2));
    assert!(whole.time.turn_s > cut.time.turn_s, "{:?} {:?}", whole.time, cut.time);
    // One turn that brought 1,656 and 140 tokens, not two.
    assert_eq!(whole.forecast.largest, Some(1_796));
    tale.main(prompt(&[10, 11, 12, 13]), Tail::Prompt, (40, 5_996, 10), "end_turn");
    assert_eq!(tale.see().turns, 3);
}

#[test]
fn a_prompt_is_the_last_one_read_while_it_is_still_answered() {
    let mut tale = Tale::new();
    let id = tale.start(RequestKind::Main, prompt(&[10]), Tail::Prompt);
    assert_eq!(tale.see().prefill.last, None);
    tale.counted(id, 1_250, 1_000).wait(3.0).first(id, 1_000, 250);
    let last = tale.wait(20.0).see().prefill.last.unwrap();
    assert_eq!((last.total, last.cached), (Some(1_250), Some(250)));
    close(last.seconds, 3.0);
}

#[test]
fn the_estimator_tells_how_far_it_was_off() {
    let mut tale = Tale::new();
    let mut messages = vec![10];
    for turn in 0..6_u64 {
        let told = 1_000 * (turn + 1);
        // Every prompt adds a thousand tokens that take ten seconds, the last one twenty.
        let seconds = if turn == 5 { 20.0 } else { 10.0 };
        let id = tale.start(RequestKind::Main, prompt(&messages), Tail::Prompt);
        tale.counted(id, told, 500).wait(seconds);
        tale.first(id, 1_000, told - 1_000);
        tale.wait(1.0).done(id, 1, "end_turn");
        messages.extend([100 + turn * 2, 101 + turn * 2]);
    }
    let off = tale.see().prefill.error_percent.unwrap();
    assert!(off < 60.0, "{off}");
    let json = serde_json::to_value(tale.see()).unwrap();
    assert!(json.pointer("/prefill/error_percent").unwrap().is_number());
    assert!(Tale::new().see().prefill.error_percent.is_none());
}

#[test]
fn a_child_without_a_server_is_starting() {
    let mut tale = Tale::new();
    tale.tell(Event::Server { facts: None });
    tale.tell(Event::ChildEnded { code: Some(0) });
    assert_eq!(tale.see().phase, Phase::Stopped);
    tale.tell(Event::ChildStarted { session: "b".into() });
    assert_eq!((tale.see().phase, tale.see().server.healthy), (Phase::Starting, Some(false)));
    tale.tell(Event::Server { facts: Some(facts()) });
    assert_eq!(tale.see().phase, Phase::Idle);
}

#[test]
fn side_requests_change_no_phase_and_take_no_time() {
    let mut tale = Tale::new();
    let side = tale.start(SIDE, prompt(&[]), Tail::Prompt);
    assert_eq!(tale.see().phase, Phase::Idle);
    tale.wait(3.0).first(side, 100, 0);
    tale.wait(1.0).done(side, 5, "end_turn");
    let see = tale.see();
    assert_eq!((see.phase, see.turns, see.window.used), (Phase::Idle, 0, None));
    close(see.time.prefill_s + see.time.generate_s, 0.0);
}

#[test]
fn subagents_count_once_and_leave_the_phase_alone() {
    let mut tale = Tale::new();
    tale.main(prompt(&[10]), Tail::Prompt, (1_250, 0, 10), "tool_use");
    let one = tale.start(RequestKind::Subagent("x".into()), prompt(&[90]), Tail::Prompt);
    let two = tale.start(RequestKind::Subagent("y".into()), prompt(&[91]), Tail::Prompt);
    tale.wait(4.0).first(one, 10, 0);
    tale.wait(1.0).done(one, 1, "end_turn");
    tale.wait(2.0).first(two, 10, 0).done(two, 1, "end_turn");
    let see = tale.wait(3.0).see();
    assert_eq!((see.phase, see.window.used), (Phase::Tools, Some(1_260)));
    close(see.time.prefill_s, 2.0 + 4.0 + 2.0);
    close(see.time.generate_s, 1.0 + 1.0);
    close(see.time.tools_s, 3.0);
}

#[test]
fn a_compaction_shows_that_the_window_fell_and_the_next_request_tells_how_far() {
    let mut tale = Tale::new();
    let id = tale.start(RequestKind::Main, prompt(&[10, 11]), Tail::Prompt);
    tale.counted(id, 20_000, 3_500).wait(1.0).first(id, 20_000, 0).done(id, 100, "end_turn");
    assert_eq!(tale.see().window.used, Some(20_100));
    let sum = tale.start(RequestKind::Compaction, prompt(&[10, 11, 12]), Tail::Prompt);
    assert_eq!(tale.see().phase, Phase::Compacting);
    tale.wait(5.0).first(sum, 1_700, 20_000);
    assert_eq!(tale.see().phase, Phase::Compacting);
    tale.wait(2.0).text(sum, DeltaKind::Text, 1_600).done(sum, 400, "end_turn");
    let see = tale.see();
    assert_eq!((see.phase, see.turns), (Phase::Idle, 1));
    assert_eq!((see.window.used, see.window.source), (Some(3_900), Some(Source::Estimate)));
    close(see.time.compaction_s, 7.0);
    close(see.time.prefill_s, 1.0);
    tale.main(prompt(&[20]), Tail::Prompt, (600, 3_500, 10), "end_turn");
    let see = tale.see();
    assert_eq!((see.window.used, see.window.source), (Some(4_110), Some(Source::Server)));
    assert_eq!(see.cache.breaks, 0, "{:?}", see.cache.last_break);
    // One that fails leaves the window as it was.
    let sum = tale.start(RequestKind::Compaction, prompt(&[20, 21]), Tail::Prompt);
    tale.end(sum, failed());
    assert_eq!((tale.see().window.used, tale.see().phase), (Some(4_110), Phase::Idle));
}

#[test]
fn a_new_session_empties_the_conversation_and_keeps_the_sums() {
    let mut tale = Tale::new();
    tale.tell(Event::Answered {
        method: "HEAD".into(),
        path: "/".into(),
        status: 200,
        local: true,
    });
    let id = tale.start(RequestKind::Main, prompt(&[10]), Tail::Prompt);
    tale.counted(id, 1_250, 1_000).wait(2.0).first(id, 1_250, 0).done(id, 10, "tool_use");
    let mut old = tale.start(RequestKind::Main, prompt(&[10, 11]), TOOLS);
    tale.tell(Event::ChildEnded { code: None });
    tale.tell(Event::ChildStarted { session: "b".into() });
    tale.end(old, Outcome::ClientGone);
    let see = tale.see();
    assert_eq!((see.phase, see.window.used), (Phase::Idle, Some(1_000)));
    assert_eq!((see.noise.total, see.window.source), (1, Some(Source::Estimate)));
    close(see.time.prefill_s, 2.0);
    // The server still knows system and tools: a full hit on them is no break.
    old = tale.start_in("b", RequestKind::Main, prompt(&[50]), Tail::Prompt);
    tale.counted(old, 1_250, 1_000).first(old, 250, 1_000).done(old, 10, "end_turn");
    let see = tale.see();
    assert_eq!((see.window.used, see.cache.breaks), (Some(1_260), 0));
    close(see.cache.session_ratio.unwrap(), 1.0);
    // The same session again, resumed: nothing is emptied.
    tale.tell(Event::ChildStarted { session: "b".into() });
    assert_eq!(tale.see().window.used, Some(1_260));
}

#[test]
fn a_request_that_fails_ends_its_phase_and_its_retry_goes_on_with_the_turn() {
    for outcome in [failed(), Outcome::ClientGone, Outcome::ServerLost { message: "reset".into() }]
    {
        let mut tale = Tale::new();
        tale.main(prompt(&[10]), Tail::Prompt, (1_250, 0, 10), "end_turn");
        let id = tale.start(RequestKind::Main, prompt(&[10, 11, 12]), Tail::Prompt);
        tale.wait(3.0).end(id, outcome);
        let see = tale.see();
        assert_eq!((see.phase, see.turns, see.window.used), (Phase::Idle, 1, Some(1_260)));
        assert_eq!((see.prefill.done, see.prefill.total), (None, None));
        tale.wait(2.0);
        tale.main(prompt(&[10, 11, 12]), Tail::Prompt, (300, 1_250, 10), "end_turn");
        let see = tale.see();
        assert_eq!(see.turns, 2);
        close(see.time.turn_s.unwrap(), 3.0 + 2.0 + 3.0);
    }
}

#[test]
fn progress_that_contradicts_itself_is_ignored() {
    let mut tale = Tale::new();
    let id = tale.start(RequestKind::Main, prompt(&[10]), Tail::Prompt);
    tale.counted(id, 10_000, 1_000).wait(1.0).progress(None, 2_048, 0);
    let told = |done, cached, total, generated| Event::PrefillProgress {
        request: None,
        done,
        cached,
        total,
        generated,
        source: Source::Server,
    };
    tale.tell(told(9_000, Some(0), None, 5));
    tale.tell(told(3_000, Some(4_000), None, 0));
    tale.tell(told(3_000, Some(0), Some(2_000), 0));
    assert_eq!(tale.see().prefill.done, Some(2_048));
    tale.progress(None, 99_999, 0);
    let see = tale.see();
    assert_eq!((see.prefill.done, see.prefill.total), (Some(10_000), Some(10_000)));
}

#[test]
fn a_cached_start_does_not_count_as_speed() {
    let mut tale = Tale::new();
    let id = tale.start(RequestKind::Main, prompt(&[10]), Tail::Prompt);
    tale.counted(id, 12_000, 1_000).wait(0.1).progress(None, 0, 0);
    tale.wait(0.1).progress(None, 8_000, 8_000);
    assert_eq!((tale.see().prefill.rate, tale.see().prefill.eta_s), (None, None));
    tale.wait(5.0).progress(None, 9_000, 8_000);
    tale.wait(5.0).progress(None, 10_000, 8_000);
    let see = tale.see();
    close(see.prefill.rate.unwrap(), 200.0);
    assert_eq!((see.prefill.done, see.prefill.cached), (Some(10_000), Some(8_000)));
    assert_eq!((see.window.used, see.prefill.total_estimated), (Some(10_000), false));
    let eta = see.prefill.eta_s.unwrap();
    assert!((10.0..12.0).contains(&eta), "{eta}");
    tale.wait(1.0);
    assert!(tale.see().prefill.eta_s.unwrap() < eta);
}

/// A real cold prefill of 11,698 tokens, as it was recorded.
#[test]
fn a_recorded_prefill_is_foreseen_better_than_by_a_constant_rate() {
    let samples = include_str!("fixtures/backend/llama-slots-cold.jsonl");
    let usage: serde_json::Value =
        serde_json::from_str(include_str!("fixtures/backend/llama-usage.json")).unwrap();
    let (total, first) = (11_698, usage["cold"]["first_token_s"].as_f64().unwrap());
    let mut tale = Tale::new();
    let id = tale.start(RequestKind::Main, prompt(&[10]), Tail::Prompt);
    tale.counted(id, total, 1_000);
    let (mut ours, mut constant, mut looks) = (0.0, 0.0, 0);
    for line in samples.lines() {
        let sample: serde_json::Value = serde_json::from_str(line).unwrap();
        let Some(seen) = lcc::engine::backend::progress_of(&sample["slots"]) else { continue };
        tale.now = sample["t"].as_f64().unwrap();
        if seen.generated > 0 {
            break;
        }
        tale.progress(None, seen.done, seen.cached.unwrap());
        let see = tale.see();
        assert_eq!(see.prefill.done, Some(seen.done));
        if let Some(eta) = see.prefill.eta_s {
            let truth = first - tale.now;
            ours += (eta - truth).abs();
            constant += ((total - seen.done) as f64 * tale.now / seen.done as f64 - truth).abs();
            looks += 1;
        }
    }
    assert_eq!(looks, 5);
    assert!(ours < constant * 0.7, "{ours:.1} s off in all against {constant:.1}");
    // A second prompt on the same server: foreseen from its first look.
    tale.now = first;
    tale.first(id, total, 0).done(id, 24, "end_turn");
    let next = tale.start(RequestKind::Main, prompt(&[10, 11]), Tail::Prompt);
    tale.counted(next, total, 1_000).wait(0.2).progress(None, 0, 0);
    let eta = tale.see().prefill.eta_s.unwrap();
    assert!((eta - first).abs() / first < 0.15, "{eta} {first}");
}

#[test]
fn without_a_source_the_progress_is_estimated_from_what_was_learned() {
    let mut tale = Tale::new();
    let dialect = Dialect { start_usage_is_real: false, slots: false, ..Dialect::UNKNOWN };
    tale.tell(Event::Server { facts: Some(ServerFacts { dialect, ..facts() }) });
    let id = tale.start(RequestKind::Main, prompt(&[10]), Tail::Prompt);
    let see = tale.wait(1.0).see();
    // Nothing learned yet: a guess at the size, none at the place.
    assert_eq!((see.prefill.done, see.prefill.eta_s), (None, None));
    assert!(see.prefill.total_estimated && see.prefill.total.is_some());
    tale.wait(9.0).tell(Event::FirstToken { request: id });
    tale.tell(Event::Usage { request: id, input: Some(77), cached: None, output: Some(1) });
    assert_eq!(tale.see().window.source, Some(Source::Estimate));
    tale.text(id, DeltaKind::Text, 100);
    let usage = Event::Usage { request: id, input: Some(2_000), cached: None, output: Some(25) };
    tale.tell(usage).done(id, 25, "end_turn");
    let see = tale.see();
    assert_eq!((see.window.used, see.window.source), (Some(2_025), Some(Source::Server)));
    assert_eq!(see.cache.last_ratio, None);
    let last = tale.start(RequestKind::Main, prompt(&[10, 11]), Tail::Prompt);
    let see = tale.wait(1.0).see();
    assert_eq!(see.prefill.source, Some(Source::Estimate));
    // 5,000 bytes were 2,000 tokens, so 6,000 are 2,400; the first 2,000 are held.
    assert_eq!((see.prefill.total, see.prefill.cached), (Some(2_400), None));
    let (done, eta) = (see.prefill.done.unwrap(), see.prefill.eta_s.unwrap());
    assert!(done > 2_000 && done < 2_400, "{done}");
    let later = tale.wait(0.5).see();
    assert!(later.prefill.done.unwrap() > done && later.prefill.eta_s.unwrap() < eta);
    assert_eq!(tale.wait(900.0).see().prefill.done, Some(2_400));
    tale.end(last, Outcome::ClientGone);
}

#[test]
fn thinking_is_counted_by_its_share_and_a_leak_once_a_turn() {
    let mut tale = Tale::new();
    for turn in 1..=2 {
        let id = tale.start(RequestKind::Main, prompt(&[10]), Tail::Prompt);
        tale.first(id, 100, 0).text(id, DeltaKind::Thinking, 300);
        assert_eq!(tale.see().thinking.leaked_turns, turn);
        tale.text(id, DeltaKind::LeakedThinking, 100).text(id, DeltaKind::Text, 400);
        tale.done(id, 200, "tool_use");
        assert_eq!(tale.see().thinking.tokens, 100);
        tale.main(prompt(&[10, 11]), TOOLS, (10, 100, 10), "end_turn");
        let thinking = tale.see().thinking;
        assert_eq!((thinking.tokens, thinking.leaked_turns), (100, turn));
        assert!(thinking.estimated && thinking.off);
    }
    tale.main(prompt(&[10, 11]), Tail::Prompt, (10, 100, 10), "end_turn");
    let thinking = tale.see().thinking;
    assert_eq!((thinking.tokens, thinking.leaked_turns, thinking.estimated), (0, 2, false));
}

#[test]
fn noise_is_what_lcc_answered_or_nobody_found() {
    let mut tale = Tale::new();
    for (path, status, local) in [
        ("/api/hello", 200, true),
        ("/x", 404, false),
        ("/api/hello", 200, true),
        ("/y", 200, false),
    ] {
        tale.tell(Event::Answered { method: "GET".into(), path: path.into(), status, local });
    }
    tale.tell(Event::Refused {
        method: "CONNECT".into(),
        target: "example.org:443".into(),
        reason: "foreign host".into(),
    });
    tale.tell(Event::Egress(Egress::new(None, "example.org:443", EgressWay::Tunnel)));
    let see = tale.see();
    assert_eq!(
        (see.noise.total, see.noise.by_path["/api/hello"], see.noise.by_path["/x"]),
        (3, 2, 1)
    );
    assert_eq!((see.sandbox.egress_blocked, see.sandbox.refused_calls), (1, 1));
    assert_eq!(see.sandbox.tier, None);
}

#[test]
fn the_forecast_sees_the_end_coming() {
    let mut tale = Tale::new();
    let mut messages = vec![10];
    let mut total = 10_000;
    for turn in 0..3 {
        tale.main(prompt(&messages), Tail::Prompt, (total, 0, 10), "end_turn");
        messages.push(20 + turn);
        total += 4_000;
    }
    // 18,010 used; the limit is 32,768 − 4,096 − room to compact of 6,900 bytes.
    let see = tale.see();
    assert_eq!((see.forecast.turns_left, see.forecast.risk), (Some(0), Risk::Now));
    // This prompt has 2.6 tokens a byte, which no real one has; the room follows it.
    assert!(see.forecast.reason.unwrap().contains("a compaction"));

    let mut tale = Tale::new();
    let big =
        |n: u64| vec![section(Part::System(0), 40_000, 1), section(Part::Message(0), 4_000 * n, n)];
    for n in 1..=3 {
        tale.main(big(n), Tail::Prompt, (10_000 + 1_000 * n, 0, 10), "end_turn");
    }
    let see = tale.see();
    assert_eq!((see.forecast.turns_left, see.forecast.risk), (Some(13), Risk::None));
    assert!(see.forecast.next_prefill_s.is_some());
    tale.main(big(14), Tail::Prompt, (24_000, 0, 10), "end_turn");
    let see = tale.see();
    assert_eq!(see.forecast.risk, Risk::Near, "{:?}", see.forecast);
    let id = tale.start(RequestKind::Main, big(18), TOOLS);
    tale.counted(id, 28_000, 10_000);
    assert_eq!(tale.see().forecast.risk, Risk::Now);
}

#[test]
fn a_source_that_dries_up_gives_way_to_the_estimate() {
    let mut tale = Tale::new();
    let request = tale.start(RequestKind::Main, prompt(&[1]), Tail::Prompt);
    tale.counted(request, 20_000, 1_000);
    for step in 0..5_u64 {
        tale.progress(Some(request), step * 2_000, 0).wait(2.0);
    }
    let told = tale.see().prefill;
    assert_eq!((told.done, told.source), (Some(8_000), Some(Source::Server)));
    // A slow batch is no silence.
    tale.wait(3.0);
    assert_eq!(tale.see().prefill.source, Some(Source::Server));
    tale.wait(8.0);
    let guessed = tale.see().prefill;
    assert_eq!(guessed.source, Some(Source::Estimate));
    assert!(guessed.done.is_some_and(|d| d > 12_000 && d <= 20_000), "{guessed:?}");
    // It speaks again.
    tale.progress(Some(request), 18_000, 0);
    let told = tale.see().prefill;
    assert_eq!((told.done, told.source), (Some(18_000), Some(Source::Server)));
}

#[test]
fn a_share_becomes_tokens_of_the_prompt() {
    let mut tale = Tale::new();
    let request = tale.start(RequestKind::Main, prompt(&[1]), Tail::Prompt);
    tale.counted(request, 10_000, 1_000);
    for (share, done) in [(0.25, 2_500), (0.504, 5_040), (7.0, 10_000)] {
        tale.tell(Event::PrefillShare { request: Some(request), share, source: Source::Log });
        let told = tale.see().prefill;
        assert_eq!((told.done, told.source), (Some(done), Some(Source::Log)));
    }
}
