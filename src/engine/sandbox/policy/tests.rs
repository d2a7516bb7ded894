//! Tables and properties of the planner.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    path::{Path, PathBuf},
};

use proptest::prelude::*;

use super::HOME_FOLDERS;
use super::{
    Arg, Ground, HostFacts, Kind, Plan, Program, RootEntry, plan,
    protected::{PATHS, watched},
};

fn host() -> HostFacts {
    HostFacts {
        bwrap: "/usr/bin/bwrap".into(),
        version: None,
        flags: ["--disable-userns", "--assert-userns-disabled"].map(str::to_owned).into(),
        uid: 1001,
        user_home: Some("/home/ada".into()),
        root: BTreeMap::from([
            ("/bin".into(), RootEntry::Link("usr/bin".into())),
            ("/lib64".into(), RootEntry::Folder),
        ]),
        etc: vec!["/etc/ssl/certs".into()],
    }
}

fn ground() -> Ground {
    Ground {
        project: "/home/ada/project".into(),
        owner: 1001,
        home: "/home/ada/.local/state/lcc/s1/home".into(),
        lcc: "/home/ada/.cargo/bin/lcc".into(),
        read_only: Vec::new(),
        mounts: Vec::new(),
        program: Program::File { real: "/opt/claude/claude.exe".into(), name: "claude".into() },
        args: vec!["-p".into(), "--x".into()],
        env: BTreeMap::new(),
        found: BTreeMap::new(),
    }
}

fn words(plan: &Plan) -> Vec<&OsStr> {
    plan.options
        .iter()
        .map(|option| match option {
            Arg::Word(word) => word.as_os_str(),
            Arg::Data(_) => OsStr::new("<data>"),
        })
        .collect()
}

/// The mounts and remounts in order: flag, source where there is one, target.
fn mounts(plan: &Plan) -> Vec<(&str, Option<&Path>, &Path)> {
    let words = words(plan);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(flag) = words.get(at).and_then(|word| word.to_str()) {
        let word = |offset: usize| Path::new(words[at + offset]);
        at += match flag {
            "--bind" | "--ro-bind" | "--ro-bind-try" | "--symlink" | "--file" => {
                found.push((flag, Some(word(1)), word(2)));
                3
            }
            "--tmpfs" | "--remount-ro" | "--proc" | "--dev" => {
                found.push((flag, None, word(1)));
                2
            }
            "--setenv" => 3,
            "--uid" | "--gid" | "--cap-drop" | "--hostname" | "--perms" | "--size" | "--chdir" => 2,
            _ => {
                assert!(flag.starts_with("--unshare-") || NO_VALUE.contains(&flag), "{flag:?}");
                1
            }
        };
    }
    found
}

const NO_VALUE: [&str; 4] =
    ["--disable-userns", "--assert-userns-disabled", "--die-with-parent", "--clearenv"];

/// Whether it is one of the writable folders of the private home, and not the home itself.
fn in_home(ground: &Ground, path: &Path) -> bool {
    HOME_FOLDERS.iter().any(|name| path == ground.home.join(name))
}

fn check(ground: &Ground, plan: &Plan) {
    let mounts = mounts(plan);
    // The root becomes read-only last.
    assert_eq!(mounts.last(), Some(&("--remount-ro", None, Path::new("/"))));
    // Nothing is writable but the project, the home and private memory.
    for (flag, source, target) in &mounts {
        if *flag == "--bind" {
            assert_eq!(*source, Some(*target));
            assert!(target.starts_with(&ground.project) || in_home(ground, target), "{target:?}");
        }
        if *flag == "--tmpfs" {
            assert!(["/tmp", "/dev/shm"].iter().any(|path| *target == Path::new(path)));
        }
    }
    for mount in plan.mounts.iter().filter(|mount| mount.writable) {
        let own = mount.path.starts_with(&ground.project) || in_home(ground, &mount.path);
        let memory = ["/tmp", "/dev/shm", "/proc"].iter().any(|path| mount.path == Path::new(path));
        assert!(own || memory, "{} is writable", mount.path.display());
    }
    // Parents come before children, or they would cover them.
    let targets: Vec<&Path> = mounts
        .iter()
        .filter(|(flag, ..)| *flag != "--remount-ro")
        .map(|(.., target)| *target)
        .collect();
    for (at, early) in targets.iter().enumerate() {
        for late in &targets[at + 1..] {
            assert!(early == late || !early.starts_with(late), "{late:?} covers {early:?}");
        }
    }
    // Every protected path is read-only, and no folder above it can be renamed.
    for path in PATHS {
        if ground.found.contains_key(Path::new(path)) {
            let full = ground.project.join(path);
            assert!(mounts.contains(&("--ro-bind", Some(&full), &full)), "{path}");
            for parent in full.ancestors().skip(1).take_while(|part| *part != ground.project) {
                assert!(mounts.contains(&("--bind", Some(parent), parent)), "{parent:?}");
            }
        }
    }
    let words = words(plan);
    for flag in [
        "--unshare-user",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-ipc",
        "--clearenv",
        "--die-with-parent",
    ] {
        assert!(words.contains(&OsStr::new(flag)), "{flag}");
    }
    assert!(!words.contains(&OsStr::new("--new-session")));
    assert!(words.iter().all(|word| !word.as_encoded_bytes().contains(&0)));
}

