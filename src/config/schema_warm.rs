//! The rows of the warm start and of the `[snapshots]` table.

use super::Entry;

pub(super) const WARM_START: Entry = Entry {
    table: None,
    name: "warm_start",
    kind: "true or false",
    default: "true",
    example: "warm_start = true",
    env: "LCC_WARM_START",
    flag: None,
    doc: "Has the server read the start of the coming prompt (system prompt and tools, or the \
          resumed conversation) while Claude Code starts and you type. It stops when a real \
          request comes; what was read by then counts.",
};
pub(super) const LIMIT: Entry = Entry {
    table: Some("snapshots"),
    name: "limit",
    kind: "whole number of MiB",
    default: "4096",
    example: "limit = 4096",
    env: "LCC_SNAPSHOTS_LIMIT",
    flag: None,
    doc: "Disk that saved slots may take together; what was not used for longest goes first. 0 \
          saves none. Slots are saved where llama-server has a `--slot-save-path`; `lcc serve` \
          gives it one.",
};
pub(super) const EVERY: Entry = Entry {
    table: Some("snapshots"),
    name: "every",
    kind: "whole number of seconds",
    default: "60",
    example: "every = 60",
    env: "LCC_SNAPSHOTS_EVERY",
    flag: None,
    doc: "Seconds between two saves of a conversation at the least. At the end of a session it is \
          saved in any case.",
};
