//! Warm start with the real Claude Code on real llama.cpp: the first token after a restart.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use common::{Key, Lcc, Outer, Project, Real, RealServer};
use lcc::{domain::Phase, protocol::Snapshot};

const START: Duration = Duration::from_secs(60);
/// A busy machine reads slowly.
const WORK: Duration = Duration::from_secs(300);

fn wait(lcc: &Lcc, outer: &mut Outer, what: &str, is: impl Fn(&Snapshot) -> bool) -> Snapshot {
    let end = Instant::now() + WORK;
    loop {
        let figures = lcc.figures().expect("the session answers");
        if is(&figures) {
            return figures;
        }
        assert!(
            Instant::now() < end,
            "waited for {what}; {:#?}\n{:#?}\n{}",
            figures.warm,
            figures.prefill,
            outer.screen_text()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// One prompt up to its first token, then interrupted: a small model writes nonsense for minutes.
/// The seconds to that token, and how much of the fixed prefix was in the cache.
fn prompt(lcc: &Lcc, outer: &mut Outer, text: &str) -> (f64, f64) {
    outer.type_text(text);
    outer.wait_for(text, START);
    outer.key(Key::Enter);
    let told = |f: &Snapshot| {
        let counted = f.prefill.last.as_ref().is_some_and(|l| l.cached.is_some());
        f.phase == Phase::Generate && counted && f.window.fixed.is_some()
    };
    let done = wait(lcc, outer, "the first token", told);
    outer.key(Key::Escape);
    wait(lcc, outer, "the interrupt", |f| f.phase == Phase::Idle);
    let last = done.prefill.last.expect("a prompt was read");
    let (cached, fixed) = (last.cached.unwrap(), done.window.fixed.unwrap());
    println!(
        "  {text}: first token after {:.2} s, {cached} of {} tokens cached, {fixed} are fixed",
        last.seconds,
        last.total.unwrap()
    );
    (last.seconds, cached.min(fixed) as f64 / fixed as f64)
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

fn drive(version: &str) {
    let (Some(claude), Some(_)) = (Real::claude(version), Real::bwrap()) else { return };
    let slots = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let folder = slots.path().to_str().unwrap();
    let serve = || RealServer::start(&["--port", &port, "--slot-save-path", folder]);
    let Some(server) = serve() else { return };
    let project = Project::with_git();
    let lcc = Lcc::new(project.path())
        .env("LCC_CLAUDE", &claude)
        .config("output_reserve = 256\n")
        .args(["--server", server.url()]);

    // The first session of this project: its start is found out from the client itself.
    let mut outer = lcc.start();
    outer.wait_for("❯", START);
    let warm = wait(&lcc, &mut outer, "the first warm-up", |f| f.warm.saved > 0).warm;
    println!("{version}: {} tokens read ahead in {:.1} s", warm.read_tokens, warm.seconds);
    let (_, ratio) = prompt(&lcc, &mut outer, "say one");
    assert!(ratio >= 0.98, "{ratio}");

    let mut seconds = Vec::new();
    // F5: a fresh context on the same server.
    for text in ["say two", "say three"] {
        let warmups = lcc.figures().unwrap().warm.warmups;
        outer.key(Key::F(5));
        wait(&lcc, &mut outer, "a warm-up", |f| f.warm.warmups > warmups);
        outer.wait_until("an empty prompt box", START, |s| {
            s.contents().contains('❯') && !s.contents().contains("say")
        });
        let (took, ratio) = prompt(&lcc, &mut outer, text);
        assert!(ratio >= 0.98, "{ratio}");
        seconds.push(took);
    }
    assert!(outer.leave(START).success());
    drop(server);

    // A new lcc after the server was started anew.
    for text in ["say four", "say five"] {
        let server = serve().unwrap();
        let mut outer = lcc.start();
        outer.wait_for("❯", START);
        let warm = wait(&lcc, &mut outer, "a restore", |f| f.warm.warmups > 0).warm;
        assert_eq!((warm.restored, warm.vain), (1, 0), "{warm:#?}");
        assert!(warm.cached_tokens * 100 >= warm.held.unwrap() * 98, "{warm:#?}");
        let (took, ratio) = prompt(&lcc, &mut outer, text);
        assert!(ratio >= 0.98, "{ratio}");
        seconds.push(took);
        assert!(outer.leave(START).success());
        drop(server);
    }
    println!("{version}: first token after a restart, median {:.2} s", median(seconds));
}

#[test]
fn claude_code_2_1_197_starts_warm() {
    drive("2.1.197");
}

#[test]
fn claude_code_2_1_330_starts_warm() {
    drive("2.1.330");
}

#[test]
fn on_a_sliding_window_the_judgement_agrees_with_what_was_cached() {
    let (Some(claude), Some(_)) = (Real::claude("2.1.330"), Real::bwrap()) else { return };
    let slots = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let folder = slots.path().to_str().unwrap();
    let serve =
        || RealServer::start(&["--port", &port, "--slot-save-path", folder, "--no-swa-full"]);
    let Some(server) = serve() else { return };
    let project = Project::with_git();
    let lcc = Lcc::new(project.path())
        .env("LCC_CLAUDE", &claude)
        .config("output_reserve = 256\n")
        .args(["--server", server.url()]);
    let mut outer = lcc.start();
    outer.wait_for("❯", START);
    wait(&lcc, &mut outer, "a snapshot", |f| f.warm.saved > 0);
    assert!(outer.leave(START).success());
    drop(server);
    let _server = serve().unwrap();
    let mut outer = lcc.start();
    outer.wait_for("❯", START);
    let warm = wait(&lcc, &mut outer, "a warm-up", |f| f.warm.warmups > 0).warm;
    println!("restored {} tokens, read {} again", warm.restored_tokens, warm.read_tokens);
    assert_eq!(warm.restored, 1, "{warm:#?}");
    // What was saved alone can be restored even so: its end lies within the window. A slot that
    // must be cut further back cannot.
    let spared = warm.cached_tokens * 2 >= warm.held.unwrap();
    assert_eq!(warm.vain, u64::from(!spared), "{warm:#?}");
    if !spared {
        outer.wait_for("--swa-full", START);
    }
    assert!(outer.leave(START).success());
}
