//! The real Claude Code in the reduced tier, in the cockpit, against the practice server.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::time::{Duration, Instant};

use common::{Key, Lcc, Outer, Project, Real};
use lcc::{
    domain::{EgressWay, Phase, Tier},
    engine::{
        practice::{self, PracticeOptions},
        sandbox,
    },
    protocol::Snapshot,
};

const START: Duration = Duration::from_secs(30);
const WORK: Duration = Duration::from_secs(60);

fn wait(lcc: &Lcc, outer: &mut Outer, what: &str, holds: impl Fn(&Snapshot) -> bool) -> Snapshot {
    let end = Instant::now() + WORK;
    loop {
        let figures = lcc.figures().expect("the session answers");
        if holds(&figures) {
            return figures;
        }
        assert!(
            Instant::now() < end,
            "waited for {what}; the figures:\n{figures:#?}\nthe screen:\n{}",
            outer.screen_text()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn drive(version: &str) {
    let Some(claude) = Real::claude(version) else { return };
    if let Err(error) = sandbox::preflight_reduced() {
        eprintln!("SKIPPED: {error}");
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options =
        PracticeOptions { read_rate: 20_000.0, write_rate: 2_000.0, ..PracticeOptions::default() };
    let server = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        practice::start(listener, options).await.unwrap()
    });
    // The program tries to reach this one and must not.
    let canary = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let elsewhere = canary.local_addr().unwrap();

    let project = Project::with_git();
    let lcc = Lcc::new(project.path()).env("LCC_CLAUDE", &claude).args([
        "--sandbox",
        "reduced",
        "--server",
        &format!("http://{}", server.addr()),
    ]);
    let mut outer = lcc.start();
    outer.wait_for("SANDBOX REDUCED", START);
    outer.wait_for("❯", START);

    // A turn of tools: a file of the project changes.
    outer.type_text("look around and leave a note");
    outer.wait_for("leave a note", WORK);
    outer.key(Key::Enter);
    wait(&lcc, &mut outer, "the turn's end", |f| f.turns > 0 && f.phase == Phase::Idle);
    assert!(project.read("practice-note.md").is_some_and(|note| note.contains("practice server")));

    // A command of the user's own in Claude Code's shell tries another port.
    outer.type_text("!");
    outer.type_text(&format!("bash -c ': > /dev/tcp/127.0.0.1/{}'", elsewhere.port()));
    outer.wait_for("/dev/tcp", WORK);
    outer.key(Key::Enter);
    let figures = wait(&lcc, &mut outer, "the attempt", |f| f.sandbox.egress_blocked > 0);
    let told = figures.sandbox.egress.iter().find(|e| e.destination == elsewhere.to_string());
    let told = told.unwrap_or_else(|| panic!("{:#?}", figures.sandbox));
    assert_eq!((told.program.as_deref(), told.how), (Some("bash"), EgressWay::Connect));
    assert!(canary.accept().is_err(), "it was reached");
    assert_eq!(figures.sandbox.tier, Some(Tier::Reduced));
    assert_eq!(figures.sandbox.probes, figures.sandbox.blocked);
    assert_eq!(figures.sandbox.left_bytes, Some(0));
    assert!(!figures.sandbox.lacks.is_empty());
    let limits = figures.sandbox.limits.expect("caps");
    assert!(limits.memory_used.is_some_and(|used| used > 10 << 20), "{limits:?}");
    // The banner stays.
    outer.wait_for("SANDBOX REDUCED", START);
}

#[test]
fn claude_code_2_1_197() {
    drive("2.1.197");
}

#[test]
fn claude_code_2_1_330() {
    drive("2.1.330");
}
