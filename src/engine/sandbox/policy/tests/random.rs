//! Random policies: each is refused with a reason, or gives a list that the checker accepts.
//!
//! `PROPTEST_CASES=1000000 cargo nextest run --release --lib sandbox::policy` draws a million.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use proptest::prelude::*;

use super::{
    super::{Ground, Kind, Repository, Role, protected::watched},
    check, filled, ground, host, planned,
};

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{1,8}",
        4 => "[ -.0-~\n\té☃'\"\\\\]{1,12}",
        1 => Just("-".to_owned()),
        1 => Just("..".to_owned()),
        1 => Just("--bind".to_owned()),
        1 => Just(".git".to_owned()),
        1 => Just("a".repeat(200)),
    ]
}

/// A path below one of the usual places; some are longer than 4,000 characters.
fn place() -> impl Strategy<Value = PathBuf> {
    let top = prop_oneof![
        Just("/"),
        Just("/home/ada"),
        Just("/tmp"),
        Just("/usr"),
        Just("/run"),
        Just("/home"),
        Just("/home/ada/.local/state"),
    ];
    let length = prop_oneof![20 => Just(0), 1 => 18..22usize];
    (top, prop::collection::vec(name(), 0..5), length).prop_map(|(top, names, length)| {
        let long = std::iter::repeat_n("long".repeat(50), length);
        names.into_iter().chain(long).fold(PathBuf::from(top), |path, name| path.join(name))
    })
}

/// Repositories as the survey may find them: the project's own, submodules, nested ones, a
/// worktree's or a submodule's outside.
fn repositories() -> impl Strategy<Value = Vec<(u8, String)>> {
    prop::collection::vec((0..7u8, name()), 0..4)
}

fn found_repositories(project: &Path, drawn: &[(u8, String)]) -> Vec<Repository> {
    let git = project.join(".git");
    let main = Path::new("/home/ada/main/.git");
    let mut all: Vec<Repository> = Vec::new();
    for (kind, name) in drawn.iter().filter(|(_, name)| name != ".." && name != ".git") {
        let known = |folder: PathBuf, role| Repository { folder, role };
        let one = match kind {
            0 => known(git.clone(), Role::Whole),
            1 => known(git.join("modules").join(name), Role::Whole),
            2 => known(project.join(name).join("nested/.git"), Role::Whole),
            3 => known(project.join(name).join(".git"), Role::Sealed),
            4 => known(main.join("modules").join(name), Role::Whole),
            5 => known(main.join("worktrees").join(name), Role::Worktree { common: main.into() }),
            _ => known(git.join("worktrees").join(name), Role::Worktree { common: git.clone() }),
        };
        // The survey finds the parts of a repository only with the repository, each folder once,
        // and no more than one outside.
        let own = all.iter().any(|known| known.folder == git);
        let part = matches!(kind, 1 | 6);
        let outside = matches!(kind, 4 | 5);
        let fits = if part { own } else { !outside || all.is_empty() };
        let taken = |other: &Repository| {
            other.folder.starts_with(&one.folder)
                || (one.folder.starts_with(&other.folder) && !part)
        };
        if fits && !all.iter().any(taken) {
            all.push(one);
        }
    }
    all
}

/// What stands at each watched path, by the drawn bytes. Nothing stands below what is no folder.
fn kinds(project: &Path, repositories: &[Repository], bytes: &[u8]) -> BTreeMap<PathBuf, Kind> {
    let mut found: BTreeMap<PathBuf, Kind> = BTreeMap::new();
    let watched = watched(project, repositories);
    for ((path, root), byte) in watched.iter().zip(bytes.iter().cycle()) {
        let parent = path.parent().filter(|parent| parent.starts_with(root) && parent != root);
        let reachable = parent.is_none_or(|parent| {
            found.get(parent) == Some(&Kind::Folder) || !watched.contains_key(parent)
        });
        let is_repository = repositories
            .iter()
            .any(|known| known.folder.starts_with(path) && known.role != Role::Sealed);
        let kind = match byte {
            _ if is_repository => Some(Kind::Folder),
            0..=90 => None,
            91..=170 => Some(Kind::Folder),
            171..=253 => Some(Kind::File),
            254 => Some(Kind::Link),
            255 => Some(Kind::Special),
        };
        if let (Some(kind), true) = (kind, reachable) {
            found.insert(path.clone(), kind);
        }
    }
    found
}

proptest! {
    #[test]
    fn every_plan_holds_its_promises(
        project in place(),
        home in place(),
        read_only in prop::collection::vec(place(), 0..3),
        drawn in repositories(),
        bytes in prop::array::uniform32(any::<u8>()),
        args in prop::collection::vec(name(), 0..3),
        variable in name(),
    ) {
        let repositories = found_repositories(&project, &drawn);
        let found = kinds(&project, &repositories, &bytes);
        let ground = Ground {
            project,
            home,
            read_only,
            found,
            repositories,
            args: args.iter().map(Into::into).collect(),
            env: BTreeMap::from([("PATH".to_owned(), variable.clone()), (variable, "x".to_owned())]),
            ..ground()
        };
        match planned(&host(), &ground) {
            Ok(plan) => check(&filled(ground), &plan),
            Err(refusal) => prop_assert!(!refusal.reason.is_empty() && !refusal.fix.is_empty()),
        }
    }

    #[test]
    fn plans_below_an_ordinary_folder_are_made(
        names in prop::collection::vec("[a-zA-Z é☃'\"\n]{1,10}", 1..5),
        drawn in repositories(),
        bytes in prop::array::uniform32(any::<u8>()),
    ) {
        let project = names.iter().fold(PathBuf::from("/home/ada/work"), |path, name| path.join(name));
        let repositories = found_repositories(&project, &drawn);
        let found = kinds(&project, &repositories, &bytes);
        let linked = found.values().any(|kind| matches!(kind, Kind::Link | Kind::Special));
        let ground = Ground { project, found, repositories, ..ground() };
        let made = planned(&host(), &ground);
        prop_assert_eq!(made.is_ok(), !linked, "{:?}", made.err());
        if let Ok(plan) = made {
            check(&filled(ground), &plan);
        }
    }
}
