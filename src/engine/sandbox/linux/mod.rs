//! The strict tier on Linux: bubblewrap around an inner stage that proves the sandbox from inside.

pub mod beneath;
pub mod broker;
pub mod canary;
pub mod channel;
pub mod check;
mod ground;
mod handshake;
pub mod hold;
pub mod inner;
pub mod owner;
pub mod placeholders;
pub mod points;
pub mod preflight;
pub mod reduced;
mod repositories;
pub mod sys;
pub mod watch;
pub mod weak;
pub mod wire;

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read, Seek, Write},
    os::{
        fd::{AsFd, AsRawFd, OwnedFd, RawFd},
        unix::process::CommandExt,
    },
    process::{Command, Stdio},
    time::Duration,
};

use nix::sys::memfd::{MFdFlags, memfd_create};

use super::{
    Child, LaunchError, Launched, Request, StartReport, Terminal,
    child::Inside,
    policy::{self, Arg, Plan, TOOLS},
    sys::{Prepare, prepare},
    unavailable::diagnose,
};
use crate::domain::Tier;
use inner::Battery;
use owner::{Owner, Way};
use points::stop_at;

/// How long a failed sandbox may take to vanish before its error is reported anyway.
const CLEAN_UP: Duration = Duration::from_secs(5);

/// A sandbox whose inner stage waits.
struct Opened {
    child: Child,
    ours: OwnedFd,
    words: File,
    canary: canary::Canary,
    placeholders: placeholders::Placeholders,
    home: std::path::PathBuf,
    lcc: std::path::PathBuf,
    protected: Vec<std::path::PathBuf>,
    pins: Vec<std::path::PathBuf>,
    notes: Vec<String>,
}

impl Opened {
    /// Ends it; what bubblewrap said joins the error.
    fn fail(mut self, error: LaunchError, wanted: &std::path::Path) -> LaunchError {
        drop(self.ours);
        let _ended_meanwhile = self.child.terminate(Duration::ZERO);
        let _late = self.child.wait_for(CLEAN_UP);
        drop(self.placeholders);
        explain(error, &mut self.words, wanted)
    }
}

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
    let mut opened = open(request, port, terminal, Battery::Start, None)?;
    let proved = match handshake::prove(&opened.ours, &opened.canary, port, Battery::Start) {
        Ok(proved) => proved,
        Err(error) => return Err(opened.fail(error, &wanted)),
    };
    let attempts = match handshake::release(&opened.ours, &proved.report) {
        Ok(attempts) => attempts,
        Err(error) => return Err(opened.fail(error, &wanted)),
    };
    opened.canary.settle();
    let totals = proved.report.totals();
    let watch = watch::Watch::begin(opened.canary, proved.program, &opened.protected);
    let mut child = opened.child;
    child.keep(opened.placeholders);
    let held = hold::Held {
        program: proved.program,
        lcc: opened.lcc,
        read_only: opened.protected,
        pins: opened.pins,
    };
    if let Err(error) = hold::watch(held, child.alarm()) {
        // A program that has ended already needs no holding.
        if child.wait_for(CLEAN_UP).is_none() {
            return Err(LaunchError::broken("protected paths", error.to_string()));
        }
    }
    child.set_inside(
        Inside { program: proved.program, program_fd: proved.program_fd },
        proved.init_fd,
    );
    let mut notes = opened.notes;
    notes.extend(proved.notes);
    stop_at("started");
    Ok(Launched {
        child,
        listener: proved.listener,
        report: StartReport {
            tier: Tier::Strict,
            probes: totals.attempts - totals.notes,
            blocked: totals.blocked,
            notes,
        },
        watch: Some(watch),
        attempts,
        lacks: Vec::new(),
    })
}

