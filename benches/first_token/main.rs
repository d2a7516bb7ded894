//! How soon the first token comes, and what it costs: the real Claude Code, bare and in lcc, on
//! the real llama.cpp with Gemma 3 270M, 32,768 tokens and one slot.
//!
//! `cargo bench --bench first_token -- [CASE…] [--quick] [--claude VERSION] [--write]`, with the
//! real parts as docs/TESTING.md sets them up. A director stands before the server in both runs:
//! it has every prompt read in earnest and answers from a script, so that the tiny model makes
//! sense and both runs are judged by one instrument. Nothing leaves the machine: bare Claude Code
//! runs in a network namespace whose only door is the director.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../../tests/common/mod.rs"]
mod common;

mod bare;
mod cases;
mod director;
mod exchange;
mod record;
mod report;
mod script;
mod server;
mod stage;

use std::{panic::AssertUnwindSafe, process::ExitCode, time::Instant};

use cases::Case;

/// What was asked for on the command line.
#[derive(Debug, Clone)]
pub struct Options {
    cases: Vec<Case>,
    pub versions: Vec<String>,
    pub quick: bool,
    /// Without the runs of bare Claude Code, where a case can do without.
    pub lcc_only: bool,
    /// The practice server instead of llama.cpp: tries the bench, proves nothing.
    pub practice: bool,
    /// Say each request on stderr as it ends.
    pub trace: bool,
    write: bool,
}

const USAGE: &str = "first_token [cold] [warm] [side] [grow] [ask] \
                     [--quick] [--lcc] [--practice] [--trace] [--claude VERSION] [--write]";

fn options(words: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        cases: Vec::new(),
        versions: Vec::new(),
        quick: false,
        lcc_only: false,
        practice: false,
        trace: false,
        write: false,
    };
    let mut words = words.filter(|w| w != "--bench");
    while let Some(word) = words.next() {
        match word.as_str() {
            "--quick" => options.quick = true,
            "--lcc" => options.lcc_only = true,
            "--practice" => options.practice = true,
            "--trace" => options.trace = true,
            "--write" => options.write = true,
            "--claude" => {
                options.versions.push(words.next().ok_or("--claude needs a version")?);
            }
            other => match Case::ALL.into_iter().find(|case| case.name() == other) {
                Some(case) => options.cases.push(case),
                None => return Err(format!("{other:?}: not known. {USAGE}")),
            },
        }
    }
    if options.write && (options.practice || options.quick || options.lcc_only) {
        return Err("--write wants the whole run: without --quick, --lcc and --practice".into());
    }
    if options.versions.is_empty() {
        let both = ["2.1.197", "2.1.330"];
        options.versions = if options.quick { &both[1..] } else { &both[..] }
            .iter()
            .map(|v| (*v).to_owned())
            .collect();
    }
    if options.cases.is_empty() {
        options.cases = Case::ALL.into();
    }
    Ok(options)
}

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == bare::BRIDGE) {
        return bare::bridge(&words.collect::<Vec<_>>());
    }
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(said) => {
            eprintln!("{said}");
            return ExitCode::from(2);
        }
    };
    let mut good = true;
    for case in &options.cases {
        let (started, name) = (Instant::now(), case.name());
        println!("{name}");
        let mut section = case.section();
        // A case that fails says so and leaves the others to theirs.
        let ran = std::panic::catch_unwind(AssertUnwindSafe(|| {
            case.run(&options, &mut section);
        }));
        good &= ran.is_ok() && section.held();
        if ran.is_err() {
            section.note("did not run to its end; its words are on the terminal");
        }
        let command = format!("cargo bench --bench first_token -- {name}");
        let text = section.markdown(&command);
        println!("\n{text}\n{name}: {:.0} s\n", started.elapsed().as_secs_f64());
        if options.write
            && let Err(said) = report::write(section.name, &text)
        {
            eprintln!("{said}");
            good = false;
        }
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
