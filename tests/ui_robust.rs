//! Whatever the size and the figures, drawing neither panics nor breaks the frame.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod ui_support;

use crossterm::event::KeyCode;
use lcc::{
    domain::{Phase, Risk, ServerKind, Source, Tier},
    front::{app::Kind, theme, ui},
    protocol::{CacheBreak, NoticeLevel, PrefillLast, Snapshot, Update},
};
use proptest::prelude::*;
use ratatui::style::Modifier;
use ui_support::{
    broken, frame, generating, idle, notice, output, press, running, say, unconfined,
};

fn figure() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![Just(None), Just(Some(0)), Just(Some(u64::MAX)), (0_u64..200_000).prop_map(Some)]
}

fn real() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        Just(None),
        Just(Some(f64::NAN)),
        Just(Some(f64::INFINITY)),
        Just(Some(-1.0)),
        (0.0..1e9).prop_map(Some)
    ]
}

fn snapshot() -> impl Strategy<Value = Snapshot> {
    let counts = prop::collection::vec(figure(), 16);
    let reals = prop::collection::vec(real(), 16);
    let words = prop::collection::vec("\\PC{0,60}", 8);
    let picks = prop::collection::vec(0_usize..9, 8);
    (counts, reals, words, picks).prop_map(|(c, r, w, p)| build(&c, &r, &w, &p))
}

fn build(c: &[Option<u64>], r: &[Option<f64>], w: &[String], p: &[usize]) -> Snapshot {
    let sources = [None, Some(Source::Server), Some(Source::Log), Some(Source::Estimate)];
    let kinds = [ServerKind::Practice, ServerKind::LlamaServer, ServerKind::Ollama];
    let phases = [Phase::Starting, Phase::Idle, Phase::Prefill, Phase::Compacting, Phase::Stopped];
    let tiers = [None, Some(Tier::Strict), Some(Tier::Reduced), Some(Tier::Off)];
    let zero = |at: usize| c[at].unwrap_or(0);
    let time = |at: usize| r[at].unwrap_or(0.0);
    let mut s = Snapshot { phase: phases[p[0] % 5], phase_s: time(0), ..Snapshot::default() };
    (s.window.size, s.window.used, s.window.fixed) = (c[0], c[1], c[2]);
    (s.window.percent, s.window.source) = (r[1], sources[p[1] % 4]);
    (s.prefill.done, s.prefill.total, s.prefill.cached) = (c[3], c[4], c[5]);
    (s.prefill.rate, s.prefill.eta_s, s.prefill.source) = (r[2], r[3], sources[p[2] % 4]);
    s.prefill.last =
        c[6].map(|t| PrefillLast { seconds: time(4), total: Some(t), cached: c[7], rate: r[5] });
    (s.cache.last_ratio, s.cache.session_ratio) = (r[6], r[7]);
    (s.cache.reread_tokens, s.cache.breaks) = (zero(8), zero(9));
    s.cache.last_break = c[10].map(|at_token| CacheBreak {
        at_token,
        section: w[0].clone(),
        cause: w[1].clone(),
        fix: Some(w[2].clone()),
        tokens: zero(8),
        seconds: r[6],
        ..CacheBreak::default()
    });
    (s.thinking.tokens, s.thinking.leaked_turns, s.thinking.off) = (zero(11), zero(12), p[3] > 4);
    s.noise.by_path = [(w[3].clone(), zero(13))].into();
    (s.time.prefill_s, s.time.generate_s, s.time.tools_s) = (time(8), time(9), time(10));
    (s.time.idle_s, s.time.session_s, s.time.turn_s) = (time(11), time(12), r[13]);
    s.forecast.turns_left = c[14];
    s.forecast.risk = [Risk::None, Risk::Near, Risk::Now][p[4] % 3];
    (s.server.kind, s.server.model) = (Some(kinds[p[5] % 3]), Some(w[4].clone()));
    (s.server.version, s.server.url) = (Some(w[5].clone()), Some(w[6].clone()));
    (s.server.healthy, s.server.rss, s.server.memory_percent) = (Some(p[6] > 4), c[15], r[14]);
    (s.sandbox.tier, s.sandbox.probes, s.sandbox.blocked) = (tiers[p[7] % 4], c[0], c[3]);
    s
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn drawing_never_panics(
        cols in 1_u16..=300,
        rows in 1_u16..=100,
        figures in snapshot(),
        words in "\\PC{0,200}",
        keys in prop::collection::vec(prop::sample::select(vec![1_u8, 2, 3, 4, 5, 10]), 0..4),
        state in 0..4,
    ) {
        let mut model = running((cols, rows), figures);
        output(&mut model, &words);
        notice(&mut model, NoticeLevel::Error, &words);
        match state {
            0 => { say(&mut model, Update::ChildEnded { code: None, message: words }); }
            1 => { say(&mut model, Update::Failed { message: words }); }
            2 => { say(&mut model, Update::ChildStarting); }
            _ => {}
        }
        for key in keys {
            press(&mut model, KeyCode::F(key));
            press(&mut model, KeyCode::PageDown);
        }
        let buffer = frame(&model);
        prop_assert_eq!(buffer.area.width, cols);
        if let Some(cursor) = ui::cursor(&model) {
            prop_assert!(model.layout().pane.contains(cursor.position));
        }
        // The frame of the column stands whatever its panes say.
        let layout = model.layout();
        if layout.kind == Kind::Wide && model.overlays.is_empty() && !layout.panes.is_empty() {
            for y in layout.panes.top() + 1..layout.panes.bottom() - 1 {
                for x in [layout.panes.left(), layout.panes.right() - 1] {
                    let symbol = buffer[(x, y)].symbol();
                    prop_assert!("│├┤".contains(symbol), "{symbol} at {x},{y}");
                }
            }
        }
    }
}

