//! All attempts, made on demand: behind the strict tier, and without it to show that they can fail.

mod control;
mod yard;

use std::{
    fs::File,
    path::Path,
    time::{Duration, Instant},
};

pub use control::control;
pub use yard::Yard;

use super::{
    handshake,
    inner::{Battery, survivor},
    open, weak,
};
use crate::engine::sandbox::{
    LaunchError, Request, Terminal,
    child::Inside,
    policy::PORT,
    probes::{Numbered, Outcome, Report},
};

/// The number of the attempt that leaves a process behind; the host decides on it.
const SURVIVOR: u16 = 416;
/// How long what was killed may take to vanish.
const GONE: Duration = Duration::from_secs(5);

/// What a check found.
#[derive(Debug)]
pub struct Checked {
    /// The attempts, and what the canaries show.
    pub report: Report,
    /// What the user should know of this machine and project.
    pub notes: Vec<String>,
    /// From the first look at the project to the verdict: what a start takes longer by its proof
    /// and its sandbox together.
    pub took: Duration,
}

/// Makes every attempt behind the strict tier. The program of the request is never started.
///
/// # Errors
/// A [`LaunchError`] when there is no such sandbox. One that does not hold is no error: its report
/// says so.
pub fn strict(request: Request) -> Result<Checked, LaunchError> {
    let begin = Instant::now();
    let wanted = request.program.clone();
    let opened = open(request, PORT, Terminal::Inherit, Battery::Full, weak::wanted())?;
    let proved = match handshake::prove(&opened.ours, &opened.canary, PORT, Battery::Full) {
        Ok(proved) => proved,
        Err(error) => return Err(opened.fail(error, &wanted)),
    };
    let took = begin.elapsed();
    let text = opened
        .canary
        .targets(super::canary::targets::Places::real(None))
        .map_err(LaunchError::io("looking at the canaries"))?
        .text;
    let mut child = opened.child;
    child.set_inside(
        Inside { program: proved.program, program_fd: proved.program_fd },
        proved.init_fd,
    );
    // The inner stage ends when nobody is there any more; the child must know its inside before,
    // or it would not wait for the rest of it. Everything is gone after this, or it is an error.
    drop(opened.ours);
    child
        .terminate(Duration::ZERO)
        .map_err(LaunchError::io("ending the sandbox after the check"))?;
    let mut report = proved.report;
    report.touched.extend(opened.canary.touched());
    let outcome = left_behind(&survivor(&opened.home, &text));
    report.settle(&Numbered { number: SURVIVOR, outcome });
    let mut notes = opened.notes;
    notes.extend(proved.notes);
    Ok(Checked { report, notes, took })
}

/// Whether the process that was left behind is gone: its lock is free. The kernel may still be
/// taking it apart; left alone it would live for a minute.
fn left_behind(lock: &Path) -> Outcome {
    let end = Instant::now() + GONE;
    let outcome = loop {
        match File::open(lock).map(|file| file.try_lock()) {
            Ok(Ok(())) => break Outcome::blocked("it ended with the sandbox"),
            Ok(Err(_)) if Instant::now() < end => std::thread::sleep(Duration::from_millis(2)),
            Ok(Err(_)) => break Outcome::open("it lives on after the end"),
            Err(error) => break Outcome::could_not_run(format!("its lock is gone: {error}")),
        }
    };
    let _best_effort = std::fs::remove_file(lock);
    outcome
}
