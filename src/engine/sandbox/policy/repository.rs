//! A project's git repositories: what of them the host's git trusts, and what a commit writes.

use std::{
    collections::BTreeMap,
    path::{Component, Path, PathBuf},
};

use super::{
    Ground, Kind,
    protected::{Absent, Wanted},
};

/// A folder of git's that belongs to the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// The folder, absolute and resolved; for [`Role::Sealed`] perhaps a file.
    pub folder: PathBuf,
    /// What it is.
    pub role: Role,
}

/// What a folder of git's is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Everything in one folder: `.git` itself, or a submodule's below `.git/modules`.
    Whole,
    /// A worktree's own part; settings, objects and branches lie in the main repository.
    Worktree {
        /// The main repository's folder.
        common: PathBuf,
    },
    /// Read-only as a whole: a pointer file, or a nested repository too deep to take apart.
    Sealed,
}

impl Repository {
    /// The folder from which its paths are looked up without following a link.
    #[must_use]
    pub fn root<'a>(&'a self, project: &'a Path) -> &'a Path {
        match &self.role {
            Role::Whole | Role::Sealed | Role::Worktree { .. }
                if self.folder.starts_with(project) =>
            {
                project
            }
            Role::Whole | Role::Sealed => &self.folder,
            Role::Worktree { common } => common,
        }
    }
}

/// What the host's git runs or reads its settings from, in a folder with everything.
///
/// `commondir` names the folder of the settings: a single dot is the folder itself, so that git
/// goes on working and nobody can name another.
const WHOLE: [(&str, Absent); 8] = [
    ("hooks", Absent::Folder),
    ("config", Absent::File("")),
    ("config.worktree", Absent::File("")),
    ("commondir", Absent::File(".")),
    ("info/attributes", Absent::File("")),
    ("info/exclude", Absent::File("")),
    ("worktrees", Absent::Folder),
    ("modules", Absent::Folder),
];
/// The same in a worktree's own part.
const WORKTREE: [(&str, Absent); 3] = [
    ("commondir", Absent::Nothing),
    ("gitdir", Absent::Nothing),
    ("config.worktree", Absent::File("")),
];
/// The paths of a repository to protect.
#[must_use]
pub fn entries(known: &Repository, project: &Path, all: &[Repository]) -> Vec<Wanted> {
    let below = |folder: &Path, root: &Path, table: &[(&str, Absent)]| -> Vec<Wanted> {
        let wanted = |(name, absent): &(&str, Absent)| Wanted {
            path: folder.join(name),
            root: root.to_owned(),
            absent: *absent,
        };
        table.iter().map(wanted).collect()
    };
    let root = known.root(project);
    let mut wanted = match &known.role {
        Role::Whole => below(&known.folder, root, &WHOLE),
        Role::Worktree { common } if common.starts_with(project) => {
            below(&known.folder, &known.folder, &WORKTREE)
        }
        Role::Worktree { common } => {
            [below(common, common, &WHOLE), below(&known.folder, &known.folder, &WORKTREE)].concat()
        }
        Role::Sealed => {
            vec![Wanted {
                path: known.folder.clone(),
                root: root.to_owned(),
                absent: Absent::Nothing,
            }]
        }
    };
    // A folder of submodules' repositories is not held itself: each of them is.
    let modules = |path: &Path| {
        path.ends_with("modules")
            && all.iter().any(|other| other.folder != path && other.folder.starts_with(path))
    };
    wanted.retain(|wanted| !modules(&wanted.path));
    wanted
}

/// The mounts of a repository outside the project, or within a part of it that is held, and
/// whether each may be written.
#[must_use]
pub fn trees(known: &Repository, project: &Path) -> BTreeMap<PathBuf, bool> {
    match &known.role {
        // Opened again in the read-only folder of all worktrees.
        Role::Worktree { common } if common.starts_with(project) => {
            BTreeMap::from([(known.folder.clone(), true)])
        }
        Role::Worktree { common } => BTreeMap::from([
            (common.clone(), true),
            (common.join("worktrees"), false),
            (known.folder.clone(), true),
        ]),
        Role::Whole if !known.folder.starts_with(project) => {
            BTreeMap::from([(known.folder.clone(), true)])
        }
        Role::Whole | Role::Sealed => BTreeMap::new(),
    }
}

