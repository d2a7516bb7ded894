//! Looks at the host's toolchains: what exists, what can be read, who commits.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nix::unistd::{AccessFlags, access, geteuid};

use super::{
    Facts, Found,
    credential::holds_credentials,
    folders::{self, AddDir},
    identity,
    table::{TOOLS, Tool, candidates},
};
use crate::engine::sandbox::{
    LaunchError,
    manifest::{look::Root, rules::BLOCKED},
    policy::{Extra, Refusal},
};

/// Most names of one folder that are looked through for files to cover.
const MOST_NAMES: usize = 200;
/// A configuration file larger than this is none.
const LARGEST: u64 = 1 << 20;

/// Whose toolchains, for which project.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The user's real home.
    pub home: Option<PathBuf>,
    /// The user's environment.
    pub env: BTreeMap<String, String>,
    /// The project, links resolved.
    pub project: PathBuf,
    /// lcc's state folder.
    pub state: PathBuf,
}

/// Gathers everything the planner has to know. What cannot be read is as if it were not there.
#[must_use]
pub fn facts(caller: &Caller) -> Facts {
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let home = caller.home.as_deref().map(real);
    let project = real(&caller.project);
    let state = real(&caller.state);
    // Root gives up its rights to the project's owner: what that user cannot read is not shown.
    let uid = match fs::metadata(&project) {
        Ok(about) if geteuid().is_root() => about.uid(),
        Ok(_) | Err(_) => geteuid().as_raw(),
    };
    let found: Vec<Found> = TOOLS
        .iter()
        .filter_map(|tool| {
            candidates(tool, caller.home.as_deref(), &caller.env)
                .into_iter()
                .find_map(|root| find(tool, root, uid))
        })
        .collect();
    let cargo = found.iter().find(|found| found.tool.name == "cargo");
    let cargo_config = cargo.and_then(|cargo| {
        ["config.toml", "config"].iter().find_map(|name| small(&cargo.root.join(name)))
    });
    Facts {
        path: search_path(&caller.env),
        git: git(caller, &project, &state).unwrap_or_default(),
        home,
        project,
        state,
        found,
        cargo_config,
    }
}

fn find(tool: &'static Tool, root: PathBuf, uid: u32) -> Option<Found> {
    let root = if root.components().any(|c| c == std::path::Component::ParentDir) {
        fs::canonicalize(root).ok()?
    } else {
        root
    };
    if !root.join(tool.mark).exists() {
        return None;
    }
    let parts: Vec<(PathBuf, PathBuf)> = tool
        .parts
        .iter()
        .filter_map(|part| {
            let real = fs::canonicalize(root.join(part)).ok()?;
            readable(&real, uid).then(|| (PathBuf::from(part), real))
        })
        .collect();
    if parts.is_empty() {
        return None;
    }
    let masks = tool.masks.iter().flat_map(|mask| expand(&root, mask)).collect();
    Some(Found { tool, root, parts, masks })
}

/// The files that a pattern with one `*` names, relative to `root`.
fn expand(root: &Path, pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else { return Vec::new() };
    let before = before.trim_end_matches('/');
    let after = after.trim_start_matches('/');
    let Ok(names) = fs::read_dir(root.join(before)) else { return Vec::new() };
    names
        .flatten()
        .take(MOST_NAMES)
        .map(|entry| Path::new(before).join(entry.file_name()).join(after))
        .filter(|path| {
            let about = fs::symlink_metadata(root.join(path));
            // A folder that is a link is shown where it leads to, and covered there.
            let linked = fs::symlink_metadata(root.join(path).parent().unwrap_or(root))
                .is_ok_and(|parent| parent.is_symlink());
            about.is_ok_and(|about| about.is_file()) && !linked
        })
        .collect()
}

