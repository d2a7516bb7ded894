//! Holds the rules of docs/ARCHITECTURE.md: arrows between rooms, pure rooms, small files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "rules/rooms.rs"]
mod rooms;
#[path = "rules/source.rs"]
mod source;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// 95 of 100 files are no longer than this.
const USUAL_LINES: usize = 400;
/// No file is longer than this.
const MOST_LINES: usize = 600;

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn all_files() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "tests", "examples", "benches"] {
        rust_files(&root.join(folder), &mut files);
    }
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path.strip_prefix(root).unwrap().to_owned(), text)
    };
    files.into_iter().map(read).collect()
}

#[test]
fn every_room_keeps_its_rules() {
    let mut wrong = Vec::new();
    let mut checked = 0;
    for (path, text) in all_files() {
        if let Ok(inside) = path.strip_prefix("src") {
            wrong.extend(rooms::check(&inside.to_string_lossy(), &text));
            checked += 1;
        } else if !text.starts_with("//!") {
            wrong.push(format!("{}: does not open with a //! sentence", path.display()));
        }
    }
    assert!(checked > 20, "only {checked} files were found in src/");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_are_small() {
    let lines: Vec<_> =
        all_files().into_iter().map(|(path, text)| (text.lines().count(), path)).collect();
    let over: Vec<_> = lines.iter().filter(|(count, _)| *count > USUAL_LINES).collect();
    let most = lines.iter().max().unwrap();
    assert!(most.0 <= MOST_LINES, "{} has {} lines", most.1.display(), most.0);
    assert!(over.len() * 20 <= lines.len(), "of {} files too long: {over:?}", lines.len());
}

#[test]
fn each_planted_violation_is_found() {
    for (path, code, expected) in [
        ("front/shell/mod.rs", "use crate::engine::clock::Clock;", "front may not know engine"),
        ("engine/session.rs", "fn f() { crate::front::run() }", "engine may not know front"),
        ("engine/x.rs", "use crate::{domain::Tier, front::theme};", "engine may not know front"),
        ("engine/pty.rs", "use super::super::front::shell;", "engine may not know front"),
        ("protocol/update.rs", "use crate::config::Settings;", "protocol may not know config"),
        ("domain/time.rs", "use crate::protocol::Update;", "domain may not know protocol"),
        ("front/app/mod.rs", "use crate::commands::run;", "front may not know commands"),
        ("front/ui/a.rs", "use std::{fmt, fs};", "a pure room names std::fs"),
        ("front/ui/a.rs", "use std::{fmt, fs::{self, File}};", "a pure room names std::fs"),
        ("front/input/a.rs", "let a = std::env::var(x);", "a pure room names std::env"),
        ("engine/metrics/a.rs", "let t = Instant::now();", "a pure room names Instant::now"),
        (
            "engine/metrics/a.rs",
            "let t = std::time::Instant::now();",
            "a pure room names Instant::now",
        ),
        ("engine/proxy/rules/a.rs", "use std::time::SystemTime;", "names SystemTime"),
        ("engine/proxy/sse.rs", "use tokio::sync::mpsc;", "a pure room names tokio"),
        ("domain/a.rs", "use std::net::{IpAddr, TcpStream};", "a pure room names std::net"),
        ("front/ui/a.rs", "use alacritty_terminal::Term;", "only front/terminal may name"),
        ("engine/proxy/mod.rs", "unsafe { f() }", "unsafe outside the sys files"),
        ("engine/sandbox/linux/seccomp.rs", "unsafe { f() }", "unsafe outside the sys files"),
    ] {
        let wrong = rooms::check(path, &format!("//! A file.\n{code}\n"));
        assert_eq!(wrong.len(), 1, "{path}: {code}: {wrong:?}");
        assert!(wrong[0].contains(expected), "{wrong:?}");
    }
    assert_eq!(rooms::check("cli.rs", "use clap::Parser;\n").len(), 1, "no //! sentence");
}

#[test]
fn what_is_allowed_is_not_found() {
    for (path, code) in [
        ("engine/session.rs", "use crate::{domain::Tier, protocol::{Update, Command}};"),
        ("commands/run.rs", "use crate::{engine::session, front, config::Settings};"),
        ("front/terminal/mod.rs", "use alacritty_terminal::{Term, grid::Dimensions as D};"),
        ("engine/sandbox/linux/sys.rs", "#[expect(unsafe_code)]\nfn f() { unsafe { g() } }"),
        ("engine/session.rs", "let now = Instant::now(); std::fs::read(p); tokio::spawn(f());"),
        ("domain/a.rs", "use std::net::{IpAddr, SocketAddr};"),
        ("front/ui/a.rs", "// crate::engine and std::fs\nlet a = \"crate::engine\\\" std::fs\";"),
        ("front/ui/a.rs", "let a = r#\"std::fs \" \"#; let c = '\"'; /* tokio /* a */ b */"),
        ("front/ui/a.rs", "fn f<'a>(x: &'a str) {}\n#[cfg(test)]\nmod tests { use std::fs; }"),
        ("front/ui/tests.rs", "use std::fs;"),
        ("front/ui/a.rs", "use super::{theme, app::Model}; let engine = model.engine::<u8>();"),
    ] {
        let wrong = rooms::check(path, &format!("//! A file.\n{code}\n"));
        assert!(wrong.is_empty(), "{path}: {code}: {wrong:?}");
    }
}
