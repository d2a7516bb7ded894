//! Room of the panes, and rows that never lose a figure.

use proptest::prelude::*;

use super::*;
use crate::{
    domain::{Risk, ServerKind, Source, Tier},
    protocol::{PrefillKept, PrefillLast},
};

fn wants(told: &[u16]) -> Vec<Want> {
    let ids = PaneId::ALL.into_iter().zip(told.iter().chain(std::iter::repeat(&2)));
    ids.map(|(id, told)| Want { id, rows: usual(id), told: *told, first: false }).collect()
}

#[test]
fn all_panes_are_there_at_forty_rows_and_all_but_noise_and_timeline_at_thirty() {
    assert!(heights(37, &wants(&[])).iter().all(Option::is_some));
    let shown = heights(27, &wants(&[]));
    let gone: Vec<_> = PaneId::ALL
        .into_iter()
        .zip(&shown)
        .filter(|(_, h)| h.is_none())
        .map(|(id, _)| id)
        .collect();
    assert_eq!(gone, [PaneId::Noise]);
}

#[test]
fn what_the_user_sized_has_its_size_and_what_has_the_keys_stays() {
    let mut wants = wants(&[]);
    wants[2].rows = rows(9, 9, 9);
    assert_eq!(heights(57, &wants)[2], Some(9));
    wants[6].first = true;
    assert!(heights(20, &wants)[6].is_some());
    wants[6].rows = rows(50, 50, 50);
    assert_eq!(heights(20, &wants)[6], Some(19));
}

/// Every pane's lines at a width, as text.
fn told(snapshot: &Snapshot, width: usize) -> Vec<(&'static str, String)> {
    let theme = Theme::default();
    let pen = Pen { theme: &theme, width };
    let model = plain_model();
    let mut model = model;
    model.snapshot = Some(Box::new(snapshot.clone()));
    PaneId::ALL
        .into_iter()
        .map(|id| pane_of(id, &model, pen))
        .flat_map(|pane| {
            let title = pane.title;
            pane.lines.into_iter().map(move |line| (title, line.to_string()))
        })
        .collect()
}

fn plain_model() -> Model {
    let options = crate::front::app::Options {
        title: crate::front::app::Title::default(),
        keymap: crate::front::input::Keymap::default(),
        themes: Vec::new(),
        theme: 0,
        scrollback: 0,
    };
    Model::new(options, (120, 40))
}

/// Figures up to the widest that are plausible: a window of a million tokens, hours, a
/// machine with terabytes.
fn plausible() -> impl Strategy<Value = Snapshot> {
    let tokens = || {
        prop_oneof![
            Just(None),
            Just(Some(262_144)),
            Just(Some(1_000_000)),
            (0_u64..=1_000_000).prop_map(Some)
        ]
    };
    let times = || prop_oneof![Just(None), Just(Some(3_599.0)), (0.0..359_999.0).prop_map(Some)];
    let source = || prop::sample::select(vec![None, Some(Source::Server), Some(Source::Estimate)]);
    (
        prop::collection::vec(tokens(), 12),
        prop::collection::vec(times(), 10),
        (source(), source(), any::<bool>(), any::<bool>()),
        prop::sample::select(vec![Risk::None, Risk::Near, Risk::Now]),
        0.0..=1.0_f64,
    )
        .prop_map(|(c, t, (one, two, about, busy), risk, share)| {
            let n = |at: usize| c[at].unwrap_or(0);
            let s = |at: usize| t[at].unwrap_or(0.0);
            let mut out = Snapshot::default();
            (out.window.size, out.window.used, out.window.fixed) = (c[0], c[1], c[2]);
            (out.window.source, out.window.fixed_source) = (one, two);
            out.window.percent = Some(share * 100.0);
            let rate = c[6].map(|_| share * 99_999.0);
            if busy {
                (out.prefill.done, out.prefill.total) = (c[3], c[4]);
                (out.prefill.cached, out.prefill.rate) = (c[5], rate);
                (out.prefill.eta_s, out.prefill.elapsed_s) = (t[0], t[1]);
            }
            (out.prefill.source, out.prefill.total_estimated) = (one, about);
            out.prefill.error_percent = Some(99.4);
            let (total, cached) = (c[4], c[5]);
            out.prefill.last = c[7].map(|_| PrefillLast { seconds: s(2), total, cached, rate });
            let (tokens, total) = (n(9), n(9).saturating_add(n(10)));
            out.prefill.kept = about.then_some(PrefillKept { tokens, total });
            out.cache.last_ratio = Some(share);
            out.cache.session_ratio = Some(share);
            (out.cache.reread_tokens, out.cache.breaks) = (n(8), n(9) % 10_000);
            out.cache.estimated = about;
            (out.thinking.tokens, out.thinking.estimated) = (n(10), about);
            out.thinking.leaked_turns = n(11) % 10_000;
            out.thinking.stopped = n(11) % 10_000;
            out.noise.total = n(9);
            out.noise.by_path = [("/api/event_logging/batch".to_owned(), n(9))].into();
            (out.time.prefill_s, out.time.generate_s, out.time.tools_s) = (s(3), s(4), s(5));
            (out.time.idle_s, out.time.compaction_s) = (s(6), s(7));
            (out.time.turn_s, out.time.session_s) = (t[8], s(9));
            (out.forecast.turns_left, out.forecast.risk) = (c[10], risk);
            out.forecast.next_prefill_s = t[1];
            out.server.kind = Some(ServerKind::LlamaServer);
            out.server.url = Some("http://127.0.0.1:65535".to_owned());
            out.server.model = Some("Qwen3-Coder-30B-A3B-Instruct-GGUF:Q4_K_M".to_owned());
            out.server.healthy = Some(about);
            out.server.rss = Some((share * 1_099_000_000_000.0) as u64);
            out.server.swap = c[0].map(|n| n * 1_000_000);
            out.server.memory_percent = Some(share * 100.0);
            out.sandbox.tier = Some(Tier::Strict);
            (out.sandbox.probes, out.sandbox.blocked) = (Some(1_000), Some(n(9) % 1_000));
            out.sandbox.egress_blocked = n(9);
            out
        })
}

proptest! {
    #[test]
    fn no_row_loses_a_figure_or_a_unit(snapshot in plausible(), wide: bool) {
        let width = if wide { 42 } else { 34 };
        for (title, line) in told(&snapshot, width) {
            prop_assert!(line.width() <= width, "{title}: {line}");
            prop_assert!(!line.contains('…'), "{title}: {line}");
        }
    }

    #[test]
    fn heights_never_pass_the_room(
        room in 0_u16..120,
        told in prop::array::uniform9(0_u16..20),
        own in prop::array::uniform9(prop::option::of(1_u16..60)),
        keys in prop::option::of(0_usize..9),
    ) {
        let mut wants = wants(&told);
        for (at, (want, own)) in wants.iter_mut().zip(own).enumerate() {
            want.rows = own.map_or(want.rows, |own| rows(own, own, own));
            want.first = keys == Some(at);
        }
        let rows = room;
        let sum: u16 = heights(rows, &wants).iter().flatten().map(|lines| lines + 1).sum();
        prop_assert!(sum <= rows);
    }
}
