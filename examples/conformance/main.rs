//! Runs esctest2, the public suite of terminal tests, against lcc's pane, against the emulator
//! crate as it is, and against tmux; prints the scores side by side and what lcc's pane fails.
//!
//! `tests/conformance DIR`, where DIR is a checkout of github.com/ThomasDickey/esctest2 (GPL, so
//! not part of this repository). esctest reads the screen by DECRQCRA, a checksum of cells, which
//! no terminal here answers; the host answers it from the cells of whichever it tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod core;
mod host;
mod score;
mod tmux;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use score::Scores;

/// Columns and rows that esctest wants.
const COLS: u16 = 80;
const ROWS: u16 = 25;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, suite, log, include] = &words[..]
        && flag == "--inside"
    {
        tmux::inside(Path::new(suite), Path::new(log), include);
        return ExitCode::SUCCESS;
    }
    let mut suite = std::env::var_os("LCC_ESCTEST").map(PathBuf::from);
    let (mut include, mut only) = (String::new(), None);
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--include" => include = words.next().expect("--include WORD"),
            "--only" => only = words.next(),
            dir => suite = Some(dir.into()),
        }
    }
    let Some(suite) = suite.filter(|dir| dir.join("esctest/esctest.py").is_file()) else {
        eprintln!("tests/conformance DIR: a checkout of github.com/ThomasDickey/esctest2");
        return ExitCode::from(2);
    };
    let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tmp/conformance");
    std::fs::create_dir_all(&out).expect("a folder for the logs");
    let mut all: Vec<(&str, Scores)> = Vec::new();
    for name in ["lcc", "alacritty_terminal", "tmux"] {
        if only.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        let log = out.join(format!("{name}.log"));
        let run = |include: &str| match name {
            "lcc" => host::run(&suite, &log, include, &mut core::Pane::new()),
            "tmux" => tmux::run(&suite, &log, include),
            _ => host::run(&suite, &log, include, &mut core::Alacritty::new()),
        };
        let mut scores = Scores::default();
        // A fresh terminal for every class of tests; what fails there gets one of its own, so
        // that nobody fails for what a test before it left behind.
        for class in classes(&suite, &include) {
            if !run(&format!("^{class}\\.")) {
                break;
            }
            let first = Scores::read(&log);
            for test in first.failed() {
                run(&format!("^{}$", test.replace('.', "\\.")));
                scores.add(Scores::read(&log));
            }
            scores.add(first);
        }
        if scores.tests.is_empty() {
            eprintln!("SKIPPED {name}: it did not run");
            continue;
        }
        all.push((name, scores));
    }
    score::print(&all);
    std::fs::write(out.join("report.md"), score::report(&all)).expect("the report");
    println!("\nevery test by name: {}", out.join("report.md").display());
    ExitCode::SUCCESS
}

/// The suite's classes of tests whose names match, by the words of its files.
fn classes(suite: &Path, include: &str) -> Vec<String> {
    let mut classes = Vec::new();
    for entry in std::fs::read_dir(suite.join("esctest/tests")).expect("the tests").flatten() {
        let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
        let names = text.lines().filter_map(|line| line.strip_prefix("class "));
        let names = names.filter_map(|rest| rest.split(['(', ':']).next());
        classes.extend(names.filter(|name| name.contains(include)).map(str::to_owned));
    }
    classes.sort();
    classes
}
