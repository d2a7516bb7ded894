//! `lcc sandbox check` on macOS: what is tried behind the profile, and what its text alone decides.

use std::{io::Write, process::ExitCode};

use super::{CheckArgs, request};
use crate::{
    commands::{CommandError, sandbox::Home, settings::Surroundings},
    domain::Tier,
    engine::sandbox::macos::check::{self, Checked},
};

/// Makes the attempts and prints them. The exit code is 0 only when all shows what it should.
pub(super) fn run(
    around: &Surroundings,
    args: &CheckArgs,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let checked = look(around, args)?;
    if args.json {
        let text = serde_json::to_string_pretty(&checked).map_err(CommandError::other)?;
        writeln!(out, "{text}").map_err(CommandError::other)?;
    } else {
        table(&checked, out).map_err(CommandError::other)?;
    }
    Ok(ExitCode::from(u8::from(!checked.holds)))
}

fn look(around: &Surroundings, args: &CheckArgs) -> Result<Checked, CommandError> {
    let home = Home::make(&around.paths.state).map_err(CommandError::other)?;
    if args.negative_control {
        return check::control(&home.folder.join("control"))
            .map_err(|e| CommandError::Other(format!("the attempts could not be made: {e}")));
    }
    match args.tier {
        Tier::Strict => {}
        Tier::Reduced => {
            return Err(CommandError::Sandbox("there is no reduced tier on macOS".to_owned()));
        }
        Tier::Off => return Err(CommandError::usage(super::NOTHING)),
    }
    // Without a project of the user's, one in lcc's own folder.
    let named = super::named(around, args)?;
    let project = match named {
        Some(project) => project,
        None => {
            let project = home.folder.join("project");
            std::fs::create_dir_all(&project).map_err(CommandError::other)?;
            project
        }
    };
    let request = request(around, args.tier, project, home.path.clone())?;
    check::strict(&request).map_err(|e| CommandError::Sandbox(e.to_string()))
}

fn table(checked: &Checked, out: &mut impl Write) -> std::io::Result<()> {
    for probed in &checked.attempts {
        writeln!(out, "  {:<60} {:?}  {}", probed.name, probed.ending, probed.detail)?;
    }
    for name in checked.judged_open.iter().chain(&checked.touched) {
        writeln!(out, "  OPEN: {name}")?;
    }
    for note in &checked.notes {
        writeln!(out, "  note: {note}")?;
    }
    let totals = checked.totals;
    writeln!(
        out,
        "\n{} attempts: {} blocked, {} open, {} unproved; {} operations judged by the profile; {} ms",
        checked.attempts.len(),
        totals.blocked,
        totals.open,
        totals.could_not_run,
        checked.judged,
        checked.took_ms,
    )
}
