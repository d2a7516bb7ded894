//! A control group of lcc's own, where this user may make one: the kernel then holds the caps.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use super::{Limits, tree::Use};

/// What the names of lcc's groups begin with; its process number and a count follow.
pub const PREFIX: &str = "lcc-";

/// A control group made for one tree; it is removed when dropped, once it is empty.
#[derive(Debug)]
pub struct Leaf {
    /// Its folders: one in the unified hierarchy, one a controller in the older one.
    folders: Vec<PathBuf>,
    kind: Kind,
    /// Whether lcc made it and removes it.
    own: bool,
}

/// Which files say what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unified,
    /// Memory in the first folder, processes in the second.
    Split,
}

/// A file and what to write into it; a file that need not be there is marked.
type Setting = (&'static str, String, bool);

impl Leaf {
    /// Makes a group for these caps, the newer interface first.
    ///
    /// # Errors
    /// When there is no place that this user may write to; then the caps are held otherwise.
    pub fn make(limits: Limits, name: &str) -> io::Result<Self> {
        let own = fs::read_to_string("/proc/self/cgroup")?;
        let mounts = fs::read_to_string("/proc/self/mounts")?;
        let mut last = io::Error::from(io::ErrorKind::Unsupported);
        for place in places(&own, &mounts) {
            match Self::make_at(&place, limits, name) {
                Ok(leaf) => return Ok(leaf),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The group of a systemd scope, to read from.
    #[must_use]
    pub fn of_systemd(folder: PathBuf) -> Self {
        Self { folders: vec![folder], kind: Kind::Unified, own: false }
    }

    fn make_at(place: &Place, limits: Limits, name: &str) -> io::Result<Self> {
        // Dropped on failure, which removes what was made.
        let mut leaf = Self { folders: Vec::new(), kind: place.kind, own: true };
        for (parent, settings) in place.parents.iter().zip(settings(place.kind, limits)) {
            if place.kind == Kind::Unified {
                delegated(parent)?;
            }
            bury(parent);
            let folder = parent.join(name);
            fs::create_dir(&folder)?;
            leaf.folders.push(folder.clone());
            for (file, value, needed) in settings {
                match fs::write(folder.join(file), value) {
                    Err(error) if needed => return Err(error),
                    Ok(()) | Err(_) => {}
                }
            }
        }
        Ok(leaf)
    }

    /// Moves processes in; what they start afterwards is in too.
    ///
    /// # Errors
    /// When this user may not; a process that has ended is no error.
    pub fn take_in(&self, pids: &BTreeSet<u32>) -> io::Result<()> {
        for folder in &self.folders {
            for pid in pids {
                match fs::write(folder.join("cgroup.procs"), pid.to_string()) {
                    Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
                    other => other?,
                }
            }
        }
        Ok(())
    }

    /// What the tree takes, as the kernel counts: pages of files are part of the memory, threads
    /// of the processes.
    #[must_use]
    pub fn used(&self) -> Option<Use> {
        let (memory, processes) = match self.kind {
            Kind::Unified => ("memory.current", "pids.current"),
            Kind::Split => ("memory.usage_in_bytes", "pids.current"),
        };
        Some(Use {
            memory: self.read(0, memory)?.trim().parse().ok()?,
            processes: self.read(self.last(), processes)?.trim().parse().ok()?,
        })
    }

    /// Processes killed at the cap of memory, and processes refused at the cap of processes.
    #[must_use]
    pub fn events(&self) -> (u64, u64) {
        let memory = match self.kind {
            Kind::Unified => "memory.events",
            Kind::Split => "memory.oom_control",
        };
        let read = |at, file, name| {
            self.read(at, file).and_then(|text| event(&text, name)).unwrap_or_default()
        };
        (read(0, memory, "oom_kill"), read(self.last(), "pids.events", "max"))
    }

    fn last(&self) -> usize {
        self.folders.len().saturating_sub(1)
    }

    fn read(&self, at: usize, file: &str) -> Option<String> {
        fs::read_to_string(self.folders.get(at)?.join(file)).ok()
    }
}

impl Drop for Leaf {
    fn drop(&mut self) {
        for folder in self.folders.iter().filter(|_| self.own) {
            // One with processes left cannot be removed: then they are still capped.
            let _not_empty = fs::remove_dir(folder);
        }
    }
}

/// Removes the empty groups of lccs that were killed. One with processes cannot be removed.
fn bury(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX)?.split('-').next()?.parse::<u32>().ok());
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists()) {
            let _not_empty = fs::remove_dir(entry.path());
        }
    }
}

/// Where a leaf may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    kind: Kind,
    parents: Vec<PathBuf>,
}

fn settings(kind: Kind, limits: Limits) -> Vec<Vec<Setting>> {
    let cap = |value: u64| if value == 0 { "max".to_owned() } else { value.to_string() };
    match kind {
        Kind::Unified => vec![vec![
            ("memory.max", cap(limits.memory), true),
            ("memory.swap.max", "0".to_owned(), false),
            ("pids.max", cap(limits.processes), true),
        ]],
        Kind::Split => {
            let memory = if limits.memory == 0 { "-1".to_owned() } else { cap(limits.memory) };
            vec![
                vec![
                    ("memory.limit_in_bytes", memory.clone(), true),
                    ("memory.memsw.limit_in_bytes", memory, false),
                ],
                vec![("pids.max", cap(limits.processes), true)],
            ]
        }
    }
}

