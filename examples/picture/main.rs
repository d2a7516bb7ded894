//! Renders the screen of a program, live in a PTY or replayed from its bytes, to SVG.
//!
//! `cargo run --example picture -- [OPTIONS] [STEPS] [-- PROGRAM [ARGS]]`; `docs/pictures/make`
//! makes the pictures of the documentation with it. Without a program the built `lcc` runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
#![allow(dead_code)]

mod glyphs;
#[path = "../../tests/common/outer.rs"]
mod outer;
mod palette;
#[path = "../../tests/common/replies.rs"]
mod replies;
#[path = "../../tests/common/restored.rs"]
mod restored;
mod script;
mod svg;

use std::{fs, num::NonZeroU16, path::Path};

use outer::{Outer, Program};
use script::{Plan, Step};
use vt100::Screen;

fn main() {
    let plan = Plan::parse(std::env::args().skip(1)).unwrap_or_else(|message| {
        eprintln!("picture: {message}\n\n{}", script::USAGE);
        std::process::exit(2);
    });
    let screen = match &plan.replay {
        Some(file) => replayed(file, plan.cols, plan.rows),
        None => live(&plan),
    };
    let picture = drawn(&screen, &plan);
    match &plan.out {
        Some(path) => fs::write(path, picture).expect("the picture can be written"),
        None => print!("{picture}"),
    }
}

/// The picture, on the terminal's ground that was asked for.
fn drawn(screen: &Screen, plan: &Plan) -> String {
    let picture = svg::render(screen, &plan.title);
    if !plan.light {
        return picture;
    }
    let (text, ground) = (palette::hex(palette::FOREGROUND), palette::hex(palette::BACKGROUND));
    picture.replace(&text, "#24292f").replace(&ground, "#ffffff")
}

fn replayed(file: &Path, cols: u16, rows: u16) -> Screen {
    let size = |n| NonZeroU16::new(n).expect("a size above 0");
    let mut parser = vt100::Parser::new(size(rows), size(cols), 0);
    parser.process(&fs::read(file).expect("the recording"));
    parser.screen().clone()
}

fn live(plan: &Plan) -> Screen {
    // A home and a demo project of its own: a picture shows nothing of the person who made it.
    let scratch = tempfile::tempdir().expect("a folder");
    let home = scratch.path().join("home");
    let project = scratch.path().join("demo");
    fs::create_dir_all(project.join("src")).expect("the demo folder");
    fs::create_dir_all(&home).expect("the home");
    fs::write(project.join("README.md"), "# demo\n\nA small project.\n").expect("a file");
    fs::write(project.join("src/main.py"), "print(\"hello\")\n").expect("a file");

    let (program, args) = plan.command.split_first().map_or_else(
        || (built_lcc(), Vec::new()),
        |(program, args)| (program.into(), args.iter().map(Into::into).collect()),
    );
    let mut env = vec![
        ("PATH".to_owned(), std::env::var_os("PATH").unwrap_or_default()),
        ("HOME".to_owned(), home.into_os_string()),
        ("TERM".to_owned(), "xterm-256color".into()),
        ("COLORTERM".to_owned(), "truecolor".into()),
        ("LANG".to_owned(), "C.UTF-8".into()),
        ("PS1".to_owned(), "$ ".into()),
    ];
    for (name, value) in &plan.env {
        env.push((name.clone(), value.into()));
    }
    let cwd = plan.cwd.clone().unwrap_or(project);
    let (cols, rows) = (plan.cols, plan.rows);
    let mut outer = Outer::start(&Program { program, args, env, cwd, cols, rows });
    for step in &plan.steps {
        match step {
            Step::Wait(text) => outer.wait_for(text, plan.timeout),
            Step::Type(text) => outer.type_text(text),
            Step::Key(key) => outer.key(*key),
            Step::Settle(quiet) => outer.settle(*quiet, plan.timeout),
            Step::Shot(path) => {
                let picture = drawn(&outer.screen(), plan);
                fs::write(path, picture).expect("the picture can be written");
            }
        }
    }
    outer.screen()
}

/// `target/PROFILE/lcc`, beside the examples' folder this program is in.
fn built_lcc() -> std::path::PathBuf {
    let own = std::env::current_exe().expect("the path of this program");
    own.ancestors().nth(2).expect("target/PROFILE").join("lcc")
}