/// Whether this user can read a file or list a folder, and reach it.
fn readable(path: &Path, uid: u32) -> bool {
    if geteuid().as_raw() == uid {
        let how =
            if path.is_dir() { AccessFlags::R_OK | AccessFlags::X_OK } else { AccessFlags::R_OK };
        return access(path, how).is_ok();
    }
    path.ancestors().enumerate().all(|(depth, part)| {
        let Ok(about) = fs::metadata(part) else { return false };
        let needed = match (depth, about.is_dir()) {
            (0, false) => 0o4,
            (0, true) => 0o5,
            (_, _) => 0o1,
        };
        let shift = if about.uid() == uid { 6 } else { 0 };
        (about.mode() >> shift) & needed == needed
    })
}

fn small(path: &Path) -> Option<String> {
    let about = fs::metadata(path).ok()?;
    if about.is_file() && about.len() <= LARGEST { fs::read_to_string(path).ok() } else { None }
}

/// The entries of a search path that exist, as named and as they really lie.
fn search_path(env: &BTreeMap<String, String>) -> Vec<(PathBuf, PathBuf)> {
    let path = env.get("PATH").map_or("", String::as_str);
    path.split(':')
        .map(PathBuf::from)
        .filter(|entry| entry.is_absolute())
        .filter_map(|entry| fs::canonicalize(&entry).ok().map(|real| (entry, real)))
        .collect()
}

/// The user's own git settings, asked of git itself, in a folder without a repository.
fn git(caller: &Caller, project: &Path, state: &Path) -> Option<Vec<(String, String)>> {
    let program = search_path(&caller.env)
        .into_iter()
        .map(|(_, folder)| folder)
        .filter(|folder| !folder.starts_with(project) && !folder.starts_with(state))
        .map(|folder| folder.join("git"))
        .find(|program| program.is_file())?;
    let mut command = Command::new(program);
    command.args(["config", "--global", "--list", "-z"]);
    command.env_clear().current_dir("/").stdin(Stdio::null()).stderr(Stdio::null());
    command.env("HOME", caller.home.as_ref()?);
    for name in ["XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL"] {
        if let Some(value) = caller.env.get(name) {
            command.env(name, value);
        }
    }
    let output = command.output().ok()?;
    Some(identity::parse(&String::from_utf8_lossy(&output.stdout)))
}

/// The folders that the user added, relative ones below `here`, and their mounts.
///
/// # Errors
/// [`LaunchError`] naming the folder that is not there, is none, holds credentials or must not be
/// written.
pub fn added(
    here: &Path,
    home: Option<&Path>,
    dirs: &[AddDir],
) -> Result<(Vec<PathBuf>, Vec<Extra>), LaunchError> {
    let (mut folders, mut mounts) = (Vec::new(), Vec::new());
    for dir in dirs {
        let named = here.join(&dir.path);
        let io = |source: io::Error| LaunchError::Io {
            what: format!("adding the folder {} (--add-dir)", named.display()),
            source,
        };
        let real = fs::canonicalize(&named).map_err(io)?;
        if !real.is_dir() {
            return Err(Refusal::new(&real, "it is not a folder", "name a folder").into());
        }
        let user_home = home.map(|home| fs::canonicalize(home).unwrap_or_else(|_| home.to_owned()));
        if holds_credentials(&real, user_home.as_deref()) {
            return Err(Refusal::new(
                &real,
                "it is or holds a place of credentials, which everything inside could read",
                "name a folder below it, or copy what is needed into the project",
            )
            .into());
        }
        let mut found = BTreeMap::new();
        if dir.writable {
            let root = Root::open(&real).map_err(io)?;
            for path in BLOCKED.iter().flat_map(|path| Path::new(path).ancestors()) {
                if !path.as_os_str().is_empty()
                    && let Some(about) = root.about(path).map_err(io)?
                {
                    found.insert(path.to_owned(), about.kind);
                }
            }
        }
        mounts.extend(folders::mounts(&real, dir.writable, &found)?);
        folders.push(real);
    }
    Ok((folders, mounts))
}