/// Sees to it that groups below `parent` can have both caps.
fn delegated(parent: &Path) -> io::Result<()> {
    let control = parent.join("cgroup.subtree_control");
    let has =
        |text: &str| ["memory", "pids"].iter().all(|c| text.split_whitespace().any(|w| w == *c));
    if has(&fs::read_to_string(&control)?) {
        return Ok(());
    }
    fs::write(&control, "+memory +pids")?;
    if has(&fs::read_to_string(&control)?) {
        Ok(())
    } else {
        Err(io::Error::other("the controllers are not delegated"))
    }
}

/// The groups in which a leaf could be made: beside lcc's own, then below it.
fn places(own: &str, mounts: &str) -> Vec<Place> {
    let mut places = Vec::new();
    let mounted = |wanted: &dyn Fn(&str, &str) -> bool| {
        mounts.lines().find_map(|line| {
            let mut words = line.split(' ');
            let (at, kind, options) = (words.nth(1)?, words.next()?, words.next()?);
            wanted(kind, options).then(|| PathBuf::from(at))
        })
    };
    let group = |controllers: &str| {
        own.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (listed, path) = rest.split_once(':')?;
            let named = listed.is_empty() && controllers.is_empty()
                || listed.split(',').any(|one| one == controllers);
            // A group outside of this namespace has dots in its path.
            (named && !path.contains("..")).then(|| path.trim_start_matches('/').to_owned())
        })
    };
    if let (Some(root), Some(path)) = (mounted(&|kind, _| kind == "cgroup2"), group("")) {
        let own = root.join(&path);
        let beside = own.parent().filter(|up| up.starts_with(&root)).map(Path::to_owned);
        for parent in beside.into_iter().chain([own.clone()]) {
            places.push(Place { kind: Kind::Unified, parents: vec![parent] });
        }
    }
    let split = |name: &str| {
        let at = mounted(&|kind, options| {
            kind == "cgroup" && options.split(',').any(|option| option == name)
        })?;
        Some(at.join(group(name)?))
    };
    if let (Some(memory), Some(pids)) = (split("memory"), split("pids")) {
        places.push(Place { kind: Kind::Split, parents: vec![memory, pids] });
    }
    places
}

fn event(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(' ')?;
        (found == name).then(|| value.trim().parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPS: Limits = Limits { memory: 1 << 30, processes: 300, disk_free: 0 };

    #[test]
    fn places_of_a_desktop_a_container_and_an_older_system() {
        let desktop = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/term.scope\n";
        let mounts = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n";
        let found = places(desktop, mounts);
        let root =
            Path::new("/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice");
        assert_eq!(found[0].parents, [root]);
        assert_eq!(found[1].parents, [root.join("term.scope")]);
        let found = places("0::/\n", mounts);
        assert_eq!(found.len(), 1, "nothing is beside the root: {found:?}");
        let old = "8:pids:/\n4:memory:/box/1\n3:cpu,cpuacct:/\n0::/\n";
        let mounts = "cgroup /cg/memory cgroup rw,memory 0 0\ncgroup /cg/pids cgroup rw,pids 0 0\n";
        let found = places(old, mounts);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].parents, [Path::new("/cg/memory/box/1"), Path::new("/cg/pids/")]);
        assert!(places("0::/../other\n", "cgroup2 /c cgroup2 rw 0 0\n").is_empty());
        assert!(places("", "").is_empty());
    }

    #[test]
    fn what_the_kernel_counted_is_read() {
        let events = "low 0\nhigh 0\nmax 17\noom 2\noom_kill 3\noom_group_kill 0\n";
        assert_eq!(event(events, "oom_kill"), Some(3));
        assert_eq!(event(events, "max"), Some(17));
        assert_eq!(event("oom_kill many\n", "oom_kill"), None);
        assert_eq!(event("", "max"), None);
    }

    #[test]
    fn a_group_gets_its_caps_and_goes_with_its_owner() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("cgroup.subtree_control"), "cpu memory pids\n").unwrap();
        let place = Place { kind: Kind::Unified, parents: vec![root.path().to_owned()] };
        let leaf = Leaf::make_at(&place, CAPS, "lcc-1").unwrap();
        let folder = root.path().join("lcc-1");
        let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
        assert_eq!((read("memory.max"), read("pids.max")), ("1073741824".into(), "300".into()));
        fs::write(folder.join("memory.current"), "77\n").unwrap();
        fs::write(folder.join("pids.current"), "4\n").unwrap();
        fs::write(folder.join("memory.events"), "oom_kill 2\n").unwrap();
        assert_eq!(leaf.used(), Some(Use { memory: 77, processes: 4 }));
        assert_eq!(leaf.events(), (2, 0));
        leaf.take_in(&BTreeSet::from([12])).unwrap();
        assert_eq!(read("cgroup.procs"), "12");
        for file in fs::read_dir(&folder).unwrap() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
        drop(leaf);
        assert!(!folder.exists());
    }

    #[test]
    fn groups_of_the_dead_are_removed_and_no_others() {
        let root = tempfile::tempdir().unwrap();
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        ended.wait().unwrap();
        let own = format!("lcc-{}-1", std::process::id());
        let dead = format!("lcc-{}-7", ended.id());
        for name in [&own, &dead, "lcc-x", "other-1"].map(|name: &str| name.to_owned()) {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        bury(root.path());
        assert!(!root.path().join(dead).exists());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 3);
    }

    #[test]
    fn without_the_controllers_there_is_no_group() {
        let root = tempfile::tempdir().unwrap();
        let place = Place { kind: Kind::Unified, parents: vec![root.path().to_owned()] };
        assert!(Leaf::make_at(&place, CAPS, "lcc-1").is_err());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }
}
