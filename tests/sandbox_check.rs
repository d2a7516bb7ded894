//! `lcc sandbox check` as a user runs it: what it proves, and that it can fail.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use lcc::{
    commands::sandbox::check::{LEAST_OPEN, document},
    engine::sandbox::linux::inner::{Battery, cases},
};
use serde_json::Value;

/// An ordinary user that has no entry anywhere.
const USER: u32 = 12_345;

struct Bench {
    root: tempfile::TempDir,
    /// Whose rights lcc is started with.
    user: Option<u32>,
}

impl Bench {
    fn new(user: Option<u32>) -> Self {
        let root = tempfile::tempdir().unwrap();
        let bench = Self { root, user };
        bench.folder("state");
        bench.folder("home");
        if let Some(user) = user {
            chown(bench.root.path(), Some(user), Some(user)).unwrap();
        }
        bench
    }

    fn folder(&self, name: &str) -> PathBuf {
        let path = self.root.path().join(name);
        fs::create_dir_all(&path).unwrap();
        if let Some(user) = self.user {
            chown(&path, Some(user), Some(user)).unwrap();
        }
        path
    }

    fn file(&self, name: &str, text: &str) {
        let path = self.root.path().join(name);
        fs::write(&path, text).unwrap();
        if let Some(user) = self.user {
            chown(&path, Some(user), Some(user)).unwrap();
        }
    }

    /// lcc as the bench's user; a copy of it, as that user may not enter the build's folders.
    fn lcc(&self, args: &[&str]) -> Command {
        let built = Path::new(env!("CARGO_BIN_EXE_lcc"));
        let mut lcc = match self.user {
            None => Command::new(built),
            Some(user) => {
                let copy = self.root.path().join("lcc");
                if !copy.exists() {
                    // By another process: a descriptor open for writing here could be inherited
                    // by a test beside this one, and the copy could not be started.
                    assert!(Command::new("cp").arg(built).arg(&copy).status().unwrap().success());
                    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
                }
                let id = user.to_string();
                let mut lcc = Command::new("setpriv");
                lcc.args(["--reuid", &id, "--regid", &id, "--clear-groups"]).arg(copy);
                lcc
            }
        };
        lcc.env("LCC_STATE_DIR", self.root.path().join("state"));
        lcc.env("HOME", self.root.path().join("home")).env_remove("LCC_TEST_WEAKEN");
        lcc.args(["sandbox", "check"]).args(args).current_dir(self.root.path());
        lcc
    }

    fn json(&self, args: &[&str]) -> (Option<i32>, Value) {
        let output = self.lcc(&[args, &["--json"]].concat()).output().unwrap();
        let value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| {
            panic!("{e}: {} {}", text(&output.stdout), text(&output.stderr));
        });
        (output.status.code(), value)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Both users where the tests run as root, else the one there is.
fn users() -> Vec<Option<u32>> {
    if nix::unistd::geteuid().is_root() { vec![None, Some(USER)] } else { vec![None] }
}

fn attempts(value: &Value) -> &Vec<Value> {
    value["attempts"].as_array().unwrap()
}

fn of(value: &Value, result: &str) -> BTreeSet<u64> {
    attempts(value)
        .iter()
        .filter(|one| one["result"] == result)
        .map(|one| one["number"].as_u64().unwrap())
        .collect()
}

/// What an attempt or a canary leaves is named so.
fn traces(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if ["lcc-attempt", "lcc-canary", "lcc-survivor"].iter().any(|mark| name.contains(mark))
            {
                found.push(entry.path());
            }
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
        }
    }
    found
}

#[test]
fn nothing_is_open_and_nothing_unproved() {
    for user in users() {
        let bench = Bench::new(user);
        let (code, found) = bench.json(&[]);
        assert_eq!(of(&found, "open"), BTreeSet::new(), "{user:?} {found:#}");
        assert_eq!(of(&found, "could_not_run"), BTreeSet::new(), "{user:?} {found:#}");
        assert_eq!(found["touched"], Value::Array(vec![]));
        assert_eq!((code, &found["holds"]), (Some(0), &Value::Bool(true)), "{user:?}");
        // The hard link that was there before, and what a project's own files can always be.
        assert_eq!(of(&found, "note"), BTreeSet::from([133, 213, 240, 480]), "{user:?}");
        assert!(attempts(&found).len() >= 80);
        assert_eq!(traces(bench.root.path()), Vec::<PathBuf>::new(), "{user:?}");
    }
}

