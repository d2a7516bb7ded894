//! The attempts without a sandbox, to show that they can go through.

use std::{
    io::{self, Read, Write},
    process::ExitCode,
};

use super::Aim;

/// The hidden first argument of lcc that makes it this process.
pub const WORD: &str = "__attempts";

/// Reads an [`Aim`] from standard input, makes the attempts as the process that it is, and writes
/// the outcomes as JSON. Call it before anything else of the program: it must be the only thread.
#[must_use]
pub fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lcc: the attempts could not be made: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let aim: Aim = serde_json::from_str(&text)?;
    if aim.sandboxed {
        return Err(io::Error::other("no sandbox is around them"));
    }
    // No terminal of the user's may be the one that is typed into.
    nix::unistd::setsid()?;
    std::env::set_current_dir(&aim.project)?;
    nix::unistd::alarm::set(super::PATIENCE * 2);
    let outcomes = super::make(&aim, -1);
    io::stdout().write_all(&serde_json::to_vec(&outcomes)?)
}
