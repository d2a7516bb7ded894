//! The eye on the sandbox while Claude Code runs: what tried to leave, what it takes, what it lacks.

use std::{fs, path::Path};

use super::{Engine, child::Life};
use crate::{
    domain::{Egress, Event, Tier, units},
    engine::{access, metrics::Watch, sandbox::egress},
    protocol::{LimitFigures, NoticeLevel},
};

/// Pulses between two looks at the sandbox's network and disks: about a second.
const PULSES: u32 = 10;
/// Free space that may go before a word is said, and again after as much.
const TAKEN: u64 = 10 << 30;

/// What is kept from pulse to pulse.
#[derive(Debug, Default)]
pub(super) struct Watching {
    pulse: u32,
    left_bytes: Option<u64>,
    /// Whether this session's record has begun.
    recorded: bool,
    /// Times that the disk's shrinking was told.
    told: u64,
    /// What the meter was shown last.
    last: Watch,
}

impl Watching {
    /// Keeps an attempt to leave for `lcc report`, beside the project's private home.
    pub(super) fn record(&mut self, home: &Path, attempt: &Egress) {
        let Some(folder) = home.parent() else { return };
        match egress::record(folder, std::slice::from_ref(attempt), !self.recorded) {
            Ok(()) => self.recorded = true,
            Err(e) => tracing::warn!("{}: {e}; lcc report will not list it", folder.display()),
        }
    }
}

impl Engine {
    /// Takes in what was stopped since the last pulse, and how the sandbox stands.
    pub(super) fn watch_sandbox(&mut self) {
        let Some(life) = &self.life else { return };
        let attempts = life.attempts.take();
        let due = self.watching.pulse.is_multiple_of(PULSES);
        self.watching.pulse = self.watching.pulse.wrapping_add(1);
        if !self.watching.recorded {
            // The record of the session before must not pass for this one's.
            if let Some(folder) = self.settings.home.parent() {
                self.watching.recorded = egress::record(folder, &[], true).is_ok();
            }
        }
        let taken = if due { self.look() } else { 0 };
        for attempt in attempts {
            self.happened(Event::Egress(attempt));
        }
        let times = taken / TAKEN;
        if times > self.watching.told {
            self.watching.told = times;
            let text = format!(
                "the disk has {} less free than when Claude Code started",
                units::bytes(taken)
            );
            self.notice(NoticeLevel::Warning, text);
        }
    }

    /// Measures; gives the bytes by which the disk's free space shrank.
    fn look(&mut self) -> u64 {
        let Some(life) = &self.life else { return 0 };
        // What once left has left, whatever a later look says.
        self.watching.left_bytes = match (self.watching.left_bytes, left_bytes(life)) {
            (Some(before), Some(now)) => Some(before.max(now)),
            (None, now) => now,
            (Some(before), None) => (before > 0).then_some(before),
        };
        let standing = life.standing();
        let taken = standing.as_ref().map_or(0, |(_, standing)| standing.disk_taken);
        let watch = Watch {
            left_bytes: self.watching.left_bytes,
            remote: self.line.as_ref().and_then(|line| access::other_machine(&line.server.url)),
            limits: standing.map(|(caps, now)| {
                let cap = |value: u64| (value > 0).then_some(value);
                LimitFigures {
                    held_by: now.held_by.name().to_owned(),
                    memory: cap(caps.memory),
                    memory_used: now.used.map(|used| used.memory),
                    processes: cap(caps.processes),
                    processes_used: now.used.map(|used| used.processes),
                    disk_free_least: cap(caps.disk_free),
                    disk_free: now.disk_free,
                }
            }),
            lacks: life.lacks.clone(),
            ended: self.watching.last.ended.clone(),
        };
        self.show(watch);
        taken
    }

    /// Claude Code ended, and why.
    pub(super) fn note_end(&mut self, message: &str) {
        let ended = Some(message.to_owned());
        self.show(Watch { ended, ..self.watching.last.clone() });
    }

    fn show(&mut self, watch: Watch) {
        self.watching.last = watch.clone();
        self.meter.watch(watch);
    }
}

/// Bytes that the kernel took from the sandbox for any place but lcc; `None` where nothing tells.
fn left_bytes(life: &Life) -> Option<u64> {
    let report = &life.report;
    match report.tier {
        // A network of its own: its interfaces count what they send.
        Tier::Strict if cfg!(target_os = "linux") => {
            let table = fs::read_to_string(format!("/proc/{}/net/dev", life.program())).ok()?;
            egress::bytes_left(&table)
        }
        // The host's network: no socket gets a connection but from the broker, which opens none
        // elsewhere; the probes have tried the other ways.
        Tier::Reduced => (report.probes > 0 && report.probes == report.blocked).then_some(0),
        Tier::Strict | Tier::Off => None,
    }
}
