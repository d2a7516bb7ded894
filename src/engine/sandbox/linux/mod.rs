//! The strict tier on Linux: bubblewrap around an inner stage that proves the sandbox from inside.

pub mod broker;
mod canary;
pub mod channel;
mod ground;
mod handshake;
pub mod inner;
pub mod preflight;
pub mod reduced;
pub mod wire;

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read, Seek, Write},
    os::fd::{AsFd, AsRawFd, OwnedFd, RawFd},
    process::{Command, Stdio},
    time::Duration,
};

use nix::sys::memfd::{MFdFlags, memfd_create};

use super::{
    Child, LaunchError, Launched, Request, StartReport, Terminal,
    child::Inside,
    policy::{self, Arg, Plan, TOOLS},
    sys::{self, Prepare},
    unavailable::diagnose,
};
use crate::domain::Tier;

/// How long a failed sandbox may take to vanish before its error is reported anyway.
const CLEAN_UP: Duration = Duration::from_secs(5);

/// Starts the program in the strict tier.
///
/// # Errors
/// A [`LaunchError`]; nothing of the program has run then.
pub fn launch(
    request: Request,
    port: u16,
    terminal: Terminal<'_>,
) -> Result<Launched, LaunchError> {
    let wanted = request.program.clone();
    let host = preflight::gather()?;
    let ground = ground::survey(request)?;
    let plan = policy::plan(&host, &ground)?;
    let canary = canary::Canary::plant(&ground.home)
        .map_err(LaunchError::io("planting what the probes try to reach"))?;
    let stderr = stderr_of(terminal).map_err(LaunchError::io("opening the terminal"))?;
    let orders = wire::Orders {
        port,
        host_netns: preflight::netns().map_err(LaunchError::io("reading /proc"))?,
        mounts: plan.mounts.clone(),
        protected: plan.protected.clone(),
        pins: plan.pins.clone(),
        project: ground.project.clone(),
        home: ground.home.clone(),
        stderr: stderr.as_raw_fd(),
        targets: canary.targets().map_err(LaunchError::io("planting canaries"))?,
    };
    let (ours, theirs) = channel::pair().map_err(LaunchError::io("making a socket pair"))?;
    ground::verify(&ground.project, &plan.verify)?;
    let (child, mut words) = spawn(&plan, &orders, theirs, stderr, terminal)?;

    match handshake::run(&ours, &canary, port) {
        Ok(met) => {
            let mut child = child;
            child.set_inside(
                Inside { program: met.program, program_fd: met.program_fd },
                met.init_fd,
            );
            let mut notes = plan.notes;
            notes.extend(met.notes);
            Ok(Launched {
                child,
                listener: met.listener,
                report: StartReport {
                    tier: Tier::Strict,
                    probes: met.probes,
                    blocked: met.blocked,
                    notes,
                },
                attempts: met.attempts,
                lacks: Vec::new(),
            })
        }
        Err(error) => {
            drop(ours);
            let _ended_meanwhile = child.terminate(Duration::ZERO);
            let _late = child.wait_for(CLEAN_UP);
            Err(explain(error, &mut words, &wanted))
        }
    }
}

/// bubblewrap's own words, where it had any, say more than a closed channel.
fn explain(error: LaunchError, words: &mut File, wanted: &std::path::Path) -> LaunchError {
    let LaunchError::Broken { stage, detail } = error else { return error };
    if stage == "program" {
        return LaunchError::Program { path: wanted.to_owned(), reason: detail };
    }
    let mut said = String::new();
    if words.rewind().and_then(|()| words.read_to_string(&mut said)).is_err() || said.is_empty() {
        return LaunchError::Broken { stage, detail };
    }
    let refused = ["user namespace", "uid map", "RTM_NEWADDR", "clone", "Creating new namespace"]
        .iter()
        .any(|sign| said.contains(sign));
    if refused {
        return LaunchError::Unavailable(diagnose(&said, preflight::settings()));
    }
    LaunchError::Broken { stage, detail: format!("{detail}; {}", said.trim()) }
}

fn stderr_of(terminal: Terminal<'_>) -> io::Result<OwnedFd> {
    match terminal {
        Terminal::Pty(pty) => pty.open_slave().map(OwnedFd::from),
        Terminal::Inherit => io::stderr().as_fd().try_clone_to_owned(),
    }
}

fn spawn(
    plan: &Plan,
    orders: &wire::Orders,
    theirs: OwnedFd,
    stderr: OwnedFd,
    terminal: Terminal<'_>,
) -> Result<(Child, File), LaunchError> {
    let files = || -> io::Result<_> {
        let data = plan.data.iter().map(|data| memory(data)).collect::<io::Result<Vec<_>>>()?;
        let mut list = Vec::new();
        for option in &plan.options {
            match option {
                Arg::Word(word) => list.extend_from_slice(word.as_encoded_bytes()),
                Arg::Data(index) => {
                    let fd = data.get(*index).map_or(-1, AsRawFd::as_raw_fd);
                    list.extend_from_slice(fd.to_string().as_bytes());
                }
            }
            list.push(0);
        }
        Ok((data, memory(&list)?, memory(&serde_json::to_vec(orders)?)?, memory(&[])?))
    };
    let (data, list, paper, words) = files().map_err(LaunchError::io("making memory files"))?;

    let mut command = Command::new(&plan.bwrap);
    let mut arguments: Vec<OsString> = vec!["--args".into(), number(&list), "--".into()];
    arguments.push(format!("{TOOLS}/lcc").into());
    arguments.extend(["__inner".into(), number(&theirs), number(&paper), "--".into()]);
    arguments.extend(plan.command.iter().cloned());
    command.args(arguments).env_clear().current_dir("/");
    let mut own_group = false;
    if let Terminal::Pty(pty) = terminal {
        pty.attach(&mut command).map_err(LaunchError::io("opening the terminal"))?;
        own_group = true;
    }
    // Until the program starts, standard error collects what bubblewrap has to say.
    let echo = words.try_clone().map_err(LaunchError::io("making memory files"))?;
    command.stderr(Stdio::from(echo));
    let mut keep: Vec<OwnedFd> = data;
    keep.extend([list, paper, theirs, stderr]);
    let prepare = Prepare {
        session: own_group,
        ignore_keyboard: true,
        keep: keep.iter().map(AsRawFd::as_raw_fd).collect(),
        die_with_parent: true,
    };
    sys::prepare(&mut command, prepare);
    let child = Child::spawn(command, keep, own_group)
        .map_err(LaunchError::io(format!("starting {}", plan.bwrap.display())))?;
    if let Terminal::Pty(pty) = terminal {
        pty.release();
    }
    Ok((child, File::from(words)))
}

fn number(fd: &OwnedFd) -> OsString {
    let number: RawFd = fd.as_raw_fd();
    number.to_string().into()
}

/// A file in memory that reads from its start.
fn memory(content: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(memfd_create("lcc", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(content)?;
    file.rewind()?;
    Ok(file.into())
}
