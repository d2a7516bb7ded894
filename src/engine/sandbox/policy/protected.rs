//! Files of a project that other programs trust later, and how they are kept from being changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{
    Ground, Kind, Refusal,
    repository::{self, Repository},
};

/// What stands in for a protected path while it does not exist.
///
/// A path that is missing cannot be mounted over, so something empty is made before the start and
/// removed after the end. An empty folder is seen neither by git nor by what would read the file;
/// inside `.git` an empty file is as harmless and keeps git quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// An empty folder.
    Folder,
    /// A file with this content.
    File(&'static str),
    /// Nothing: without it there is nothing to protect.
    Nothing,
}

/// The protected paths of a project, relative to it. A program of the host reads or runs each of
/// them without asking: git, an editor, a shell, or the next unsandboxed Claude Code.
pub const PATHS: [&str; 24] = [
    ".git/hooks",
    ".git/config",
    ".git/config.worktree",
    ".git/commondir",
    ".git/info/attributes",
    ".git/modules",
    ".git/worktrees",
    ".gitmodules",
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".claude/hooks",
    ".claude/commands",
    ".claude/agents",
    ".claude/skills",
    ".claude/workflows",
    ".claude/routines",
    ".claude/scheduled_tasks.json",
    ".claude/launch.json",
    ".mcp.json",
    ".envrc",
    ".vscode/tasks.json",
    ".vscode/settings.json",
    ".vscode/launch.json",
    ".idea",
];

/// Folders of Claude Code's in a project that hold work and nothing that is run. Where they exist
/// they can be written, in a `.claude` that otherwise cannot.
pub const OPEN: [&str; 5] =
    [".claude/agent-memory", ".claude/docs", ".claude/plans", ".claude/rules", ".claude/worktrees"];

/// A path to protect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The path, absolute.
    pub path: PathBuf,
    /// The folder it belongs to: the project, or a repository outside of it. It is a mount of its
    /// own already; what lies between it and the path is kept from being renamed.
    pub root: PathBuf,
    /// What stands in for it.
    pub absent: Absent,
}

/// Something empty that has to be made before the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placeholder {
    /// Where, absolute. The folder it lies in exists.
    pub path: PathBuf,
    /// The content of a file; a folder where there is none.
    pub file: Option<&'static str>,
}

/// Every path to protect.
#[must_use]
pub fn wanted(project: &Path, repositories: &[Repository]) -> Vec<Wanted> {
    let own = |path: PathBuf, absent| Wanted { path, root: project.to_owned(), absent };
    // Folders such as `.claude` and `.vscode` are held as a whole. Claude Code and editors take an
    // empty folder in the place of one of their files for an error they must tell, and a file
    // there would be seen by git. What lies in a repository depends on its kind.
    let tops: BTreeSet<&str> = PATHS
        .iter()
        .filter(|path| !path.starts_with(".git/"))
        .map(|path| path.split_once('/').map_or(*path, |(top, _)| top))
        .collect();
    let mut all: Vec<Wanted> =
        tops.into_iter().map(|path| own(project.join(path), Absent::Folder)).collect();
    let git = project.join(".git");
    if !repositories.iter().any(|known| known.folder == git) {
        // A pointer to elsewhere, a broken repository, or none: nobody may make one.
        all.push(own(git, Absent::Folder));
    }
    all.extend(
        repositories.iter().flat_map(|known| repository::entries(known, project, repositories)),
    );
    all
}

/// The paths whose kind the planner wants to know, each with the folder to look from: the
/// protected ones and the folders above them.
#[must_use]
pub fn watched(project: &Path, repositories: &[Repository]) -> BTreeMap<PathBuf, PathBuf> {
    let mut all = BTreeMap::new();
    for wanted in wanted(project, repositories) {
        for path in steps(&wanted) {
            all.insert(path, wanted.root.clone());
        }
    }
    // In a folder that is held as a whole a link leads no mount astray, but whoever follows it.
    let inside = PATHS.iter().filter(|path| !path.starts_with(".git/"));
    all.extend(inside.chain(&OPEN).map(|path| (project.join(path), project.to_owned())));
    for known in repositories {
        for (path, _) in repository::trees(known, project) {
            all.entry(path).or_insert_with(|| known.root(project).to_owned());
        }
    }
    all
}

/// The path and what lies between it and its root, top first.
fn steps(wanted: &Wanted) -> Vec<PathBuf> {
    let mut steps: Vec<PathBuf> = wanted
        .path
        .ancestors()
        .take_while(|path| *path != wanted.root && path.starts_with(&wanted.root))
        .map(Path::to_owned)
        .collect();
    if steps.is_empty() {
        steps.push(wanted.path.clone());
    }
    steps.reverse();
    steps
}

/// How one protected path is held.
enum Hold {
    /// This is mounted read-only: the path, or a file or missing folder on the way to it.
    ReadOnly(PathBuf),
    /// This must be made first.
    Make(Placeholder),
    /// There is nothing to hold.
    Nothing,
}

