//! Caps on what a sandboxed tree may use, and what ended it, in words.

pub mod cgroup;
mod guard;
pub mod scope;
pub mod tree;

use std::{os::unix::process::ExitStatusExt, path::PathBuf, process::ExitStatus};

use nix::sys::signal::Signal;

use crate::domain::units;

pub use guard::{Guard, HeldBy, Standing, Watched, start};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// Memory that a tree may always have: Claude Code alone takes half of it.
const MEMORY_LEAST: u64 = 2 * GIB;
/// Memory that a tree gets at most unless the user says otherwise: the model needs the rest.
const MEMORY_MOST: u64 = 16 * GIB;
/// Exit codes from here on stand for signals, as shells have it.
const SIGNALS: i32 = 128;

/// The caps; 0 stands for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory, all processes together.
    pub memory: u64,
    /// Processes (threads where the kernel counts) at once.
    pub processes: u64,
    /// Bytes that must stay free on the disks of project and state.
    pub disk_free: u64,
}

/// What the user set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// MiB of memory; `None`: what fits the machine.
    pub memory: Option<u64>,
    /// Processes.
    pub processes: u64,
    /// MiB of free disk.
    pub disk_free: u64,
}

/// The caps for a machine with this much memory (bytes).
#[must_use]
pub fn limits(asked: Asked, machine_memory: u64) -> Limits {
    let usual = (machine_memory / 2).clamp(MEMORY_LEAST, MEMORY_MOST);
    Limits {
        memory: asked.memory.map_or(usual, |mib| mib.saturating_mul(MIB)),
        processes: asked.processes,
        disk_free: asked.disk_free.saturating_mul(MIB),
    }
}

/// lcc itself ended the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// It took more memory than it may.
    Memory {
        /// Bytes.
        used: u64,
        /// Bytes.
        cap: u64,
    },
    /// It had more processes than it may.
    Processes {
        /// How many.
        used: u64,
        /// The cap.
        cap: u64,
    },
    /// A disk is almost full.
    Disk {
        /// What lies on it.
        place: PathBuf,
        /// Bytes.
        free: u64,
        /// Bytes.
        least: u64,
    },
}

/// What the kernel did to the tree, as counted at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Processes killed because the tree reached its cap of memory.
    pub oom_kills: u64,
    /// Processes refused because the tree reached its cap of processes.
    pub refused_processes: u64,
    /// Processes killed on the whole machine, since the start, because its memory ran out.
    pub machine_oom_kills: u64,
}

/// Whether there is more to tell of the end than an exit code.
#[must_use]
pub fn worth_telling(stop: Option<&Stop>, seen: Seen, status: ExitStatus) -> bool {
    let killed = signal(status) == Some(Signal::SIGKILL);
    stop.is_some()
        || seen.oom_kills > 0
        || seen.refused_processes > 0
        || killed && seen.machine_oom_kills > 0
}

/// What ended the program, as the end of a sentence that begins with its name.
#[must_use]
pub fn words(status: ExitStatus, stop: Option<&Stop>, seen: Seen, limits: Limits) -> String {
    if let Some(stop) = stop {
        return stopped(stop);
    }
    let mut said = match signal(status) {
        Some(Signal::SIGKILL) if seen.oom_kills > 0 => format!(
            "was killed by the kernel: together its processes reached the cap of {} of memory \
             (limits.memory)",
            units::bytes(limits.memory)
        ),
        Some(Signal::SIGKILL) if seen.machine_oom_kills > 0 => {
            "was killed by the kernel: the machine ran out of memory. A smaller window or model \
             leaves it more"
                .to_owned()
        }
        Some(signal) => format!("was ended by signal {} ({signal})", signal as i32),
        None => match status.code() {
            Some(0) => "ended".to_owned(),
            Some(code) => format!("ended with exit code {code}"),
            None => format!("ended: {status}"),
        },
    };
    if seen.oom_kills > 0 && signal(status) != Some(Signal::SIGKILL) {
        said.push_str(&format!(
            "; before, the kernel killed {} of its processes at the cap of {} of memory \
             (limits.memory)",
            units::count(seen.oom_kills),
            units::bytes(limits.memory)
        ));
    }
    if seen.refused_processes > 0 {
        said.push_str(&format!(
            "; {} new processes were refused at the cap of {} (limits.processes)",
            units::count(seen.refused_processes),
            units::count(limits.processes)
        ));
    }
    said
}

