//! The rows of the `[limits]` table: what Claude Code and its programs may use.

use super::Entry;

/// A row that stands in `[limits]`.
const fn row(
    name: &'static str,
    kind: &'static str,
    default: &'static str,
    example: &'static str,
    env: &'static str,
    doc: &'static str,
) -> Entry {
    Entry { table: Some("limits"), name, kind, default, example, env, flag: None, doc }
}

pub(super) const MEMORY: Entry = row(
    "memory",
    "whole number of MiB",
    "(half of the memory, 2048 to 16384)",
    "memory = 8192",
    "LCC_LIMITS_MEMORY",
    "Memory that Claude Code and all programs it starts may take together; 0 is no cap. Held by a \
     scope of your systemd or a control group where lcc may make one, else by lcc, which looks \
     four times a second.",
);
pub(super) const PROCESSES: Entry = row(
    "processes",
    "whole number",
    "4096",
    "processes = 4096",
    "LCC_LIMITS_PROCESSES",
    "Processes they may have at once; 0 is no cap. A control group counts threads too.",
);
pub(super) const DISK_FREE: Entry = row(
    "disk_free",
    "whole number of MiB",
    "1024",
    "disk_free = 1024",
    "LCC_LIMITS_DISK_FREE",
    "Claude Code is ended when less than this is free on the disk of the project or of lcc's \
     state; 0 never ends it. Where less was free from the start, half of that counts.",
);
