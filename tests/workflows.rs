//! The workflows say what they must: which runners, and that nothing may be open.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{fs, path::Path};

fn workflow(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/workflows").join(name);
    fs::read_to_string(path).unwrap()
}

/// The scripts of a workflow: what stands in a `run:` block, without its indentation.
fn scripts(text: &str) -> Vec<String> {
    let mut scripts = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((before, rest)) = line.split_once("run: ") else { continue };
        if rest != "|" {
            scripts.push(rest.to_owned());
            continue;
        }
        let indent = |line: &str| line.len() - line.trim_start().len();
        let depth = indent(before);
        let block = lines.peek().map_or(0, |line| indent(line));
        let mut script = String::new();
        while let Some(line) = lines.peek() {
            if !line.trim().is_empty() && indent(line) <= depth {
                break;
            }
            script.push_str(line.get(block..).unwrap_or_default());
            script.push('\n');
            lines.next();
        }
        scripts.push(script);
    }
    scripts
}

#[test]
fn every_mac_is_asked_whether_anything_is_open() {
    let text = workflow("macos.yml");
    assert!(!text.contains('\t'));
    for word in ["runner: [macos-15, macos-26]", "fail-fast: false", "contents: read"] {
        assert!(text.contains(word), "{word}");
    }
    assert!(!text.contains("macos-latest"), "what it means changes");
    let all = scripts(&text).join("\n");
    for word in [
        "cargo build --locked",
        "cargo test --locked",
        "sandbox check --json",
        ".holds and .totals.open == 0",
        "--negative-control",
    ] {
        assert!(all.contains(word), "{word}: {all}");
    }
}

/// What the shell itself says of each script.
#[test]
fn every_script_is_one() {
    for name in ["ci.yml", "macos.yml"] {
        let scripts = scripts(&workflow(name));
        assert!(!scripts.is_empty(), "{name}");
        for script in scripts {
            let checked = std::process::Command::new("bash").args(["-n", "-c", &script]).output();
            let checked = checked.unwrap();
            assert!(checked.status.success() && checked.stderr.is_empty(), "{name}: {script}");
        }
    }
}
