//! The reduced tier on Linux: Landlock, seccomp and a connection broker, without namespaces.

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
    net::{Ipv4Addr, TcpListener},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::DirBuilderExt,
    },
    process::Command,
    time::{Duration, Instant},
};

use nix::sys::memfd::{MFdFlags, memfd_create};

use self::wire::{Orders, Said, Told};
use super::{
    broker::{self, judge::Border},
    canary::{self, Canary, targets::Places},
    channel,
    check::Checked,
    ground,
    inner::{Aim, Battery, cases},
    preflight,
};
use crate::{
    domain::Tier,
    engine::sandbox::{
        Child, Endpoint, LaunchError, Launched, Refusal, Request, StartReport, Terminal,
        child::Inside,
        egress::Attempts,
        policy::{Content, Ground, HOME_FOLDERS, HostFacts, Program, bwrap, guard},
        probes::{Report, judge},
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

/// A sandbox that waits for lcc's word.
struct Opened {
    child: Child,
    ours: OwnedFd,
    canary: Canary,
    border: Border,
    as_root: bool,
}

impl Opened {
    /// Ends it.
    fn fail(self, error: LaunchError, wanted: &std::path::Path) -> LaunchError {
        drop(self.ours);
        let _ended_meanwhile = self.child.terminate(Duration::ZERO);
        explain(error, wanted)
    }
}

/// Does all up to the attempts.
fn open(
    request: Request,
    port: u16,
    terminal: Terminal<'_>,
    battery: Battery,
) -> Result<Opened, LaunchError> {
    preflight()?;
    let machine = preflight::without_bubblewrap();
    let ground = ground::survey(request)?;
    guard::places(&machine, &ground)?;
    owner(&machine, &ground)?;
    let (canary, aim) = plant(&machine, &ground, battery)
        .map_err(LaunchError::io("planting what the probes try to reach"))?;
    let tmp = ground.home.join(TMP);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&tmp)
        .map_err(LaunchError::io("making a folder for temporary files"))?;
    let orders = Orders {
        port,
        project: ground.project.clone(),
        home: ground.home.clone(),
        trees: trees(&machine, &ground),
        aim,
    };
    let (ours, theirs) = channel::pair().map_err(LaunchError::io("making a socket pair"))?;
    let child = spawn(&machine, &ground, &orders, theirs, terminal)?;
    let as_root = machine.uid == 0;
    Ok(Opened { child, ours, canary, border: Border::Broker { port }, as_root })
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
    let wanted = request.program.clone();
    let listener = endpoint.listener.ok_or_else(|| {
        LaunchError::broken("endpoint", "without namespaces the socket must be made outside")
    })?;
    let opened = open(request, endpoint.port, terminal, Battery::Start)?;
    let attempts = Attempts::default();
    let started = prove(&opened.ours, &opened.canary, opened.border, Battery::Start)
        .and_then(|report| Ok((release(&opened.ours, &report, opened.border, &attempts)?, report)));
    let (program, report) = match started {
        Ok(started) => started,
        Err(error) => return Err(opened.fail(error, &wanted)),
    };
    let program_fd = host::pidfd(program).map_err(LaunchError::io("watching the program"))?;
    let mut child = opened.child;
    child.set_keeper(Inside { program, program_fd }, opened.ours);
    let mut notes = vec!["reduced sandbox, weaker than strict: F1 tells what it lacks".to_owned()];
    if opened.as_root {
        notes
            .push("lcc runs as root: the program is user 0 too, without any capability".to_owned());
    }
    Ok(Launched {
        child,
        listener,
        report: StartReport {
            tier: Tier::Reduced,
            probes: report.promised(),
            blocked: report.kept(),
            notes,
        },
        watch: None,
        attempts,
        lacks: LACKS.map(str::to_owned).into(),
    })
}

/// Makes every attempt behind the reduced tier. The program of the request is never started.
///
/// # Errors
/// A [`LaunchError`] when there is no such sandbox. One that does not hold is no error: its report
/// says so.
pub fn check(request: Request) -> Result<Checked, LaunchError> {
    let begin = Instant::now();
    let wanted = request.program.clone();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| Ok((listener.local_addr()?.port(), listener)));
    let (port, _listener) = listener.map_err(LaunchError::io("binding a port"))?;
    let opened = open(request, port, Terminal::Inherit, Battery::Full)?;
    match prove(&opened.ours, &opened.canary, opened.border, Battery::Full) {
        Ok(report) => {
            let took = begin.elapsed();
            drop(opened.ours);
            opened
                .child
                .terminate(Duration::ZERO)
                .map_err(LaunchError::io("ending the sandbox after the check"))?;
            Ok(Checked { report, notes: LACKS.map(str::to_owned).into(), took })
        }
        Err(error) => Err(opened.fail(error, &wanted)),
    }
}

/// What the attempts are told, and what they try to reach.
fn plant(machine: &HostFacts, ground: &Ground, battery: Battery) -> io::Result<(Canary, Aim)> {
    let places =
        canary::Ground { home: &ground.home, project: &ground.project, lcc: Some(&ground.lcc) };
    let canary = Canary::plant(places)?;
    let aim = Aim {
        project: ground.project.clone(),
        home: ground.home.clone(),
        pins: Vec::new(),
        protected: Vec::new(),
        targets: canary.targets(Places::real(machine.user_home.clone()))?,
        battery,
        sandboxed: true,
    };
    Ok((canary, aim))
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
    for mount in &ground.mounts {
        match &mount.content {
            Content::ReadOnly(path) => readable.push(path.clone()),
            Content::Writable(path) => writable.push(path.clone()),
            // Without a file view of its own nothing can be put in another's place.
            Content::Memory | Content::Text(_) | Content::Mask(_) => {}
        }
    }
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

/// Has the attempts made, with a broker of their own, and judges them with the canaries.
fn prove(
    ours: &OwnedFd,
    canary: &Canary,
    border: Border,
    battery: Battery,
) -> Result<Report, LaunchError> {
    match next(ours, "start of the inner stage")?.message {
        Said::Ready => {}
        other => return Err(unexpected(other)),
    }
    tell(ours, Told::Probe)?;
    // What the attempts try is no attempt of the program's.
    watch(ours, border, Attempts::default())?;
    match next(ours, "probes")?.message {
        Said::Report { probes } => {
            Ok(judge(&cases(battery), &probes, canary.touched(), Tier::Reduced))
        }
        other => Err(unexpected(other)),
    }
}

/// Lets the program go, if attempts and canaries agree that nothing gets out; its process number.
fn release(
    ours: &OwnedFd,
    report: &Report,
    border: Border,
    attempts: &Attempts,
) -> Result<i32, LaunchError> {
    let broken = report.broken();
    if !broken.is_empty() {
        return Err(LaunchError::broken("probes", broken.join("; ")));
    }
    tell(ours, Told::Start)?;
    let program = watch(ours, border, attempts.clone())?;
    match next(ours, "start of the program")?.message {
        Said::Started => Ok(program),
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
