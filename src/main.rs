//! The `lcc` program: reads the command line and hands over to a command.

use std::{env, ffi::OsString, path::PathBuf, process::ExitCode};

use lcc::{
    commands::sandbox::{SandboxArgs, run},
    domain::Tier,
};

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    match args.next().as_deref().and_then(|word| word.to_str()) {
        #[cfg(target_os = "linux")]
        Some("__inner") => lcc::engine::sandbox::linux::inner::main(args.collect()),
        Some("sandbox") => sandbox(args),
        Some(_) | None => ExitCode::from(2),
    }
}

/// Stands in for the command line of clap on this branch.
fn sandbox(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    let state = env::var_os("LCC_STATE_DIR").map_or_else(
        || PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".local/state/lcc"),
        PathBuf::from,
    );
    let mut parsed = SandboxArgs {
        project: None,
        tier: Tier::Strict,
        state,
        read_only: Vec::new(),
        command: Vec::new(),
        verbose: false,
    };
    while let Some(word) = args.next() {
        match word.to_str() {
            Some("--project") => parsed.project = args.next().map(PathBuf::from),
            Some("--sandbox") => match args.next().and_then(|name| name.to_str()?.parse().ok()) {
                Some(tier) => parsed.tier = tier,
                None => return ExitCode::from(2),
            },
            Some("--verbose") => parsed.verbose = true,
            Some("--") => parsed.command = args.by_ref().collect(),
            Some(_) | None => return ExitCode::from(2),
        }
    }
    run(parsed)
}
