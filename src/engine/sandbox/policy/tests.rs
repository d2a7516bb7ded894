//! Tables and properties of the planner.

mod checker;
mod random;

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    path::{Path, PathBuf},
};

use checker::check;

use super::{
    Arg, Ground, HostFacts, Kind, Plan, Program, Refusal, Repository, Role, RootEntry, plan,
    protected::{PATHS, missing, watched},
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
        group: 1001,
        owner_home: None,
        placeholders: BTreeSet::new(),
        repositories: Vec::new(),
        notes: Vec::new(),
    }
}

/// The ground as it is once placeholders have been made, as the start does it.
fn filled(mut ground: Ground) -> Ground {
    for made in missing(&ground) {
        let kind = if made.file.is_some() { Kind::File } else { Kind::Folder };
        ground.found.insert(made.path.clone(), kind);
        ground.placeholders.insert(made.path);
    }
    ground
}

fn planned(host: &HostFacts, ground: &Ground) -> Result<Plan, Refusal> {
    super::check(host, ground)?;
    plan(host, &filled(ground.clone()))
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

#[test]
fn a_plain_project_gives_a_plan() {
    let ground = filled(ground());
    let plan = plan(&host(), &ground).unwrap();
    check(&ground, &plan);
    assert_eq!(plan.command, ["/run/lcc/bin/claude", "-p", "--x"]);
    let words = words(&plan);
    for path in ["/etc/passwd", "/etc/group", "/etc/hosts", "/etc/nsswitch.conf"] {
        let made = ["--file", "<data>", path].map(OsStr::new);
        assert!(words.windows(3).any(|three| three == made), "{path}");
    }
    for path in ["/etc", "/etc/resolv.conf", "/etc/machine-id"] {
        assert!(!words.contains(&OsStr::new(path)), "{path}");
    }
    // One empty thing for each protected path that is missing, however many lie below it.
    let made: Vec<&str> = ground
        .placeholders
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(made, [".claude", ".envrc", ".git", ".gitmodules", ".idea", ".mcp.json", ".vscode"]);
}

#[test]
fn nothing_is_planned_while_a_protected_path_is_missing() {
    let refusal = plan(&host(), &ground()).unwrap_err();
    assert!(refusal.reason.contains("nothing stands there"), "{refusal}");
}

fn repository(folder: &str, role: Role) -> Repository {
    Repository { folder: folder.into(), role }
}

#[test]
fn a_repository_is_taken_apart() {
    let git = repository("/home/ada/project/.git", Role::Whole);
    let found = [".git", ".git/hooks", ".git/info"]
        .map(|name| (Path::new("/home/ada/project").join(name), Kind::Folder));
    let ground = filled(Ground { repositories: vec![git], found: found.into(), ..ground() });
    let plan = plan(&host(), &ground).unwrap();
    check(&ground, &plan);
    let inside = |path: &str| Path::new("/home/ada/project/.git").join(path);
    assert!(plan.pins.contains(&inside("")) && plan.pins.contains(&inside("info")));
    for path in ["hooks", "config", "config.worktree", "commondir", "info/attributes", "modules"] {
        assert!(plan.protected.contains(&inside(path)), "{path}");
    }
    for path in PATHS {
        let full = Path::new("/home/ada/project").join(path);
        assert!(plan.protected.iter().any(|held| full.starts_with(held)), "{path}");
    }
    for path in ["HEAD", "objects", "refs", "index"] {
        assert!(!plan.mounts.iter().any(|mount| mount.path == inside(path)), "{path}");
    }
    assert!(!plan.notes.iter().any(|note| note.contains("git init")));
}

#[test]
fn a_worktree_writes_its_own_part_and_the_shared_objects() {
    let common = PathBuf::from("/home/ada/main/.git");
    let own = common.join("worktrees/w");
    let role = Role::Worktree { common: common.clone() };
    let mut found: BTreeMap<PathBuf, Kind> =
        ["", "worktrees", "worktrees/w", "info", "hooks", "objects"]
            .map(|name| (common.join(name), Kind::Folder))
            .into();
    found.extend(["HEAD", "index", "config"].map(|name| (common.join(name), Kind::File)));
    found.extend(["commondir", "gitdir"].map(|name| (own.join(name), Kind::File)));
    found.insert("/home/ada/project/.git".into(), Kind::File);
    let repositories = vec![Repository { folder: own.clone(), role }];
    let ground = filled(Ground { repositories, found, ..ground() });
    let plan = plan(&host(), &ground).unwrap();
    check(&ground, &plan);
    let writable = |path: &Path| plan.mounts.iter().any(|m| m.path == path && m.writable);
    assert!(writable(&common) && writable(&own));
    for path in ["config", "hooks", "commondir", "config.worktree"] {
        assert!(plan.protected.contains(&common.join(path)), "{path}");
    }
    assert!(plan.notes.iter().any(|note| note.contains("/home/ada/main/.git")));
    // A pointer that names something else than a repository is refused.
    for folder in ["/home/ada", "/usr/lib/x", "/", "/home/ada/project", "/home/ada/.local/state"] {
        let role = Role::Worktree { common: folder.into() };
        let known = Repository { folder: Path::new(folder).join("worktrees/w"), role };
        let ground = Ground { repositories: vec![known], ..self::ground() };
        let inside = folder == "/home/ada/project";
        assert_eq!(planned(&host(), &ground).is_ok(), inside, "{folder}");
    }
}

#[test]
fn root_becomes_the_owner_or_works_hardened() {
    let root = HostFacts { uid: 0, ..host() };
    let foreign = planned(&root, &ground()).unwrap();
    assert!(foreign.notes.iter().any(|note| note.contains("rights of user 1001 alone")));
    assert!(!words(&foreign).contains(&OsStr::new("/proc/fs")));
    let own = planned(&root, &Ground { owner: 0, ..ground() }).unwrap();
    assert!(own.notes.iter().any(|note| note.contains("root's own project")));
    assert!(words(&own).contains(&OsStr::new("/proc/fs")));
    // Neither the caller's home nor the owner's becomes a project.
    let owner_home = Some(PathBuf::from("/srv/people/ada"));
    for project in ["/srv/people/ada", "/srv/people"] {
        let ground = Ground { project: project.into(), owner_home: owner_home.clone(), ..ground() };
        assert!(planned(&root, &ground).unwrap_err().reason.contains("home folder"), "{project}");
    }
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
        let refusal = planned(&host(), &ground).unwrap_err();
        assert!(!refusal.reason.is_empty() && !refusal.fix.is_empty(), "{project}");
    }
    for project in ["/tmp/x", "/app", "/run/media/ada/disk/p", "/mnt/c/p", "/home/bob/p", "/opt/x"]
    {
        let ground = Ground { project: project.into(), ..ground() };
        assert!(planned(&host(), &ground).is_ok(), "{project}");
    }
}

