//! An independent reader of bubblewrap's argument list: what is mounted where, and what may be
//! written in the end. It has its own lists and shares no code with the planner.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::super::{Arg, Ground, Kind, Plan, Role};

/// One mount of the argument list.
#[derive(Debug)]
struct Op<'a> {
    source: Option<&'a Path>,
    target: &'a Path,
    writable: bool,
}

/// What git of the host trusts in a repository's folder.
const GIT: [&str; 8] = [
    "hooks",
    "config",
    "config.worktree",
    "commondir",
    "info/attributes",
    "info/exclude",
    "worktrees",
    "modules",
];
/// What other programs of the host trust in a project.
const PROJECT: [&str; 21] = [
    ".gitmodules",
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".claude/hooks",
    ".claude/hooks/any",
    ".claude/commands",
    ".claude/agents",
    ".claude/skills",
    ".claude/workflows",
    ".claude/routines",
    ".claude/scheduled_tasks.json",
    ".claude/launch.json",
    ".claude/CLAUDE.md",
    ".claude/what-a-later-version-runs/x",
    ".mcp.json",
    ".envrc",
    ".vscode/tasks.json",
    ".vscode/settings.json",
    ".vscode/launch.json",
    ".vscode",
    ".idea",
];
/// What is writable because it is memory of the sandbox's own.
const MEMORY: [&str; 3] = ["/tmp", "/dev/shm", "/proc"];

fn words(plan: &Plan) -> Vec<&OsStr> {
    plan.options
        .iter()
        .map(|option| match option {
            Arg::Word(word) => word.as_os_str(),
            Arg::Data(_) => OsStr::new("<data>"),
        })
        .collect()
}

/// Reads the list as bubblewrap does: every flag with its number of values.
fn read(plan: &Plan) -> (Vec<Op<'_>>, Vec<&Path>, Vec<&str>) {
    let words = words(plan);
    let (mut ops, mut sealed, mut plain) = (Vec::new(), Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(flag) = words.get(at).map(|word| word.to_str().expect("a flag")) {
        let word = |offset: usize| Path::new(words[at + offset]);
        let op = |source, target, writable| Op { source, target, writable };
        at += match flag {
            "--bind" => {
                ops.push(op(Some(word(1)), word(2), true));
                3
            }
            "--ro-bind" | "--ro-bind-try" => {
                ops.push(op(Some(word(1)), word(2), false));
                3
            }
            "--symlink" | "--file" => {
                ops.push(op(None, word(2), false));
                3
            }
            "--tmpfs" | "--proc" => {
                ops.push(op(None, word(1), true));
                2
            }
            "--dev" => {
                ops.push(op(None, word(1), false));
                2
            }
            "--remount-ro" => {
                sealed.push(word(1));
                2
            }
            "--setenv" => 3,
            "--uid" | "--gid" | "--cap-drop" | "--hostname" | "--perms" | "--size" | "--chdir" => 2,
            "--disable-userns"
            | "--assert-userns-disabled"
            | "--die-with-parent"
            | "--clearenv"
            | "--unshare-user"
            | "--unshare-pid"
            | "--unshare-net"
            | "--unshare-ipc"
            | "--unshare-uts"
            | "--unshare-cgroup-try" => {
                assert!(sealed.is_empty(), "{flag} after the root was closed");
                plain.push(flag);
                1
            }
            other => panic!("{other:?} is no flag of a plan"),
        };
        assert!(at <= words.len(), "{flag} lacks a value");
    }
    (ops, sealed, plain)
}

/// The mount that decides about a path: the last one above it.
fn ruling<'a, 'b>(ops: &'b [Op<'a>], path: &Path) -> Option<&'b Op<'a>> {
    ops.iter().rev().find(|op| path.starts_with(op.target))
}

