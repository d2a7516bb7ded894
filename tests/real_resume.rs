//! A handover on the real Claude Code: the note begins the fresh session, and the old one comes
//! back with `--resume`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::time::{Duration, Instant};

use common::{Key, Lcc, Outer, Project, Real};
use lcc::{
    domain::Phase,
    engine::practice::{self, PracticeOptions},
    protocol::Snapshot,
};

const START: Duration = Duration::from_secs(40);
const WORK: Duration = Duration::from_secs(90);

fn wait_figures(lcc: &Lcc, outer: &mut Outer, what: &str, holds: impl Fn(&Snapshot) -> bool) {
    let end = Instant::now() + WORK;
    while !lcc.figures().is_some_and(|f| holds(&f)) {
        assert!(Instant::now() < end, "waited for {what}:\n{}", outer.screen_text());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn turns(lcc: &Lcc) -> u64 {
    lcc.figures().map_or(0, |f| f.turns)
}

fn turn_ended(lcc: &Lcc, outer: &mut Outer, before: u64) {
    wait_figures(lcc, outer, "the turn to end", |f| f.turns > before && f.phase == Phase::Idle);
}

/// What the screen says to give to `lcc --resume`.
fn old_session(screen: &str) -> Option<String> {
    let (_, rest) = screen.split_once("lcc --resume ")?;
    let id: String = rest.chars().take_while(|c| c.is_ascii_hexdigit() || *c == '-').collect();
    (id.len() == 36).then_some(id)
}

fn drive(version: &str) {
    let (Some(claude), Some(_)) = (Real::claude(version), Real::bwrap()) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options =
        PracticeOptions { read_rate: 20_000.0, write_rate: 2_000.0, ..PracticeOptions::default() };
    let server = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        practice::start(listener, options).await.unwrap()
    });
    let project = Project::with_git();
    project.write("hello.txt", "a file of the project\n");
    let url = format!("http://{}", server.addr());
    let lcc = Lcc::new(project.path()).env("LCC_CLAUDE", &claude).args(["--server", &url]);
    let mut outer = lcc.start();
    outer.wait_for("❯", START);

    // F7: two lines and a directive, sent as one paste; it writes a file and a command fails.
    let before = turns(&lcc);
    outer.key(Key::F(7));
    outer.wait_for("compose a prompt", WORK);
    outer.type_text("practice: write made.txt by the old session");
    outer.key(Key::Enter);
    outer.type_text("practice: bash cat missing-file.txt");
    outer.key(Key::Enter);
    outer.type_text("practice: say the OLD answer");
    outer.key(Key::Ctrl('s'));
    turn_ended(&lcc, &mut outer, before);
    assert!(project.read("made.txt").is_some(), "{}", outer.screen_text());
    outer.wait_for("the OLD answer", WORK);

    // F6: the note tells the task, the file and the command, and begins a session of its own.
    outer.key(Key::F(6));
    outer.wait_for("a note for a fresh session", WORK);
    for part in ["practice: write made.txt", "?? made.txt", "cat missing-file.txt", "Ctrl-S"] {
        outer.wait_for(part, WORK);
    }
    let before = turns(&lcc);
    outer.key(Key::Ctrl('s'));
    // The id of the old session is told at once.
    outer.wait_until("the old session's id", WORK, |s| old_session(&s.contents()).is_some());
    let id = old_session(&outer.screen_text()).unwrap();
    turn_ended(&lcc, &mut outer, before);
    let figures = lcc.figures().unwrap();
    println!(
        "{version}: after the handover {:?} of {:?}",
        figures.window.used, figures.window.size
    );
    assert!(outer.leave(START).success());

    // And it brings the old conversation back: its answer is on screen, and it goes on.
    let lcc = lcc.args(["--resume", &id]);
    let mut outer = lcc.start();
    outer.wait_for("the OLD answer", START);
    wait_figures(&lcc, &mut outer, "an idle session", |f| f.phase == Phase::Idle);
    let before = turns(&lcc);
    outer.key(Key::F(7));
    outer.wait_for("compose a prompt", WORK);
    outer.type_text("practice: say still the SAME session");
    outer.key(Key::Ctrl('s'));
    turn_ended(&lcc, &mut outer, before);
    outer.wait_for("still the SAME session", WORK);
    assert!(outer.leave(START).success());
}

#[test]
fn claude_code_2_1_197_hands_over_and_comes_back() {
    drive("2.1.197");
}

#[test]
fn claude_code_2_1_330_hands_over_and_comes_back() {
    drive("2.1.330");
}
