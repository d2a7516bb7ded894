//! Attempts to leave something that a program of the host trusts later.

use std::{
    env,
    ffi::CString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    unistd::{AccessFlags, access},
};

use super::{
    Ground, Probe,
    outcome::{change, create, file, with, worst},
    probe,
    sys::{self, Arg},
};
use crate::engine::sandbox::probes::{
    Group::Persistence,
    Layer::{Mounts, Nothing},
    Outcome,
};

/// The name that an attempt gives to what it creates or moves.
const NEW: &str = "lcc-attempt";

/// An attempt to plant one path of the project.
macro_rules! planted {
    ($number:literal, $name:literal, $tries:literal, $($path:literal),+) => {
        probe(Persistence, $number, Mounts, $name, $tries, |ground| {
            worst([$($path),+].map(|path| (path.to_owned(), plant(&ground.aim.project.join(path)))))
        })
        .strict_only()
    };
}

pub(super) const TABLE: &[Probe] = &[
    planted!(
        201,
        "plant a git hook",
        "Makes a file in `.git/hooks`, which git runs at the next commit.",
        ".git/hooks/pre-commit",
        ".git/hooks/post-checkout"
    ),
    planted!(
        202,
        "change git's settings",
        "Opens `.git/config` for writing: `core.fsmonitor` there is a command.",
        ".git/config"
    ),
    planted!(
        203,
        "plant a worktree's settings",
        "Makes or changes `.git/config.worktree`, which git reads like the settings.",
        ".git/config.worktree"
    ),
    planted!(
        204,
        "point git to other settings",
        "Makes or changes `.git/commondir`, which names the folder of the settings.",
        ".git/commondir"
    ),
    planted!(
        205,
        "plant git attributes",
        "Makes or changes `.git/info/attributes`, which chooses filters and diff programs.",
        ".git/info/attributes"
    ),
    planted!(
        206,
        "plant a submodule's repository",
        "Makes files in `.git/modules`, where submodules have their settings and hooks.",
        ".git/modules/lcc-attempt/config",
        ".git/modules/lcc-attempt/hooks/pre-commit"
    ),
    planted!(
        207,
        "plant a worktree's pointers",
        "Makes files in `.git/worktrees`, which lead git to other folders.",
        ".git/worktrees/lcc-attempt/commondir",
        ".git/worktrees/lcc-attempt/config.worktree"
    ),
    planted!(
        208,
        "name submodules",
        "Makes or changes `.gitmodules`, which names repositories to fetch and commands to update.",
        ".gitmodules"
    ),
    probe(
        Persistence,
        209,
        Mounts,
        "move .git away",
        "Renames `.git`, so that another could take its place.",
        |ground| moved(&ground.aim.project.join(".git")),
    )
    .strict_only(),
    probe(
        Persistence,
        210,
        Mounts,
        "exchange .git for another folder",
        "Swaps `.git` with a folder of the attempt's own in one call.",
        exchanged,
    )
    .strict_only(),
    probe(
        Persistence,
        211,
        Mounts,
        "replace git's settings as git does",
        "Writes `config.lock` beside `.git/config` and renames it over the settings.",
        by_lock,
    )
    .strict_only()
    .in_check_only(),
    probe(
        Persistence,
        212,
        Mounts,
        "make another repository of the project",
        "Makes `.git` where there is none, or writes where it points to.",
        repository,
    )
    .strict_only(),
    probe(
        Persistence,
        213,
        Nothing,
        "plant a bare repository in a folder",
        "Makes `HEAD`, `config`, `objects` and `refs` in a folder of the project.",
        bare,
    )
    .in_check_only(),
    probe(
        Persistence,
        214,
        Mounts,
        "write any protected path of the plan",
        "Writes to every path that this start protects, repositories within the project too.",
        protected,
    )
    .strict_only(),
    probe(
        Persistence,
        215,
        Mounts,
        "move a folder above a protected path",
        "Renames every folder that leads to a protected path.",
        |ground| {
            let pins = ground.aim.pins.iter();
            nothing_to_do(pins.map(|path| (path.display().to_string(), moved(path))).collect())
        },
    )
    .strict_only(),
    probe(
        Persistence,
        216,
        Mounts,
        "move the project itself",
        "Renames the project, so that another folder could take its place.",
        |ground| moved(&ground.aim.project),
    ),
    planted!(
        220,
        "plant Claude Code's settings",
        "Makes or changes `.claude/settings.json`, whose hooks are commands.",
        ".claude/settings.json"
    ),
    planted!(
        221,
        "plant Claude Code's local settings",
        "Makes or changes `.claude/settings.local.json`.",
        ".claude/settings.local.json"
    ),
    planted!(
        222,
        "plant a hook of Claude Code",
        "Makes a file in `.claude/hooks`.",
        ".claude/hooks/lcc-attempt.sh"
    ),
    planted!(
        223,
        "plant a command of Claude Code",
        "Makes a file in `.claude/commands`.",
        ".claude/commands/lcc-attempt.md"
    ),
    planted!(
        224,
        "plant an agent of Claude Code",
        "Makes a file in `.claude/agents`.",
        ".claude/agents/lcc-attempt.md"
    ),
    planted!(
        225,
        "plant a skill of Claude Code",
        "Makes a file in `.claude/skills`.",
        ".claude/skills/lcc-attempt/SKILL.md"
    ),
    planted!(
        226,
        "plant a workflow of Claude Code",
        "Makes files in `.claude/workflows` and `.claude/routines`.",
        ".claude/workflows/lcc-attempt.md",
        ".claude/routines/lcc-attempt.md"
    ),
    planted!(
        227,
        "plant a task of Claude Code",
        "Makes or changes `.claude/scheduled_tasks.json` and `.claude/launch.json`.",
        ".claude/scheduled_tasks.json",
        ".claude/launch.json"
    ),
    probe(
        Persistence,
        228,
        Mounts,
        "move .claude away",
        "Renames `.claude`, so that another could take its place.",
        |ground| moved(&ground.aim.project.join(".claude")),
    )
    .strict_only(),
    planted!(
        229,
        "name servers for Claude Code's tools",
        "Makes or changes `.mcp.json`, whose servers are commands.",
        ".mcp.json"
    ),
    planted!(
        230,
        "plant a folder's environment",
        "Makes or changes `.envrc`, which direnv runs in a shell.",
        ".envrc"
    ),
    planted!(
        231,
        "plant an editor's tasks",
        "Makes or changes `tasks.json`, `settings.json` and `launch.json` in `.vscode`.",
        ".vscode/tasks.json",
        ".vscode/settings.json",
        ".vscode/launch.json"
    ),
    planted!(
        232,
        "plant another editor's tasks",
        "Makes a file in `.idea`.",
        ".idea/workspace.xml"
    ),
    probe(
        Persistence,
        240,
        Nothing,
        "change what builds and instructs",
        "Makes files that tools of the host run or read by themselves: `CLAUDE.md`, `Makefile`, \
         `package.json`, `build.rs`, `.cargo/config.toml`, `.github/workflows`.",
        build_files,
    )
    .in_check_only(),
    probe(
        Persistence,
        241,
        Mounts,
        "put a program on the search path",
        "Looks for a folder of `PATH` where files can be made.",
        search_path,
    ),
    probe(
        Persistence,
        242,
        Mounts,
        "change the user's shell start files",
        "Opens `.bashrc`, `.profile`, `.zshrc` and their like in the user's own home.",
        |ground| {
            let home = &ground.targets.places.user_home;
            worst(
                [".bashrc", ".profile", ".bash_profile", ".zshrc", ".zshenv", ".gitconfig"]
                    .map(|name| (name.to_owned(), change(&home.join(name)))),
            )
        },
    ),
    probe(
        Persistence,
        243,
        Mounts,
        "plant a service of the user's",
        "Makes files where desktops and systemd look for programs to start at login.",
        |ground| {
            let home = &ground.targets.places.user_home;
            let folders =
                [".config/autostart", ".config/systemd/user", ".config/fish", ".local/bin", ".ssh"];
            worst(folders.map(|name| (name.to_owned(), create(&home.join(name).join(NEW)))))
        },
    ),
    probe(
        Persistence,
        244,
        Mounts,
        "change lcc's own settings",
        "Makes a file in lcc's folder of settings.",
        |ground| create(&ground.targets.places.user_home.join(".config/lcc").join(NEW)),
    ),
    probe(
        Persistence,
        245,
        Mounts,
        "plant start files for the next session",
        "Makes `.bashrc`, `.profile` and `.gitconfig` in the private home, which stays.",
        |ground| {
            worst([".bashrc", ".profile", ".gitconfig", ".npmrc"].map(|name| {
                let path = ground.aim.home.join(name);
                (name.to_owned(), plant(&path))
            }))
        },
    )
    .strict_only(),
];