fn stopped(stop: &Stop) -> String {
    match stop {
        Stop::Memory { used, cap } => format!(
            "was ended by lcc: its processes took {} of memory, {} are allowed (limits.memory)",
            units::bytes(*used),
            units::bytes(*cap)
        ),
        Stop::Processes { used, cap } => format!(
            "was ended by lcc: it had {} processes, {} are allowed (limits.processes)",
            units::count(*used),
            units::count(*cap)
        ),
        Stop::Disk { place, free, least } => format!(
            "was ended by lcc: {} is left on the disk of {}, and {} must stay free \
             (limits.disk_free)",
            units::bytes(*free),
            place.display(),
            units::bytes(*least)
        ),
    }
}

/// The signal, told by the system or, from inside a sandbox, by the exit code.
fn signal(status: ExitStatus) -> Option<Signal> {
    let inside = status.code().map(|code| code - SIGNALS).filter(|number| *number > 0);
    status.signal().or(inside).and_then(|number| Signal::try_from(number).ok())
}

/// Bytes below which free space must not fall. A disk that was almost full at the start is no
/// reason to refuse: then half of what there was is kept.
#[must_use]
pub fn floor(disk_free: u64, free_at_start: u64) -> u64 {
    if free_at_start >= disk_free { disk_free } else { free_at_start / 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPS: Limits = Limits { memory: 8 * GIB, processes: 300, disk_free: GIB };

    #[test]
    fn the_caps_fit_the_machine() {
        let usual = Asked { memory: None, processes: 0, disk_free: 10 };
        for (memory, expected) in [(GIB, 2), (8 * GIB, 4), (24 * GIB, 12), (128 * GIB, 16)] {
            assert_eq!(limits(usual, memory).memory, expected * GIB);
        }
        let asked = Asked { memory: Some(512), ..usual };
        let set = limits(asked, 64 * GIB);
        assert_eq!((set.memory, set.processes, set.disk_free), (512 * MIB, 0, 10 * MIB));
        assert_eq!(limits(Asked { memory: Some(u64::MAX), ..asked }, GIB).memory, u64::MAX);
    }

    #[test]
    fn every_end_has_its_words() {
        let exit = |code: i32| ExitStatus::from_raw(code << 8);
        let none = Seen::default();
        let oom = Seen { oom_kills: 1, ..none };
        let machine = Seen { machine_oom_kills: 1, ..none };
        let forks = Seen { refused_processes: 1_200, ..none };
        let place = PathBuf::from("/srv/p");
        let memory = Stop::Memory { used: 9 * GIB, cap: 8 * GIB };
        let processes = Stop::Processes { used: 301, cap: 300 };
        let disk = Stop::Disk { place, free: MIB, least: GIB };
        for (status, stop, seen, expected) in [
            (exit(0), None, none, "ended"),
            (exit(3), None, none, "ended with exit code 3"),
            (exit(137), None, none, "was ended by signal 9 (SIGKILL)"),
            (exit(143), None, none, "was ended by signal 15 (SIGTERM)"),
            (ExitStatus::from_raw(11), None, none, "was ended by signal 11 (SIGSEGV)"),
            (exit(137), None, oom, "killed by the kernel: together its processes reached the cap"),
            (ExitStatus::from_raw(9), None, machine, "the machine ran out of memory"),
            (exit(0), None, oom, "ended; before, the kernel killed 1 of its processes"),
            (exit(1), None, forks, "1,200 new processes were refused at the cap of 300"),
            (exit(137), Some(&memory), none, "took 9.0 GB of memory"),
            (exit(137), Some(&processes), oom, "it had 301 processes, 300 are allowed"),
            (exit(137), Some(&disk), none, "left on the disk of /srv/p"),
            (exit(255), None, none, "ended with exit code 255"),
        ] {
            let words = words(status, stop, seen, CAPS);
            let expected = expected.replace("9.0 GB", &units::bytes(9 * GIB));
            assert!(words.contains(&expected), "{words:?} lacks {expected:?}");
        }
    }

    #[test]
    fn an_almost_full_disk_is_no_reason_to_refuse() {
        assert_eq!(floor(GIB, 5 * GIB), GIB);
        assert_eq!(floor(GIB, GIB), GIB);
        assert_eq!(floor(GIB, 100), 50);
        assert_eq!(floor(0, 0), 0);
    }
}
