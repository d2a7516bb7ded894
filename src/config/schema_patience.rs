//! The row of patience: what the client hears while the server is silent.

use super::Entry;

pub(super) const PING_SECONDS: Entry = Entry {
    table: None,
    name: "ping_seconds",
    kind: "whole number of seconds, 0 to 60",
    default: "5",
    example: "ping_seconds = 5",
    env: "LCC_PING_SECONDS",
    flag: None,
    doc: "After so many seconds of silence Claude Code gets the head of the answer and a ping, and \
          one more after each such silence, so that nothing between it and the server can think \
          the line dead. 0 sends none: the head then comes from the server alone.",
};
