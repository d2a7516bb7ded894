//! The machine over time: prefill, generation, queue, cancellation.

use proptest::prelude::*;

use super::*;

const RATES: Rates = Rates { read: 100.0, write: 10.0, batch: 50, window: 1_000 };

fn job(prompt: std::ops::Range<u32>, answer: usize) -> Job {
    let answer = (0..answer).map(|n| 10_000 + u32::try_from(n).unwrap()).collect();
    Job { prompt: prompt.collect(), answer, max_tokens: 1_000 }
}

fn ms(ms: u64) -> Moment {
    Moment::from_millis(ms)
}

/// (prompt_tokens, processed, cached, decoded, is_processing)
fn look(machine: &Machine, slot: usize) -> (u64, u64, u64, u64, bool) {
    let view = machine.view().swap_remove(slot);
    (view.prompt_tokens, view.processed, view.cached, view.decoded, view.is_processing)
}

/// Lets the machine run to its end; returns all that it tells.
fn finish(machine: &mut Machine) -> Vec<(TaskId, Notice)> {
    let mut out = Vec::new();
    while let Some(at) = machine.next() {
        out.extend(machine.advance(at));
    }
    out
}

#[test]
fn a_prompt_is_read_batch_by_batch_and_the_first_token_ends_the_prefill() {
    let mut machine = Machine::new(RATES, 1);
    let (id, told) = machine.submit(ms(0), job(0..120, 3));
    assert_eq!(told, [(id, Notice::Started { total: 120, cached: 0 })]);
    assert_eq!(look(&machine, 0), (50, 0, 0, 0, true), "the batch under way counts as in the slot");
    for (at, told, slot) in [
        (499, vec![], (50, 0, 0, 0, true)),
        (500, vec![], (100, 50, 0, 0, true)),
        (1_000, vec![], (120, 100, 0, 0, true)),
        (1_200, vec![Notice::Written(1)], (121, 120, 0, 1, true)),
        (1_299, vec![], (121, 120, 0, 1, true)),
        (1_300, vec![Notice::Written(2)], (122, 120, 0, 2, true)),
        (
            1_400,
            vec![Notice::Written(3), Notice::Finished { written: 3, stop: Stop::End }],
            // The last token was never put into the slot: 120 + 2.
            (122, 0, 0, 0, false),
        ),
    ] {
        let got: Vec<Notice> = machine.advance(ms(at)).into_iter().map(|(_, n)| n).collect();
        assert_eq!(got, told, "at {at}");
        assert_eq!(look(&machine, 0), slot, "at {at}");
    }
    assert_eq!(machine.next(), None);
}

#[test]
fn the_same_prompt_again_is_all_cached_but_its_last_token() {
    let mut machine = Machine::new(RATES, 1);
    machine.submit(ms(0), job(0..120, 3));
    finish(&mut machine);
    let (id, told) = machine.submit(ms(9_000), job(0..120, 3));
    assert_eq!(told, [(id, Notice::Started { total: 120, cached: 119 })]);
    assert_eq!(look(&machine, 0), (120, 0, 119, 0, true));
    assert_eq!(finish(&mut machine)[0], (id, Notice::Written(1)));
    assert_eq!(machine.totals().cached, 119);
    assert_eq!(machine.totals().read, 121);
}

#[test]
fn what_was_written_stays_in_the_slot() {
    let mut machine = Machine::new(RATES, 1);
    machine.submit(ms(0), job(0..120, 3));
    finish(&mut machine);
    let mut longer = job(0..120, 1);
    longer.prompt.extend([10_000, 10_001, 10_002, 5]);
    let (id, told) = machine.submit(ms(9_000), longer);
    assert_eq!(told, [(id, Notice::Started { total: 124, cached: 122 })]);
}

#[test]
fn a_cancelled_prefill_keeps_what_was_read() {
    let mut machine = Machine::new(RATES, 1);
    let (id, _) = machine.submit(ms(0), job(0..400, 3));
    machine.cancel(ms(600), id);
    assert!(look(&machine, 0).4, "it ends with its batch");
    assert_eq!(machine.advance(ms(1_000)), []);
    assert_eq!(look(&machine, 0), (100, 0, 0, 0, false));
    let (id, told) = machine.submit(ms(2_000), job(0..400, 3));
    assert_eq!(told, [(id, Notice::Started { total: 400, cached: 100 })]);
}

#[test]
fn a_cancelled_answer_ends_at_once_and_keeps_what_was_written() {
    let mut machine = Machine::new(RATES, 1);
    let (id, _) = machine.submit(ms(0), job(0..50, 90));
    machine.cancel(ms(750), id);
    assert_eq!(look(&machine, 0), (52, 0, 0, 0, false));
    assert_eq!(machine.cancel(ms(751), id), [], "a task that is over is not touched");
}

