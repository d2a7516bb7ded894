//! One stage: a real model server, the director before it, a project, and who plays on it.

use std::{path::PathBuf, thread, time::Duration};

use lcc::domain::Phase;

use crate::{
    Options,
    bare::Bare,
    common::{Key, Lcc, Outer, Project, Real},
    director::Director,
    record::{Kind, Record, mark},
    server::Server,
};

/// A start of Claude Code, sandbox and all.
pub const START: Duration = Duration::from_secs(60);
/// A turn, the longest prefill in it included.
pub const TURN: Duration = Duration::from_secs(900);
/// Seconds in which nothing is under way, after which nothing will come.
const STALL_S: f64 = 25.0;
/// Keys a second of a quick typist: the time a prompt takes to be written is the user's.
const KEYS_PER_SECOND: u32 = 10;

/// Who runs Claude Code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Bare,
    Lcc,
}

impl Who {
    pub fn word(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Lcc => "lcc",
        }
    }
}

/// How a prompt is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As by a quick typist: what happens meanwhile is not waited for.
    Typist,
    /// All at once, where time is not what is measured.
    AtOnce,
}

/// Server, director, project. All of it ends when this is dropped.
pub struct Stage {
    claude: PathBuf,
    pub director: Director,
    pub project: Project,
    slots: tempfile::TempDir,
    practice: bool,
    server: Option<Server>,
    model: &'static str,
}

impl Stage {
    /// `None` when a real part is missing; it says which.
    pub fn set(options: &Options, version: &str) -> Option<Self> {
        let (claude, _) = (Real::claude(version)?, Real::bwrap()?);
        let slots = tempfile::Builder::new().prefix("slots-").tempdir().expect("a folder");
        let practice = options.practice;
        let server = Server::start(practice, &slots)?;
        let director = Director::start(server.url(), options.trace);
        let project = Project::with_git();
        let model = server.model();
        let server = Some(server);
        Some(Self { claude, director, project, slots, practice, server, model })
    }

    /// Ends the server and starts it anew: nothing is in its cache but what lies on disk.
    pub fn restart_server(&mut self) {
        self.server = None;
        let server = Server::start(self.practice, &self.slots).expect("the server starts again");
        self.director.set_upstream(server.url());
        self.server = Some(server);
    }

    /// The model's name as the server knows it.
    pub fn model(&self) -> &'static str {
        self.model
    }

    /// A bare Claude Code with a home of its own.
    pub fn bare(&self) -> Bare {
        let made = Bare::new(&self.claude, self.director.addr(), self.model, &self.project);
        made.expect("bubblewrap was there a moment ago")
    }

    /// An lcc with a home of its own.
    pub fn lcc(&self) -> Lcc {
        Lcc::new(self.project.path())
            .env("LCC_CLAUDE", &self.claude)
            .args(["--server", &self.director.url()])
    }
}

/// A running Claude Code, bare or in lcc, with its prompt box on the screen.
pub struct Session<'a> {
    stage: &'a Stage,
    pub outer: Outer,
    lcc: Option<&'a Lcc>,
}

/// How a prompt went.
#[derive(Debug, Clone)]
pub struct Turn {
    /// The first main request of the turn.
    pub first: Record,
    /// All requests that came from the prompt to the turn's end.
    pub all: Vec<Record>,
    /// Seconds from the Enter key to the first token.
    pub wait_s: f64,
}

impl<'a> Session<'a> {
    pub fn bare(stage: &'a Stage, bare: &Bare, extra: &[String]) -> Self {
        let mut outer = bare.start(&stage.project, extra);
        outer.wait_for("❯", START);
        Self { stage, outer, lcc: None }
    }

    pub fn lcc(stage: &'a Stage, lcc: &'a Lcc) -> Self {
        let mut outer = lcc.start();
        outer.wait_for("❯", START);
        Self { stage, outer, lcc: Some(lcc) }
    }

