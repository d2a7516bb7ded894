//! `lcc sandbox check`: every escape attempt behind the sandbox, in a table or as JSON.

#[cfg(target_os = "macos")]
mod apple;
#[cfg(target_os = "linux")]
pub mod document;
#[cfg(not(target_os = "macos"))]
mod print;

use std::{io::Write, path::PathBuf, process::ExitCode};

use serde::Serialize;

use crate::{
    commands::{CommandError, outfit::outfit, settings::Surroundings},
    config::Flags,
    domain::Tier,
    engine::sandbox::{
        Request,
        probes::{Totals, Tried},
    },
};

/// Attempts that have to go through without a sandbox for the list to be worth anything.
pub const LEAST_OPEN: u64 = 40;

/// What is said of a check without a sandbox.
const NOTHING: &str = "there is nothing to check without a sandbox; --negative-control shows what goes \
                       through then";

/// What the command line says.
#[derive(Debug, Clone)]
pub struct CheckArgs {
    /// The project; a throw-away one where none is named.
    pub project: Option<PathBuf>,
    /// The tier.
    pub tier: Tier,
    /// JSON instead of a table.
    pub json: bool,
    /// Without a sandbox, to show that the attempts can go through.
    pub negative_control: bool,
}

/// What is printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Printed {
    /// The version of this shape.
    pub version: u32,
    /// The tier; `off` for the negative control.
    pub tier: Tier,
    /// The project; absent where a throw-away one was used.
    pub project: Option<PathBuf>,
    /// lcc's user number.
    pub user: u32,
    /// The kernel's release.
    pub kernel: String,
    /// Milliseconds from the first look to the verdict.
    pub took_ms: u64,
    /// Whether the run shows what it should: that nothing gets out, or, for the negative control,
    /// that enough gets out without a sandbox.
    pub holds: bool,
    /// How many ended how.
    pub totals: Totals,
    /// The attempts in the order of their numbers.
    pub attempts: Vec<Tried>,
    /// What the host's canaries show as touched.
    pub touched: Vec<String>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Makes the attempts and prints them. The exit code is 0 only when all shows what it should, 1
/// when it does not.
///
/// # Errors
/// [`CommandError::Usage`] for a project that is none; [`CommandError::Sandbox`] when there is no
/// sandbox to check.
#[cfg(target_os = "macos")]
pub fn run(
    around: &Surroundings,
    args: &CheckArgs,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    apple::run(around, args, out)
}

/// Makes the attempts and prints them. The exit code is 0 only when all shows what it should, 1
/// when it does not.
///
/// # Errors
/// [`CommandError::Usage`] for a project that is none; [`CommandError::Sandbox`] when there is no
/// sandbox to check.
#[cfg(not(target_os = "macos"))]
pub fn run(
    around: &Surroundings,
    args: &CheckArgs,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let printed = look(around, args)?;
    if args.json {
        let text = serde_json::to_string_pretty(&printed).map_err(CommandError::other)?;
        writeln!(out, "{text}").map_err(CommandError::other)?;
    } else {
        print::table(&printed, out).map_err(CommandError::other)?;
    }
    Ok(ExitCode::from(u8::from(!printed.holds)))
}

/// The project that was named, as a session would take it.
fn named(around: &Surroundings, args: &CheckArgs) -> Result<Option<PathBuf>, CommandError> {
    let user_home = around.home();
    args.project
        .as_deref()
        .map(|project| {
            crate::commands::project::project(Some(project), &around.here, user_home.as_deref())
        })
        .transpose()
}

/// What a session in this project would start, with toolchains and added folders.
fn request(
    around: &Surroundings,
    tier: Tier,
    project: PathBuf,
    home: PathBuf,
) -> Result<Request, CommandError> {
    let settings = around.load(Flags::default())?.resolved.settings;
    let outfit = outfit(around, &settings, tier, &project, &[])?;
    let mut env = outfit.env.clone();
    env.insert("PATH".to_owned(), outfit.search_path());
    Ok(Request {
        tier,
        project,
        home,
        state: around.paths.state.clone(),
        // Named because a sandbox has a program; this one is never started.
        program: "true".into(),
        args: Vec::new(),
        env,
        lcc: std::env::current_exe().map_err(CommandError::other)?,
        read_only: Vec::new(),
        mounts: outfit.mounts,
    })
}

#[cfg(target_os = "linux")]
fn look(around: &Surroundings, args: &CheckArgs) -> Result<Printed, CommandError> {
    use super::Home;
    use crate::engine::sandbox::linux::{check, reduced};

    let home = Home::make(&around.paths.state).map_err(CommandError::other)?;
    let lcc = std::env::current_exe().map_err(CommandError::other)?;
    if args.negative_control {
        let checked = check::control(&lcc, &home.folder.join("control"))
            .map_err(|e| CommandError::Other(format!("the attempts could not be made: {e}")))?;
        let enough = checked.report.totals().open >= LEAST_OPEN;
        return Ok(printed(checked, Tier::Off, None, enough));
    }
    match args.tier {
        Tier::Strict | Tier::Reduced => {}
        Tier::Off => {
            return Err(CommandError::usage(NOTHING));
        }
    }
    let named = named(around, args)?;
    let throw_away = match &named {
        Some(_) => None,
        None => Some(ThrowAway::make().map_err(CommandError::other)?),
    };
    let project =
        named.clone().or_else(|| throw_away.as_ref().map(ThrowAway::project)).unwrap_or_default();
    let request = request(around, args.tier, project, home.path.clone())?;
    let checked = match args.tier {
        Tier::Reduced => reduced::check(request),
        Tier::Strict | Tier::Off => check::strict(request),
    };
    let checked = checked.map_err(|e| CommandError::Sandbox(e.to_string()))?;
    let holds = checked.report.broken().is_empty();
    Ok(printed(checked, args.tier, named, holds))
}

#[cfg(target_os = "linux")]
fn printed(
    checked: crate::engine::sandbox::linux::check::Checked,
    tier: Tier,
    project: Option<PathBuf>,
    holds: bool,
) -> Printed {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    Printed {
        version: 1,
        tier,
        project,
        user: nix::unistd::geteuid().as_raw(),
        kernel: kernel.trim().to_owned(),
        took_ms: u64::try_from(checked.took.as_millis()).unwrap_or(u64::MAX),
        holds,
        totals: checked.report.totals(),
        attempts: checked.report.attempts,
        touched: checked.report.touched,
        notes: checked.notes,
    }
}

/// A project for one check, in the folder for temporary files.
#[cfg(target_os = "linux")]
struct ThrowAway {
    folder: PathBuf,
    yard: crate::engine::sandbox::linux::check::Yard,
}

#[cfg(target_os = "linux")]
impl ThrowAway {
    fn make() -> std::io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let folder = std::env::temp_dir().join(format!("lcc-check-{}", uuid::Uuid::new_v4()));
        std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
        let yard = crate::engine::sandbox::linux::check::Yard::make(&folder)?;
        Ok(Self { folder, yard })
    }

    fn project(&self) -> PathBuf {
        self.yard.project.clone()
    }
}

#[cfg(target_os = "linux")]
impl Drop for ThrowAway {
    fn drop(&mut self) {
        // What is left over lies among temporary files and holds nothing.
        let _left_over = std::fs::remove_dir_all(&self.folder);
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn look(_: &Surroundings, _: &CheckArgs) -> Result<Printed, CommandError> {
    Err(CommandError::Sandbox("there is no sandbox on this system".to_owned()))
}