#[test]
fn requests_wait_for_a_slot_in_their_order() {
    let mut machine = Machine::new(RATES, 1);
    machine.submit(ms(0), job(0..50, 1));
    let (second, told) = machine.submit(ms(10), job(0..20, 1));
    let (third, _) = machine.submit(ms(20), job(0..30, 1));
    assert_eq!(told, []);
    assert_eq!((machine.totals().processing, machine.totals().deferred), (1, 2));
    machine.cancel(ms(30), second);
    assert_eq!(machine.totals().deferred, 1);
    let told = machine.advance(ms(500));
    assert!(told.contains(&(third, Notice::Started { total: 30, cached: 29 })), "{told:?}");
}

#[test]
fn a_prompt_goes_where_its_prefix_is() {
    let mut machine = Machine::new(RATES, 2);
    let at = |machine: &mut Machine, job: Job| {
        machine.submit(ms(0), job);
        let busy = machine.view().iter().position(|slot| slot.is_processing);
        finish(machine);
        busy.unwrap()
    };
    let main = at(&mut machine, job(0..100, 1));
    let side = at(&mut machine, job(500..540, 1));
    assert_ne!(main, side, "nothing shared: the least recently used");
    assert_eq!(at(&mut machine, job(0..150, 1)), main);
    assert_eq!(at(&mut machine, job(500..560, 1)), side);
    assert_eq!(at(&mut machine, job(700..720, 1)), main, "nothing shared: main is the older");
}

#[test]
fn what_does_not_fit_is_refused_or_cut() {
    let mut machine = Machine::new(Rates { window: 100, ..RATES }, 1);
    let (id, told) = machine.submit(ms(0), job(0..100, 1));
    assert_eq!(told, [(id, Notice::TooLong { total: 100, window: 100 })]);
    let (id, _) = machine.submit(ms(0), job(0..95, 50));
    let last = finish(&mut machine).pop();
    assert_eq!(last, Some((id, Notice::Finished { written: 5, stop: Stop::Length })));
    let (id, _) = machine.submit(ms(0), Job { max_tokens: 3, ..job(0..10, 50) });
    let last = finish(&mut machine).pop();
    assert_eq!(last, Some((id, Notice::Finished { written: 3, stop: Stop::Length })));
}

#[test]
fn without_rates_everything_happens_at_once() {
    for rate in [0.0, -1.0, f64::INFINITY, f64::NAN] {
        let mut machine = Machine::new(Rates { read: rate, write: rate, ..RATES }, 1);
        let (_, told) = machine.submit(ms(7), job(0..400, 4));
        assert_eq!(told.len(), 6, "{rate}");
        assert_eq!(machine.next(), None);
    }
}

#[derive(Debug, Clone)]
enum Do {
    Submit(u32, u32, usize),
    Cancel(u64),
    Advance(u64),
}

fn deeds() -> impl Strategy<Value = Vec<Do>> {
    let deed = prop_oneof![
        (0..3_u32, 1..300_u32, 1..20_usize).prop_map(|(from, n, out)| Do::Submit(from, n, out)),
        (0..6_u64).prop_map(Do::Cancel),
        (0..3_000_u64).prop_map(Do::Advance),
    ];
    prop::collection::vec(deed, 1..25)
}

proptest! {
    /// How often the machine is asked changes nothing; nor is any figure ever out of its bounds.
    #[test]
    fn more_looks_change_nothing(deeds in deeds(), step in 1..400_u64) {
        let (mut coarse, mut fine) = (Machine::new(RATES, 2), Machine::new(RATES, 2));
        let (mut now, mut told, mut told_fine) = (0, Vec::new(), Vec::new());
        for deed in deeds {
            match deed {
                Do::Submit(from, n, out) => {
                    let job = job(from..from + n, out);
                    told.extend(coarse.submit(ms(now), job.clone()).1);
                    told_fine.extend(fine.submit(ms(now), job).1);
                }
                Do::Cancel(id) => {
                    told.extend(coarse.cancel(ms(now), id));
                    told_fine.extend(fine.cancel(ms(now), id));
                }
                Do::Advance(by) => {
                    let until = now + by;
                    while now < until {
                        now = (now + step).min(until);
                        told_fine.extend(fine.advance(ms(now)));
                    }
                    told.extend(coarse.advance(ms(now)));
                }
            }
            prop_assert_eq!(coarse.view(), fine.view());
            prop_assert_eq!(coarse.totals(), fine.totals());
            for slot in coarse.view() {
                prop_assert!(slot.prompt_tokens <= slot.n_ctx);
                prop_assert!(slot.is_processing || slot.processed + slot.cached + slot.decoded == 0);
            }
        }
        prop_assert_eq!(told, told_fine);
    }
}