/// Does all up to the handshake.
fn open(
    request: Request,
    port: u16,
    terminal: Terminal<'_>,
    battery: Battery,
    weakness: Option<weak::Weakness>,
) -> Result<Opened, LaunchError> {
    let state = request.state.clone();
    let host = preflight::gather()?;
    let mut ground = ground::survey(request)?;
    // Nothing is made in a place that is refused.
    policy::check(&host, &ground)?;
    let owner = Owner::to_become(host.uid, ground.owner, ground.group);
    let (placeholders, turn) = placeholders::Placeholders::join(&state, &ground.project)
        .map_err(LaunchError::io("writing down placeholders in lcc's state folder"))?;
    ground::fill(&mut ground, &placeholders, &turn, owner)?;
    let plan = weak::weaken(policy::plan(&host, &ground)?, weakness);
    drop(turn);
    let yard =
        canary::Ground { home: &ground.home, project: &ground.project, lcc: Some(&ground.lcc) };
    let canary = canary::Canary::plant(yard)
        .map_err(LaunchError::io("planting what the attempts try to reach"))?;
    let places = canary::targets::Places::real(host.user_home.clone());
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
        limits: plan.limits.clone(),
        identities: Vec::new(),
        targets: canary.targets(places).map_err(LaunchError::io("planting canaries"))?,
        battery,
        weakness,
    };
    stop_at("canaries-planted");
    let (ours, theirs) = channel::pair().map_err(LaunchError::io("making a socket pair"))?;
    let way = hand_over(&ground, &plan, &stderr, terminal, owner)?;
    let orders = wire::Orders { identities: ground::verify(&ground, &plan.verify)?, ..orders };
    stop_at("verified");
    let (child, words) = spawn(
        &plan,
        &orders,
        theirs,
        stderr,
        terminal,
        owner.zip(Some(way)),
        &placeholders.process_name(),
    )?;
    stop_at("spawned");
    Ok(Opened {
        child,
        ours,
        words,
        canary,
        placeholders,
        home: ground.home,
        lcc: ground.lcc,
        protected: plan.protected,
        pins: plan.pins,
        notes: plan.notes,
    })
}

/// Gives the project's owner, where lcc becomes that user, what is root's of this session.
fn hand_over(
    ground: &policy::Ground,
    plan: &Plan,
    stderr: &OwnedFd,
    terminal: Terminal<'_>,
    owner: Option<Owner>,
) -> Result<Way, LaunchError> {
    let Some(owner) = owner else { return Ok(Way::default()) };
    owner::give_tree(&ground.home, owner)
        .map_err(LaunchError::io("giving the private home to the project's owner"))?;
    match terminal {
        Terminal::Pty(_) => owner::give_stream(stderr, true, owner),
        Terminal::Inherit => {
            owner::give_stream(io::stdin(), false, owner);
            owner::give_stream(io::stdout(), false, owner);
            owner::give_stream(io::stderr(), false, owner);
        }
    }
    owner::way(&plan.sources, owner).map_err(LaunchError::io("looking at what is to be mounted"))
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
    user: Option<(Owner, Way)>,
    name: &str,
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
    // By its name the next start knows what a killed lcc left.
    command.arg0(name).args(arguments).env_clear().current_dir("/");
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
    let inherited = keep.iter().map(AsRawFd::as_raw_fd).collect();
    let mut closed = Vec::new();
    if let Some((owner, way)) = user {
        // Open here until the child has its copies, and closed there at the exec.
        keep.extend(way.reserved);
        closed = way.closed;
        sys::become_user(&mut command, owner.user, owner.group, way.steps);
    }
    let wishes = Prepare {
        session: own_group,
        ignore_keyboard: true,
        keep: inherited,
        die_with_parent: true,
    };
    prepare(&mut command, wishes);
    let child =
        Child::spawn(command, keep, own_group).map_err(LaunchError::io(starting(plan, &closed)))?;
    if let Terminal::Pty(pty) = terminal {
        pty.release();
    }
    Ok((child, File::from(words)))
}

/// What is being done when bubblewrap is started.
fn starting(plan: &Plan, closed: &[std::path::PathBuf]) -> String {
    let bwrap = plan.bwrap.display();
    match closed.first() {
        None => format!("starting {bwrap}"),
        Some(door) => format!(
            "starting {bwrap} for the project's owner, who may not enter {} (lcc, its state or the \
             project lie there; put them elsewhere, or start lcc as that user)",
            door.display()
        ),
    }
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
