//! `side`: a side request at every turn, before or after the main one, sent by Claude Code's own
//! hooks from where Claude Code runs; what the main prompt loses by it.

use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    Options,
    common::Project,
    record::{Kind, Record},
    report::{Bound, Section, keep},
    stage::{Pace, Session, Stage, Who},
};

/// Seconds that bare Claude Code gets for its turns after the first.
const BARE_BUDGET: Duration = Duration::from_secs(60);
/// A side request that was put off is answered within this time after the turn.
const ANSWERED: Duration = Duration::from_secs(60);

/// When the side request comes.
#[derive(Debug, Clone, Copy)]
enum Order {
    Before,
    After,
}

impl Order {
    fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }

    fn hook(self) -> &'static str {
        match self {
            Self::Before => "UserPromptSubmit",
            Self::After => "Stop",
        }
    }
}

/// Sends one request to where Claude Code sends its own, with its credentials, without waiting
/// for the answer: titles and others in turn.
const SEND: &str = r#"#!/bin/sh
cd "$(dirname "$0")" || exit 0
number=$(ls | grep -c '^asked')
: > "asked.$number"
if [ $((number % 2)) = 0 ]; then body=title.json; else body=other.json; fi
( curl -sS -m 600 -o "said.$number" -w '%{http_code}' \
    -H "Authorization: Bearer $ANTHROPIC_AUTH_TOKEN" -H 'Content-Type: application/json' \
    -H 'anthropic-version: 2023-06-01' --data-binary "@$body" \
    "$ANTHROPIC_BASE_URL/v1/messages?beta=true" > "part.$number" 2> "error.$number"
  mv "part.$number" "status.$number" ) > /dev/null 2>&1 < /dev/null &
sleep 0.3
"#;

pub fn run(options: &Options, section: &mut Section) {
    let turns = if options.quick { 5 } else { 20 };
    for version in &options.versions {
        for order in [Order::Before, Order::After] {
            for who in [Who::Bare, Who::Lcc] {
                if options.lcc_only && who == Who::Bare {
                    continue;
                }
                if !play(options, version, who, order, turns, section) {
                    return;
                }
            }
        }
    }
}

fn play(
    options: &Options,
    version: &str,
    who: Who,
    order: Order,
    turns: u32,
    section: &mut Section,
) -> bool {
    let Some(stage) = Stage::set(options, version) else { return false };
    let hooks = Hooks::plant(&stage.project, version, order, stage.model());
    let extra = ["--settings".to_owned(), hooks.settings.display().to_string()];
    let (bare, lcc) = (stage.bare(), stage.lcc().args(["--"]).args(&extra));
    let mut session = match who {
        Who::Bare => Session::bare(&stage, &bare, &extra),
        Who::Lcc => Session::lcc(&stage, &lcc),
    };
    session.turn(1, Pace::AtOnce);
    let started = Instant::now();
    let mut played = 1;
    for step in 2..=turns {
        // Bare Claude Code reads everything again at every turn: some turns show it.
        if who == Who::Bare && started.elapsed() > BARE_BUDGET {
            break;
        }
        hooks.wait_answered(step - 1);
        session.turn(step, Pace::AtOnce);
        played = step;
    }
    let unanswered = hooks.wait_answered(played);
    let records = stage.director.records();
    let name = format!("{version}, {}, {}", who.word(), order.word());
    keep(&format!("side-{version}-{}-{}", who.word(), order.word()), &records);
    let reuse = Reuse::of(&records);
    section.row(&[
        name.clone(),
        played.to_string(),
        reuse.sides.to_string(),
        format!("{:.2} %", reuse.least),
        reuse.read_again.to_string(),
    ]);
    if who == Who::Lcc {
        let what = format!("{name}: percent of the reusable prefix reused, the worst turn");
        section.bound(Bound::at_least(&what, reuse.least, 99.0));
        let what = format!("{name}: side requests without an answer");
        section.bound(Bound::exactly(&what, unanswered as f64, 0.0));
    }
    session.leave();
    true
}

/// What the main prompts had of the one before.
struct Reuse {
    least: f64,
    read_again: u64,
    sides: usize,
}

impl Reuse {
    /// Reusable is the whole prompt of the main request before: the conversation only grows.
    fn of(records: &[Record]) -> Self {
        let main: Vec<_> =
            records.iter().filter(|r| r.kind == Kind::Main && r.first_s.is_some()).collect();
        let mut reuse = Self { least: 100.0, read_again: 0, sides: 0 };
        for pair in main.windows(2) {
            let (known, kept) = (pair[0].prompt.max(1), pair[1].cached.min(pair[0].prompt));
            reuse.least = reuse.least.min(kept as f64 * 100.0 / known as f64);
            reuse.read_again += known - kept;
        }
        reuse.sides = records.iter().filter(|r| r.kind == Kind::Side).count();
        reuse
    }
}

/// The hook, the bodies it sends and the settings that name it, in the project.
struct Hooks {
    dir: PathBuf,
    settings: PathBuf,
}

impl Hooks {
    fn plant(project: &Project, version: &str, order: Order, model: &str) -> Self {
        let send = project.write("side/send.sh", SEND);
        project.write("side/title.json", &title(version, model).to_string());
        project.write("side/other.json", &other(model).to_string());
        let command = json!({"type": "command", "command": format!("sh {}", send.display())});
        let hooks = json!({"hooks": {order.hook(): [{"hooks": [command]}]}});
        let settings = project.write("side/settings.json", &hooks.to_string());
        Self { dir: project.path().join("side"), settings }
    }

    /// Waits until `count` side requests were answered; how many were not answered with 200.
    fn wait_answered(&self, count: u32) -> usize {
        let end = Instant::now() + ANSWERED;
        loop {
            let status = |n: &u32| std::fs::read_to_string(self.dir.join(format!("status.{n}")));
            let missing = (0..count).filter(|n| status(n).is_err()).count();
            if missing == 0 || Instant::now() > end {
                return (0..count).filter(|n| status(n).ok().as_deref() != Some("200")).count();
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A title request as this version of Claude Code sends it.
fn title(version: &str, model: &str) -> Value {
    let file = format!("tests/fixtures/proxy/title-{version}.json");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(&path).expect("a captured title request");
    let mut body: Value = serde_json::from_str(&text).expect("JSON");
    body["model"] = json!(model);
    body
}

/// A side request that is no title: a page to be summed up.
fn other(model: &str) -> Value {
    let page = "The page says how the parts fit and which of them may be left out. ".repeat(20);
    json!({
        "model": model, "max_tokens": 1024, "stream": true,
        "system": [{"type": "text", "text": "You answer questions about a web page."}],
        "messages": [{"role": "user", "content": [
            {"type": "text", "text": format!("{page}\n\nWhich parts may be left out?")}
        ]}],
    })
}
