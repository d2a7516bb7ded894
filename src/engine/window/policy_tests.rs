//! The policy's machine against scripted sessions.

use proptest::prelude::*;

use super::*;

fn ms(n: u64) -> Moment {
    Moment::from_millis(n)
}

/// Idle since 0, nearly full.
fn full() -> Seen {
    Seen { phase: Phase::Idle, turns: 7, used: 24_000, due: true, fits: true, ..Seen::default() }
}

fn well() -> Seen {
    Seen { used: 6_000, due: false, compactions: 1, ..full() }
}

/// A machine that has just asked for a compaction at 1 s.
fn asked() -> Steward {
    let mut steward = Steward::new(Policy::Auto);
    assert_eq!(steward.step(&full(), ms(1_000)), Some(Deed::Compact));
    steward
}

#[test]
fn only_auto_acts() {
    for policy in [Policy::Ask, Policy::Off] {
        let mut steward = Steward::new(policy);
        assert_eq!(steward.step(&full(), ms(60_000)), None);
        assert!(!steward.turns_back_early());
    }
    assert!(Steward::new(Policy::Auto).turns_back_early());
}

#[test]
fn it_waits_for_idle_for_quiet_and_for_its_own_hands() {
    let mut steward = Steward::new(Policy::Auto);
    let table = [
        (Seen { due: false, ..full() }, 60_000),
        (full(), 799),
        (Seen { last_key: Some(ms(50_000)), ..full() }, 51_499),
        (Seen { typing: true, ..full() }, 60_000),
        (Seen { turned_back: true, ..full() }, 3_999),
    ];
    for (seen, at) in table {
        assert_eq!(steward.step(&seen, ms(at)), None, "{seen:?}");
    }
    for phase in [Phase::Starting, Phase::Prefill, Phase::Generate, Phase::Tools, Phase::Compacting]
    {
        assert_eq!(steward.step(&Seen { phase, ..full() }, ms(60_000)), None, "{phase:?}");
    }
    assert_eq!(steward.step(&full(), ms(800)), Some(Deed::Compact));
    // Once is enough.
    assert_eq!(steward.step(&full(), ms(2_000)), None);
}

#[test]
fn a_compaction_that_helps_ends_it() {
    let mut steward = asked();
    let at_work = Seen { phase: Phase::Compacting, since: ms(2_000), ..full() };
    assert_eq!(steward.step(&at_work, ms(2_100)), None);
    assert!(!steward.turns_back_early());
    assert_eq!(steward.step(&Seen { since: ms(9_000), ..well() }, ms(9_100)), None);
    assert!(steward.turns_back_early());
    assert_eq!(steward.given_up(), None);
    // Much later it may do so again.
    let later = Seen { turns: 30, compactions: 1, ..full() };
    assert_eq!(steward.step(&later, ms(90_000)), Some(Deed::Compact));
}

#[test]
fn a_user_who_goes_on_at_once_changes_nothing_of_the_judgement() {
    let mut steward = asked();
    let busy = Seen { phase: Phase::Prefill, since: ms(9_000), ..well() };
    assert_eq!(steward.step(&busy, ms(9_050)), None);
    // Turns later the window is full again: a new matter.
    let again = Seen { turns: 9, since: ms(20_000), compactions: 1, ..full() };
    assert_eq!(steward.step(&again, ms(20_900)), Some(Deed::Compact));
}

#[test]
fn work_that_was_turned_back_goes_on_after_it() {
    let mut steward = Steward::new(Policy::Auto);
    let back = Seen { turned_back: true, ..full() };
    assert_eq!(steward.step(&back, ms(4_000)), Some(Deed::Compact));
    let done = Seen { since: ms(9_000), ..well() };
    assert_eq!(steward.step(&done, ms(9_100)), None);
    assert_eq!(steward.step(&done, ms(9_900)), Some(Deed::GoOn));
    assert_eq!(steward.step(&done, ms(20_000)), None);
    // A client that went on by itself is not told to.
    let mut steward = Steward::new(Policy::Auto);
    steward.step(&back, ms(4_000));
    let busy = Seen { phase: Phase::Prefill, since: ms(9_000), ..well() };
    assert_eq!(steward.step(&busy, ms(9_900)), None);
    assert_eq!(steward.step(&busy, ms(10_000)), None);
    assert_eq!(steward.step(&done, ms(20_000)), None);
}

#[test]
fn what_does_not_help_is_left_to_the_user() {
    let table = [
        // It freed too little.
        (Seen { used: 22_500, compactions: 1, ..full() }, 9_900, "freed only 1,500 tok"),
        (Seen { failed: 1, ..full() }, 9_900, "failed"),
        (full(), 21_000, "did not compact"),
    ];
    for (seen, at, words) in table {
        let mut steward = asked();
        let Some(Deed::Say(why)) = steward.step(&seen, ms(at)) else { panic!("{words}") };
        assert!(why.contains(words), "{why}");
        assert_eq!(steward.given_up(), Some(why.as_str()));
        // Said once, and no second try while nothing changes.
        for n in 1..100 {
            assert_eq!(steward.step(&seen, ms(at + n * 60_000)), None);
        }
        // The window is well again: it watches as before.
        assert_eq!(steward.step(&Seen { due: false, ..seen }, ms(9_000_000)), None);
        assert_eq!(steward.given_up(), None);
    }
    let mut steward = Steward::new(Policy::Auto);
    let Some(Deed::Say(why)) = steward.step(&Seen { fits: false, ..full() }, ms(9_000)) else {
        panic!("a compaction that does not fit")
    };
    assert!(why.contains("no longer fits"));
}

#[test]
fn the_clients_own_compaction_counts_as_one() {
    for helped in [true, false] {
        let mut steward = Steward::new(Policy::Auto);
        let busy = Seen { phase: Phase::Tools, due: !helped, ..well() };
        assert_eq!(steward.step(&busy, ms(5_000)), None);
        let again = Seen { turns: 8, compactions: 1, ..full() };
        let deed = steward.step(&again, ms(9_000));
        assert_eq!(deed == Some(Deed::Compact), helped, "{deed:?}");
        assert_eq!(steward.given_up().is_some(), !helped);
        steward.emptied();
        assert_eq!(steward.given_up(), None);
    }
}

#[test]
fn a_child_that_ends_meanwhile_is_no_failure() {
    let mut steward = asked();
    assert_eq!(steward.step(&Seen { phase: Phase::Stopped, ..full() }, ms(5_000)), None);
    assert_eq!(steward.given_up(), None);
}

proptest! {
    /// Whatever the window does, between two tries of the machine lie at least so many turns,
    /// unless the first one helped.
    #[test]
    fn it_never_loops(helps in proptest::collection::vec(any::<bool>(), 1..200)) {
        let mut steward = Steward::new(Policy::Auto);
        let mut seen = full();
        let mut last: Option<(u64, bool)> = None;
        for (n, help) in helps.into_iter().enumerate() {
            let now = ms(n as u64 * 100_000);
            match steward.step(&seen, now) {
                Some(Deed::Compact) => {
                    if let Some((turns, helped)) = last {
                        prop_assert!(helped || seen.turns >= turns + TURNS_APART);
                    }
                    seen.compactions += 1;
                    seen.due = !help;
                    last = Some((seen.turns, help));
                    // The outcome is seen at once.
                    steward.step(&seen, now + BEGINS);
                }
                Some(Deed::GoOn) => prop_assert!(false, "nothing was turned back"),
                Some(Deed::Say(_)) | None => {}
            }
            seen.turns += 1;
            seen.due = true;
        }
    }
}