/// Decides on one path; gives the folders above that must be pinned.
fn hold(wanted: &Wanted, ground: &Ground) -> (Vec<PathBuf>, Hold) {
    let mut pins = Vec::new();
    for step in steps(wanted) {
        let last = step == wanted.path;
        match ground.found.get(&step) {
            Some(Kind::Folder) if !last && !ground.placeholders.contains(&step) => pins.push(step),
            Some(_) => return (pins, Hold::ReadOnly(step)),
            None => {
                let file = match wanted.absent {
                    Absent::Nothing => return (Vec::new(), Hold::Nothing),
                    Absent::File(content) if last => Some(content),
                    Absent::File(_) | Absent::Folder => None,
                };
                return (pins, Hold::Make(Placeholder { path: step, file }));
            }
        }
    }
    (pins, Hold::Nothing)
}

/// What has to be made so that every protected path can be held, parents first.
#[must_use]
pub fn missing(ground: &Ground) -> Vec<Placeholder> {
    let mut all = BTreeMap::new();
    for wanted in wanted(&ground.project, &ground.repositories) {
        if let (_, Hold::Make(placeholder)) = hold(&wanted, ground) {
            all.insert(placeholder.path.clone(), placeholder);
        }
    }
    all.into_values().collect()
}

/// What protects a project: absolute paths, parents before children.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shield {
    /// The project's repository where it lies outside, and whether its parts may be written.
    pub trees: BTreeMap<PathBuf, bool>,
    /// What is mounted onto itself over project and repository, and whether it may be written.
    pub mounts: BTreeMap<PathBuf, bool>,
    /// Those that may: folders that cannot be renamed.
    pub pins: Vec<PathBuf>,
    /// Those that may not.
    pub read_only: Vec<PathBuf>,
    /// Each of them with what it must still be at the start.
    pub verify: Vec<(PathBuf, Kind)>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Whether only files and folders stand in protected places.
///
/// # Errors
/// A [`Refusal`] naming the first symbolic link or special file.
pub fn plain(found: &BTreeMap<PathBuf, Kind>) -> Result<(), Refusal> {
    for (path, kind) in found {
        match kind {
            Kind::Link => return Err(link(path)),
            Kind::Special => {
                return Err(Refusal::new(
                    path,
                    "a socket, pipe or device stands in a protected place",
                    "remove it and start again",
                ));
            }
            Kind::File | Kind::Folder => {}
        }
    }
    Ok(())
}

/// Decides what to pin and what to make read-only.
///
/// # Errors
/// A [`Refusal`] when a symbolic link or a special file stands in a protected place, or nothing
/// does where something must be mounted.
pub fn shield(ground: &Ground) -> Result<Shield, Refusal> {
    let Ground { project, repositories, found, .. } = ground;
    plain(found)?;
    let mut shield = Shield::default();
    let work = OPEN.iter().map(|path| project.join(path));
    let mut candidates: BTreeMap<PathBuf, bool> = work
        .filter(|path| found.get(path) == Some(&Kind::Folder))
        .map(|path| (path, true))
        .collect();
    for known in repositories {
        let parts = repository::trees(known, project).into_iter();
        for (path, writable) in parts.filter(|(path, _)| found.get(path) == Some(&Kind::Folder)) {
            if path.starts_with(project) {
                candidates.insert(path, writable);
            } else {
                shield.trees.insert(path, writable);
            }
        }
    }
    // A part of a held folder that is opened again is no mere pin: it stays where it is.
    let opened: BTreeSet<PathBuf> = candidates.keys().cloned().collect();
    for wanted in wanted(project, repositories) {
        let (above, held) = hold(&wanted, ground);
        match held {
            Hold::ReadOnly(path) => {
                for pin in above {
                    candidates.entry(pin).or_insert(true);
                }
                // A part of the repository outside that is read-only already, with what is opened
                // again in it, must not be covered.
                if shield.trees.get(&path) != Some(&false) {
                    candidates.insert(path, false);
                }
            }
            Hold::Make(placeholder) => {
                return Err(Refusal::new(
                    &placeholder.path,
                    "nothing stands there that could be kept from being changed",
                    "make sure that you may write in the folder above it, and start again",
                ));
            }
            Hold::Nothing => {}
        }
    }
    // Parents come before children. What lies below a read-only path is read-only with it, unless
    // it is opened again.
    for (path, writable) in candidates {
        let above = path.ancestors().skip(1);
        let held = above
            .take_while(|above| above.starts_with(project) || !path.starts_with(project))
            .find_map(|above| shield.mounts.get(above).or_else(|| shield.trees.get(above)))
            .is_some_and(|writable| !writable);
        if !held || (writable && opened.contains(&path)) {
            shield.mounts.insert(path, writable);
        }
    }
    let paths = |wanted: bool| {
        let of = shield.mounts.iter().filter(move |(_, writable)| **writable == wanted);
        of.map(|(path, _)| path.clone()).collect()
    };
    (shield.pins, shield.read_only) = (paths(true), paths(false));
    shield.verify = shield
        .pins
        .iter()
        .chain(&shield.read_only)
        .filter_map(|path| found.get(path).map(|kind| (path.clone(), *kind)))
        .collect();
    shield.notes = repository::notes(ground);
    Ok(shield)
}

fn link(path: &Path) -> Refusal {
    Refusal::new(
        path,
        "a symbolic link stands in a protected place and could lead a mount out of the project",
        "replace it by a real file or folder, or remove it, and start again",
    )
}
