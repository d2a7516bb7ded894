//! `SGLang`'s lines: one a chunk of a prompt, with what is left.

use crate::domain::ServerLoad;

use super::{
    Said,
    words::{after, decimal, number},
};

/// What a line of `SGLang` says.
pub(super) fn read(line: &str) -> Option<Said> {
    if line.contains("Decode batch") {
        return Some(Said::Writing { tokens: 0 });
    }
    let batch = after(line, "Prefill batch")?;
    let figure = |name: &str| after(batch, name).and_then(number);
    Some(Said::Chunk {
        new: figure("#new-token:")?,
        cached: figure("#cached-token:")?,
        pending: figure("#pending-token:"),
        load: ServerLoad {
            running: figure("#running-req:"),
            waiting: figure("#queue-req:"),
            kv_percent: after(batch, "token usage:").and_then(decimal).map(|share| share * 100.0),
            ..ServerLoad::default()
        },
    })
}
