//! `cold`: the first turn of a fresh session on a cold server, bare against lcc; and in lean
//! the six core tools and `/compact`.

use std::time::Duration;

use serde_json::json;

use crate::{
    Options,
    common::Key,
    record::Kind,
    report::{Bound, Section, of_tokens},
    script::Answer,
    stage::{Pace, Session, Stage, TURN, Turn, Who},
};

/// What the issue asks of a version: how many times fewer tokens, how many times sooner.
fn bounds(version: &str) -> (f64, f64) {
    if version == "2.1.197" { (5.5, 8.0) } else { (3.0, 3.0) }
}

pub fn run(options: &Options, section: &mut Section) {
    for version in &options.versions {
        let Some(bare) = first_turn(options, version, Who::Bare, false) else { return };
        let Some(lcc) = first_turn(options, version, Who::Lcc, false) else { return };
        let Some(warm) = first_turn(options, version, Who::Lcc, true) else { return };
        let (fewer, sooner) = bounds(version);
        for (who, turn) in [("bare", &bare), ("lcc, no warm start", &lcc), ("lcc", &warm)] {
            section.row(&[
                format!("{version}, {who}"),
                of_tokens(turn.first.prompt),
                format!("{:.1} s", turn.wait_s),
                turn.first.cached.to_string(),
            ]);
        }
        let tokens = bare.first.prompt as f64 / lcc.first.prompt.max(1) as f64;
        let time = bare.wait_s / lcc.wait_s.max(0.001);
        section.bound(Bound::at_least(&format!("{version}: times fewer tokens"), tokens, fewer));
        section.bound(Bound::at_least(&format!("{version}: times sooner"), time, sooner));
        tools(options, version, section);
    }
}

fn first_turn(options: &Options, version: &str, who: Who, warm: bool) -> Option<Turn> {
    let stage = Stage::set(options, version)?;
    let turn = match who {
        Who::Bare => {
            let bare = stage.bare();
            Session::bare(&stage, &bare, &[]).turn(1, Pace::Typist)
        }
        Who::Lcc => {
            let lcc = stage.lcc().env("LCC_WARM_START", if warm { "true" } else { "false" });
            Session::lcc(&stage, &lcc).turn(1, Pace::Typist)
        }
    };
    let name = format!("cold-{version}-{}{}", who.word(), if warm { "-warm" } else { "" });
    crate::report::keep(&name, &stage.director.records());
    Some(turn)
}

/// All six tools of the lean profile are called once, and `/compact` after them.
fn tools(options: &Options, version: &str, section: &mut Section) {
    let Some(stage) = Stage::set(options, version) else { return };
    let lcc = stage.lcc();
    let file = stage.project.path().join("note.txt").display().to_string();
    let long = "A line that is long enough to weigh something in the window.\n".repeat(80);
    let long = stage.project.write("long.txt", &long).display().to_string();
    stage.director.set_script(move |step, results| {
        let calls = [
            ("Write", json!({"file_path": file, "content": "one\ntwo\n"})),
            ("Read", json!({"file_path": file})),
            ("Edit", json!({"file_path": file, "old_string": "two", "new_string": "three"})),
            ("Bash", json!({"command": "cat note.txt", "description": "Show the note"})),
            ("Glob", json!({"pattern": "**/*.txt"})),
            ("Grep", json!({"pattern": "three", "output_mode": "content"})),
        ];
        match calls.into_iter().nth(results) {
            Some((name, input)) if step == 1 => Answer::call(name, input),
            // Something that a compaction can free.
            Some(_) if (2..=5).contains(&step) && results == 0 => {
                Answer::call("Bash", json!({"command": format!("cat {long}")}))
            }
            Some(_) | None => Answer::text(format!("Step {step} is done.")),
        }
    });
    let mut session = Session::lcc(&stage, &lcc);
    let turn = session.turn(1, Pace::Typist);
    let errors: Vec<_> = turn.all.iter().flat_map(|r| r.tool_errors.clone()).collect();
    let results = turn.all.iter().filter(|r| r.kind == Kind::Main).map(|r| r.results).max();
    let edited = stage.project.read("note.txt");
    section.bound(Bound::exactly(
        &format!("{version}: of the six tools, worked"),
        results.unwrap_or(0).saturating_sub(errors.len()) as f64,
        6.0,
    ));
    section.bound(Bound::that(
        &format!("{version}: the file they wrote and edited"),
        edited.as_deref() == Some("one\nthree\n"),
    ));
    for error in errors {
        section.note(&format!("{version}: a tool said: {error}"));
    }
    for step in 2..=5 {
        session.turn(step, Pace::AtOnce);
    }
    let (from, before) = (stage.director.mark(), session.figures());
    session.outer.key(Key::F(2));
    let asked = stage.director.wait(from, TURN, |r| r.kind == Kind::Compaction && r.ended());
    if asked.is_none() {
        session.fail("a compaction", from);
    }
    std::thread::sleep(Duration::from_secs(1));
    let after = session.turn(6, Pace::AtOnce);
    let used = before.and_then(|f| f.window.used).unwrap_or(0);
    section.bound(Bound::that(
        &format!("{version}: /compact ({used} tokens before, {} after)", after.first.prompt),
        after.first.prompt < used && after.first.prompt > 0,
    ));
    crate::report::keep(&format!("tools-{version}"), &stage.director.records());
    session.leave();
}
