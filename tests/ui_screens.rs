//! The screens of the cockpit, as text, at three sizes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod ui_support;

use crossterm::event::KeyCode;
use lcc::{
    domain::{Risk, Tier},
    front::app::Model,
    protocol::{NoticeLevel, Snapshot, Update},
};
use ui_support::{
    SIZES, broken, busy_sandbox, frame, generating, idle, leaked, lost, model, notice,
    practice_idle, prefill, prefill_estimated, press, risk, running, say, text, tick, turned_back,
    unconfined,
};

fn shot(name: &str, build: impl Fn((u16, u16)) -> Model) {
    for size in SIZES {
        let (cols, rows) = size;
        insta::assert_snapshot!(format!("{name}_{cols}x{rows}"), text(&frame(&build(size))));
    }
}

fn figures(name: &str, snapshot: impl Fn() -> Snapshot) {
    shot(name, |size| running(size, snapshot()));
}

#[test]
fn starting() {
    shot("starting", |size| model(size, false));
    shot("starting_steps", |size| {
        let mut m = model(size, true);
        notice(&mut m, NoticeLevel::Info, "Claude Code 2.1.330");
        notice(&mut m, NoticeLevel::Info, "no model server found: starting the practice server");
        notice(&mut m, NoticeLevel::Info, "starting Claude Code in the sandbox");
        tick(&mut m, 1_200);
        m
    });
}

#[test]
fn figures_of_a_session() {
    figures("idle", idle);
    figures("practice_idle", practice_idle);
    figures("prefill", prefill);
    figures("prefill_estimated", prefill_estimated);
    figures("generating", generating);
    figures("cache_broken", broken);
    figures("thinking_leaked", leaked);
}

#[test]
fn what_must_be_acted_on() {
    figures("risk_near", || risk(Risk::Near));
    figures("risk_now", || risk(Risk::Now));
    figures("turned_back", turned_back);
    figures("server_lost", lost);
    figures("sandbox_off", || unconfined(Tier::Off));
    figures("sandbox_reduced", || unconfined(Tier::Reduced));
    figures("sandbox_busy", || busy_sandbox(Tier::Strict));
    figures("sandbox_reduced_busy", || busy_sandbox(Tier::Reduced));
    figures("sandbox_remote", || {
        let mut s = busy_sandbox(Tier::Strict);
        s.sandbox.remote = Some("gpu1.example".to_owned());
        s.sandbox.remote_bytes = Some(3 << 20);
        s.server.url = Some("https://gpu1.example:8443".to_owned());
        s
    });
    shot("sandbox_reduced_help", |size| {
        let mut m = running(size, busy_sandbox(Tier::Reduced));
        press(&mut m, KeyCode::F(1));
        m
    });
    shot("notices", |size| {
        let mut m = running(size, idle());
        notice(&mut m, NoticeLevel::Warning, "two Claude Code settings were ignored");
        notice(&mut m, NoticeLevel::Error, "the log of this session cannot be written: disk full");
        m
    });
}

#[test]
fn help() {
    shot("help", |size| {
        let mut m = running(size, practice_idle());
        press(&mut m, KeyCode::F(1));
        m
    });
}

#[test]
fn dialogs() {
    for (name, key) in [("compact", 2), ("fresh", 5), ("quit", 10)] {
        shot(&format!("dialog_{name}"), |size| {
            let mut m = running(size, generating());
            press(&mut m, KeyCode::F(key));
            m
        });
    }
}

#[test]
fn the_end_of_claude_code() {
    shot("child_ended", |size| {
        let mut m = running(size, idle());
        let message = "Claude Code ended: exit status: 3".to_owned();
        say(&mut m, Update::ChildEnded { code: Some(3), message });
        m
    });
    shot("child_killed", |size| {
        let mut m = running(size, idle());
        let message = "Claude Code ended: exit status: 137".to_owned();
        say(&mut m, Update::ChildEnded { code: Some(137), message });
        m
    });
    shot("failed", |size| {
        let mut m = model(size, false);
        let message = "bubblewrap was not found in PATH, so there is no sandbox to run Claude \
                       Code in.\n\nInstall it: apt install bubblewrap\nOr run without a sandbox \
                       and with Claude Code's own questions: lcc --sandbox off"
            .to_owned();
        say(&mut m, Update::Failed { message });
        m
    });
    shot("quitting", |size| {
        let mut m = running(size, idle());
        press(&mut m, KeyCode::F(10));
        m
    });
}

#[test]
fn panes_on_demand() {
    shot("panes_toggled", |size| {
        let mut m = running(size, prefill());
        press(&mut m, KeyCode::F(3));
        m
    });
}

#[test]
fn odd_sizes() {
    for size in [(59, 17), (20, 5), (60, 18), (120, 30), (130, 29)] {
        let (cols, rows) = size;
        let mut snapshot = prefill();
        snapshot.sandbox.tier = Some(Tier::Off);
        snapshot.server.kind = Some(lcc::domain::ServerKind::Practice);
        insta::assert_snapshot!(
            format!("odd_{cols}x{rows}"),
            text(&frame(&running(size, snapshot)))
        );
    }
}
