//! Finds a project's git repositories, and believes none of their pointers that is not returned.

use std::{
    collections::VecDeque,
    fs, io,
    os::{fd::OwnedFd, unix::fs::MetadataExt},
    path::{Path, PathBuf},
};

use super::beneath;
use crate::engine::sandbox::policy::{
    Kind,
    repository::{Repository, Role, from, pointer, work_tree},
};

/// How deep nested repositories are looked for.
const DEPTH: usize = 4;
/// How many folders are looked into.
const FOLDERS: usize = 1000;
/// How many nested repositories, submodules among them, are taken apart; the rest are read-only.
const PARTS: usize = 8;
/// Folders with very many others, made by tools from what is elsewhere.
const SKIPPED: [&str; 4] = ["node_modules", "target", ".venv", "__pycache__"];
/// Largest pointer or settings file that is read.
const LARGEST: u64 = 256 << 10;

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The repositories, the project's own first.
    pub repositories: Vec<Repository>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Finds them.
///
/// # Errors
/// When the project cannot be looked at.
pub fn find(root: &OwnedFd, project: &Path) -> io::Result<Found> {
    let mut found = Found::default();
    let git = project.join(".git");
    match kind(root, Path::new(".git"))? {
        // A broken one too: it might be made whole inside.
        Some(Kind::Folder) if fs::read_dir(&git)?.next().is_some() => {
            found.repositories.push(Repository { folder: git.clone(), role: Role::Whole });
            modules(root, project, &git.join("modules"), &mut found)?;
        }
        Some(Kind::File) => found.repositories.extend(outside(root, project)),
        Some(Kind::Folder | Kind::Link | Kind::Special) | None => {}
    }
    nested(root, project, &mut found)?;
    Ok(found)
}

fn kind(root: &OwnedFd, path: &Path) -> io::Result<Option<Kind>> {
    Ok(beneath::look(root, path)?.map(|(kind, _)| kind))
}

fn is_repository(root: &OwnedFd, folder: &Path) -> io::Result<bool> {
    Ok(kind(root, &folder.join("HEAD"))?.is_some())
}

fn relative<'a>(project: &Path, path: &'a Path) -> &'a Path {
    path.strip_prefix(project).unwrap_or(path)
}

/// A nested repository is taken apart while there is room, and else held as it is.
fn add(found: &mut Found, folder: PathBuf, role: Role) {
    let parts = found.repositories.iter().filter(|known| known.role != Role::Sealed).count();
    let role = if parts <= PARTS { role } else { Role::Sealed };
    found.repositories.push(Repository { folder, role });
}

/// The submodules' repositories below `.git/modules`, whose names may have several parts.
fn modules(root: &OwnedFd, project: &Path, folder: &Path, found: &mut Found) -> io::Result<()> {
    let mut left = VecDeque::from([(folder.to_owned(), 0)]);
    while let Some((folder, depth)) = left.pop_front() {
        for path in subfolders(&folder) {
            if is_repository(root, relative(project, &path))? {
                left.push_back((path.join("modules"), depth + 1));
                add(found, path, Role::Whole);
            } else if depth < DEPTH {
                left.push_back((path, depth + 1));
            }
        }
    }
    Ok(())
}

/// The plain folders in a folder; none where it is not there. Links are not followed.
fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect();
    all.sort();
    all
}

/// Repositories in folders of the project.
fn nested(root: &OwnedFd, project: &Path, found: &mut Found) -> io::Result<()> {
    let mut left = VecDeque::from([(project.to_owned(), 0)]);
    let mut seen = 0;
    while let Some((folder, depth)) = left.pop_front() {
        if seen == FOLDERS {
            found.notes.push(format!(
                "the project has more than {FOLDERS} folders in its upper {DEPTH} levels: git \
                 repositories nested in the others were not looked for"
            ));
            break;
        }
        seen += 1;
        if depth > 0 {
            let git = folder.join(".git");
            match kind(root, relative(project, &git))? {
                Some(Kind::Folder) if is_repository(root, relative(project, &git))? => {
                    add(found, git, Role::Whole);
                }
                Some(Kind::File) => {
                    found.repositories.extend(own_worktree(root, project, &folder));
                    found.repositories.push(Repository { folder: git, role: Role::Sealed });
                }
                // Held as it is: a link stops the start, anything else stays what it is.
                Some(Kind::Folder | Kind::Link | Kind::Special) => {
                    found.repositories.push(Repository { folder: git, role: Role::Sealed });
                }
                None => {}
            }
        }
        if depth < DEPTH {
            let names = |path: &PathBuf| {
                path.file_name().is_some_and(|name| {
                    name != ".git" && !SKIPPED.iter().any(|skipped| name == *skipped)
                })
            };
            let below = subfolders(&folder).into_iter().filter(names);
            left.extend(below.map(|path| (path, depth + 1)));
        }
    }
    Ok(())
}

