//! `grow`: many turns, each with a larger tool result than the one before, in policy `auto`; and
//! `ask`: how many turns before it is too late the warning comes.

use std::{fmt::Write as _, thread, time::Duration};

use serde_json::{Value, json};

use crate::{
    Options,
    record::{Kind, Record},
    report::{Bound, Section, keep},
    script::Answer,
    stage::{Pace, Session, Stage, TURN},
};

/// How much a session grows.
struct Course {
    turns: u32,
    window: u64,
    /// Lines of the first result, and how many more each next one has.
    lines: (u32, u32),
}

impl Course {
    fn of(options: &Options, quick: Self, full: Self) -> Self {
        if options.quick { quick } else { full }
    }

    /// Puts the files into the project and has every step show one.
    fn plant(&self, stage: &Stage) {
        for step in 1..=self.turns {
            let mut text = String::new();
            for line in 0..self.lines.0 + self.lines.1 * step {
                let _ = writeln!(text, "let part_{line} = measure({step}, {line});");
            }
            stage.project.write(&format!("data/{step}.txt"), &text);
        }
        stage.director.set_script(|step, results| match results {
            0 => {
                let command = format!("cat data/{step}.txt");
                Answer::call("Bash", json!({"command": command, "description": "Show a file"}))
            }
            _ => Answer::text(format!("Step {step}: nothing has to be mended.")),
        });
    }
}

pub fn auto(options: &Options, section: &mut Section) {
    let course = Course::of(
        options,
        Course { turns: 12, window: 24_576, lines: (30, 10) },
        Course { turns: 40, window: 32_768, lines: (18, 2) },
    );
    for version in &options.versions {
        let Some(stage) = Stage::set(options, version) else { return };
        course.plant(&stage);
        let window = course.window.to_string();
        let lcc = stage.lcc().args(["--window", &window]).env("LCC_POLICY", "auto");
        let mut session = Session::lcc(&stage, &lcc);
        let mut asked = Vec::new();
        for step in 1..=course.turns {
            session.turn(step, Pace::AtOnce);
            compacted(&stage, &mut session);
            let figures = figures(&session);
            if let Some(why) = figures["forecast"]["given_up"].as_str() {
                asked.push(format!("after turn {step}: {why}"));
            }
        }
        let records = stage.director.records();
        keep(&format!("grow-{version}"), &records);
        session.leave();
        judge(&course, version, &records, &asked, section);
    }
}

/// Waits for a compaction that lcc may begin now that the session is idle, and for its end.
fn compacted(stage: &Stage, session: &mut Session<'_>) {
    let due = figures(session)["forecast"]["due"].as_bool();
    // A build that does not say whether one is due gets the time to begin.
    let grace = if due == Some(false) { 200 } else { 5_000 };
    let grace = Duration::from_millis(grace);
    let from = stage.director.mark();
    let asked = stage.director.wait(from, grace, |r| r.kind == Kind::Compaction);
    if let Some(asked) = asked {
        let ended = stage.director.wait(asked.id, TURN, |r| r.id == asked.id && r.ended());
        if ended.is_none() {
            session.fail("the end of a compaction", from);
        }
        // Claude Code takes the summary in and draws it.
        thread::sleep(Duration::from_secs(1));
        session.wait_idle();
    }
}

fn figures(session: &Session<'_>) -> Value {
    session.figures().and_then(|f| serde_json::to_value(f).ok()).unwrap_or_default()
}

fn judge(
    course: &Course,
    version: &str,
    records: &[Record],
    asked: &[String],
    section: &mut Section,
) {
    let over = records
        .iter()
        .filter(|r| r.prompt > course.window || matches!(r.status, Some(400 | 413)))
        .count();
    let read: Vec<_> = records
        .iter()
        .filter(|r| matches!(r.kind, Kind::Main | Kind::Compaction) && r.first_s.is_some())
        .collect();
    let (mut whole, mut least, mut compactions) = (0, 100.0_f64, 0);
    for pair in read.windows(2) {
        let (before, now) = (pair[0], pair[1]);
        if before.kind == Kind::Compaction && now.kind == Kind::Main {
            compactions += 1;
            section.row(&[
                format!("{version}, before step {}", now.step.unwrap_or(0)),
                before.prompt.to_string(),
                now.prompt.to_string(),
                format!("{:.1} s", before.end_s.unwrap_or(0.0)),
                format!("{} in {:.1} s", now.read(), now.first_s.unwrap_or(0.0)),
            ]);
            continue;
        }
        let share = now.cached as f64 * 100.0 / before.prompt.max(1) as f64;
        least = least.min(share);
        whole += u32::from(share < 50.0);
    }
    let turns = (1..=course.turns).filter(|s| records.iter().any(|r| r.ends_turn(*s))).count();
    let largest = read.iter().map(|r| r.prompt).max().unwrap_or(0);
    let mut bound = |what: &str, seen: f64, asked: f64| {
        section.bound(Bound::exactly(&format!("{version}: {what}"), seen, asked));
    };
    bound("turns played", turns as f64, f64::from(course.turns));
    bound("requests over the window", over as f64, 0.0);
    bound("whole re-reads but after a compaction", f64::from(whole), 0.0);
    bound("times the user was asked", asked.len() as f64, 0.0);
    section.bound(Bound::at_least(&format!("{version}: compactions"), f64::from(compactions), 1.0));
    section.note(&format!(
        "{version}: the largest prompt had {largest} tokens; between compactions a request reused \
         at least {least:.1} % of the one before."
    ));
    for why in asked {
        section.note(&format!("{version}: asked {why}"));
    }
}

pub fn ask(options: &Options, section: &mut Section) {
    let course = Course::of(
        options,
        Course { turns: 20, window: 20_480, lines: (30, 10) },
        Course { turns: 20, window: 20_480, lines: (30, 10) },
    );
    for version in &options.versions {
        let Some(stage) = Stage::set(options, version) else { return };
        course.plant(&stage);
        let window = course.window.to_string();
        let lcc = stage.lcc().args(["--window", &window]).env("LCC_POLICY", "ask");
        let mut session = Session::lcc(&stage, &lcc);
        let (mut warned, mut too_late, mut words) = (None, None, String::new());
        for step in 1..=course.turns {
            let Some(turn) = session.try_turn(step, Pace::AtOnce) else {
                // Nothing goes any more: this turn was one too many.
                let records = stage.director.records();
                too_late = records.iter().map(|r| r.prompt).max().map(|prompt| (step, prompt));
                break;
            };
            let figures = figures(&session);
            if warned.is_none() && figures["forecast"]["risk"] != "none" {
                warned = Some(step);
                figures["forecast"]["reason"].as_str().unwrap_or_default().clone_into(&mut words);
            }
            let prompt = turn.all.iter().map(|r| r.prompt).max().unwrap_or(0);
            if prompt + SUMMARY > course.window {
                too_late = Some((step, prompt));
                break;
            }
        }
        keep(&format!("ask-{version}"), &stage.director.records());
        session.leave();
        let (late, prompt) = too_late.unwrap_or((0, 0));
        let first = warned.map_or("never".to_owned(), |w| w.to_string());
        section.row(&[version.clone(), first, late.to_string(), prompt.to_string(), words]);
        let ahead = warned.map_or(0.0, |w| f64::from(late) - f64::from(w));
        let what = format!("{version}: turns from the warning to too late");
        section.bound(Bound::at_least(&what, ahead, 2.0));
    }
}

/// Tokens that a compaction needs above the prompt: its instruction and a short summary.
const SUMMARY: u64 = 1_700 + 1_024;