#[test]
fn a_plain_project_gives_a_plan() {
    let ground = ground();
    let plan = plan(&host(), &ground).unwrap();
    check(&ground, &plan);
    assert_eq!(plan.command, ["/run/lcc/bin/claude", "-p", "--x"]);
    let mounts = mounts(&plan);
    for path in ["/etc/passwd", "/etc/group", "/etc/hosts", "/etc/nsswitch.conf"] {
        assert!(mounts.contains(&("--file", Some(Path::new("<data>")), Path::new(path))));
    }
    assert!(!mounts.iter().any(|(.., target)| *target == Path::new("/etc")));
    assert!(!mounts.iter().any(|(.., target)| target.starts_with("/etc/resolv.conf")));
}

#[test]
fn places_that_are_no_project_are_refused() {
    let deep = PathBuf::from("/home/ada/.local/state/lcc/s1/home/p");
    for project in [
        "/",
        "/home",
        "/home/ada",
        "/tmp",
        "/var/tmp",
        "/usr",
        "/usr/src/x",
        "/etc/x",
        "/proc/1",
        "/dev/shm/x",
        "/run/lcc",
        "/run/lcc/x",
        "relative",
        "/a/../b",
        "/home/ada/.local/state",
        deep.to_str().unwrap(),
        "/opt",
    ] {
        let ground = Ground { project: project.into(), ..ground() };
        let refusal = plan(&host(), &ground).unwrap_err();
        assert!(!refusal.reason.is_empty() && !refusal.fix.is_empty(), "{project}");
    }
    for project in ["/tmp/x", "/app", "/run/media/ada/disk/p", "/mnt/c/p", "/home/bob/p", "/opt/x"]
    {
        let ground = Ground { project: project.into(), ..ground() };
        assert!(plan(&host(), &ground).is_ok(), "{project}");
    }
}

#[test]
fn other_owners_and_planted_tools_are_refused() {
    let foreign = Ground { owner: 0, ..ground() };
    assert!(plan(&host(), &foreign).unwrap_err().reason.contains("user 0"));
    let planted = HostFacts { bwrap: "/home/ada/project/bwrap".into(), ..host() };
    assert!(plan(&planted, &ground()).is_err());
    for folder in ["/", "/home", "/home/ada", "/proc/1", "/run/lcc/x", "/home/ada/.local"] {
        let ground = Ground { read_only: vec![folder.into()], ..ground() };
        assert!(plan(&host(), &ground).is_err(), "{folder}");
    }
}

#[test]
fn links_and_devices_in_protected_places_are_refused() {
    for path in watched() {
        for kind in [Kind::Link, Kind::Special] {
            let found = BTreeMap::from([(path.clone(), kind)]);
            let refusal = plan(&host(), &Ground { found, ..ground() }).unwrap_err();
            assert_eq!(refusal.path, Path::new("/home/ada/project").join(&path));
        }
    }
}

#[test]
fn a_worktree_keeps_its_pointer() {
    let found = BTreeMap::from([(PathBuf::from(".git"), Kind::File)]);
    let ground = Ground { found, ..ground() };
    let plan = plan(&host(), &ground).unwrap();
    assert!(plan.protected.contains(&PathBuf::from("/home/ada/project/.git")));
    assert!(plan.notes.iter().any(|note| note.contains("worktree")));
}

