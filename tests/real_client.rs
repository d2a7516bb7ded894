//! The real Claude Code in the cockpit, sandboxed, against the practice server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use common::{Key, Lcc, Outer, Project, Real};
use lcc::{
    domain::Phase,
    engine::practice::{self, PracticeOptions, PracticeServer},
    protocol::Snapshot,
};

const START: Duration = Duration::from_secs(20);
const WORK: Duration = Duration::from_secs(60);

/// A cockpit with a practice server of the test's own, so that no port of this machine matters.
struct Cockpit {
    lcc: Lcc,
    outer: Outer,
    project: Project,
    started: Instant,
    _server: PracticeServer,
    _runtime: tokio::runtime::Runtime,
}

impl Cockpit {
    fn open(claude: &Path) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let options = PracticeOptions {
            read_rate: 20_000.0,
            write_rate: 2_000.0,
            ..PracticeOptions::default()
        };
        let server = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            practice::start(listener, options).await.unwrap()
        });
        let project = Project::with_git();
        project.write("hello.txt", "a file of the project\n");
        let lcc = Lcc::new(project.path())
            .env("LCC_CLAUDE", claude)
            .args(["--server", &format!("http://{}", server.addr())]);
        let started = Instant::now();
        let outer = lcc.start();
        Self { lcc, outer, project, started, _server: server, _runtime: runtime }
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

    fn prompt(&mut self, text: &str) {
        let turns = self.figures().turns;
        self.outer.type_text(text);
        self.outer.wait_for(text, WORK);
        self.outer.key(Key::Enter);
        self.wait_figures("the turn to end", |f| f.turns > turns && f.phase == Phase::Idle);
    }
}

fn drive(version: &str) {
    let (Some(claude), Some(_)) = (Real::claude(version), Real::bwrap()) else { return };
    let mut cockpit = Cockpit::open(&claude);
    cockpit.outer.wait_for("❯", START);
    println!("{version}: prompt box after {:?}", cockpit.started.elapsed());

    // A prompt makes it call Bash and Write: a file of the project changes.
    cockpit.prompt("look around and leave a note");
    let note = cockpit.project.read("practice-note.md");
    assert!(note.is_some(), "no note; the screen:\n{}", cockpit.outer.screen_text());
    let after_one = cockpit.figures();
    assert!(after_one.window.used.unwrap() > after_one.window.fixed.unwrap());
    assert!(after_one.cache.last_ratio.unwrap() > 0.5, "{:?}", after_one.cache);

    // F2 compacts: the used window falls. A draft in the prompt box survives it.
    for text in
        ["practice: say one", "practice: say two", "practice: say three", "practice: say four"]
    {
        cockpit.prompt(text);
    }
    let before = cockpit.figures().window.used.unwrap();
    cockpit.outer.type_text("a draft");
    cockpit.outer.wait_for("a draft", WORK);
    cockpit.outer.key(Key::F(2));
    let compacted = cockpit.wait_figures("a compaction", |f| {
        f.time.compaction_s > 0.0
            && f.phase == Phase::Idle
            && f.window.used.unwrap_or(before) < before
    });
    println!("{version}: compacted from {before} to {:?}", compacted.window.used);
    cockpit.outer.wait_for("a draft", WORK);

    // F5 gives an empty conversation; the note of the first one is not in it.
    cockpit.outer.key(Key::F(5));
    cockpit.outer.wait_until("an empty prompt box", START, |s| {
        let text = s.contents();
        text.contains('❯') && !text.contains("a draft") && !text.contains("practice: say")
    });
    cockpit.prompt("practice: say fresh");
    let fresh = cockpit.figures();
    assert!(fresh.window.used.unwrap() < before, "{:?}", fresh.window);

    // F10 restores the terminal.
    let status = cockpit.outer.leave(START);
    assert!(status.success(), "{status:?}");
    assert_eq!(cockpit.outer.leftovers(), Vec::<String>::new());
}

#[test]
fn claude_code_2_1_197_works_compacts_restarts_and_leaves() {
    drive("2.1.197");
}

#[test]
fn claude_code_2_1_330_works_compacts_restarts_and_leaves() {
    drive("2.1.330");
}
