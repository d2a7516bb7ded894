//! The real Claude Code while its window runs out, in each policy, against the practice server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use common::{Key, Lcc, Outer, Project, Real};
use lcc::{
    domain::{Phase, Risk},
    engine::practice::{self, PracticeOptions, PracticeServer},
    protocol::Snapshot,
};

const START: Duration = Duration::from_secs(30);
const WORK: Duration = Duration::from_secs(90);
const WINDOW: u64 = 32_768;

/// A cockpit in front of a practice server that remembers every request.
struct Cockpit {
    lcc: Lcc,
    outer: Outer,
    server: PracticeServer,
    _project: Project,
    _runtime: tokio::runtime::Runtime,
}

impl Cockpit {
    fn open(claude: &Path, policy: &str, more: &[&str]) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let options = PracticeOptions {
            read_rate: 200_000.0,
            write_rate: 20_000.0,
            window: WINDOW,
            ..PracticeOptions::default()
        };
        let server = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            practice::start(listener, options).await.unwrap()
        });
        let project = Project::new();
        let lcc = Lcc::new(project.path())
            .size(200, 50)
            .env("LCC_CLAUDE", claude)
            .args(["--server", &format!("http://{}", server.addr()), "--policy", policy])
            .args(more.iter().copied());
        let mut outer = lcc.start();
        outer.wait_for("❯", START);
        Self { lcc, outer, server, _project: project, _runtime: runtime }
    }

    fn figures(&self) -> Snapshot {
        self.lcc.figures().expect("the session answers")
    }

    fn wait_figures(&mut self, what: &str, holds: impl Fn(&Snapshot) -> bool) -> Snapshot {
        let end = Instant::now() + WORK;
        loop {
            let figures = self.figures();
            if holds(&figures) {
                return figures;
            }
            assert!(
                Instant::now() < end,
                "waited for {what}; the figures:\n{figures:#?}\nthe screen:\n{}",
                self.outer.screen_text()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn send(&mut self, text: &str) {
        self.outer.type_text(text);
        self.outer.wait_for(text, WORK);
        self.outer.key(Key::Enter);
    }

    /// One turn, and whatever the policy does after it.
    fn turn(&mut self, text: &str) -> Snapshot {
        let turns = self.figures().turns;
        self.send(text);
        self.wait_figures("the turn and the policy to end", |f| {
            let settled = !f.forecast.due || f.forecast.given_up.is_some();
            f.turns > turns && f.phase == Phase::Idle && settled
        })
    }

    fn leave(mut self) {
        assert!(self.outer.leave(START).success());
    }
}

/// How many turns, and lines that each result has more than the one before: forty take minutes.
fn turns() -> (u64, u64) {
    let long = std::env::var_os("LCC_TEST_LONG").is_some_and(|v| v == "1");
    if long { (40, 14) } else { (14, 60) }
}

/// A tool call whose result grows from turn to turn.
fn growing(turn: u64, more: u64) -> String {
    format!("practice: bash seq {turn}00000 {turn}0{:04}", 300 + turn * more)
}

fn auto(version: &str) {
    let (Some(claude), Some(_)) = (Real::claude(version), Real::bwrap()) else { return };
    let mut cockpit = Cockpit::open(&claude, "auto", &[]);
    let (turns, more) = turns();
    for turn in 1..=turns {
        let f = cockpit.turn(&growing(turn, more));
        println!(
            "{version} turn {turn}: {} used, limit {}, {} left, risk {:?}, {} compactions",
            f.window.used.unwrap(),
            f.forecast.limit.unwrap(),
            f.forecast.turns_left.map_or_else(|| "–".into(), |n| n.to_string()),
            f.forecast.risk,
            f.compactions.count
        );
        assert_eq!(f.forecast.given_up, None);
        let screen = cockpit.outer.screen_text();
        assert!(!screen.contains("▲ near  ") && !screen.contains("■ NOW  "), "{screen}");
    }
    let figures = cockpit.figures();
    println!("{version}: {:?}", figures.compactions);
    let last = figures.compactions.last.clone().expect("it compacted");
    assert!(last.after.unwrap() < last.before.unwrap(), "{last:?}");
    let mains: Vec<_> = cockpit.server.served().into_iter().filter(|s| s.tools > 1).collect();
    let mut before: Option<practice::Served> = None;
    for served in &mains {
        assert!(!served.too_long && served.total <= WINDOW, "over the window: {served:?}");
        // What the prompt before had is reused, but for the prompts after a compaction.
        if let Some(before) = before.filter(|b| !b.summary) {
            assert!(served.cached * 100 >= before.total * 97, "{before:?} then {served:?}");
        }
        before = Some(*served);
    }
    assert!(mains.iter().filter(|s| s.summary).count() as u64 >= figures.compactions.count);
    cockpit.leave();
}

/// Newer clients compact by themselves; not here.
const NOBODY: &str = r#"{"env":{"DISABLE_AUTO_COMPACT":"1"}}"#;

/// Without anybody who acts: the first warning, and the turn after which a compaction no longer
/// fits.
fn ask(version: &str) {
    let (Some(claude), Some(_)) = (Real::claude(version), Real::bwrap()) else { return };
    let mut cockpit = Cockpit::open(&claude, "ask", &["--", "--settings", NOBODY]);
    let (mut warned, mut late, mut busy) = (None, None, false);
    for turn in 1..=40 {
        cockpit.send(&growing(turn, 120));
        let end = Instant::now() + WORK;
        let (f, blocked) = loop {
            let f = cockpit.figures();
            // The client's own word, when it sends no more.
            let blocked = cockpit.outer.screen_text().contains("Context limit reached");
            if f.turns >= turn && f.phase == Phase::Idle || f.window.turned_back || blocked {
                break (f, blocked);
            }
            assert!(Instant::now() < end, "{f:#?}\n{}", cockpit.outer.screen_text());
            std::thread::sleep(Duration::from_millis(50));
        };
        println!("{version} turn {turn}: {:?} {:?}", f.window.used, f.forecast);
        if f.forecast.risk != Risk::None && warned.is_none() {
            warned = Some(turn);
            cockpit.outer.wait_for("F2", WORK);
            cockpit.outer.wait_for("F6", WORK);
        }
        if blocked || f.window.used > f.forecast.compaction_limit || f.window.turned_back {
            late = Some(turn);
            busy = blocked;
            break;
        }
        assert_eq!(f.compactions.count, 0, "nobody asked for one");
    }
    let (warned, late) = (warned.expect("a warning"), late.expect("a full window"));
    println!("{version}: warned at turn {warned}, too late at turn {late}");
    assert!(late - warned >= 2, "warned at {warned}, too late at {late}");
    if busy {
        // The turn hangs where the client left it: leaving asks.
        cockpit.outer.key(Key::F(10));
        cockpit.outer.wait_for("╭ quit", WORK);
        cockpit.outer.type_text("q");
        assert!(cockpit.outer.wait_end(START).success());
        return;
    }
    cockpit.leave();
}

/// A single tool result that does not fit, in policy `auto`: it is announced, never sent, and the
/// work goes on after a compaction.
fn oversize(version: &str) {
    let (Some(claude), Some(_)) = (Real::claude(version), Real::bwrap()) else { return };
    let mut cockpit = Cockpit::open(&claude, "auto", &[]);
    let mut turns = 0;
    while cockpit.figures().window.used.unwrap_or(0) < 14_000 {
        turns += 1;
        cockpit.turn(&growing(turns, 60));
    }
    // Three results of 16,000 characters of digits, about the most that Bash gives: after one or
    // two there is no room left to compact, all three do not fit.
    let call = |n: u64| format!("practice: bash seq {n}000000 {n}002000");
    cockpit.send(&[call(1), call(2), call(3)].join(" ;; "));
    let f = cockpit.wait_figures("the request to be turned back or compacted", |f| {
        f.window.turned_back || f.compactions.count > 0
    });
    println!("{version}: {:?}", f.forecast.reason);
    let f = cockpit.wait_figures("the end of it", |f| {
        f.phase == Phase::Idle && f.phase_s > 6.0 && !f.window.turned_back
            || f.forecast.given_up.is_some()
    });
    println!("{version}: {:?} {:?}\n{}", f.compactions, f.forecast, cockpit.outer.screen_text());
    for served in cockpit.server.served() {
        assert!(!served.too_long && served.total <= WINDOW, "over the window: {served:?}");
    }
    cockpit.leave();
}

#[test]
fn claude_code_2_1_197_is_compacted_before_the_window_is_full() {
    auto("2.1.197");
}

#[test]
fn claude_code_2_1_330_is_compacted_before_the_window_is_full() {
    auto("2.1.330");
}

#[test]
fn the_user_of_2_1_197_is_warned_two_turns_ahead() {
    ask("2.1.197");
}

#[test]
fn the_user_of_2_1_330_is_warned_two_turns_ahead() {
    ask("2.1.330");
}

#[test]
fn a_result_that_does_not_fit_never_reaches_the_server_of_2_1_197() {
    oversize("2.1.197");
}

#[test]
fn a_result_that_does_not_fit_never_reaches_the_server_of_2_1_330() {
    oversize("2.1.330");
}
