//! What `kill -9` leaves of a sandbox: no process, nothing outside touched, and after the next
//! start no placeholder.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::{fs::MetadataExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    time::{Duration, Instant},
};

use lcc::engine::sandbox::linux::points::POINTS;

struct Bench {
    root: tempfile::TempDir,
}

impl Bench {
    /// A project with a repository, beside a folder that nobody may touch.
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["project/.claude", "state", "outside"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        fs::write(root.path().join("outside/file"), "untouched").unwrap();
        fs::write(root.path().join("project/.claude/CLAUDE.md"), "# notes\n").unwrap();
        let bench = Self { root };
        let init = Command::new("git").args(["init", "-q"]).arg(bench.project()).status().unwrap();
        assert!(init.success());
        bench
    }

    fn project(&self) -> PathBuf {
        self.root.path().join("project")
    }

    fn lcc(&self, script: &str) -> Command {
        let mut lcc = Command::new(env!("CARGO_BIN_EXE_lcc"));
        lcc.env("LCC_STATE_DIR", self.root.path().join("state"));
        lcc.arg("sandbox").arg("--project").arg(self.project());
        lcc.args(["--", "bash", "-c", script]).stdin(Stdio::null());
        lcc
    }

    /// A session that says `ready` and lasts until its input is closed.
    fn session(&self, mark: &str) -> (Child, ChildStdin) {
        let mut lcc = self.lcc(&format!("echo ready; read wait # {mark}"));
        lcc.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = lcc.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        let input = child.stdin.take().unwrap();
        (child, input)
    }

    /// Everything below the root but lcc's state: kind, mode and content of each path.
    fn tree(&self) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
        let mut all = BTreeMap::new();
        let mut left = vec![self.project(), self.root.path().join("outside")];
        while let Some(path) = left.pop() {
            let about = fs::symlink_metadata(&path).unwrap();
            let mut content = Vec::new();
            if about.is_dir() {
                left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            } else if about.is_file() {
                content = fs::read(&path).unwrap();
            }
            all.insert(path, (about.mode(), content));
        }
        all
    }

    /// What is left of sessions in lcc's state, without the files that are only locked.
    fn state(&self) -> Vec<PathBuf> {
        let folders =
            ["state/sandbox", "state/placeholders"].map(|name| self.root.path().join(name));
        let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
    }
}

/// Processes whose command line holds the mark.
fn alive(mark: &str) -> usize {
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .filter(|line| String::from_utf8_lossy(line).contains(mark))
        .count()
}

fn nobody_is_left(mark: &str) {
    let end = Instant::now() + Duration::from_secs(30);
    while alive(mark) > 0 {
        assert!(Instant::now() < end, "{} processes live on", alive(mark));
        std::thread::yield_now();
    }
}

fn mark(of: &str) -> String {
    format!("lcc-kill-{of}-{}", std::process::id())
}

#[test]
fn killed_at_any_point_of_the_start_it_leaves_nothing() {
    if !cfg!(debug_assertions) {
        eprintln!("SKIPPED sandbox_kill: the points exist in test builds only");
        return;
    }
    assert!(POINTS.len() >= 10);
    let bench = Bench::new();
    let before = bench.tree();
    for point in POINTS {
        let mark = mark(point);
        let script = format!("echo {mark} >> ran");
        let status = bench.lcc(&script).env("LCC_TEST_STOP_AT", point).status().unwrap();
        assert_eq!(status.signal(), Some(9), "{point}: {status}");
        // bubblewrap itself may wait for a parent that died before it asked to die with it.
        if point != "spawned" {
            nobody_is_left(&mark);
        }
        // Only at the last point the program may have run.
        let ran = bench.project().join("ran");
        if point == "started" {
            let _may_have_run = fs::remove_file(&ran);
        }
        assert!(!ran.exists(), "{point}");
        // The next start clears up, and works.
        let output = bench.lcc("git status --short && echo fine").output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "?? .claude/\nfine\n", "{point}");
        assert_eq!(bench.tree(), before, "{point}");
        assert_eq!(bench.state(), Vec::<PathBuf>::new(), "{point}");
        nobody_is_left(&mark);
    }
}

