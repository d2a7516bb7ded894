//! Who is called for what: tables, and properties of any course of a session.

use proptest::prelude::*;

use super::*;

const fn at(ms: u64) -> Moment {
    Moment::from_millis(ms)
}

fn away() -> Attention {
    let mut attention = Attention::new(Settings::default(), true);
    attention.focus(false);
    attention
}

fn seen(ms: u64, phase: Phase) -> Seen {
    Seen { now: at(ms), phase, risk: Risk::None, title_idle: false, ended: false }
}

/// Runs a course of (milliseconds, phase), and gives what was called for with its time.
fn course(attention: &mut Attention, steps: &[(u64, Phase)]) -> Vec<(u64, Want)> {
    let call = |(ms, phase): &(u64, Phase)| Some((*ms, attention.step(seen(*ms, *phase))?));
    steps.iter().filter_map(call).collect()
}

#[test]
fn a_long_turn_is_told_once_when_it_is_over_for_good() {
    use Phase::{Generate, Idle, Prefill, Tools};
    let steps = [
        (0, Idle),
        (1_000, Prefill),
        (15_000, Generate),
        // A gap between two requests of a turn.
        (21_000, Idle),
        (21_500, Prefill),
        (22_000, Tools),
        (40_000, Idle),
        (40_900, Idle),
        (41_000, Idle),
        (60_000, Idle),
    ];
    assert_eq!(course(&mut away(), &steps), [(41_000, Want::TurnEnded(39))]);
}

#[test]
fn a_short_turn_is_not_told_and_nought_tells_none() {
    use Phase::{Idle, Prefill};
    let steps = [(0, Prefill), (19_900, Idle), (21_000, Idle)];
    assert_eq!(course(&mut away(), &steps), []);
    let steps = [(0, Prefill), (20_000, Idle), (21_000, Idle)];
    assert_eq!(course(&mut away(), &steps), [(21_000, Want::TurnEnded(20))]);
    let mut never = Attention::new(Settings { after_s: 0, ..Settings::default() }, true);
    never.focus(false);
    assert_eq!(course(&mut never, &steps), []);
}

#[test]
fn who_looks_is_not_called_and_not_called_later() {
    use Phase::{Idle, Prefill};
    let steps = [(0, Prefill), (30_000, Idle), (31_000, Idle)];
    let mut attention = Attention::new(Settings::default(), true);
    assert_eq!(course(&mut attention, &steps), [], "silence means focus");
    attention.focus(false);
    assert_eq!(course(&mut attention, &[(32_000, Idle), (90_000, Idle)]), []);
}

#[test]
fn who_saw_the_end_and_then_looked_away_is_not_called() {
    use Phase::{Idle, Prefill};
    let mut attention = Attention::new(Settings::default(), true);
    assert_eq!(course(&mut attention, &[(0, Prefill), (30_000, Idle)]), []);
    attention.focus(false);
    assert_eq!(course(&mut attention, &[(30_500, Idle), (31_000, Idle), (40_000, Idle)]), []);
}

#[test]
fn where_focus_is_not_reported_typing_shows_presence() {
    let mut attention = Attention::new(Settings::default(), false);
    assert!(!attention.present(at(0)));
    attention.typed(at(1_000));
    assert!(attention.present(at(60_000)));
    assert!(!attention.present(at(61_000)));
    // Once it speaks it is believed.
    attention.focus(true);
    assert!(attention.present(at(500_000)));
}

#[test]
fn waiting_in_the_midst_of_a_turn_is_told_once_a_time() {
    let mut attention = away();
    let mut step = |ms, title_idle| attention.step(Seen { title_idle, ..seen(ms, Phase::Tools) });
    assert_eq!(step(0, false), None);
    assert_eq!(step(1_000, true), None);
    assert_eq!(step(2_000, false), None, "only a flicker");
    assert_eq!(step(3_000, true), None);
    assert_eq!(step(5_999, true), None);
    assert_eq!(step(6_000, true), Some(Want::Waits));
    assert_eq!(step(60_000, true), None);
    assert_eq!(step(61_000, false), None);
    assert_eq!(step(62_000, true), None);
    assert_eq!(step(65_000, true), Some(Want::Waits));
}