    /// Types the prompt of a step, presses Enter and waits until the turn is
    /// over and Claude Code idle again.
    pub fn turn(&mut self, step: u32, pace: Pace) -> Turn {
        let from = self.stage.director.mark();
        match self.try_turn(step, pace) {
            Some(turn) => turn,
            None => self.fail(&format!("the end of step {step}"), from),
        }
    }

    /// The same; `None` when the turn does not come to its end.
    pub fn try_turn(&mut self, step: u32, pace: Pace) -> Option<Turn> {
        let director = &self.stage.director;
        let from = director.mark();
        let enter = self.type_prompt(step, pace);
        if !self.wait_turn(step, from) {
            return None;
        }
        self.wait_idle();
        let all = director.records().split_off(from);
        let main = |r: &&Record| r.kind == Kind::Main && r.step == Some(step) && r.ended();
        let first = all.iter().find(main)?.clone();
        let wait_s = first.first_at()? - enter;
        Some(Turn { first, all, wait_s })
    }

    /// Waits until a turn has ended; `false` when time is up, or as soon as nothing goes on although
    /// it has not ended.
    fn wait_turn(&mut self, step: u32, from: usize) -> bool {
        let director = &self.stage.director;
        let end = director.now_s() + TURN.as_secs_f64();
        let mut quiet_since = director.now_s();
        while director.wait(from, Duration::from_secs(1), |r| r.ends_turn(step)).is_none() {
            let now = director.now_s();
            // lcc's panes change all the time: Claude Code's own word says whether it works.
            if director.busy() || self.outer.screen_text().contains("to interrupt") {
                quiet_since = now;
            }
            if now > end || now - quiet_since > STALL_S {
                return false;
            }
        }
        true
    }

    /// Types a prompt and presses Enter; when that was, by the director's clock.
    fn type_prompt(&mut self, step: u32, pace: Pace) -> f64 {
        let text = format!("Do the next one {}", mark(step));
        match pace {
            Pace::Typist => {
                for letter in text.chars() {
                    self.outer.type_text(&letter.to_string());
                    thread::sleep(Duration::from_secs(1) / KEYS_PER_SECOND);
                }
            }
            Pace::AtOnce => self.outer.type_text(&text),
        }
        self.outer.wait_for(&text, START);
        let enter = self.stage.director.now_s();
        self.outer.key(Key::Enter);
        enter
    }

    /// Waits until Claude Code takes a prompt again.
    pub fn wait_idle(&mut self) {
        let end = self.stage.director.now_s() + START.as_secs_f64();
        while self.stage.director.now_s() < end {
            // Drawn for the last time: what is on the screen now stays until a key is pressed.
            self.outer.settle(Duration::from_millis(400), Duration::from_secs(2));
            let busy = self.outer.screen_text().contains("to interrupt");
            let figures = self.lcc.and_then(Lcc::figures);
            if !busy && figures.is_none_or(|f| f.phase == Phase::Idle) {
                return;
            }
        }
        self.fail("an idle client", 0);
    }

    /// The figures lcc shows.
    pub fn figures(&self) -> Option<lcc::protocol::Snapshot> {
        self.lcc.and_then(Lcc::figures)
    }

    /// F5: an empty conversation.
    pub fn fresh(&mut self) {
        self.outer.key(Key::F(5));
        self.outer.wait_until("an empty prompt box", START, |s| {
            let text = s.contents();
            text.contains('❯') && !text.contains("[step ")
        });
    }

    /// Ends with everything that is known about why.
    pub fn fail(&self, what: &str, from: usize) -> ! {
        let records: Vec<_> = self.stage.director.records().split_off(from);
        let lines: Vec<_> = records.iter().map(Record::line).collect();
        panic!(
            "waited for {what}. Requests since:\n{}\nThe screen:\n{}",
            lines.join("\n"),
            self.outer.screen_text()
        );
    }

    /// Leaves as a person does.
    pub fn leave(mut self) {
        if self.lcc.is_some() {
            self.outer.leave(START);
        }
    }
}