#[test]
fn killed_during_a_session_it_leaves_nothing_after_a_start_elsewhere() {
    let bench = Bench::new();
    let before = bench.tree();
    let mark = mark("session");
    let (mut lcc, _input) = bench.session(&mark);
    assert!(bench.tree().len() > before.len(), "no placeholder stands");
    lcc.kill().unwrap();
    lcc.wait().unwrap();
    nobody_is_left(&mark);
    // A start in another project of the same user removes them as well.
    let other = Bench::new();
    let mut next = other.lcc("true");
    next.env("LCC_STATE_DIR", bench.root.path().join("state"));
    assert!(next.status().unwrap().success());
    assert_eq!(bench.tree(), before);
    assert_eq!(bench.state(), Vec::<PathBuf>::new());
}

#[test]
fn two_sessions_in_a_project_share_what_stands_in_for_missing_files() {
    let bench = Bench::new();
    let before = bench.tree();
    let planted = |path: &Path| {
        let output = bench.lcc(&format!("echo x > '{}'", path.display())).output().unwrap();
        !output.status.success()
    };
    let place = bench.project().join(".mcp.json");
    // The second ends first: what the first relies on stays.
    let (mut first, input) = bench.session(&mark("first"));
    let standing = bench.tree();
    assert!(planted(&place));
    assert_eq!(bench.tree(), standing);
    // The first is killed while another runs: its end removes what it did not make.
    let (mut second, second_input) = bench.session(&mark("second"));
    first.kill().unwrap();
    first.wait().unwrap();
    drop(input);
    assert!(planted(&place));
    assert_eq!(bench.tree(), standing);
    drop(second_input);
    assert!(!second.wait().unwrap().success(), "`read` met the end of its input");
    assert_eq!(bench.tree(), before);
    assert_eq!(bench.state(), Vec::<PathBuf>::new());
}

#[test]
fn what_the_host_replaces_is_protected_again() {
    let bench = Bench::new();
    let script = "echo ready; while read line; do \
        if (echo evil >> .git/config) 2>/dev/null; then echo open; else echo held; fi; done";
    let mut lcc = bench.lcc(script);
    lcc.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = lcc.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = || {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        line
    };
    assert_eq!(line(), "ready\n");
    let config = bench.project().join(".git/config");
    for round in 0..5 {
        // As `git push -u` does: a new file takes the place of the old one.
        let new = config.with_extension("lock");
        fs::write(&new, format!("[core]\n\tbare = false\n# {round}\n")).unwrap();
        fs::rename(&new, &config).unwrap();
        // The helper is one of lcc's processes for a moment, and may have ended when looked at.
        // Held again in the program's own file view, not only in its mind.
        let mounts =
            |pid: u32| fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap_or_default();
        let end = Instant::now() + Duration::from_secs(30);
        let place = format!(" {} ro,", config.display());
        while !descendants(child.id()).into_iter().any(|pid| mounts(pid).contains(&place)) {
            assert!(Instant::now() < end, "it is not mounted again");
            std::thread::yield_now();
        }
        input.write_all(b"go\n").unwrap();
        assert_eq!(line(), "held\n", "round {round}");
    }
    drop(input);
    child.wait().unwrap();
    assert!(fs::read_to_string(&config).unwrap().ends_with("# 4\n"));
}

/// The last generation of processes below one: the program itself.
fn descendants(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let children: Vec<u32> = tasks
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|list| {
            list.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>()
        })
        .collect();
    if children.is_empty() {
        vec![pid]
    } else {
        children.into_iter().flat_map(descendants).collect()
    }
}

#[test]
fn what_the_host_removes_ends_the_session_with_words() {
    let bench = Bench::new();
    let mark = mark("removed");
    let mut lcc = bench.lcc(&format!("echo ready; read wait # {mark}"));
    lcc.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = lcc.spawn().unwrap();
    let _input = child.stdin.take().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let place = |name: &str| bench.project().join(name);
    fs::write(place(".vscode/settings.json"), "{}").unwrap();
    fs::write(place(".git/commondir"), "..").unwrap();
    // A file instead of the empty folder that was there for the session.
    fs::remove_dir(place(".mcp.json")).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(137), "{said}");
    assert!(said.contains(".mcp.json was no longer protected"), "{said}");
    nobody_is_left(&mark);
    // What the user put into the places stays.
    assert_eq!(fs::read_to_string(place(".vscode/settings.json")).unwrap(), "{}");
    assert_eq!(fs::read_to_string(place(".git/commondir")).unwrap(), "..");
    assert!(!place(".envrc").exists() && !place(".git/config.worktree").exists());
}
