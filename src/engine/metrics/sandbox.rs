//! What holds Claude Code in, what tried to leave it, and what that comes to.

use std::collections::BTreeMap;

use crate::{
    domain::{Egress, EgressWay, Tier},
    protocol::{EgressFigures, LimitFigures, SandboxFigures},
};

/// Different attempts that are kept apart; what comes after them is counted alone.
const KEPT: usize = 64;
/// Attempts that are listed, the newest first.
const LISTED: usize = 12;

/// The tier in force and its counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Sandbox {
    start: Option<(Tier, u64, u64)>,
    /// Calls refused at the proxy, for whatever reason.
    refused: u64,
    /// Attempts to leave, by what they were; the number tells which came last.
    attempts: BTreeMap<(Option<String>, String, EgressWay), (u64, u64)>,
    stopped: u64,
    /// Bytes of the requests' bodies.
    sent: u64,
    watch: Watch,
}

/// What is watched besides the attempts; all of it is measured by the engine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Watch {
    /// Bytes that the kernel accepted for any destination but lcc's proxy; `None`: not measured.
    pub left_bytes: Option<u64>,
    /// The host of the server, where lcc itself sends prompts to another machine.
    pub remote: Option<String>,
    /// Caps, what they are held by, and what is used.
    pub limits: Option<LimitFigures>,
    /// What this tier lacks, in whole sentences.
    pub lacks: Vec<String>,
    /// What stopped the last child, in words.
    pub ended: Option<String>,
}

impl Sandbox {
    pub(super) fn started(&mut self, tier: Tier, probes: u64, blocked: u64) {
        self.start = Some((tier, probes, blocked));
    }

    pub(super) fn refused(&mut self) {
        self.refused += 1;
    }

    pub(super) fn sent(&mut self, bytes: u64) {
        self.sent = self.sent.saturating_add(bytes);
    }

    pub(super) fn watched(&mut self, watch: Watch) {
        self.watch = watch;
    }

    pub(super) fn egress(&mut self, egress: &Egress) {
        self.stopped += egress.times;
        let key = (egress.program.clone(), egress.destination.clone(), egress.how);
        if self.attempts.contains_key(&key) || self.attempts.len() < KEPT {
            let (times, last) = self.attempts.entry(key).or_default();
            *times += egress.times;
            *last = self.stopped;
        }
    }

    pub(super) fn figures(&self) -> SandboxFigures {
        let mut egress: Vec<_> = self.attempts.iter().collect();
        egress.sort_by_key(|(_, (_, last))| std::cmp::Reverse(*last));
        SandboxFigures {
            tier: self.start.map(|(tier, ..)| tier),
            probes: self.start.map(|(_, probes, _)| probes),
            blocked: self.start.map(|(.., blocked)| blocked),
            egress_blocked: self.stopped,
            refused_calls: self.refused,
            egress: egress
                .into_iter()
                .take(LISTED)
                .map(|((program, destination, how), (times, _))| EgressFigures {
                    program: program.clone(),
                    destination: destination.clone(),
                    how: *how,
                    times: *times,
                })
                .collect(),
            left_bytes: self.watch.left_bytes,
            remote: self.watch.remote.clone(),
            remote_bytes: self.watch.remote.is_some().then_some(self.sent),
            limits: self.watch.limits.clone(),
            lacks: self.watch.lacks.clone(),
            ended: self.watch.ended.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn try_out(sandbox: &mut Sandbox, program: &str, destination: &str, times: u64) {
        let how = EgressWay::Connect;
        sandbox
            .egress(&Egress { times, ..Egress::new(Some(program.to_owned()), destination, how) });
    }

    #[test]
    fn attempts_are_summed_and_the_newest_comes_first() {
        let mut sandbox = Sandbox::default();
        try_out(&mut sandbox, "curl", "127.0.0.77:80", 2);
        try_out(&mut sandbox, "node", "127.0.0.78:443", 1);
        try_out(&mut sandbox, "curl", "127.0.0.77:80", 3);
        let figures = sandbox.figures();
        assert_eq!(figures.egress_blocked, 6);
        let list: Vec<_> =
            figures.egress.iter().map(|e| (e.destination.as_str(), e.times)).collect();
        assert_eq!(list, [("127.0.0.77:80", 5), ("127.0.0.78:443", 1)]);
        assert_eq!(figures.left_bytes, None, "nobody has measured yet");
    }

    #[test]
    fn a_flood_of_destinations_is_counted_and_stays_small() {
        let mut sandbox = Sandbox::default();
        for n in 0..10_000 {
            try_out(&mut sandbox, "scan", &format!("127.0.0.1:{n}"), 1);
        }
        let figures = sandbox.figures();
        assert_eq!(figures.egress_blocked, 10_000);
        assert_eq!(figures.egress.len(), LISTED);
        assert_eq!(sandbox.attempts.len(), KEPT);
    }
}