#[test]
fn a_full_window_is_told_until_it_is_over() {
    let mut attention = away();
    let mut step = |ms, risk| attention.step(Seen { risk, ..seen(ms, Phase::Idle) });
    assert_eq!(step(0, Risk::Near), None);
    assert_eq!(step(1, Risk::Now), Some(Want::WindowFull));
    assert_eq!(step(2, Risk::Now), None);
    assert_eq!(step(3, Risk::Near), None);
    assert_eq!(step(4, Risk::Now), None, "the same want");
    assert_eq!(step(5, Risk::None), None);
    assert_eq!(step(6, Risk::Now), Some(Want::WindowFull));
}

#[test]
fn the_end_of_the_child_is_told_once() {
    let mut attention = away();
    let mut step = |ms, ended| attention.step(Seen { ended, ..seen(ms, Phase::Stopped) });
    assert_eq!(step(0, false), None);
    assert_eq!(step(1, true), Some(Want::ChildEnded));
    assert_eq!(step(2, true), None);
    assert_eq!(step(3, false), None);
    assert_eq!(step(4, true), Some(Want::ChildEnded));
}

fn phases() -> impl Strategy<Value = Phase> {
    prop_oneof![
        Just(Phase::Starting),
        Just(Phase::Idle),
        Just(Phase::Prefill),
        Just(Phase::Generate),
        Just(Phase::Tools),
        Just(Phase::Compacting),
        Just(Phase::Stopped),
    ]
}

fn risks() -> impl Strategy<Value = Risk> {
    prop_oneof![Just(Risk::None), Just(Risk::Near), Just(Risk::Now)]
}

proptest! {
    #[test]
    fn nobody_who_looks_is_called(
        steps in prop::collection::vec(
            (0_u64..40_000, phases(), risks(), any::<bool>(), any::<bool>(), any::<bool>()),
            0..60,
        )
    ) {
        let mut attention = Attention::new(Settings::default(), true);
        let mut now = 0;
        for (gap, phase, risk, title_idle, ended, focus) in steps {
            now += gap;
            attention.focus(focus);
            let want = attention.step(Seen { now: at(now), phase, risk, title_idle, ended });
            prop_assert!(want.is_none() || !focus, "{:?}", want);
        }
    }

    #[test]
    fn a_turn_is_told_at_most_once_and_only_when_long(
        steps in prop::collection::vec((0_u64..40_000, phases()), 0..80),
        after_s in 1_u64..60,
    ) {
        let mut attention = Attention::new(Settings { after_s, ..Settings::default() }, true);
        attention.focus(false);
        let (mut now, mut turns, mut told, mut busy) = (0, 0, 0, false);
        for (gap, phase) in steps {
            now += gap;
            turns += u32::from(phase.is_busy() && !busy);
            busy = phase.is_busy();
            if let Some(Want::TurnEnded(seconds)) = attention.step(seen(now, phase)) {
                prop_assert!(seconds >= after_s);
                prop_assert_eq!(phase, Phase::Idle);
                told += 1;
            }
        }
        prop_assert!(told <= turns);
    }

    #[test]
    fn a_step_at_the_wake_never_leaves_it_in_the_past(
        steps in prop::collection::vec((0_u64..5_000, phases(), any::<bool>()), 1..60),
    ) {
        let mut attention = away();
        let mut now = 0;
        for (gap, phase, title_idle) in steps {
            now += gap;
            attention.step(Seen { title_idle, ..seen(now, phase) });
            if let Some(wake) = attention.wake() {
                prop_assert!(wake > at(now), "{:?} at {}", wake, now);
            }
        }
    }
}
