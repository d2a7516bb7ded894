//! The reduced tier on Linux: Landlock, seccomp and a connection broker, without namespaces.

mod bait;
pub mod inner;
mod keeper;
pub mod landlock;
mod probes;
mod sys;
mod wire;

use std::{
    ffi::OsString,
    fs::{DirBuilder, File},
    io::{self, Seek, Write},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::DirBuilderExt,
    },
    process::Command,
    time::{Duration, Instant},
};

use nix::sys::memfd::{MFdFlags, memfd_create};

use self::bait::Bait;
use self::wire::{Orders, Probed, Said, Told};
use super::{
    broker::{self, judge::Border},
    channel, ground, preflight,
};
use crate::{
    domain::Tier,
    engine::sandbox::{
        Child, Endpoint, LaunchError, Launched, Refusal, Request, StartReport, Terminal,
        child::Inside,
        egress::Attempts,
        policy::{Ground, HOME_FOLDERS, HostFacts, Program, bwrap, guard},
        reduced::{LACKS, TMP, Trees},
        sys::{self as host, Prepare},
        unavailable::Unavailable,
    },
};

/// How long each answer of the inner stage may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The word that makes lcc's program the inner stage.
pub const INNER: &str = "__reduced";

/// Whether this kernel can give the tier.
///
/// # Errors
/// What is missing, and the way out.
pub fn preflight() -> Result<(), Unavailable> {
    if landlock::available() {
        return Ok(());
    }
    Err(Unavailable::System {
        reason: "the reduced tier needs Linux 6.12 or newer with Landlock in force (its sixth \
                 interface); `cat /sys/kernel/security/lsm` must name landlock"
            .to_owned(),
    })
}

/// Starts the program in the reduced tier.
///
/// # Errors
/// A [`LaunchError`]; nothing of the program has run then.
pub fn launch(
    request: Request,
    endpoint: Endpoint,
    terminal: Terminal<'_>,
) -> Result<Launched, LaunchError> {
    preflight()?;
    let wanted = request.program.clone();
    let listener = endpoint.listener.ok_or_else(|| {
        LaunchError::broken("endpoint", "without namespaces the socket must be made outside")
    })?;
    let machine = preflight::without_bubblewrap();
    let ground = ground::survey(request)?;
    guard::places(&machine, &ground)?;
    owner(&machine, &ground)?;
    let bait = Bait::plant(&ground.home)
        .map_err(LaunchError::io("planting what the probes try to reach"))?;
    let tmp = ground.home.join(TMP);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&tmp)
        .map_err(LaunchError::io("making a folder for temporary files"))?;
    let orders = Orders {
        port: endpoint.port,
        project: ground.project.clone(),
        home: ground.home.clone(),
        trees: trees(&machine, &ground),
        targets: bait
            .targets()
            .map_err(LaunchError::io("planting what the probes try to reach"))?,
    };
    let (ours, theirs) = channel::pair().map_err(LaunchError::io("making a socket pair"))?;
    let mut child = spawn(&machine, &ground, &orders, theirs, terminal)?;
    let attempts = Attempts::default();
    match meet(&ours, &bait, endpoint.port, &attempts) {
        Ok((probes, program)) => {
            let program_fd =
                host::pidfd(program).map_err(LaunchError::io("watching the program"))?;
            child.set_keeper(Inside { program, program_fd }, ours);
            let mut notes =
                vec!["reduced sandbox, weaker than strict: F1 tells what it lacks".to_owned()];
            if machine.uid == 0 {
                notes.push(
                    "lcc runs as root: the program is user 0 too, without any capability"
                        .to_owned(),
                );
            }
            Ok(Launched {
                child,
                listener,
                report: StartReport {
                    tier: Tier::Reduced,
                    probes: probes.len() as u64,
                    blocked: probes.len() as u64,
                    notes,
                },
                attempts,
                lacks: LACKS.map(str::to_owned).into(),
            })
        }
        Err(error) => {
            drop(ours);
            let _ended_meanwhile = child.terminate(Duration::ZERO);
            Err(explain(error, &wanted))
        }
    }
}

