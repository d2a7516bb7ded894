//! The log pane: what it shows, and that its keys reach nobody else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod ui_support;

use crossterm::event::KeyCode;
use lcc::{
    domain::Moment,
    front::app::{Effect, Model, Overlay},
    protocol::{Command, LogFold, LogLine, LogOrigin, LogWeight, Update},
};
use ui_support::{SIZES, frame, idle, press, running, say, text};

fn line(ms: u64, weight: LogWeight, text: &str) -> LogLine {
    let fold = (weight == LogWeight::Noise).then_some(LogFold::Noise);
    LogLine {
        at: Moment::from_millis(ms),
        origin: LogOrigin::Proxy,
        weight,
        fold,
        text: text.to_owned(),
    }
}

fn session() -> Vec<LogLine> {
    let server =
        |ms, weight, text: &str| LogLine { origin: LogOrigin::Server, ..line(ms, weight, text) };
    let mut lines = vec![
        line(900, LogWeight::Plain, "llama-server serves qwen3.6:35b-a3b, 32,768 tok"),
        line(1_000, LogWeight::Noise, "HEAD /api/hello 200 by lcc"),
        line(4_000, LogWeight::Plain, "→ #1 main /v1/messages 16.1 KiB"),
        line(
            14_500,
            LogWeight::Plain,
            "← #1 main /v1/messages 200 · in 4,301 cached 0 out 96 tok · 10 s (first 10 s) · Bash",
        ),
    ];
    for n in 0..212_u64 {
        let path =
            if n % 3 == 0 { "/api/event_logging/batch" } else { "/v1/messages/count_tokens" };
        lines.push(line(20_000 + n, LogWeight::Noise, &format!("POST {path} 200 by lcc")));
    }
    lines.extend([
        server(31_000, LogWeight::Notable, "cache size limit reached, removing oldest entry"),
        line(
            3_725_000,
            LogWeight::Error,
            "← #2 main /v1/messages 400 · in – cached – out – tok · 0.2 s · prompt is too long",
        ),
    ]);
    lines
}

fn open(size: (u16, u16)) -> Model {
    let mut m = running(size, idle());
    say(&mut m, Update::Log(session()));
    press(&mut m, KeyCode::F(8));
    m
}

fn shot(name: &str, build: impl Fn((u16, u16)) -> Model) {
    for size in SIZES {
        let (cols, rows) = size;
        insta::assert_snapshot!(format!("{name}_{cols}x{rows}"), text(&frame(&build(size))));
    }
}

#[test]
fn what_it_shows() {
    shot("log", open);
    shot("log_empty", |size| {
        let mut m = running(size, idle());
        press(&mut m, KeyCode::F(8));
        m
    });
    shot("log_found_and_paused", |size| {
        let mut m = open(size);
        for c in "/cache".chars() {
            press(&mut m, KeyCode::Char(c));
        }
        press(&mut m, KeyCode::Enter);
        let more = (0..7).map(|n| line(3_800_000 + n, LogWeight::Plain, "→ #3 side")).collect();
        say(&mut m, Update::Log(more));
        m
    });
    shot("log_typing", |size| {
        let mut m = open(size);
        for c in "/evict".chars() {
            press(&mut m, KeyCode::Char(c));
        }
        m
    });
}

#[test]
fn while_it_is_open_keys_belong_to_it() {
    let mut m = open((120, 40));
    for code in [KeyCode::Char('x'), KeyCode::Char('/'), KeyCode::Char('y'), KeyCode::Enter] {
        let effects = press(&mut m, code);
        assert!(
            !effects.iter().any(|e| matches!(e, Effect::Send(Command::Input(_)))),
            "{code:?}: {effects:?}"
        );
    }
    press(&mut m, KeyCode::Esc);
    assert!(m.overlays.is_empty());
    let effects = press(&mut m, KeyCode::Char('x'));
    assert!(effects.iter().any(|e| matches!(e, Effect::Send(Command::Input(_)))), "{effects:?}");
}

#[test]
fn f8_opens_and_closes_it() {
    let mut m = open((80, 24));
    assert!(matches!(m.overlays.as_slice(), [Overlay::Log(_)]));
    press(&mut m, KeyCode::F(8));
    assert!(m.overlays.is_empty());
}

#[test]
fn lines_ask_for_a_frame_only_while_it_is_open() {
    let mut m = running((120, 40), idle());
    let news = || Update::Log(vec![line(1, LogWeight::Plain, "a")]);
    assert_eq!(say(&mut m, news()), []);
    press(&mut m, KeyCode::F(8));
    assert_eq!(say(&mut m, news()), [Effect::Redraw]);
    assert_eq!(m.log.end(), 2);
}
