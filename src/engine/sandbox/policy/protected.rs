//! Files of a project that other programs trust later, and how they are kept from being changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{Kind, Refusal};

/// The protected paths, relative to the project. A program of the host reads or runs each of them
/// without asking: git, an editor, a shell, or the next unsandboxed Claude Code.
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

/// The paths whose kind the planner wants to know: the protected ones and the folders above them.
#[must_use]
pub fn watched() -> BTreeSet<PathBuf> {
    let mut all = BTreeSet::new();
    for path in PATHS {
        all.extend(
            Path::new(path)
                .ancestors()
                .filter(|part| !part.as_os_str().is_empty())
                .map(Path::to_owned),
        );
    }
    all
}

/// What protects a project: absolute paths, parents before children.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shield {
    /// Mounted onto themselves, writable, so that they cannot be renamed.
    pub pins: Vec<PathBuf>,
    /// Mounted read-only.
    pub read_only: Vec<PathBuf>,
    /// Each of them with what it must still be at the start.
    pub verify: Vec<(PathBuf, Kind)>,
    /// What is not covered.
    pub notes: Vec<String>,
}

/// Decides what to pin and what to make read-only.
///
/// # Errors
/// A [`Refusal`] when a symbolic link or a special file stands in a protected place.
pub fn shield(project: &Path, found: &BTreeMap<PathBuf, Kind>) -> Result<Shield, Refusal> {
    let mut shield = Shield::default();
    let mut pins = BTreeSet::new();
    let mut read_only = BTreeSet::new();
    let mut missing = 0;

    for (path, kind) in found {
        let full = project.join(path);
        match kind {
            Kind::Link => return Err(link(&full)),
            Kind::Special => {
                return Err(Refusal::new(
                    &full,
                    "a socket, pipe or device stands in a protected place",
                    "remove it and start again",
                ));
            }
            Kind::File | Kind::Folder => {}
        }
    }
    // A `.git` file points to a repository elsewhere, which is not visible inside.
    if found.get(Path::new(".git")) == Some(&Kind::File) {
        read_only.insert(PathBuf::from(".git"));
        shield.notes.push(
            "this is a git worktree or submodule: its repository lies outside the project, \
             so git does not work inside the sandbox"
                .to_owned(),
        );
    }
    for path in PATHS {
        let path = Path::new(path);
        if !found.contains_key(path) {
            missing += 1;
            continue;
        }
        read_only.insert(path.to_owned());
        for parent in path.ancestors().skip(1).filter(|part| !part.as_os_str().is_empty()) {
            if found.get(parent) == Some(&Kind::Folder) {
                pins.insert(parent.to_owned());
            }
        }
    }
    if missing > 0 {
        shield.notes.push(format!(
            "{missing} of {} protected files do not exist yet and could be created inside",
            PATHS.len()
        ));
    }
    // A set of paths iterates parents before children.
    shield.verify = pins
        .iter()
        .chain(&read_only)
        .filter_map(|path| found.get(path).map(|kind| (project.join(path), *kind)))
        .collect();
    shield.pins = pins.iter().map(|path| project.join(path)).collect();
    shield.read_only = read_only.iter().map(|path| project.join(path)).collect();
    Ok(shield)
}

fn link(path: &Path) -> Refusal {
    Refusal::new(
        path,
        "a symbolic link stands in a protected place and could lead a mount out of the project",
        "replace it by a real file or folder, or remove it, and start again",
    )
}
