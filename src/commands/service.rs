//! `lcc service`: the same server as a service of this user, printed, installed or removed.

use std::{io::Write, path::PathBuf, process::Command};

use super::{CommandError, serve, settings::Surroundings};
use crate::{
    cli::{ServeArgs, ServiceArgs, ServiceWhat},
    engine::server::{self, Manager},
};

/// Prints, writes or removes the service's file.
///
/// # Errors
/// [`CommandError::Usage`] when there is nothing to serve or a file of somebody else's is in the
/// way, [`CommandError::Other`] when the service manager refuses; the file is then kept.
pub async fn run(what: &ServiceWhat, out: &mut impl Write) -> Result<(), CommandError> {
    match what {
        ServiceWhat::Print { service, serve } => {
            let around = Surroundings::look(serve.config.as_deref())?;
            let text = unit(manager(service)?, serve, &around).await?;
            write!(out, "{text}").map_err(CommandError::other)
        }
        ServiceWhat::Install { service, serve, yes } => {
            let around = Surroundings::look(serve.config.as_deref())?;
            let manager = manager(service)?;
            let text = unit(manager, serve, &around).await?;
            let path = path(manager, &around)?;
            server::write_unit(&path, &text).map_err(CommandError::usage)?;
            let commands = enable(manager, &path);
            writeln!(out, "wrote {}", path.display()).map_err(CommandError::other)?;
            carry_out(&commands, *yes, "start it", out)
        }
        ServiceWhat::Uninstall { service, yes } => {
            let around = Surroundings::look(None)?;
            let manager = manager(service)?;
            let path = path(manager, &around)?;
            if server::unit_is_ours(&path).ok().flatten() == Some(true) {
                carry_out(&disable(manager, &path), *yes, "end it", out)?;
            }
            server::remove_unit(&path).map_err(CommandError::usage)?;
            writeln!(out, "removed {}", path.display()).map_err(CommandError::other)
        }
    }
}

fn manager(args: &ServiceArgs) -> Result<Manager, CommandError> {
    match args.manager.as_deref() {
        None => Ok(Manager::HERE),
        Some("systemd") => Ok(Manager::Systemd),
        Some("launchd") => Ok(Manager::Launchd),
        Some(other) => {
            Err(CommandError::Usage(format!("--for {other}: expected systemd or launchd")))
        }
    }
}

async fn unit(
    manager: Manager,
    args: &ServeArgs,
    around: &Surroundings,
) -> Result<String, CommandError> {
    let settings = serve::settings(args, around)?;
    let plan = serve::prepare(&settings).await?;
    let log = settings.log();
    server::unit_text(&plan, manager, &log.to_string_lossy()).map_err(CommandError::usage)
}

fn path(manager: Manager, around: &Surroundings) -> Result<PathBuf, CommandError> {
    let home = around.home().ok_or_else(|| CommandError::Usage("HOME is not set".to_owned()))?;
    let config = around.env.get("XDG_CONFIG_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
    let config = config.unwrap_or_else(|| home.join(".config"));
    Ok(server::unit_path(manager, &home, &config))
}

type Words = Vec<String>;

fn words(words: &[&str]) -> Words {
    words.iter().map(|&w| w.to_owned()).collect()
}

fn enable(manager: Manager, path: &std::path::Path) -> Vec<Words> {
    match manager {
        Manager::Systemd => vec![
            words(&["systemctl", "--user", "daemon-reload"]),
            words(&["systemctl", "--user", "enable", "--now", manager.file_name()]),
        ],
        Manager::Launchd => {
            vec![words(&["launchctl", "bootstrap", &domain(), &path.to_string_lossy()])]
        }
    }
}

fn disable(manager: Manager, path: &std::path::Path) -> Vec<Words> {
    match manager {
        Manager::Systemd => {
            vec![words(&["systemctl", "--user", "disable", "--now", manager.file_name()])]
        }
        Manager::Launchd => {
            vec![words(&["launchctl", "bootout", &domain(), &path.to_string_lossy()])]
        }
    }
}

/// launchd's name for this user's services.
fn domain() -> String {
    format!("gui/{}", nix::unistd::getuid())
}

/// Runs the commands, or says them.
fn carry_out(
    commands: &[Words],
    yes: bool,
    what: &str,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let line = |command: &Words| {
        let quote = |word: &String| {
            let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
            if plain { word.clone() } else { format!("'{}'", word.replace('\'', "'\\''")) }
        };
        command.iter().map(quote).collect::<Vec<_>>().join(" ")
    };
    let lines = commands.iter().map(line).collect::<Vec<_>>().join(" && ");
    if !yes {
        return writeln!(out, "to {what}: {lines}").map_err(CommandError::other);
    }
    for command in commands {
        let Some((program, args)) = command.split_first() else { continue };
        let failed = |why: String| {
            CommandError::Other(format!(
                "`{}` failed: {why}. The service's file stays as it is; when the service manager \
                 can be reached, run: {lines}",
                line(command)
            ))
        };
        let output =
            Command::new(program).args(args).output().map_err(|e| failed(e.to_string()))?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(failed(format!("{}, {words}", output.status)));
        }
    }
    Ok(())
}
