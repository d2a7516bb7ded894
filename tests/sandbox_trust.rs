//! What a session leaves for other programs, found by comparing a project before and after.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    time::Duration,
};

use lcc::{
    domain::Tier,
    engine::sandbox::manifest::{
        compare::{Change, What, compare},
        keep::{Watch, recall},
        scan::{Budget, scan},
    },
};
use proptest::prelude::*;

struct Bench {
    root: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("project")).unwrap();
        fs::create_dir_all(root.path().join("private")).unwrap();
        Self { root }
    }

    fn project(&self) -> PathBuf {
        self.root.path().join("project")
    }

    fn private(&self) -> PathBuf {
        self.root.path().join("private")
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.project().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn watch(&self, session: &str) -> Watch {
        Watch::begin(&self.project(), &self.private(), session, Tier::Strict).unwrap().0
    }
}

fn names(changes: &[Change]) -> Vec<(&str, What, bool)> {
    changes.iter().map(|c| (c.path.to_str().unwrap(), c.what, c.held)).collect()
}

#[test]
fn what_others_run_is_listed_with_its_change() {
    let bench = Bench::new();
    bench.write("Makefile", "all:\n\techo a\n");
    bench.write("package.json", "{}");
    bench.write(".husky/pre-push", "#!/bin/sh\n");
    bench.write("gone/build.rs", "fn main() {}");
    bench.write("src/main.rs", "fn main() {}");
    bench.write("tox.ini", "");
    let watch = bench.watch("s1");

    bench.write("Makefile", "all:\n\tcurl x\n");
    bench.write("src/main.rs", "fn main() { changed() }");
    bench.write("web/package.json", "{\"scripts\":{}}");
    fs::set_permissions(bench.project().join(".husky/pre-push"), fs::Permissions::from_mode(0o755))
        .unwrap();
    fs::remove_file(bench.project().join("gone/build.rs")).unwrap();
    fs::remove_file(bench.project().join("tox.ini")).unwrap();
    symlink("/etc/passwd", bench.project().join("tox.ini")).unwrap();
    bench.write(".venv/pyvenv.cfg", "home = /usr/bin\n");
    bench.write(".venv/bin/python", "");
    bench.write(".venv/bin/pip", "");
    bench.write("node_modules/.bin/tsc", "");
    bench.write("node_modules/x/package.json", "{}");

    let review = watch.end().unwrap();
    assert_eq!(
        names(&review.changes),
        [
            (".husky/pre-push", What::Mode, false),
            (".venv", What::Folder, false),
            ("Makefile", What::Changed, false),
            ("gone/build.rs", What::Removed, false),
            ("node_modules/.bin", What::Folder, false),
            ("tox.ini", What::Replaced, false),
            ("web/package.json", What::Created, false),
        ]
    );
    let diff = |path: &str| {
        let change = review.changes.iter().find(|change| change.path == Path::new(path));
        change.unwrap().diff.clone().unwrap()
    };
    assert!(diff("Makefile").ends_with("-\techo a\n+\tcurl x\n"), "{}", diff("Makefile"));
    assert!(diff("tox.ini").contains("+link to /etc/passwd"), "{}", diff("tox.ini"));
    assert!(diff(".venv").contains("+ bin/python\n"), "{}", diff(".venv"));
    assert_eq!(
        review.summary().unwrap(),
        "7 files that other tools run were changed: lcc report --last"
    );
    assert_eq!(review.alarm(), None);
    assert_eq!(recall(&bench.private()), Some(review));
    let kept = bench.private().join("review.json");
    assert_eq!(fs::metadata(kept).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn what_the_sandbox_holds_cannot_change_unnoticed() {
    let bench = Bench::new();
    bench.write(".git/config", "[core]\n");
    bench.write(".git/HEAD", "ref: refs/heads/main\n");
    bench.write(".claude/settings.json", "{}");
    let watch = bench.watch("s1");
    assert_eq!(watch.changed_meanwhile().unwrap(), []);
    // lcc's own marks are none.
    bench.write(".git/commondir", ".\n");
    bench.write(".git/config.worktree", "");
    fs::create_dir_all(bench.project().join(".mcp.json")).unwrap();
    assert_eq!(watch.changed_meanwhile().unwrap(), []);
    bench.write(".git/config", "[core]\n\tfsmonitor = evil\n");
    bench.write(".git/hooks/pre-commit", "evil");
    bench.write(".git/HEAD", "ref: refs/heads/other\n");
    assert_eq!(watch.changed_meanwhile().unwrap().len(), 2);
    let review = watch.end().unwrap();
    let held: Vec<&str> = review.broken().map(|c| c.path.to_str().unwrap()).collect();
    assert_eq!(held, [".git/config", ".git/hooks/pre-commit"]);
    let alarm = review.alarm().unwrap();
    assert!(alarm.starts_with(".git/config, .git/hooks/pre-commit changed although"), "{alarm}");
}

#[test]
fn planted_repositories_are_found_bare_ones_too() {
    let bench = Bench::new();
    bench.write("known/.git/config", "");
    let watch = bench.watch("s1");
    for (path, text) in [
        ("nested/.git/config", "[core]\n\tfsmonitor = evil\n"),
        ("bare/HEAD", "ref: refs/heads/m\n"),
        ("bare/config", "[core]\n\tfsmonitor = evil\n"),
        ("bare/objects/x", ""),
        ("bare/refs/x", ""),
        ("linked/.git", "gitdir: ../bare\n"),
        ("known/.git/config", "[alias]\n"),
    ] {
        bench.write(path, text);
    }
    let review = watch.end().unwrap();
    let found = names(&review.changes);
    for (path, what) in [
        ("nested", What::Repository),
        ("bare", What::Repository),
        ("linked", What::Repository),
        ("nested/.git/config", What::Created),
        ("bare/config", What::Created),
        ("linked/.git", What::Created),
        ("known/.git/config", What::Changed),
    ] {
        assert!(found.contains(&(path, what, false)), "{path}: {found:?}");
    }
    assert!(review.summary().unwrap().contains("3 git repositories are new"));
}

#[test]
fn a_session_that_was_cut_off_is_reviewed_by_the_next() {
    let bench = Bench::new();
    bench.write("Makefile", "a\n");
    // Never ended: as after kill -9.
    drop(bench.watch("dead"));
    bench.write("Makefile", "b\n");
    let alive = bench.watch("alive");
    let (_next, cut_off) =
        Watch::begin(&bench.project(), &bench.private(), "next", Tier::Strict).unwrap();
    // The first to start after it has told it; a session that runs is not taken for a dead one.
    assert_eq!(cut_off, []);
    let told = recall(&bench.private()).unwrap();
    assert!(told.cut_off && told.session == "dead", "{told:?}");
    assert_eq!(names(&told.changes), [("Makefile", What::Changed, false)]);
    bench.write("Makefile", "c\n");
    assert_eq!(alive.end().unwrap().changes.len(), 1);
}

#[test]
fn hard_links_are_found_and_named() {
    let bench = Bench::new();
    let outside = bench.root.path().join("outside");
    fs::write(&outside, "x").unwrap();
    fs::create_dir_all(bench.project().join("node_modules/a/b")).unwrap();
    for name in ["one", "two", "node_modules/a/b/c"] {
        fs::hard_link(&outside, bench.project().join(name)).unwrap();
    }
    let (manifest, _) = scan(&bench.project(), Budget::default()).unwrap();
    let note = manifest.linked.note(false).unwrap();
    assert!(note.starts_with("3 files have several names"), "{note}");
    assert!(note.ends_with("one, two, 1 in node_modules"), "{note}");
    let (none, _) = scan(&bench.private(), Budget::default()).unwrap();
    assert_eq!(none.linked.note(false), None);
}

#[test]
fn a_walk_ends_at_its_budget_and_says_so() {
    let bench = Bench::new();
    for n in 0..50 {
        bench.write(&format!("d{n}/Makefile"), "");
    }
    bench.write(".git/config", "");
    let budget = |names, millis| Budget { names, modules: 9, time: Duration::from_millis(millis) };
    let (whole, _) = scan(&bench.project(), budget(1_000, 60_000)).unwrap();
    assert!(!whole.cut && whole.files.len() == 51, "{}", whole.files.len());
    // git's own files come first.
    let (part, _) = scan(&bench.project(), budget(60, 60_000)).unwrap();
    assert!(part.cut && part.files.contains_key(Path::new(".git/config")));
    let (late, _) = scan(&bench.project(), budget(1_000, 0)).unwrap();
    assert!(late.cut);
    // What was not looked at does not count as gone or as new.
    let nothing = Default::default();
    assert_eq!(compare((&whole, &nothing), (&part, &nothing), true), []);
    assert_eq!(compare((&part, &nothing), (&whole, &nothing), true), []);
}

#[test]
fn pipes_links_and_loops_do_not_stop_a_walk() {
    let bench = Bench::new();
    nix::unistd::mkfifo(&bench.project().join("Makefile"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    symlink(".", bench.project().join("loop")).unwrap();
    symlink("/", bench.project().join(".vscode")).unwrap();
    bench.write("sub/package.json", "{}");
    let (manifest, _) = scan(&bench.project(), Budget::default()).unwrap();
    let found: Vec<&str> = manifest.files.keys().map(|path| path.to_str().unwrap()).collect();
    assert_eq!(found, [".vscode", "Makefile", "sub/package.json"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever happens to a project's files, each trusted one that differs is listed, and none
    /// that does not.
    #[test]
    fn every_difference_is_listed_once(
        before in prop::collection::btree_map(0..12usize, "[a-c]{0,3}", 0..10),
        after in prop::collection::btree_map(0..12usize, "[a-c]{0,3}", 0..10),
    ) {
        const NAMES: [&str; 12] = [
            "Makefile", "a/package.json", ".envrc", ".git/config", ".git/hooks/x", "build.rs",
            "c/d/conftest.py", ".github/workflows/ci.yml", "CLAUDE.md", ".idea/a.xml", "setup.py",
            "justfile",
        ];
        let bench = Bench::new();
        for (index, text) in &before {
            bench.write(NAMES[*index], text);
        }
        let watch = bench.watch("s");
        fs::remove_dir_all(bench.project()).unwrap();
        fs::create_dir(bench.project()).unwrap();
        for (index, text) in &after {
            bench.write(NAMES[*index], text);
        }
        let review = watch.end().unwrap();
        let listed: std::collections::BTreeSet<&Path> = review
            .changes.iter().filter(|c| c.what != What::Repository).map(|c| c.path.as_path()).collect();
        for (index, name) in NAMES.iter().enumerate() {
            let (was, is) = (before.get(&index), after.get(&index));
            // An empty file in a protected place is lcc's own mark.
            let blocked = [".envrc", ".git/config", ".git/hooks/x", ".idea/a.xml"].contains(name);
            let mark = |text: Option<&String>| blocked && text.is_some_and(String::is_empty);
            let differs = match (was, is) {
                (None, None) => false,
                (None, is) => !mark(is),
                (was, None) => !mark(was),
                (was, is) => was != is,
            };
            prop_assert_eq!(listed.contains(Path::new(name)), differs, "{}", name);
        }
    }
}
