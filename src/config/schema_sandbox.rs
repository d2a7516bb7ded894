//! The rows of the `[sandbox]` table: what the sandboxed program gets besides the project.

use super::Entry;

pub(super) const ADD_DIRS: Entry = Entry {
    table: Some("sandbox"),
    name: "add_dirs",
    kind: "list of folders",
    default: "(none)",
    example: "add_dirs = [\"/data/models\", \"/home/me/notes:rw\"]",
    env: "LCC_ADD_DIRS",
    flag: Some("--add-dir"),
    doc: "Folders that Claude Code may read besides the project; with `:rw` at its end a folder \
          may be written, too. The flag adds to this list. In the variable folders stand between \
          commas.",
};
pub(super) const PASS_ENV: Entry = Entry {
    table: Some("sandbox"),
    name: "env",
    kind: "list of variables",
    default: "(none)",
    example: "env = [\"RUST_LOG\", \"MYAPP_*\"]",
    env: "LCC_PASS_ENV",
    flag: None,
    doc: "Variables of your environment that pass into the sandbox besides the few that always \
          do. What looks like a secret by its name or its value passes only when its name \
          stands here in full, never by a `*`.",
};
