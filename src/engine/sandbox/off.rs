//! The tier without a sandbox: a plain child whose endpoint is on the host's loopback address.

use std::process::Command;

use super::{
    Attempts, Child, Endpoint, LaunchError, Launched, Request, StartReport, Terminal,
    sys::{self, Prepare},
};
use crate::domain::Tier;

/// Starts the program with nothing around it.
///
/// # Errors
/// [`LaunchError::Program`] when it cannot be started.
pub fn launch(
    request: &Request,
    endpoint: Endpoint,
    terminal: Terminal<'_>,
) -> Result<Launched, LaunchError> {
    let listener = endpoint.listener.ok_or_else(|| {
        LaunchError::broken("endpoint", "without a sandbox the socket must be made outside")
    })?;
    let mut command = Command::new(&request.program);
    command.args(&request.args).env_clear().envs(&request.env).current_dir(&request.project);
    if !request.env.contains_key("HOME") {
        command.env("HOME", &request.home);
    }
    let child = start(command, terminal, &request.program)?;
    let notes = vec!["no sandbox: the program can read, change and send what you can".to_owned()];
    Ok(Launched {
        child,
        listener,
        report: StartReport { tier: Tier::Off, probes: 0, blocked: 0, notes },
        watch: None,
        attempts: Attempts::default(),
        lacks: Vec::new(),
    })
}

/// Starts a prepared command on the terminal.
///
/// # Errors
/// [`LaunchError`] when the terminal cannot be opened or the program cannot be started.
pub fn start(
    mut command: Command,
    terminal: Terminal<'_>,
    program: &std::path::Path,
) -> Result<Child, LaunchError> {
    let own_group = match terminal {
        Terminal::Pty(pty) => {
            pty.attach(&mut command).map_err(LaunchError::io("opening the terminal"))?;
            true
        }
        Terminal::Inherit => false,
    };
    let prepare = Prepare { session: own_group, die_with_parent: true, ..Prepare::default() };
    sys::prepare(&mut command, prepare);
    let child = Child::spawn(command, Vec::new(), own_group).map_err(|error| {
        LaunchError::Program { path: program.to_owned(), reason: error.to_string() }
    })?;
    if let Terminal::Pty(pty) = terminal {
        pty.release();
    }
    Ok(child)
}