/// What the user should know of the project's repositories.
pub(super) fn notes(ground: &Ground) -> Vec<String> {
    let Ground { project, repositories: all, found, .. } = ground;
    let git = project.join(".git");
    let outside = all.iter().find(|known| !known.folder.starts_with(project));
    let first = match (found.get(&git), outside) {
        (Some(Kind::File), Some(known)) => {
            let place = match &known.role {
                Role::Worktree { common } => common,
                Role::Whole | Role::Sealed => &known.folder,
            };
            Some(format!(
                "the project's repository is {}: commits go there; its settings and hooks can be \
                 read only",
                place.display()
            ))
        }
        (Some(Kind::File), None) => Some(
            "the project's .git names a repository that does not name the project in turn: git \
             does not work inside the sandbox"
                .to_owned(),
        ),
        _ if all.iter().any(|known| known.folder == git) => None,
        _ => Some(
            "the project has no git repository of its own: inside, none can be made and none of a \
             folder above is seen; run `git init` outside first"
                .to_owned(),
        ),
    };
    let sealed = all
        .iter()
        .filter(|known| {
            known.role == Role::Sealed && found.get(&known.folder) == Some(&Kind::Folder)
        })
        .count();
    let second = (sealed > 0).then(|| {
        format!("{sealed} nested git repositories are read-only as a whole: too many or too deep")
    });
    first.into_iter().chain(second).collect()
}

/// The folder a `.git` file names, not resolved: one line `gitdir: PATH`.
#[must_use]
pub fn pointer(text: &str) -> Option<&Path> {
    let path = text.strip_prefix("gitdir:")?.trim_matches([' ', '\n', '\r']);
    (!path.is_empty() && !path.contains(['\0', '\n'])).then(|| Path::new(path))
}

/// The working tree that a repository's settings name: `worktree` in the section `core`.
///
/// Only what git itself writes is understood; anything else is no answer.
#[must_use]
pub fn work_tree(config: &str) -> Option<&Path> {
    let mut core = false;
    let mut named = None;
    for line in config.lines().map(str::trim) {
        if line.starts_with('[') {
            core = line.eq_ignore_ascii_case("[core]");
        } else if let (true, Some((key, value))) = (core, line.split_once('='))
            && key.trim().eq_ignore_ascii_case("worktree")
        {
            named = Some(Path::new(value.trim().trim_matches('"')));
        }
    }
    named
}

/// `path` as seen from `base`, with `.` and `..` taken out by their names alone; the caller resolves
/// and compares it.
#[must_use]
pub fn from(base: &Path, path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in base.join(path).components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gits_pointers_are_read() {
        for (text, path) in [
            ("gitdir: /main/.git/worktrees/w\n", Some("/main/.git/worktrees/w")),
            ("gitdir: ../.git/modules/a b\n", Some("../.git/modules/a b")),
            ("gitdir:x", Some("x")),
            ("gitdir: \n", None),
            ("gitdir: a\nb\n", None),
            ("ref: refs/heads/x\n", None),
            ("", None),
        ] {
            assert_eq!(pointer(text), path.map(Path::new), "{text:?}");
        }
        let config =
            "[core]\n\tbare = false\n\tworktree = ../../../sub\n[remote \"x\"]\n\tworktree = no\n";
        assert_eq!(work_tree(config), Some(Path::new("../../../sub")));
        assert_eq!(work_tree("[remote \"x\"]\nworktree = no\n"), None);
        assert_eq!(from(Path::new("/a/b"), Path::new("../../c/./d")), Path::new("/c/d"));
        assert_eq!(from(Path::new("/a/b"), Path::new("/x/../y")), Path::new("/y"));
    }
}
