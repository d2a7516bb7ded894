//! The row of the file that requests are written into.

use super::Entry;

pub(super) const LOG_BODIES: Entry = Entry {
    table: None,
    name: "log_bodies",
    kind: "path",
    default: "(nothing is written)",
    example: "log_bodies = \"/home/ada/lcc-bodies.jsonl\"",
    env: "LCC_LOG_BODIES",
    flag: Some("--log-bodies"),
    doc: "A file outside the project to which the body of every request is appended, one JSON \
          object a line. It holds all that the model is shown: your code, your words, what \
          commands printed. lcc makes it with mode 0600, refuses one that others may read, and \
          says at the start that it writes. Without this setting nothing of a request is kept.",
};
