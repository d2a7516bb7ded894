//! vLLM's line of every ten seconds: how busy it is, and nothing of a single prompt.

use crate::domain::ServerLoad;

use super::{
    Said,
    words::{after, decimal, number},
};

/// What a line of vLLM says.
pub(super) fn read(line: &str) -> Option<Said> {
    let rest = after(line, "Avg prompt throughput:")?;
    Some(Said::Load(ServerLoad {
        running: after(rest, "Running:").and_then(number),
        waiting: after(rest, "Waiting:").and_then(number),
        kv_percent: after(rest, "KV cache usage:").and_then(decimal),
        ..ServerLoad::default()
    }))
}