/// The probes and the bait must agree that nothing got out.
fn judge(probes: &[Probed], touched: Vec<String>) -> Result<(), LaunchError> {
    let mut wrong: Vec<String> = probes
        .iter()
        .filter_map(|probe| Some(format!("{}: {}", probe.name, probe.outcome.as_ref().err()?)))
        .collect();
    wrong.extend(touched);
    if probes.is_empty() {
        wrong.push("no probe ran".to_owned());
    }
    if wrong.is_empty() { Ok(()) } else { Err(LaunchError::broken("probes", wrong.join("; "))) }
}

fn explain(error: LaunchError, wanted: &std::path::Path) -> LaunchError {
    match error {
        LaunchError::Broken { stage, detail } if stage == "program" => {
            LaunchError::Program { path: wanted.to_owned(), reason: detail }
        }
        other => other,
    }
}

/// Without a user namespace root would stay root on the host's files of another user.
fn owner(machine: &HostFacts, ground: &Ground) -> Result<(), Refusal> {
    if machine.uid == ground.owner {
        return Ok(());
    }
    Err(Refusal::new(
        &ground.project,
        format!("it belongs to user {}, but lcc runs as user {}", ground.owner, machine.uid),
        "start lcc as the project's owner: in this tier lcc changes no user",
    ))
}

fn trees(machine: &HostFacts, ground: &Ground) -> Trees {
    let mut readable = machine.etc.clone();
    readable.extend(ground.read_only.iter().cloned());
    readable.push(ground.home.clone());
    match &ground.program {
        Program::Name(_) => {}
        Program::Visible(path) => readable.push(path.clone()),
        Program::File { real, .. } => readable.push(real.clone()),
        Program::Package { folder, .. } => readable.push(folder.clone()),
    }
    let mut writable = vec![ground.project.clone()];
    writable.extend(HOME_FOLDERS.map(|name| ground.home.join(name)));
    Trees { readable, writable }
}

fn program(ground: &Ground) -> OsString {
    match &ground.program {
        Program::Name(name) => name.clone(),
        Program::Visible(path) | Program::File { real: path, .. } => path.clone().into(),
        Program::Package { folder, script } => folder.join(script).into(),
    }
}

fn spawn(
    machine: &HostFacts,
    ground: &Ground,
    orders: &Orders,
    theirs: OwnedFd,
    terminal: Terminal<'_>,
) -> Result<Child, LaunchError> {
    let paper = || -> io::Result<OwnedFd> {
        let mut file = File::from(memfd_create("lcc", MFdFlags::MFD_CLOEXEC)?);
        file.write_all(&serde_json::to_vec(orders)?)?;
        file.rewind()?;
        Ok(file.into())
    };
    let paper = paper().map_err(LaunchError::io("making memory files"))?;
    let mut command = Command::new(&ground.lcc);
    command.arg(INNER);
    command.args([&theirs, &paper].map(|fd| fd.as_raw_fd().to_string())).arg("--");
    command.arg(program(ground)).args(&ground.args);
    command.env_clear().envs(bwrap::inner_env(ground)).current_dir(&ground.project);
    let tmp = ground.home.join(TMP);
    command.env("TMPDIR", &tmp).env("CLAUDE_CODE_TMPDIR", &tmp);
    if machine.uid == 0 {
        // Claude Code asks for it of user 0; the limits are the operating system's.
        command.env("IS_SANDBOX", "1");
    }
    let mut own_group = false;
    if let Terminal::Pty(pty) = terminal {
        pty.attach(&mut command).map_err(LaunchError::io("opening the terminal"))?;
        own_group = true;
    }
    let keep = vec![theirs, paper];
    let prepare = Prepare {
        session: own_group,
        ignore_keyboard: true,
        keep: keep.iter().map(AsRawFd::as_raw_fd).collect(),
        // It ends with the channel, and ends the rest first.
        die_with_parent: false,
    };
    host::prepare(&mut command, prepare);
    let child = Child::spawn(command, keep, own_group)
        .map_err(LaunchError::io(format!("starting {}", ground.lcc.display())))?;
    if let Terminal::Pty(pty) = terminal {
        pty.release();
    }
    Ok(child)
}

