//! `lcc sandbox`: any command in the very sandbox that Claude Code gets.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs::{self, DirBuilder, File},
    io,
    os::unix::{fs::DirBuilderExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{ExitCode, ExitStatus},
};

use crate::{
    domain::Tier,
    engine::sandbox::{
        self, LaunchError, Launched, Request, Terminal, egress,
        limits::{self, Limits, Watched},
        sys,
    },
};

/// The exit code for a command that was not started.
const NOT_STARTED: u8 = 125;
/// The name of lock files.
const LOCK: &str = "lock";
/// What of the caller's environment a command may see.
const ENVIRONMENT: [&str; 9] =
    ["PATH", "TERM", "COLORTERM", "NO_COLOR", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "COLUMNS"];

/// What the command line says.
#[derive(Debug, Clone)]
pub struct SandboxArgs {
    /// The project; the current folder where none is named.
    pub project: Option<PathBuf>,
    /// The tier.
    pub tier: Tier,
    /// Where lcc keeps its state; the throw-away home is made below it.
    pub state: PathBuf,
    /// Further folders that may be read.
    pub read_only: Vec<PathBuf>,
    /// The command and its arguments.
    pub command: Vec<OsString>,
    /// Whether to say what the start proved, on standard error.
    pub verbose: bool,
    /// What the command may use.
    pub limits: Limits,
}

/// Runs the command; its exit code becomes ours, or 125 when it was not started.
#[must_use]
pub fn run(args: SandboxArgs) -> ExitCode {
    match start(args) {
        Ok(status) => ExitCode::from(code(status)),
        Err(error) => {
            eprintln!("lcc: {error}");
            ExitCode::from(NOT_STARTED)
        }
    }
}

/// 128 and the signal's number for a signal, as shells do.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(NOT_STARTED)
}

fn start(args: SandboxArgs) -> Result<ExitStatus, LaunchError> {
    let io = |what: &str| {
        let what = what.to_owned();
        move |source| LaunchError::Io { what, source }
    };
    let project = args.project.map_or_else(env::current_dir, Ok).map_err(io("the project"))?;
    let home = Home::make(&args.state).map_err(io("making a private home"))?;
    let mut command = args.command.into_iter();
    let program = command.next().ok_or_else(|| LaunchError::Program {
        path: PathBuf::new(),
        reason: "no command was named after --".to_owned(),
    })?;
    let places = vec![project.clone(), home.path.clone()];
    let request = Request {
        tier: args.tier,
        project,
        home: home.path.clone(),
        program: program.into(),
        args: command.collect(),
        env: environment(),
        lcc: env::current_exe().map_err(io("finding lcc's own program"))?,
        read_only: args.read_only,
    };
    let endpoint = sandbox::endpoint(args.tier).map_err(io("binding a port"))?;
    let launched = sandbox::launch(request, endpoint, Terminal::Inherit)?;
    // No proxy runs here: what the command sends to lcc's port is refused.
    let Launched { child, listener, report, attempts, lacks } = launched;
    drop(listener);
    if args.tier == Tier::Reduced {
        eprintln!("lcc: REDUCED sandbox, weaker than strict (-v tells what it lacks)");
    }
    if args.verbose {
        eprintln!("lcc: {} of {} escape attempts blocked", report.blocked, report.probes);
        for note in report.notes.iter().chain(&lacks) {
            eprintln!("lcc: note: {note}");
        }
    }
    let killer = child.killer();
    let watched = Watched { root: child.root(), places, kill: move || killer.kill() };
    let guard = limits::start(watched, args.limits).map_err(io("watching the caps"))?;
    sys::ignore_keyboard_signals();
    let status = child.wait().map_err(io("waiting for the command"))?;
    sys::restore_keyboard_signals();
    let standing = guard.finish();
    if args.verbose || limits::worth_telling(standing.stop.as_ref(), standing.seen, status) {
        let words = limits::words(status, standing.stop.as_ref(), standing.seen, args.limits);
        eprintln!("lcc: the command {words}");
    }
    for attempt in egress::sum(attempts.take()) {
        eprintln!("lcc: stopped: {attempt}");
    }
    Ok(status)
}

fn environment() -> BTreeMap<String, String> {
    ENVIRONMENT.iter().filter_map(|name| Some(((*name).to_owned(), env::var(name).ok()?))).collect()
}

/// A home that lasts as long as the command; its lock tells others that it is in use.
struct Home {
    folder: PathBuf,
    path: PathBuf,
    _in_use: File,
}

impl Home {
    fn make(state: &Path) -> io::Result<Self> {
        let all = state.join("sandbox");
        DirBuilder::new().recursive(true).mode(0o700).create(&all)?;
        // One at a time: a folder without its lock yet would look abandoned.
        let turn = File::create(all.join(LOCK))?;
        turn.lock()?;
        clean(&all)?;
        let folder = all.join(uuid::Uuid::new_v4().to_string());
        let path = folder.join("home");
        DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
        let in_use = File::create(folder.join(LOCK))?;
        in_use.lock()?;
        Ok(Self { folder, path, _in_use: in_use })
    }
}

/// Removes homes whose lcc was killed.
fn clean(all: &Path) -> io::Result<()> {
    for entry in fs::read_dir(all)?.flatten() {
        let abandoned =
            File::open(entry.path().join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
        if abandoned {
            // The command may have left folders that cannot be removed: they stay.
            let _left_over = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

impl Drop for Home {
    fn drop(&mut self) {
        // What cannot be removed is private, and the next start tries again.
        let _left_over = fs::remove_dir_all(&self.folder);
    }
}