#[test]
fn other_owners_and_planted_tools_are_refused() {
    let foreign = Ground { owner: 0, ..ground() };
    assert!(planned(&host(), &foreign).unwrap_err().reason.contains("user 0"));
    let planted = HostFacts { bwrap: "/home/ada/project/bwrap".into(), ..host() };
    assert!(planned(&planted, &ground()).unwrap_err().reason.contains("bubblewrap"));
    for folder in [
        "/",
        "/home",
        "/home/ada",
        "/proc/1",
        "/run/lcc/x",
        "/home/ada/.local",
        "/home/ada/project/x",
    ] {
        let ground = Ground { read_only: vec![folder.into()], ..ground() };
        let refusal = planned(&host(), &ground).unwrap_err();
        assert!(!refusal.reason.contains("nothing stands"), "{folder}: {refusal}");
    }
}

#[test]
fn links_and_devices_in_protected_places_are_refused() {
    let git = || vec![repository("/home/ada/project/.git", Role::Whole)];
    for path in watched(&ground().project, &git()).into_keys() {
        for kind in [Kind::Link, Kind::Special] {
            let found = BTreeMap::from([(path.clone(), kind)]);
            let ground = Ground { found, repositories: git(), ..ground() };
            assert_eq!(planned(&host(), &ground).unwrap_err().path, path);
            assert_eq!(plan(&host(), &filled(ground)).unwrap_err().path, path);
        }
    }
}

#[test]
fn a_pointer_that_is_not_returned_stays_and_is_told() {
    let found = BTreeMap::from([(PathBuf::from("/home/ada/project/.git"), Kind::File)]);
    let ground = filled(Ground { found, ..ground() });
    let plan = plan(&host(), &ground).unwrap();
    check(&ground, &plan);
    assert!(plan.protected.contains(&PathBuf::from("/home/ada/project/.git")));
    assert!(plan.notes.iter().any(|note| note.contains("git does not work inside")));
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
    let plan = planned(&old, &ground()).unwrap();
    assert!(plan.notes.iter().any(|note| note.contains("nested user namespaces")));
    assert!(!words(&plan).contains(&OsStr::new("--disable-userns")));
}
