//! How lcc's pane feels and what it costs, beside tmux, zellij where it is installed, and a bare
//! reader of the PTY; all in turn, in one run, on one machine.
//!
//! `cargo bench --bench pace -- [echo] [flood] [interrupt] [idle] [memory] [start] [--quick]`.
//! The bench is the outer terminal: it opens a PTY, answers what is asked of a terminal and reads
//! what is drawn. The child is this very program, run with `--child`; it takes Claude Code's place,
//! so that every multiplexer has the same thing to show. `LCC_BENCH_LCC` names another lcc.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod cases;
mod child;
mod figures;
mod outer;
mod subject;

use std::process::ExitCode;

/// What was asked for on the command line.
#[derive(Debug, Clone)]
pub struct Options {
    /// The cases by name; all when empty.
    pub cases: Vec<String>,
    /// Fewer keys, fewer bytes, fewer rounds: tries the bench, proves little.
    pub quick: bool,
}

impl Options {
    /// Whether a case is to be run.
    pub fn wants(&self, case: &str) -> bool {
        self.cases.is_empty() || self.cases.iter().any(|c| c == case)
    }
}

const CASES: [&str; 6] = ["echo", "flood", "interrupt", "idle", "memory", "start"];

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench").peekable();
    if words.peek().is_some_and(|word| word == "--child") {
        return child::run(&words.skip(1).collect::<Vec<_>>());
    }
    let mut options = Options { cases: Vec::new(), quick: false };
    for word in words {
        match word.as_str() {
            "--quick" => options.quick = true,
            case if CASES.contains(&case) => options.cases.push(case.to_owned()),
            other => {
                eprintln!("{other:?} is no case; there are {}", CASES.join(", "));
                return ExitCode::from(2);
            }
        }
    }
    let stage = subject::Stage::set(options.quick);
    println!("{}", stage.describe());
    let mut held = true;
    for (name, case) in cases::ALL {
        if options.wants(name) {
            println!("\n## {name}");
            held &= case(&stage, options.quick);
        }
    }
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
