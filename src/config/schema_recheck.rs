//! The row of the looks at a running sandbox.

use super::Entry;

pub(super) const RECHECK_MINUTES: Entry = Entry {
    table: Some("sandbox"),
    name: "recheck_minutes",
    kind: "whole number of minutes, 0 to 1440",
    default: "5",
    example: "recheck_minutes = 5",
    env: "LCC_RECHECK_MINUTES",
    flag: None,
    doc: "While Claude Code runs in the strict sandbox, lcc looks at it from outside every so many \
          minutes and at its end: at the network, file view, filters and capabilities of every \
          process inside, at the mounts, the protected files and the canaries. A layer that is \
          gone ends Claude Code at once. 0 looks at the end alone.",
};