#[test]
fn the_search_path_has_no_writable_entry() {
    let wanted = "/usr/games:/home/ada/project/bin:.:/home/ada/bin:/usr/../tmp:/opt/node/bin";
    let ground = Ground {
        env: BTreeMap::from([("PATH".to_owned(), wanted.to_owned())]),
        read_only: vec!["/opt/node".into()],
        ..ground()
    };
    let env = super::bwrap::inner_env(&ground);
    // In the caller's order, before what the system has of the same name.
    let rest = super::PATH.strip_prefix("/run/lcc/bin").unwrap();
    assert_eq!(env["PATH"], format!("/run/lcc/bin:/usr/games:/opt/node/bin{rest}"));
    assert_eq!(env["HOME"], "/home/ada/.local/state/lcc/s1/home");
}

#[test]
fn an_old_bubblewrap_is_said_to_be_weaker() {
    let old = HostFacts { flags: BTreeSet::new(), ..host() };
    let plan = plan(&old, &ground()).unwrap();
    assert!(plan.notes.iter().any(|note| note.contains("nested user namespaces")));
    assert!(!words(&plan).contains(&OsStr::new("--disable-userns")));
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,8}",
        "[ -.0-~\n\té☃'\"\\\\]{1,12}",
        Just("-".to_owned()),
        Just("..".to_owned()),
        Just("--bind".to_owned()),
        "[a-z]{200}",
    ]
}

fn place() -> impl Strategy<Value = PathBuf> {
    let top = prop_oneof![
        Just("/"),
        Just("/home/ada"),
        Just("/tmp"),
        Just("/usr"),
        Just("/run"),
        Just("/home")
    ];
    (top, prop::collection::vec(name(), 0..5)).prop_map(|(top, names)| {
        names.iter().fold(PathBuf::from(top), |path, name| path.join(name))
    })
}

fn kinds() -> impl Strategy<Value = BTreeMap<PathBuf, Kind>> {
    let kind = prop_oneof![
        20 => Just(Kind::Folder), 20 => Just(Kind::File), 1 => Just(Kind::Link),
        1 => Just(Kind::Special),
    ];
    let all: Vec<PathBuf> = watched().into_iter().collect();
    prop::collection::vec(prop::option::of(kind), all.len()).prop_map(move |kinds| {
        let mut found: BTreeMap<PathBuf, Kind> = BTreeMap::new();
        // What has children is a folder: the survey cannot find anything below a file.
        for (path, kind) in all.iter().zip(kinds) {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let reachable = parent.is_none_or(|parent| found.get(parent) == Some(&Kind::Folder));
            if let (Some(kind), true) = (kind, reachable) {
                found.insert(path.clone(), kind);
            }
        }
        found
    })
}

proptest! {
    #[test]
    fn every_plan_holds_its_promises(
        project in place(),
        home in place(),
        read_only in prop::collection::vec(place(), 0..4),
        found in kinds(),
        args in prop::collection::vec(name(), 0..4),
        variable in name(),
    ) {
        let ground = Ground {
            project,
            home,
            read_only,
            found,
            args: args.iter().map(Into::into).collect(),
            env: BTreeMap::from([("PATH".to_owned(), variable.clone()), (variable, "x".to_owned())]),
            ..ground()
        };
        match plan(&host(), &ground) {
            Ok(plan) => check(&ground, &plan),
            Err(refusal) => prop_assert!(!refusal.reason.is_empty() && !refusal.fix.is_empty()),
        }
    }

    #[test]
    fn plans_below_an_ordinary_folder_are_made(
        names in prop::collection::vec("[a-zA-Z é☃'\"\n]{1,10}", 1..5),
        found in kinds(),
    ) {
        let project = names.iter().fold(PathBuf::from("/home/ada/work"), |path, name| path.join(name));
        let linked = found.values().any(|kind| matches!(kind, Kind::Link | Kind::Special));
        let ground = Ground { project, found, ..ground() };
        let made = plan(&host(), &ground);
        prop_assert_eq!(made.is_ok(), !linked);
        if let Ok(plan) = made {
            check(&ground, &plan);
        }
    }
}