/// Asserts that `path` is read-only, and that no folder between it and `root` can be renamed.
fn held(ops: &[Op<'_>], root: &Path, path: &Path) {
    let op = ruling(ops, path).unwrap_or_else(|| panic!("{path:?} is not mounted"));
    assert!(!op.writable, "{path:?} is writable by {op:?}");
    let above = op.target.ancestors().skip(1).take_while(|above| above.starts_with(root));
    for above in above.filter(|above| *above != root) {
        assert!(ops.iter().any(|op| op.target == above), "{above:?} can be renamed");
    }
}

/// Where a repository outside the project may be written.
fn outside(ground: &Ground) -> Vec<&Path> {
    let known =
        ground.repositories.iter().filter(|known| !known.folder.starts_with(&ground.project));
    known
        .map(|known| match &known.role {
            Role::Worktree { common } => common.as_path(),
            Role::Whole | Role::Sealed => &known.folder,
        })
        .collect()
}

/// Checks a plan against everything it promises.
pub(super) fn check(ground: &Ground, plan: &Plan) {
    let (ops, sealed, plain) = read(plan);
    // The root becomes read-only last, and nothing is mounted after it.
    assert_eq!(sealed, [Path::new("/dev"), Path::new("/")]);
    let last = plan.options.iter().rposition(|option| *option == Arg::Word("--remount-ro".into()));
    let mounts = ["--bind", "--ro-bind", "--tmpfs", "--file", "--symlink"];
    let after = plan.options.iter().skip(last.expect("a remount"));
    assert!(!after.clone().any(|option| mounts.iter().any(|m| *option == Arg::Word((*m).into()))));

    // Nothing is writable but the project, its own repository, the home's folders and memory.
    let homes: Vec<PathBuf> = [".cache", ".cargo", ".claude", ".config", ".local", ".npm"]
        .iter()
        .map(|name| ground.home.join(name))
        .collect();
    let repositories = outside(ground);
    for op in ops.iter().filter(|op| op.writable) {
        let own = op.target.starts_with(&ground.project)
            || homes.iter().any(|home| op.target == home)
            || repositories.iter().any(|folder| op.target.starts_with(folder));
        match op.source {
            Some(source) => assert!(own && source == op.target, "{op:?}"),
            None => assert!(MEMORY.iter().any(|at| op.target == Path::new(at)), "{op:?}"),
        }
    }
    for mount in plan.mounts.iter().filter(|mount| mount.writable) {
        assert!(ops.iter().any(|op| op.target == mount.path && op.writable), "{mount:?}");
    }
    // Parents come before children, or they would cover them.
    for (at, op) in ops.iter().enumerate() {
        // The very same place once more is no cover, unless it opens what was closed.
        let cover = ops[at + 1..].iter().find(|late| {
            op.target.starts_with(late.target)
                && (op.target != late.target || (late.writable && !op.writable))
        });
        assert!(cover.is_none(), "{cover:?} covers {op:?}");
    }
    // The project itself can be written, and the home's own files cannot.
    assert!(ruling(&ops, &ground.project.join("src/main.rs")).expect("a mount").writable);
    assert!(!ruling(&ops, &ground.home.join(".bashrc")).expect("a mount").writable);
    protected(ground, &ops);
    hidden(ground, &ops);
    for flag in [
        "--unshare-user",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-ipc",
        "--clearenv",
        "--die-with-parent",
    ] {
        assert!(plain.contains(&flag), "{flag}");
    }
    assert!(words(plan).iter().all(|word| !word.as_encoded_bytes().contains(&0)));
}

/// Every path that a program of the host trusts is read-only and stays where it is.
fn protected(ground: &Ground, ops: &[Op<'_>]) {
    let project = &ground.project;
    for name in PROJECT {
        held(ops, project, &project.join(name));
    }
    for name in ["docs", "plans", "rules", "worktrees"] {
        let folder = project.join(".claude").join(name);
        let open = ground.found.get(&folder) == Some(&Kind::Folder);
        assert_eq!(ruling(ops, &folder.join("x")).expect("a mount").writable, open, "{name}");
    }
    let git = project.join(".git");
    if !ground.repositories.iter().any(|known| known.folder == git) {
        held(ops, project, &git);
        held(ops, project, &git.join("config"));
    }
    let inner = |path: &Path| {
        ground
            .repositories
            .iter()
            .any(|known| known.folder != path && known.folder.starts_with(path))
    };
    for known in &ground.repositories {
        let folder = &known.folder;
        let root = if folder.starts_with(project) { project } else { folder };
        match &known.role {
            Role::Sealed => {
                if ground.found.contains_key(folder) {
                    held(ops, root, folder);
                }
            }
            Role::Whole => {
                for name in GIT {
                    let path = folder.join(name);
                    if name != "modules" || !inner(&path) {
                        held(ops, root, &path);
                    }
                }
            }
            Role::Worktree { common } => {
                for name in ["commondir", "gitdir", "config.worktree"] {
                    if name == "config.worktree" || ground.found.contains_key(&folder.join(name)) {
                        held(ops, folder, &folder.join(name));
                    }
                }
                if ground.found.get(&common.join("worktrees")) == Some(&Kind::Folder) {
                    assert!(!ruling(ops, &common.join("worktrees/another")).expect("one").writable);
                }
                if !common.starts_with(project) {
                    for name in
                        GIT.iter().filter(|name| **name != "worktrees" && **name != "modules")
                    {
                        held(ops, common, &common.join(name));
                    }
                }
            }
        }
    }
}

/// What nobody inside may see.
fn hidden(ground: &Ground, ops: &[Op<'_>]) {
    for path in
        ["/etc/resolv.conf", "/etc/machine-id", "/etc/shadow", "/home/ada/.ssh/id_rsa", "/root/x"]
    {
        let shown = ops.iter().filter_map(|op| op.source).any(|source| {
            Path::new(path).starts_with(source)
                && source != ground.project
                && !ground.read_only.iter().any(|named| named == source)
        });
        assert!(!shown, "{path}");
    }
    assert_eq!(ruling(ops, Path::new("/etc/passwd")).expect("one").source, None);
    for path in ["/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/usr/bin/env", "/dev/sda"]
    {
        assert!(!ruling(ops, Path::new(path)).expect("a mount").writable, "{path}");
    }
}
