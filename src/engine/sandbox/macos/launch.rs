//! Starts the program under sandbox-exec with the generated profile.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::profile::{self, Places};
use crate::{
    domain::Tier,
    engine::sandbox::{
        Endpoint, HostFacts, LaunchError, Launched, Request, StartReport, Terminal, Unavailable,
        off,
    },
};

const SANDBOX_EXEC: &str = "/usr/bin/sandbox-exec";

/// Whether sandbox-exec is there.
///
/// # Errors
/// [`Unavailable::System`] when it is not.
pub fn preflight() -> Result<HostFacts, Unavailable> {
    if !Path::new(SANDBOX_EXEC).is_file() {
        return Err(Unavailable::System { reason: format!("{SANDBOX_EXEC} is not there") });
    }
    Ok(HostFacts {
        bwrap: PathBuf::from(SANDBOX_EXEC),
        version: None,
        flags: BTreeSet::new(),
        uid: nix::unistd::geteuid().as_raw(),
        user_home: std::env::var_os("HOME").map(PathBuf::from),
        root: std::collections::BTreeMap::new(),
        etc: Vec::new(),
    })
}

/// Starts the program under the profile.
///
/// # Errors
/// A [`LaunchError`].
pub fn launch(
    request: Request,
    endpoint: Endpoint,
    terminal: Terminal<'_>,
) -> Result<Launched, LaunchError> {
    let host = preflight()?;
    let listener = endpoint
        .listener
        .ok_or_else(|| LaunchError::broken("endpoint", "the socket must be made outside"))?;
    let real = |path: &Path| {
        fs::canonicalize(path).map_err(LaunchError::io(format!("looking at {}", path.display())))
    };
    let program = real(&request.program)?;
    let places = Places {
        project: real(&request.project)?,
        home: real(&request.home)?,
        programs: vec![real(&request.lcc)?, program.clone()],
        read_only: request.read_only.iter().map(|path| real(path)).collect::<Result<_, _>>()?,
        terminal: match terminal {
            Terminal::Pty(pty) => Some(pty.slave_path().to_owned()),
            Terminal::Inherit => None,
        },
        port: endpoint.port,
        user_home: host.user_home,
    };
    let made = profile::generate(&places)?;
    let mut command = Command::new(SANDBOX_EXEC);
    command.arg("-p").arg(&made.text);
    for (name, value) in &made.parameters {
        let mut word = std::ffi::OsString::from(format!("-D{name}="));
        word.push(value);
        command.arg(word);
    }
    command.arg("--").arg(&program).args(&request.args);
    command.env_clear().envs(&request.env).env("HOME", &places.home);
    command.env("TMPDIR", &places.home).current_dir(&places.project);
    let child = off::start(command, terminal, Path::new(SANDBOX_EXEC))?;
    let notes =
        vec!["the profile is in force, but no probe has tried it in this version".to_owned()];
    Ok(Launched {
        child,
        listener,
        report: StartReport { tier: Tier::Strict, probes: 0, blocked: 0, notes },
        watch: None,
        attempts: crate::engine::sandbox::egress::Attempts::default(),
        lacks: Vec::new(),
    })
}
