//! Checks of the sandbox from inside, before anything is tried.

use std::{fs, os::unix::fs::MetadataExt, path::PathBuf};

use super::{Failure, OrFail, mountinfo};
use crate::engine::sandbox::{
    linux::{beneath::Identity, wire::Orders},
    policy::INNER_ID,
};

/// Runs every check; gives the number of the network namespace.
pub(super) fn all(orders: &Orders, ours: &[i32]) -> Result<u64, Failure> {
    let netns = fs::metadata("/proc/self/ns/net").or_fail("network")?.ino();
    if netns == orders.host_netns {
        return Err(fail("network", "this is the host's network"));
    }
    interfaces()?;
    let status = fs::read_to_string("/proc/self/status").or_fail("privileges")?;
    privileges(&status).map_err(|detail| Failure { stage: "privileges", detail })?;
    processes()?;
    let text = fs::read("/proc/self/mountinfo").or_fail("mounts")?;
    let mounted = mountinfo::parse(&text).or_fail("mounts")?;
    mountinfo::compare(&orders.mounts, &mounted).or_fail("mounts")?;
    identities(&orders.identities)?;
    descriptors(ours)?;
    if std::env::current_dir().or_fail("folder")? != orders.project {
        return Err(fail("folder", "the working folder is not the project"));
    }
    Ok(netns)
}

fn fail(stage: &'static str, detail: impl Into<String>) -> Failure {
    Failure { stage, detail: detail.into() }
}

fn interfaces() -> Result<(), Failure> {
    let text = fs::read_to_string("/proc/self/net/dev").or_fail("network")?;
    let others: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name.trim())
        .filter(|name| *name != "lo")
        .collect();
    // Tunnel stubs (`sit0`, `tunl0`, …) appear in every namespace where their modules are loaded;
    // without a route they lead nowhere.
    let routes = fs::read_to_string("/proc/self/net/route").unwrap_or_default();
    if routes.lines().count() > 1 {
        return Err(fail(
            "network",
            format!("there are routes; interfaces: {}", others.join(", ")),
        ));
    }
    Ok(())
}

/// No capability in any set, no new privileges, one user.
fn privileges(status: &str) -> Result<(), String> {
    let field = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map(str::trim)
            .ok_or_else(|| format!("{name} is not in /proc/self/status"))
    };
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        let bits = field(set)?;
        if bits.is_empty() || bits.chars().any(|digit| digit != '0') {
            return Err(format!("{set} is {bits}"));
        }
    }
    if field("NoNewPrivs")? != "1" {
        return Err("new privileges are possible".to_owned());
    }
    for ids in ["Uid", "Gid"] {
        let numbers = field(ids)?;
        if numbers.split_whitespace().any(|number| number != INNER_ID.to_string()) {
            return Err(format!("{ids} is {numbers}"));
        }
    }
    if field("Threads")? != "1" {
        return Err("the inner stage has several threads".to_owned());
    }
    Ok(())
}

/// Only bubblewrap's first process and this one are to be seen.
fn processes() -> Result<(), Failure> {
    let own = std::process::id();
    let strangers: Vec<u32> =
        visible_processes()?.into_iter().filter(|pid| *pid != 1 && *pid != own).collect();
    if strangers.is_empty() {
        Ok(())
    } else {
        Err(fail("processes", format!("others are visible: {strangers:?}")))
    }
}

/// The process numbers in `/proc`.
pub(super) fn visible_processes() -> Result<Vec<u32>, Failure> {
    let entries = fs::read_dir("/proc").or_fail("processes")?;
    Ok(entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
}

/// The very files that lcc looked at: a path that was replaced between that look and the mount
/// would show another one.
fn identities(wanted: &[(PathBuf, Identity)]) -> Result<(), Failure> {
    for (path, identity) in wanted {
        let about = fs::symlink_metadata(path).or_fail("protected paths")?;
        if (Identity { device: about.dev(), inode: about.ino() }) != *identity {
            let detail = format!("{} was replaced while the sandbox was made", path.display());
            return Err(fail("protected paths", detail));
        }
    }
    Ok(())
}

fn descriptors(ours: &[i32]) -> Result<(), Failure> {
    let extra: Vec<i32> =
        open_descriptors()?.into_iter().filter(|fd| *fd > 2 && !ours.contains(fd)).collect();
    // Data files of bubblewrap are closed by it once read.
    if extra.is_empty() {
        Ok(())
    } else {
        let names: Vec<PathBuf> = extra
            .iter()
            .filter_map(|fd| fs::read_link(format!("/proc/self/fd/{fd}")).ok())
            .collect();
        Err(fail("descriptors", format!("inherited: {extra:?} {names:?}")))
    }
}

/// The open descriptors, without the one that reads them.
pub(super) fn open_descriptors() -> Result<Vec<i32>, Failure> {
    let entries = fs::read_dir("/proc/self/fd").or_fail("descriptors")?;
    let listed: Vec<i32> =
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    Ok(listed
        .into_iter()
        .filter(|fd| fs::symlink_metadata(format!("/proc/self/fd/{fd}")).is_ok())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "Name:\tlcc\nUid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\t1000\t1000\n\
        Threads:\t1\nCapInh:\t0000\nCapPrm:\t0000\nCapEff:\t0000\nCapBnd:\t0000\nCapAmb:\t0000\n\
        NoNewPrivs:\t1\n";

    #[test]
    fn every_privilege_is_seen() {
        assert_eq!(privileges(GOOD), Ok(()));
        for (from, to) in [
            ("CapInh:\t0000", "CapInh:\t0001"),
            ("CapPrm:\t0000", "CapPrm:\t8000"),
            ("CapEff:\t0000", "CapEff:\t000001ffffffffff"),
            ("CapBnd:\t0000", "CapBnd:\t0400"),
            ("CapAmb:\t0000", "CapAmb:\t"),
            ("NoNewPrivs:\t1", "NoNewPrivs:\t0"),
            ("Uid:\t1000\t1000", "Uid:\t1000\t0"),
            ("Gid:\t1000", "Gid:\t0"),
            ("Threads:\t1", "Threads:\t2"),
            ("CapBnd", "CapNew"),
        ] {
            assert!(privileges(&GOOD.replace(from, to)).is_err(), "{to} passed");
        }
    }
}
