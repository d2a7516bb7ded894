//! Installing what is missing: says the exact command, asks first, then does it.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::CommandError;
use crate::{
    domain::Tier,
    engine::{
        claude::{self, ClaudeProgram, FindError, Places, install},
        sandbox,
    },
};

/// Whether to install without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// `--yes` was given.
    Given,
    /// Ask on the terminal.
    Ask,
}

/// Finds Claude Code, or installs it after a yes.
///
/// # Errors
/// [`CommandError::Usage`] when there is none and none is wanted.
pub fn claude_code(places: &Places, consent: Consent) -> Result<ClaudeProgram, CommandError> {
    match claude::find(places) {
        Ok(program) => Ok(program),
        Err(e @ FindError::Explicit { .. }) => Err(CommandError::usage(e)),
        Err(e @ FindError::Nowhere { .. }) => {
            let command = install::command(&places.data).join(" ");
            if !agreed("Claude Code is not installed.", &command, consent)? {
                return Err(CommandError::usage(e));
            }
            let path = install::install(&places.data).map_err(CommandError::other)?;
            claude::find(&Places { explicit: Some(path), ..places.clone() })
                .map_err(CommandError::other)
        }
    }
}

/// Makes sure that the sandbox of `tier` can be had, installing bubblewrap after a yes.
///
/// # Errors
/// [`CommandError::Sandbox`] with the reason and the fix; nothing weaker is tried.
pub fn sandbox(tier: Tier, consent: Consent) -> Result<(), CommandError> {
    match tier {
        Tier::Off => return Ok(()),
        Tier::Reduced => {
            return sandbox::preflight_reduced().map_err(|e| CommandError::Sandbox(e.to_string()));
        }
        Tier::Strict => {}
    }
    let Err(missing) = sandbox::preflight() else { return Ok(()) };
    let Some(command) = missing.install_command() else {
        return Err(CommandError::Sandbox(missing.to_string()));
    };
    if !agreed("bubblewrap, the sandbox, is not installed.", command, consent)? {
        return Err(CommandError::Sandbox(missing.to_string()));
    }
    run(command)?;
    sandbox::preflight().map(drop).map_err(|e| CommandError::Sandbox(e.to_string()))
}

/// Shows what would be done and asks, on a terminal; without one the answer is no.
fn agreed(what: &str, command: &str, consent: Consent) -> Result<bool, CommandError> {
    let mut err = io::stderr();
    let say = |e: io::Error| CommandError::other(e);
    writeln!(err, "lcc: {what}\n     {command}").map_err(say)?;
    match consent {
        Consent::Given => Ok(true),
        Consent::Ask if io::stdin().is_terminal() && err.is_terminal() => {
            write!(err, "Run it now? [y/N] ").and_then(|()| err.flush()).map_err(say)?;
            let mut answer = String::new();
            io::stdin().lock().read_line(&mut answer).map_err(say)?;
            Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
        }
        Consent::Ask => Ok(false),
    }
}

/// Runs a line of lcc's own by the shell; its words go to stderr.
fn run(line: &str) -> Result<(), CommandError> {
    let status = Command::new("/bin/sh")
        .args(["-c", line])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(if io::stdin().is_terminal() { Stdio::inherit() } else { Stdio::null() })
        .stdout(io::stderr())
        .status()
        .map_err(|e| CommandError::Other(format!("/bin/sh cannot be started: {e}")))?;
    if status.success() {
        Ok(())
    } else {
        Err(CommandError::Other(format!("`{line}` ended with {status}")))
    }
}

/// Where to look for Claude Code.
#[must_use]
pub fn places(explicit: Option<&Path>, home: Option<PathBuf>, data: &Path) -> Places {
    Places {
        explicit: explicit.map(Path::to_owned),
        path: std::env::var_os("PATH"),
        home,
        npm_prefix: std::env::var_os("npm_config_prefix").map(PathBuf::from),
        data: data.to_owned(),
    }
}
