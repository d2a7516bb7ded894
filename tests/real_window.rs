//! What the real Claude Code makes of the window it is told: its footer, and when it compacts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;
mod window_support;

use std::time::Duration;

use common::{Key, Lcc, Outer, Project, Real};
use lcc::{
    engine::{
        claude::{compacts, output_budget},
        window::{self, Belief},
    },
    protocol::Snapshot,
};
use window_support::{Asked, Scripted};

const WORK: Duration = Duration::from_secs(60);
const WINDOW: u64 = 32_768;

/// A cockpit of which Claude Code's pane alone is shown, so that its footer is whole.
struct Cockpit {
    lcc: Lcc,
    outer: Outer,
    server: Scripted,
    _project: Project,
    said: usize,
}

impl Cockpit {
    fn open(version: &str) -> Option<Self> {
        let (claude, _) = (Real::claude(version)?, Real::bwrap()?);
        let server = Scripted::start(WINDOW);
        let project = Project::with_git();
        // The client's own net is to be seen, not lcc's policy.
        let lcc = Lcc::new(project.path())
            .size(200, 50)
            .env("LCC_CLAUDE", claude)
            .env("LCC_SERVER", &server.url)
            // What is read ahead would be one more request.
            .env("LCC_WARM_START", "false");
        let mut outer = lcc.start();
        outer.wait_for("❯", WORK);
        Some(Self { lcc, outer, server, _project: project, said: 0 })
    }

    fn figures(&self) -> Snapshot {
        self.lcc.figures().expect("the session answers")
    }

    /// One exchange after which Claude Code believes that so many tokens are used.
    fn exchange(&mut self, usage: u64) -> Vec<Asked> {
        self.said += 1;
        self.server.claim(usage);
        let text = format!("say word {}", self.said);
        let turns = self.figures().turns;
        self.outer.type_text(&text);
        self.outer.wait_for(&text, WORK);
        self.outer.key(Key::Enter);
        let end = std::time::Instant::now() + WORK;
        while self.figures().turns <= turns {
            assert!(std::time::Instant::now() < end, "no answer:\n{}", self.outer.screen_text());
            std::thread::sleep(Duration::from_millis(50));
        }
        self.outer.settle(Duration::from_millis(700), WORK);
        self.server.asked()
    }

    /// The percentage in Claude Code's footer, by the words after it, once it is about `due`;
    /// else the last one. A hint of Claude Code's stands in its place for the first seconds.
    fn footer(&self, words: &str, due: u64) -> Option<u64> {
        let end = std::time::Instant::now() + WORK;
        loop {
            let shown = self.shown(words);
            let there = shown.is_some_and(|s| s.abs_diff(due) <= 1);
            if there || std::time::Instant::now() > end {
                return shown;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn shown(&self, words: &str) -> Option<u64> {
        let text = self.outer.screen_text();
        let before = text.split_once(words)?.0.trim_end().trim_end_matches('%');
        before.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    }
}

fn belief(version: &str) -> Belief {
    let output = output_budget(WINDOW);
    let room = window::compaction_room(window::COMPACTION_PROMPT_BYTES, 0.25);
    let limit = window::limit(WINDOW, output, room);
    window::believe(compacts(version.parse().ok()), WINDOW, output, limit)
}

#[test]
fn claude_code_2_1_330_compacts_at_the_limit_and_its_footer_counts_down_to_it() {
    let Some(mut cockpit) = Cockpit::open("2.1.330") else { return };
    let belief = belief("2.1.330");
    let limit = belief.compacts_at.unwrap();
    for usage in [4_000, 5_000, 6_000, 9_000, 16_000, 24_000, limit - 300] {
        assert_eq!(cockpit.exchange(usage), [Asked::Main], "at {usage}");
        if usage >= 9_000 {
            let due = belief.footer(usage);
            let shown = cockpit.footer("until auto-compact", due);
            println!("2.1.330 at {usage}: {shown:?} % until auto-compact");
            assert!(
                shown.is_some_and(|s| s.abs_diff(due) <= 1),
                "{usage}: {shown:?}, not {due}:\n{}",
                cockpit.outer.screen_text()
            );
        }
    }
    assert_eq!(cockpit.exchange(limit + 200), [Asked::Main], "not before the limit is passed");
    assert_eq!(cockpit.exchange(4_000), [Asked::Compaction, Asked::Main], "at the next prompt");
    let last = cockpit.server.last().unwrap();
    assert_eq!(last["max_tokens"], belief.output);
}

#[test]
fn claude_code_2_1_197_shows_the_true_share_of_the_window_and_leaves_compacting_to_lcc() {
    let Some(mut cockpit) = Cockpit::open("2.1.197") else { return };
    let belief = belief("2.1.197");
    assert_eq!(belief.compacts_at, None);
    for usage in [4_000, 6_000, 16_000, 24_000, 28_000, 31_000] {
        assert_eq!(cockpit.exchange(usage), [Asked::Main], "at {usage}");
        let due = (usage as f64 / WINDOW as f64 * 100.0).round() as u64;
        let shown = cockpit.footer("context used", due);
        println!("2.1.197 at {usage}: {shown:?} % context used");
        assert!(shown.is_some_and(|s| s.abs_diff(due) <= 1), "{usage}: {shown:?}, not {due}");
    }
}

/// Bytes of the first request of the profile that a 32K window gets, on both versions.
#[test]
fn a_32k_window_begins_lean_with_all_six_tools() {
    for version in ["2.1.197", "2.1.330"] {
        let Some(mut cockpit) = Cockpit::open(version) else { continue };
        cockpit.exchange(4_000);
        let body = cockpit.server.last().unwrap();
        let names: Vec<_> =
            body["tools"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["Bash", "Edit", "Glob", "Grep", "Read", "Write"]);
        let bytes = body.to_string().len();
        println!("{version}: {bytes} bytes");
        assert!(bytes < 18_000, "{version}: {bytes}");
        // The Window pane's parts, counted by the server itself.
        let end = std::time::Instant::now() + WORK;
        loop {
            let parts = cockpit.figures().fixed_parts;
            if parts.iter().any(|p| p.counted && p.part == "tool Grep") {
                assert!(parts.iter().all(|p| p.counted), "{parts:?}");
                break;
            }
            assert!(std::time::Instant::now() < end, "{parts:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
        cockpit.outer.leave(WORK);
        // The session is over; the report still tells of it, and records the profiles.
        let mut report = cockpit.lcc.command();
        let out = report.args(["report", "--json"]).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!(report["claude"], version);
        assert_eq!(report["session"]["profile"], "lean");
        assert_eq!(report["session"]["parts"].as_array().unwrap().len(), 8);
        let profiles = report["profiles"].as_array().unwrap();
        assert_eq!(profiles.len(), 3);
        for cost in profiles {
            println!(
                "{version} {}: {} tools, {} bytes",
                cost["profile"], cost["tools"], cost["bytes"]
            );
            assert!(cost["problem"].is_null(), "{cost}");
            assert_eq!(cost["tokens"], 3_000, "as the server counts");
            assert_eq!(cost["current"], cost["profile"] == "lean");
        }
        assert!(profiles[0]["bytes"].as_u64() < profiles[1]["bytes"].as_u64());
        // Recorded once: the second report starts nobody.
        let again = std::time::Instant::now();
        let mut report = cockpit.lcc.command();
        let text = report.arg("report").output().unwrap().stdout;
        println!("{}\n{:?}", String::from_utf8_lossy(&text), again.elapsed());
    }
}