/// Every state has a mark or a word of its own, not only a colour.
#[test]
fn states_can_be_told_apart_without_colour() {
    let shown = |s| ui_support::text(&frame(&running((120, 40), s)));
    for (snapshot, mark) in [
        (ui_support::risk(Risk::Near), "▲ near"),
        (ui_support::risk(Risk::Now), "■ NOW"),
        (broken(), "▼ cache"),
        (ui_support::leaked(), "off, LEAKS"),
        (ui_support::lost(), "■ LOST"),
        (ui_support::truncated(), "■ the server dropped the start of the conversation"),
        (unconfined(Tier::Off), "■ SANDBOX OFF"),
        (unconfined(Tier::Reduced), "▲ SANDBOX REDUCED"),
    ] {
        assert!(shown(snapshot).contains(mark), "{mark}");
        assert!(!shown(idle()).contains(mark), "{mark}");
    }
}

/// What is loud is loud in its role's colours, at every depth but none.
#[test]
fn loud_things_carry_the_roles_of_the_theme() {
    for known in theme::builtin() {
        let model = running((120, 40), unconfined(Tier::Off));
        let mut buffer = frame(&model);
        ui::draw(&model, &known, &mut buffer);
        let header: Vec<_> = buffer.content[..120].iter().collect();
        let at = header.iter().position(|c| c.symbol() == "■").unwrap();
        let alert = known.style(theme::Role::Alert);
        assert_eq!(Some(header[at].fg), alert.fg, "{}", known.name());
        assert!(header[at].modifier.contains(Modifier::BOLD), "{}", known.name());
    }
}

#[test]
fn the_cursor_is_hidden_while_something_lies_over_the_pane() {
    let mut model = running((120, 40), generating());
    assert!(ui::cursor(&model).is_some());
    press(&mut model, KeyCode::F(10));
    assert!(ui::cursor(&model).is_none());
}

/// What runs beside the conversation is shown where there is any, and takes no room where not.
#[test]
fn side_requests_and_subagents_are_shown() {
    let shown = |s| ui_support::text(&frame(&running((160, 60), s)));
    assert!(!shown(idle()).contains("side requests") && !shown(idle()).contains("subagents"));
    let mut s = idle();
    (s.side.answered, s.side.held, s.side.waiting) = (5, 2, 1);
    s.agents.seen = 2;
    s.agents.seconds = 75.0;
    s.agents.list = vec![lcc::protocol::AgentFigures {
        id: "a1b2c3d4e5".to_owned(),
        state: lcc::protocol::AgentState::Reading,
        requests: 3,
        prompt_tokens: 12_345,
        cached_tokens: 9_000,
        output_tokens: 300,
        seconds: 75.0,
    }];
    let text = shown(s);
    for words in
        ["side requests", "5 by lcc, 2 held, 1 waiting", "subagents 2", "a1b2c3d4 reads", "12,345"]
    {
        assert!(text.contains(words), "{words}\n{text}");
    }
}