#[test]
fn without_a_sandbox_the_attempts_go_through() {
    for user in users() {
        let bench = Bench::new(user);
        let (code, found) = bench.json(&["--negative-control"]);
        let open = found["totals"]["open"].as_u64().unwrap();
        assert!(open >= LEAST_OPEN, "{user:?}: {open} open");
        assert_eq!(code, Some(0), "{user:?}");
        // Secrets are read, sockets reached, files planted, other processes seen.
        let certain = [101, 102, 104, 111, 121, 201, 220, 401, 402, 406, 501, 502, 510, 530, 532];
        let open = of(&found, "open");
        for number in certain {
            assert!(open.contains(&number), "{user:?}: {number} is not open");
        }
        assert!(found["touched"].as_array().unwrap().len() >= 8, "{user:?} {:#}", found["touched"]);
        // All of it happened in a folder that is gone.
        assert_eq!(traces(bench.root.path()), Vec::<PathBuf>::new(), "{user:?}");
    }
}

#[test]
fn a_project_of_the_users_is_left_as_it_was() {
    for user in users() {
        let bench = Bench::new(user);
        let project = bench.folder("project");
        bench.file("project/CLAUDE.md", "words\n");
        let (code, found) = bench.json(&["--project", project.to_str().unwrap()]);
        assert_eq!(code, Some(0), "{user:?} {found:#}");
        assert_eq!(found["project"], Value::String(project.to_str().unwrap().to_owned()));
        let left: Vec<_> =
            fs::read_dir(&project).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["CLAUDE.md"], "{user:?}");
        assert_eq!(fs::read_to_string(project.join("CLAUDE.md")).unwrap(), "words\n");
        assert_eq!(traces(bench.root.path()), Vec::<PathBuf>::new(), "{user:?}");
    }
}

#[test]
fn the_shape_of_the_json_stays() {
    let bench = Bench::new(None);
    let (_, found) = bench.json(&[]);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let of = |number: u64| attempts(&found).iter().find(|one| one["number"] == number).unwrap();
    let shape = serde_json::json!({
        "top": keys(&found),
        "totals": keys(&found["totals"]),
        "with an error number": of(124),
        "without one": of(454),
        "noted": of(480),
    });
    insta::assert_snapshot!(serde_json::to_string_pretty(&shape).unwrap());
}

#[test]
fn the_table_ends_with_a_verdict() {
    let bench = Bench::new(None);
    let Output { stdout, status, .. } = bench.lcc(&[]).output().unwrap();
    let said = text(&stdout);
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.trim_end().ends_with("The strict sandbox holds."), "{said}");
    let rows = said.lines().filter(|line| line.contains("  blocked   ")).count();
    let counted = format!(": {rows} blocked, 0 open, 0 unproved, 4 noted; 0 canaries touched;");
    assert!(said.contains(&counted), "{said}");
}

/// Test builds alone can leave a layer out.
#[test]
fn a_hole_is_found_and_makes_the_check_fail() {
    for (layer, expected) in [
        ("seccomp", &[134, 330, 332, 338, 411, 510, 531, 540, 601][..]),
        ("pins", &[209, 210, 212, 215][..]),
        ("protection", &[201, 202, 204, 214, 220, 229][..]),
    ] {
        let bench = Bench::new(None);
        let output = bench.lcc(&["--json"]).env("LCC_TEST_WEAKEN", layer).output().unwrap();
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{layer}");
        assert_eq!(found["holds"], Value::Bool(false), "{layer}");
        let open = of(&found, "open");
        for number in expected {
            assert!(open.contains(number), "{layer}: {number} in {open:?}");
        }
        if layer == "seccomp" {
            let touched = found["touched"].to_string();
            assert!(touched.contains("local socket within the private home"), "{touched}");
        }
    }
}

#[test]
fn where_there_is_no_sandbox_to_check_it_says_so_with_its_own_code() {
    let bench = Bench::new(None);
    let inner = bench.lcc(&[]);
    let mut outer = Command::new("bwrap");
    outer.args(["--unshare-user", "--disable-userns", "--dev-bind", "/", "/", "--proc", "/proc"]);
    outer.arg("--").arg(inner.get_program()).args(inner.get_args());
    outer.env("LCC_STATE_DIR", bench.root.path().join("state"));
    let output = outer.output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("bubblewrap cannot make a sandbox here"), "{said}");
    for (args, code) in
        [(["--sandbox", "off"], 2), (["--project", "/"], 2), (["--project", "/etc"], 4)]
    {
        let output = bench.lcc(&args).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", text(&output.stderr));
    }
}

#[test]
fn the_page_of_attempts_is_in_sync() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sandbox-attempts.md");
    let expected = document::page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path, &expected).unwrap();
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/sandbox-attempts.md is behind: UPDATE_DOCS=1 cargo nextest run --test sandbox_check"
    );
    assert_eq!(
        cases(Battery::Full).len(),
        expected
            .lines()
            .filter(|line| line.ends_with("\u{2713} |") || line.ends_with("\u{2013} |"))
            .count()
    );
}
