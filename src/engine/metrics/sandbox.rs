//! What holds Claude Code in, and what was refused at the proxy.

use crate::{domain::Tier, protocol::SandboxFigures};

/// The tier in force and its counts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sandbox {
    start: Option<(Tier, u64, u64)>,
    refused: u64,
}

impl Sandbox {
    pub(super) fn started(&mut self, tier: Tier, probes: u64, blocked: u64) {
        self.start = Some((tier, probes, blocked));
    }

    pub(super) fn refused(&mut self) {
        self.refused += 1;
    }

    pub(super) fn figures(&self) -> SandboxFigures {
        SandboxFigures {
            tier: self.start.map(|(tier, ..)| tier),
            probes: self.start.map(|(_, probes, _)| probes),
            blocked: self.start.map(|(.., blocked)| blocked),
            egress_blocked: self.refused,
        }
    }
}