/// lcc's side of the start: the probes' broker, the judgement, the program's broker.
fn meet(
    ours: &OwnedFd,
    bait: &Bait,
    port: u16,
    attempts: &Attempts,
) -> Result<(Vec<Probed>, i32), LaunchError> {
    let border = Border::Broker { port };
    match next(ours, "start of the inner stage")?.message {
        Said::Ready => {}
        other => return Err(unexpected(other)),
    }
    tell(ours, Told::Probe)?;
    // What the probes try is no attempt of the program's.
    watch(ours, border, Attempts::default())?;
    let probes = match next(ours, "probes")?.message {
        Said::Report { probes } => probes,
        other => return Err(unexpected(other)),
    };
    judge(&probes, bait.touched())?;
    tell(ours, Told::Start)?;
    let program = watch(ours, border, attempts.clone())?;
    match next(ours, "start of the program")?.message {
        Said::Started => Ok((probes, program)),
        other => Err(unexpected(other)),
    }
}

/// Takes a listener and answers on it; the process that sent it.
fn watch(ours: &OwnedFd, border: Border, attempts: Attempts) -> Result<i32, LaunchError> {
    let received = next(ours, "filters")?;
    match received.message {
        Said::Watched => {}
        other => return Err(unexpected(other)),
    }
    let nothing = || LaunchError::broken("filters", "no listener came along");
    let listener = received.fd.ok_or_else(nothing)?;
    let sender = received.pid.filter(|pid| *pid > 0).ok_or_else(nothing)?;
    broker::start(listener, border, attempts).map_err(LaunchError::io("starting the broker"))?;
    Ok(sender)
}

fn next(ours: &OwnedFd, stage: &str) -> Result<channel::Received<Said>, LaunchError> {
    channel::receive(ours, Instant::now() + PATIENCE).map_err(|error| {
        let detail = match error.kind() {
            io::ErrorKind::UnexpectedEof => "it ended".to_owned(),
            io::ErrorKind::TimedOut => format!("no answer within {} s", PATIENCE.as_secs()),
            _ => error.to_string(),
        };
        LaunchError::broken(stage, detail)
    })
}

fn tell(ours: &OwnedFd, told: Told) -> Result<(), LaunchError> {
    channel::send(ours, &told, None)
        .map_err(|error| LaunchError::broken("handshake", error.to_string()))
}

fn unexpected(said: Said) -> LaunchError {
    match said {
        Said::Failed { stage, detail } => LaunchError::Broken { stage, detail },
        Said::Ready | Said::Watched | Said::Report { .. } | Said::Started => {
            LaunchError::broken("handshake", format!("it said {said:?} out of turn"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_stopped_probes_and_untouched_canaries_pass() {
        let probe = |outcome: Result<&str, &str>| Probed {
            name: "read".to_owned(),
            outcome: outcome.map(str::to_owned).map_err(str::to_owned),
        };
        let touched = || vec!["a connection".to_owned()];
        for (probes, touched, passes) in [
            (vec![probe(Ok("EPERM"))], Vec::new(), true),
            (vec![], Vec::new(), false),
            (vec![probe(Ok("EPERM"))], touched(), false),
            (vec![probe(Ok("EPERM")), probe(Err("seen"))], Vec::new(), false),
        ] {
            assert_eq!(judge(&probes, touched).is_ok(), passes, "{probes:?}");
        }
    }
}
