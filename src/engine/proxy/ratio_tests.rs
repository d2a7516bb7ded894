//! Tests of the learned token model.

use proptest::prelude::*;

use super::*;

/// A tokenizer's truth: tokens per byte of each kind, and per message.
fn truth(rates: [f64; KINDS], of: Weights) -> u64 {
    round(dot(&rates, &of.row()))
}

fn a_session(turns: u64) -> impl Iterator<Item = Weights> {
    (1..=turns).map(|n| Weights {
        system: 3_100,
        tools: 10_204,
        // Some turns talk, some read long files, some call many tools.
        text: 300 + 250 * n + 900 * (n / 3),
        results: 1_700 * n * (n % 5) / 2 + 400 * n,
        calls: 120 * n,
        pieces: 6 + 2 * n,
    })
}

#[test]
fn it_begins_with_what_was_measured() {
    let ratio = Ratio::default();
    assert_eq!(ratio.tokens(3_840), 1_000);
    assert_eq!(ratio.tokens(0), 1);
    // The lean first request of 2.1.197: 4,301 tokens.
    let lean = Weights { system: 4_000, tools: 10_204, text: 600, pieces: 7, ..Weights::default() };
    assert!((3_200..4_900).contains(&ratio.tokens_of(lean)), "{}", ratio.tokens_of(lean));
}

#[test]
fn after_twenty_turns_the_median_error_is_below_five_percent() {
    for rates in [
        [0.22, 0.21, 0.25, 0.42, 0.36, 8.0],
        [0.30, 0.34, 0.28, 0.30, 0.40, 4.0],
        [0.19, 0.26, 0.22, 0.27, 0.24, 12.0],
        // A tokenizer that needs twice as many.
        [0.50, 0.55, 0.45, 0.60, 0.62, 6.0],
    ] {
        let mut ratio = Ratio::default();
        let mut errors = Vec::new();
        for of in a_session(40) {
            let real = truth(rates, of);
            errors.push((ratio.tokens_of(of) as f64 / real as f64 - 1.0).abs());
            ratio.learn(of, real);
        }
        let mut late = errors.split_off(20);
        late.sort_by(f64::total_cmp);
        assert!(late[late.len() / 2] < 0.05, "{rates:?}: {late:?}");
        // A fresh context, of quite other parts, is not far off either.
        let fresh =
            Weights { text: 200, results: 0, calls: 0, pieces: 7, ..a_session(1).next().unwrap() };
        let off = ratio.tokens_of(fresh) as f64 / truth(rates, fresh) as f64 - 1.0;
        assert!(off.abs() < 0.10, "{rates:?}: {off}");
    }
}

#[test]
fn counts_that_no_tokenizer_gives_are_left_out() {
    let mut ratio = Ratio::default();
    let of = Weights { text: 5_000, pieces: 2, ..Weights::default() };
    for _ in 0..20 {
        ratio.learn(of, 1_250);
    }
    let known = ratio.clone();
    assert!((1_180..1_320).contains(&known.tokens_of(of)), "{}", known.tokens_of(of));
    let little = Weights { text: 10, ..Weights::default() };
    for (of, tokens) in [(of, 0), (of, 1), (little, 5_000)] {
        ratio.learn(of, tokens);
    }
    assert_eq!(ratio, known);
    // One count that is far off is an accident, three are another tokenizer.
    ratio.learn(of, 2_600);
    assert_eq!(ratio.tokens_of(of), known.tokens_of(of));
    ratio.learn(of, 2_600);
    ratio.learn(of, 2_600);
    assert!(ratio.tokens_of(of) > 2_000, "{}", ratio.tokens_of(of));
}

#[test]
fn what_is_kept_is_what_was_learned() {
    let mut ratio = Ratio::default();
    for of in a_session(60) {
        ratio.learn(of, truth([0.22, 0.21, 0.25, 0.42, 0.36, 8.0], of));
    }
    let kept = serde_json::to_string(&ratio).unwrap();
    let again = Ratio::recalled(serde_json::from_str(&kept).unwrap());
    assert_eq!(again, ratio);
    let damaged: Ratio = serde_json::from_str("{}").unwrap();
    assert!(Ratio::recalled(damaged).is_empty());
}

#[test]
fn the_kinds_of_a_request() {
    let body = r#"{"system":[{"type":"text","text":"12345"}],
        "tools":[{"name":"Read","description":"reads","input_schema":{"a":1}}],
        "messages":[{"role":"user","content":"hello"},
          {"role":"assistant","content":[{"type":"text","text":"ok"},
            {"type":"tool_use","id":"t","name":"Read","input":{"p":"x"}}]},
          {"role":"user","content":[{"type":"tool_result","tool_use_id":"t",
            "content":[{"type":"text","text":"1234567"}]}]}]}"#;
    let weights = Weights::of(&Body::read(body).unwrap());
    let expected = Weights { system: 5, tools: 16, text: 7, results: 7, calls: 13, pieces: 4 };
    assert_eq!(weights, expected);
    assert_eq!(weights.bytes(), 48);
    let sections = crate::engine::proxy::sections::sections(&Body::read(body).unwrap());
    assert_eq!(Weights::of_sections(&sections).bytes(), 48);
    assert_eq!(Ratio::default().request(b"nonsense"), Ratio::default().tokens(8));
}

proptest! {
    #[test]
    fn more_bytes_are_never_fewer_tokens(
        seen in proptest::collection::vec((0_u64..40_000, 0_u64..40_000, 0_u64..80_000, 1_u64..30_000), 0..12),
        base in (0_u64..40_000, 0_u64..40_000, 0_u64..80_000),
        more in (0_u64..5_000, 0_u64..5_000, 0_u64..5_000),
    ) {
        let of = |(tools, text, results): (u64, u64, u64)| {
            Weights { tools, text, results, pieces: 3, ..Weights::default() }
        };
        let mut ratio = Ratio::default();
        for (tools, text, results, tokens) in seen {
            ratio.learn(of((tools, text, results)), tokens);
        }
        let grown = (base.0 + more.0, base.1 + more.1, base.2 + more.2);
        prop_assert!(ratio.tokens_of(of(grown)) >= ratio.tokens_of(of(base)));
        prop_assert!(ratio.tokens(base.0 + more.0) >= ratio.tokens(base.0));
    }
}
