//! Requests that have no effect on the work: answered by lcc itself or not found.

use std::collections::BTreeMap;

use crate::protocol::NoiseFigures;

/// Paths that are counted one by one; the rest share a line, so that a flood stays small.
const PATHS: usize = 64;
/// The line of all paths beyond [`PATHS`].
const OTHERS: &str = "other paths";

/// Noise so far, by path.
#[derive(Debug, Clone, Default)]
pub(super) struct Noise {
    by_path: BTreeMap<String, u64>,
}

impl Noise {
    pub(super) fn answered(&mut self, path: &str, status: u16, local: bool) {
        if !local && status != 404 {
            return;
        }
        let known = self.by_path.contains_key(path) || self.by_path.len() < PATHS;
        *self.by_path.entry(if known { path } else { OTHERS }.to_owned()).or_default() += 1;
    }

    pub(super) fn figures(&self) -> NoiseFigures {
        NoiseFigures { total: self.by_path.values().sum(), by_path: self.by_path.clone() }
    }
}
