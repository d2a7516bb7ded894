//! The guard of a running tree: puts it under its caps, watches what the kernel does not, and ends
//! it where a cap is crossed.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use super::{
    Limits, Seen, Stop,
    cgroup::{Leaf, PREFIX},
    floor, scope,
    tree::{self, Use},
};

/// Between two looks. The watchdog is late by as much.
const TICK: Duration = Duration::from_millis(250);
/// Looks until everything the tree started meanwhile is in its group.
const ROUNDS: u32 = 20;

/// Number of the next group of this lcc.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// What holds the caps of memory and processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HeldBy {
    /// lcc looks, and ends the tree.
    #[default]
    Watchdog,
    /// A control group that lcc made.
    Group,
    /// A scope of the user's systemd.
    Scope,
}

impl HeldBy {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Watchdog => "watchdog",
            Self::Group => "cgroup",
            Self::Scope => "systemd scope",
        }
    }
}

/// How a tree stands against its caps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// What holds them.
    pub held_by: HeldBy,
    /// What the tree takes; `None` before the first look.
    pub used: Option<Use>,
    /// Bytes free on the fuller one of the watched disks.
    pub disk_free: Option<u64>,
    /// Bytes by which free space shrank since the start, on the disk where it shrank most.
    pub disk_taken: u64,
    /// Why lcc ended the tree, if it did.
    pub stop: Option<Stop>,
    /// What the kernel did.
    pub seen: Seen,
}

/// A tree to guard.
pub struct Watched<K> {
    /// Its uppermost process.
    pub root: u32,
    /// Places whose disks must not fill up.
    pub places: Vec<PathBuf>,
    /// Ends the tree.
    pub kill: K,
}

/// Watches until it is dropped.
#[derive(Debug)]
pub struct Guard {
    shared: Arc<Shared>,
    limits: Limits,
    watching: Option<thread::JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<(Standing, bool)>,
    over: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, (Standing, bool)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guard {
    /// How the tree stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.shared.lock().0.clone()
    }

    /// Looks a last time, once the tree has ended, and stops watching.
    #[must_use]
    pub fn finish(mut self) -> Standing {
        self.over();
        if let Some(watching) = self.watching.take() {
            // A look that panicked leaves what it saw before.
            let _panicked = watching.join();
        }
        self.standing()
    }

    fn over(&self) {
        self.shared.lock().1 = true;
        self.shared.over.notify_all();
    }

    /// The caps.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.over();
    }
}

/// Puts a tree under its caps, on a thread of its own: the start does not wait for it.
///
/// # Errors
/// When there is no thread to be had.
pub fn start<K: Fn() + Send + 'static>(watched: Watched<K>, limits: Limits) -> io::Result<Guard> {
    start_with(watched, limits, Tools { free, hold })
}

/// How the guard looks and holds.
#[derive(Clone, Copy)]
struct Tools {
    /// Bytes free on the disk of a place.
    free: fn(&Path) -> io::Result<u64>,
    /// Puts a tree under the kernel's caps, where this user may.
    hold: fn(u32, Limits) -> Option<(Leaf, HeldBy)>,
}

fn start_with<K: Fn() + Send + 'static>(
    watched: Watched<K>,
    limits: Limits,
    tools: Tools,
) -> io::Result<Guard> {
    let shared = Arc::new(Shared::default());
    let told = Arc::clone(&shared);
    let watching = thread::Builder::new()
        .name("lcc-limits".to_owned())
        .spawn(move || watch(&watched, limits, tools, &told))?;
    Ok(Guard { shared, limits, watching: Some(watching) })
}

fn watch<K: Fn()>(watched: &Watched<K>, limits: Limits, tools: Tools, shared: &Shared) {
    let Tools { free, hold } = tools;
    let before = machine_kills();
    let disks: Vec<(&PathBuf, u64)> =
        watched.places.iter().filter_map(|place| Some((place, free(place).ok()?))).collect();
    let group = hold(watched.root, limits);
    loop {
        let mut now = Standing::default();
        if let Some((leaf, held_by)) = &group {
            let (oom_kills, refused_processes) = leaf.events();
            now.held_by = *held_by;
            now.used = leaf.used();
            now.seen = Seen { oom_kills, refused_processes, machine_oom_kills: 0 };
        } else {
            now.used = Some(tree::used(&tree::below(watched.root)));
        }
        now.seen.machine_oom_kills = machine_kills().saturating_sub(before);
        now.stop = group.is_none().then(|| crossed(now.used, limits)).flatten();
        for (place, at_start) in &disks {
            let Ok(free) = free(place) else { continue };
            now.disk_free = Some(now.disk_free.map_or(free, |least| least.min(free)));
            now.disk_taken = now.disk_taken.max(at_start.saturating_sub(free));
            let least = floor(limits.disk_free, *at_start);
            if free < least {
                let place = (*place).clone();
                now.stop = now.stop.or(Some(Stop::Disk { place, free, least }));
            }
        }
        let mut state = shared.lock();
        // What was counted before a group vanished with its last process stays counted.
        let was = &state.0.seen;
        now.seen.oom_kills = now.seen.oom_kills.max(was.oom_kills);
        now.seen.refused_processes = now.seen.refused_processes.max(was.refused_processes);
        let stop = state.0.stop.clone().or(now.stop.take());
        let kill = stop.is_some();
        now.stop = stop;
        state.0 = now;
        if state.1 {
            return;
        }
        if kill {
            drop(state);
            (watched.kill)();
            state = shared.lock();
        }
        // Once it is over, one more look follows: the group's counts are still there.
        if !state.1 {
            drop(shared.over.wait_timeout(state, TICK));
        }
    }
}

