//! What `/proc` tells of a sandbox from outside.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::unix::fs::MetadataExt,
    path::Path,
};

/// What holds at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    /// The first process of the sandbox's namespace: bubblewrap's own, the parent of all.
    pub init: i32,
    /// System-call filters of the program.
    pub filters: u64,
    /// Its network, as a number of the kernel's.
    pub network: u64,
    /// Its file view.
    pub view: u64,
    /// Its user numbers.
    pub users: u64,
    /// Its mounts: place and options, one line each.
    pub mounts: Vec<String>,
}

/// What tells whether a file was changed or replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    number: u64,
    size: u64,
    changed: (i64, i64),
}

impl Stamp {
    /// The file's, not followed; `None` when it is not there.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let about = fs::symlink_metadata(path).ok()?;
        Some(Self {
            device: about.dev(),
            number: about.ino(),
            size: about.size(),
            changed: (about.mtime(), about.mtime_nsec()),
        })
    }
}

/// Whether there is such a process.
pub(super) fn exists(pid: i32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

/// One process inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Inside {
    /// Its number on the host.
    pub pid: i32,
    /// Its name.
    pub name: String,
    /// What it may.
    pub rights: Rights,
    /// Its network, where it can be seen.
    pub network: Option<u64>,
    /// Its file view, where it can be seen.
    pub view: Option<u64>,
    /// Its user numbers, where they can be seen.
    pub users: Option<u64>,
}

/// What `/proc/PID/status` says of rights. Anybody may read that file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rights {
    pub no_new_privileges: bool,
    pub filters: u64,
    pub capabilities: bool,
}

impl Facts {
    /// What holds for the program now.
    pub(super) fn gather(program: i32) -> io::Result<Self> {
        let status = Status::of(program)?;
        let link = |name| namespace(program, name).ok_or_else(|| io::Error::other("no namespace"));
        Ok(Self {
            init: status.parent,
            filters: status.rights.filters,
            network: link("net")?,
            view: link("mnt")?,
            users: link("user")?,
            mounts: mounts(program)?,
        })
    }
}

/// Every process below `init`, without it: bubblewrap's own has no filters and runs nothing else.
pub(super) fn inside(init: i32) -> Vec<Inside> {
    let mut all: BTreeMap<i32, Status> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        if let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok())
            // One that ends meanwhile is no process of the sandbox any more.
            && let Ok(status) = Status::of(pid)
        {
            all.insert(pid, status);
        }
    }
    let mut below = BTreeSet::from([init]);
    loop {
        let found: Vec<i32> = all
            .iter()
            .filter(|(pid, status)| below.contains(&status.parent) && !below.contains(pid))
            .map(|(pid, _)| *pid)
            .collect();
        if found.is_empty() {
            break;
        }
        below.extend(found);
    }
    below.remove(&init);
    all.into_iter()
        .filter(|(pid, status)| below.contains(pid) && !status.dead)
        .map(|(pid, status)| Inside {
            pid,
            name: status.name,
            rights: status.rights,
            network: namespace(pid, "net"),
            view: namespace(pid, "mnt"),
            users: namespace(pid, "user"),
        })
        .collect()
}

fn namespace(pid: i32, name: &str) -> Option<u64> {
    fs::metadata(format!("/proc/{pid}/ns/{name}")).ok().map(|about| about.ino())
}

/// The mounts of a process: where, how, and of which kind. Numbers, which change when another
/// program mounts something, are left out.
pub(super) fn mounts(pid: i32) -> io::Result<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/mountinfo"))?;
    if text.is_empty() {
        return Err(io::Error::other("no mounts are shown"));
    }
    Ok(text.lines().filter_map(mount).collect())
}

/// `36 35 98:0 /source /place rw,noatime shared:1 - ext4 /dev/sda1 rw` as place, options and kind.
fn mount(line: &str) -> Option<String> {
    let (own, file_system) = line.split_once(" - ")?;
    let mut own = own.split(' ').skip(3);
    let (source, place, options) = (own.next()?, own.next()?, own.next()?);
    let kind = file_system.split(' ').next()?;
    let writable = options.split(',').next()?;
    Some(format!("{place} {writable} {kind} {source}"))
}

/// What is read of `/proc/PID/status`.
struct Status {
    name: String,
    parent: i32,
    dead: bool,
    rights: Rights,
}

impl Status {
    fn of(pid: i32) -> io::Result<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
        Self::parse(&text).ok_or_else(|| io::Error::other(format!("/proc/{pid}/status is strange")))
    }

    fn parse(text: &str) -> Option<Self> {
        let field = |name: &str| {
            text.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim()))
        };
        let sets = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"];
        Some(Self {
            name: field("Name")?.to_owned(),
            parent: field("PPid")?.parse().ok()?,
            dead: field("State")?.starts_with(['Z', 'X']),
            rights: Rights {
                no_new_privileges: field("NoNewPrivs")? == "1",
                // Kernels before 5.9 do not say how many; mode 2 is at least one.
                filters: match field("Seccomp_filters") {
                    Some(filters) => filters.parse().ok()?,
                    None => u64::from(field("Seccomp")? == "2"),
                },
                capabilities: sets
                    .iter()
                    .any(|set| field(set).is_none_or(|bits| !bits.trim_matches('0').is_empty())),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tnode\nState:\tS (sleeping)\nPPid:\t7\nCapInh:\t0000\n\
        CapPrm:\t0000\nCapEff:\t0000\nCapBnd:\t0000\nCapAmb:\t0000\nNoNewPrivs:\t1\nSeccomp:\t2\n\
        Seccomp_filters:\t3\n";

    #[test]
    fn a_status_is_read() {
        let status = Status::parse(STATUS).unwrap();
        assert_eq!((status.name.as_str(), status.parent, status.dead), ("node", 7, false));
        let good = Rights { no_new_privileges: true, filters: 3, capabilities: false };
        assert_eq!(status.rights, good);
        for (from, to, expected) in [
            ("NoNewPrivs:\t1", "NoNewPrivs:\t0", Rights { no_new_privileges: false, ..good }),
            ("CapBnd:\t0000", "CapBnd:\t0400", Rights { capabilities: true, ..good }),
            ("Seccomp_filters:\t3", "Seccomp_filters:\t1", Rights { filters: 1, ..good }),
            ("Seccomp_filters:\t3", "x:\t3", Rights { filters: 1, ..good }),
        ] {
            assert_eq!(Status::parse(&STATUS.replace(from, to)).unwrap().rights, expected, "{to}");
        }
        assert!(Status::parse("Name:\tx\n").is_none());
        assert!(Status::parse(&STATUS.replace("S (sleeping)", "Z (zombie)")).unwrap().dead);
    }

    #[test]
    fn a_mount_is_a_place_with_its_rights() {
        let line = "36 35 98:0 /a /work\\040x rw,noatime shared:1 master:2 - ext4 /dev/x rw,y";
        assert_eq!(mount(line).as_deref(), Some("/work\\040x rw ext4 /a"));
        assert_eq!(mount("36 35 98:0 /a /work rw"), None);
    }

    #[test]
    fn own_processes_are_found_below_their_parent() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let own = std::process::id().cast_signed();
        let found = inside(own);
        let it = found.iter().find(|one| one.pid == child.id().cast_signed());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(it.is_some_and(|one| one.network == namespace(own, "net")), "{found:?}");
        assert!(found.iter().all(|one| one.pid != own));
        assert!(!mounts(own).unwrap().is_empty());
    }
}
