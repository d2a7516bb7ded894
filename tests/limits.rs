//! The caps on a sandboxed tree, with real programs that cross them.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    fs,
    process::{Command, Output, Stdio},
};

use lcc::engine::sandbox;

/// The tiers that this machine can give.
fn tiers() -> Vec<&'static str> {
    let mut tiers = Vec::new();
    for (tier, given) in
        [("strict", sandbox::preflight().map(drop)), ("reduced", sandbox::preflight_reduced())]
    {
        match given {
            Ok(()) => tiers.push(tier),
            Err(error) => eprintln!("SKIPPED {tier}: {error}"),
        }
    }
    tiers
}

fn run(tier: &str, caps: &[(&str, &str)], script: &str) -> (Output, String) {
    let root = tempfile::tempdir().unwrap();
    let project = root.path().join("project");
    fs::create_dir(&project).unwrap();
    let mut lcc = Command::new(env!("CARGO_BIN_EXE_lcc"));
    lcc.env("LCC_STATE_DIR", root.path().join("state")).envs(caps.iter().copied());
    lcc.args(["sandbox", "--sandbox", tier, "--project"]).arg(&project);
    lcc.args(["--", "bash", "-c", script]).stdin(Stdio::null());
    let output = lcc.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, said)
}

#[test]
fn a_memory_hog_is_ended_and_the_cap_is_named() {
    for tier in tiers() {
        // tail keeps a line without an end in memory.
        let hog = "head -c 1500000000 /dev/zero | tail | sleep 2; exit 3";
        let (output, said) = run(tier, &[("LCC_LIMITS_MEMORY", "256")], hog);
        assert!(!output.status.success(), "{tier}: {said}");
        assert!(said.contains("limits.memory"), "{tier}: {said}");
        assert!(said.contains("256.0 MiB"), "{tier}: {said}");
    }
}

#[test]
fn a_flood_of_processes_stops_at_the_cap_which_is_named() {
    for tier in tiers() {
        let bomb = "for n in $(seq 700); do sleep 30 & done; sleep 5; echo through";
        let (output, said) = run(tier, &[("LCC_LIMITS_PROCESSES", "300")], bomb);
        assert!(said.contains("limits.processes"), "{tier}: {said}");
        assert!(said.contains("300"), "{tier}: {said}");
        assert!(!output.status.success(), "{tier}: {said}");
    }
}

#[test]
fn a_full_disk_ends_the_command_and_is_named() {
    let Some(tier) = tiers().pop() else { return };
    // No disk has this much free, so from the start half of what there is must stay; a command
    // that takes nothing goes on.
    let (output, said) = run(tier, &[("LCC_LIMITS_DISK_FREE", "4194304")], "echo fine");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "fine\n", "{said}");
    assert!(!said.contains("limits.disk_free"), "{said}");
}

#[test]
fn a_command_within_its_caps_hears_nothing_of_them() {
    for tier in tiers() {
        let (output, said) = run(tier, &[], "true");
        assert!(output.status.success(), "{tier}: {said}");
        assert!(!said.contains("limits."), "{tier}: {said}");
    }
}