/// The first cap that is crossed; 0 is no cap.
fn crossed(used: Option<Use>, limits: Limits) -> Option<Stop> {
    let Use { memory, processes } = used?;
    if limits.memory > 0 && memory > limits.memory {
        return Some(Stop::Memory { used: memory, cap: limits.memory });
    }
    (limits.processes > 0 && processes > limits.processes)
        .then_some(Stop::Processes { used: processes, cap: limits.processes })
}

/// Puts the tree under the kernel's caps, if this user may; `None`: the watchdog holds them.
fn hold(root: u32, limits: Limits) -> Option<(Leaf, HeldBy)> {
    if limits.memory == 0 && limits.processes == 0 {
        return None;
    }
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("{PREFIX}{}-{number}", std::process::id());
    if scope::available() {
        match scope::make(limits, &name, &tree::below(root)) {
            Ok(folder) => return Some((Leaf::of_systemd(folder), HeldBy::Scope)),
            Err(error) => tracing::debug!("no systemd scope: {error}"),
        }
    }
    let group = Leaf::make(limits, &name).and_then(|leaf| {
        let mut taken = std::collections::BTreeSet::new();
        for _ in 0..ROUNDS {
            let new: std::collections::BTreeSet<u32> =
                tree::below(root).difference(&taken).copied().collect();
            if new.is_empty() {
                break;
            }
            leaf.take_in(&new)?;
            taken.extend(new);
        }
        Ok(leaf)
    });
    match group {
        Ok(leaf) => Some((leaf, HeldBy::Group)),
        Err(error) => {
            tracing::debug!("no control group: {error}; lcc watches the caps itself");
            None
        }
    }
}

fn free(place: &Path) -> io::Result<u64> {
    let disk = nix::sys::statvfs::statvfs(place)?;
    #[expect(clippy::useless_conversion, reason = "the types differ between systems")]
    Ok(u64::from(disk.blocks_available()) * u64::from(disk.fragment_size()))
}

/// Processes that the kernel killed for want of memory since the machine started.
fn machine_kills() -> u64 {
    fs::read_to_string("/proc/vmstat")
        .ok()
        .and_then(|text| {
            text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::{atomic::AtomicBool, mpsc};

    use super::*;

    const NONE: Limits = Limits { memory: 0, processes: 0, disk_free: 0 };

    #[test]
    fn a_cap_is_crossed_only_where_there_is_one() {
        let used = Some(Use { memory: 11, processes: 4 });
        for (memory, processes, crosses) in [
            (0, 0, None),
            (11, 4, None),
            (10, 4, Some(Stop::Memory { used: 11, cap: 10 })),
            (0, 3, Some(Stop::Processes { used: 4, cap: 3 })),
        ] {
            assert_eq!(crossed(used, Limits { memory, processes, disk_free: 0 }), crosses);
        }
        assert_eq!(crossed(None, Limits { memory: 1, processes: 1, disk_free: 0 }), None);
    }

    static FULL: AtomicBool = AtomicBool::new(false);

    #[test]
    fn a_disk_that_fills_up_ends_the_tree() {
        let (killed, kills) = mpsc::channel();
        let kill = move || killed.send(()).unwrap_or_default();
        let watched =
            Watched { root: std::process::id(), places: vec![PathBuf::from("/work")], kill };
        let disk = |_: &Path| Ok(if FULL.load(Ordering::SeqCst) { 7 } else { 1_000 });
        let guard =
            start_with(watched, Limits { disk_free: 500, ..NONE }, Tools { free: disk, hold })
                .unwrap();
        // Only once it has seen the empty disk does it fill up.
        while guard.standing().disk_free.is_none() {
            thread::yield_now();
        }
        assert!(kills.try_recv().is_err());
        FULL.store(true, Ordering::SeqCst);
        kills.recv_timeout(Duration::from_secs(30)).unwrap();
        let standing = guard.standing();
        let stop = Stop::Disk { place: "/work".into(), free: 7, least: 500 };
        assert_eq!((standing.stop, standing.disk_taken), (Some(stop), 993));
    }

    /// A shell that a guard without the kernel's caps watches, and what ended it.
    fn watched(script: &str, limits: Limits) -> Standing {
        let mut shell = std::process::Command::new("sh")
            .args(["-c", script])
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let root = shell.id();
        let kill = move || {
            for pid in tree::below(root) {
                let pid = nix::unistd::Pid::from_raw(pid.cast_signed());
                let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
            }
        };
        let tools = Tools { free, hold: |_, _| None };
        let guard = start_with(Watched { root, places: Vec::new(), kill }, limits, tools).unwrap();
        shell.wait().unwrap();
        guard.finish()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn without_the_kernels_help_a_hog_and_a_flood_of_processes_are_ended_too() {
        let cap = 64 << 20;
        // tail keeps a line without an end in memory.
        let hog = "head -c 300000000 /dev/zero | tail | sleep 60";
        let standing = watched(hog, Limits { memory: cap, ..NONE });
        assert!(matches!(standing.stop, Some(Stop::Memory { used, .. }) if used > cap));
        assert_eq!(standing.held_by, HeldBy::Watchdog);
        let flood = "for i in 1 2 3 4 5 6 7 8 9; do sleep 60 & done; wait";
        let standing = watched(flood, Limits { processes: 5, ..NONE });
        assert_eq!(standing.stop, Some(Stop::Processes { used: 10, cap: 5 }));
    }

    #[test]
    fn a_real_disk_has_room_and_a_missing_one_is_left_out() {
        assert!(free(Path::new("/")).unwrap() > 0);
        assert!(free(Path::new("/no/such/place")).is_err());
    }
}