/// Tries to have something of the attempt's own at `path`, whatever stands there now, and leaves
/// all as it was.
fn plant(path: &Path) -> Outcome {
    match fs::symlink_metadata(path) {
        Ok(about) if about.is_dir() => create(&path.join(NEW)),
        Ok(_) => change(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => plant_new(path),
        Err(error) => file::<()>(Err(error)),
    }
}

fn plant_new(path: &Path) -> Outcome {
    let missing: Vec<&Path> =
        path.ancestors().skip(1).take_while(|above| fs::symlink_metadata(above).is_err()).collect();
    let mut made = Vec::new();
    let mut outcome = None;
    for folder in missing.iter().rev() {
        match fs::create_dir(folder) {
            Ok(()) => made.push(*folder),
            Err(error) => {
                outcome = Some(file::<()>(Err(error)));
                break;
            }
        }
    }
    let outcome = outcome.unwrap_or_else(|| create(path));
    for folder in made.iter().rev() {
        // Only what was made here and is empty goes.
        let _best_effort = fs::remove_dir(folder);
    }
    outcome
}

/// Renames and renames back.
fn moved(path: &Path) -> Outcome {
    let Some(above) = path.parent() else { return Outcome::could_not_run("nothing is above it") };
    let aside = above.join(format!(".{NEW}-moved"));
    let result = fs::rename(path, &aside);
    if result.is_ok() {
        let _best_effort = fs::rename(&aside, path);
    }
    file(result)
}

fn text(path: &Path) -> CString {
    CString::new(path.as_os_str().as_encoded_bytes()).unwrap_or_default()
}

fn exchanged(ground: &Ground<'_>) -> Outcome {
    let git = ground.aim.project.join(".git");
    let other = ground.in_project("other");
    if let Err(error) = fs::create_dir(&other) {
        return Outcome::could_not_run(error.to_string());
    }
    let swap = || {
        let here = i64::from(libc::AT_FDCWD);
        sys::call(
            libc::SYS_renameat2,
            [
                Arg::Number(here),
                Arg::Text(&text(&git)),
                Arg::Number(here),
                Arg::Text(&text(&other)),
                Arg::Number(i64::from(libc::RENAME_EXCHANGE)),
            ],
        )
    };
    let result = swap();
    if result.is_ok() {
        let _best_effort = swap();
    }
    let _best_effort = fs::remove_dir(&other);
    match result {
        Ok(_) => Outcome::open("they were exchanged"),
        Err(error) => file::<()>(Err(error.into())),
    }
}

fn by_lock(ground: &Ground<'_>) -> Outcome {
    let config = ground.aim.project.join(".git/config");
    let lock = config.with_extension("lock");
    let Ok(content) = fs::read(&config) else {
        return plant(&config);
    };
    if let Err(error) = File::create_new(&lock).and_then(|_| fs::write(&lock, content)) {
        return file::<()>(Err(error));
    }
    let result = fs::rename(&lock, &config);
    if result.is_err() {
        let _best_effort = fs::remove_file(&lock);
    }
    file(result)
}

fn repository(ground: &Ground<'_>) -> Outcome {
    let git = ground.aim.project.join(".git");
    let is_one = git.join("HEAD").exists();
    if is_one { moved(&git) } else { plant(&git) }
}

fn bare(ground: &Ground<'_>) -> Outcome {
    let folder = ground.in_project("bare");
    let made = fs::create_dir_all(folder.join("objects"))
        .and_then(|()| fs::create_dir(folder.join("refs")))
        .and_then(|()| fs::write(folder.join("HEAD"), "ref: refs/heads/main\n"))
        .and_then(|()| fs::write(folder.join("config"), "[core]\n\tbare = true\n"));
    let _best_effort = fs::remove_dir_all(&folder);
    match made {
        Ok(()) => Outcome::note(
            "the project can be written: what other programs trust in it is listed at the end",
        ),
        Err(error) => file::<()>(Err(error)),
    }
}

fn build_files(ground: &Ground<'_>) -> Outcome {
    let names = [
        "CLAUDE.md",
        "Makefile",
        "package.json",
        "build.rs",
        ".cargo/config.toml",
        ".github/workflows/lcc-attempt.yml",
    ];
    let open: Vec<&str> = names
        .into_iter()
        .filter(|name| matches!(plant(&ground.aim.project.join(name)), Outcome::Open { .. }))
        .collect();
    if open.is_empty() {
        Outcome::blocked("none of them could be made")
    } else {
        Outcome::note(format!(
            "the project can be written: changes are listed at the end ({})",
            open.join(", ")
        ))
    }
}

fn protected(ground: &Ground<'_>) -> Outcome {
    let paths = ground.aim.protected.iter();
    nothing_to_do(paths.map(|path| (path.display().to_string(), plant(path))).collect())
}

fn nothing_to_do(outcomes: Vec<(String, Outcome)>) -> Outcome {
    if outcomes.is_empty() {
        return Outcome::note("this start has none of these");
    }
    worst(outcomes)
}

fn search_path(ground: &Ground<'_>) -> Outcome {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> =
        env::split_paths(&path).filter(|folder| !folder.as_os_str().is_empty()).collect();
    if folders.is_empty() {
        return Outcome::could_not_run("there is no PATH");
    }
    worst(folders.into_iter().map(|folder| {
        let name = folder.display().to_string();
        let relative = !folder.is_absolute();
        let outcome = if relative {
            Outcome::open("a relative folder")
        } else if fs::metadata(&folder).is_err() {
            with(Some(Errno::ENOENT), "it is not there")
        } else {
            writable(&folder, ground)
        };
        (name, outcome)
    }))
}

/// Whether files can be made in a folder. The mode and the mount tell at once where they forbid it;
/// Landlock is asked by making one. Without a sandbox none is made: the folders are the system's.
fn writable(folder: &Path, ground: &Ground<'_>) -> Outcome {
    match access(folder, AccessFlags::W_OK) {
        Ok(()) if ground.aim.sandboxed => {
            let path = folder.join(format!(".lcc-attempt-{}", ground.targets.text));
            let made = file(fs::File::create_new(&path));
            if matches!(made, Outcome::Open { .. }) {
                let _left_over = fs::remove_file(&path);
            }
            made
        }
        Ok(()) => Outcome::open("files can be made there"),
        Err(error) => file::<()>(Err(error.into())),
    }
}