/// A worktree inside the project of the project's own repository.
fn own_worktree(root: &OwnedFd, project: &Path, folder: &Path) -> Option<Repository> {
    let git = folder.join(".git");
    let text = text(root, relative(project, &git))?;
    let own = fs::canonicalize(from(folder, pointer(&text)?)).ok()?;
    let common = project.join(".git");
    if own.parent() != Some(&common.join("worktrees")) {
        return None;
    }
    let back = fs::read_to_string(own.join("gitdir")).ok()?;
    let named = fs::canonicalize(from(&own, Path::new(back.trim_end_matches('\n')))).ok()?;
    (named == git).then_some(Repository { folder: own, role: Role::Worktree { common } })
}

fn text(root: &OwnedFd, path: &Path) -> Option<String> {
    String::from_utf8(beneath::read(root, path, LARGEST).ok()?).ok()
}

/// The repository outside the project that its `.git` file names. A file in the project is its
/// last session's work and could name anything: what it names must name the project in turn, and
/// belong to the project's owner.
fn outside(root: &OwnedFd, project: &Path) -> Option<Repository> {
    let git = project.join(".git");
    let text = text(root, Path::new(".git"))?;
    let folder = fs::canonicalize(from(project, pointer(&text)?)).ok()?;
    let owner = beneath::about(root).ok()?.st_uid;
    let owned = |path: &Path| fs::metadata(path).is_ok_and(|about| about.uid() == owner);
    let read = |name: &str| {
        let at = beneath::folder(&folder).ok()?;
        String::from_utf8(beneath::read(&at, Path::new(name), LARGEST).ok()?).ok()
    };
    if !owned(&folder) || folder.starts_with(project) || folder.to_str().is_none() {
        return None;
    }
    let line = |text: String| PathBuf::from(text.trim_end_matches('\n'));
    let common = match read("commondir") {
        Some(text) => fs::canonicalize(from(&folder, &line(text))).ok()?,
        None => folder.clone(),
    };
    if common == folder {
        // A submodule: its settings name the working tree.
        let config = read("config")?;
        let tree = fs::canonicalize(from(&folder, work_tree(&config)?)).ok()?;
        return (tree == project).then_some(Repository { folder, role: Role::Whole });
    }
    let back = fs::canonicalize(from(&folder, &line(read("gitdir")?))).ok()?;
    let registered = folder.parent() == Some(&common.join("worktrees"));
    (back == git && registered && owned(&common) && common.to_str().is_some())
        .then_some(Repository { folder, role: Role::Worktree { common } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn search(project: &Path) -> Vec<Repository> {
        find(&beneath::folder(project).unwrap(), project).unwrap().repositories
    }

    #[test]
    fn a_pointer_is_believed_only_when_it_is_returned() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let (project, common) = (root.join("w"), root.join("main/.git"));
        let own = common.join("worktrees/w");
        write(&project.join(".git"), &format!("gitdir: {}\n", own.display()));
        write(&own.join("commondir"), "../..\n");
        write(&common.join("HEAD"), "ref: refs/heads/main\n");
        assert_eq!(search(&project), []);
        write(&own.join("gitdir"), &format!("{}/.git\n", root.join("other").display()));
        assert_eq!(search(&project), []);
        write(&own.join("gitdir"), &format!("{}/.git\n", project.display()));
        let role = Role::Worktree { common: common.clone() };
        assert_eq!(search(&project), [Repository { folder: own.clone(), role }]);
        // The main repository must be where the worktree is registered.
        write(&root.join("elsewhere/HEAD"), "x");
        write(&own.join("commondir"), &format!("{}\n", root.join("elsewhere").display()));
        assert_eq!(search(&project), []);
    }

    #[test]
    fn submodules_and_nested_repositories_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let main = root.join("main");
        write(&main.join(".git/HEAD"), "x");
        write(&main.join(".git/modules/a/b/HEAD"), "x");
        write(&main.join(".git/modules/a/b/config"), "[core]\n\tworktree = ../../../../sub\n");
        write(&main.join("sub/.git"), "gitdir: ../.git/modules/a/b\n");
        write(&main.join("deep/er/.git/HEAD"), "x");
        write(&main.join("empty/.git/x"), "x");
        write(&main.join("node_modules/x/.git/HEAD"), "x");
        let repository = |name: &str, role| Repository { folder: main.join(name), role };
        assert_eq!(
            search(&main),
            [
                repository(".git", Role::Whole),
                repository(".git/modules/a/b", Role::Whole),
                repository("empty/.git", Role::Sealed),
                repository("sub/.git", Role::Sealed),
                repository("deep/er/.git", Role::Whole),
            ]
        );
        // The submodule as the project: its repository lies in the one above.
        let sub = main.join("sub");
        assert_eq!(search(&sub), [repository(".git/modules/a/b", Role::Whole)]);
        write(&main.join(".git/modules/a/b/config"), "[core]\n\tworktree = ../../../../other\n");
        assert_eq!(search(&sub), []);
    }

    #[test]
    fn what_is_too_much_to_take_apart_is_held_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for number in 0..20 {
            write(&root.join(format!("n{number:02}/.git/HEAD")), "x");
        }
        let found = search(&root);
        assert_eq!(found.len(), 20);
        let sealed = found.iter().filter(|known| known.role == Role::Sealed).count();
        assert_eq!(sealed, 20 - PARTS - 1);
    }
}
