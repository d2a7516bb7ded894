//! The row of the setting for the clipboard.

use super::Entry;

pub(super) const CLIPBOARD: Entry = Entry {
    table: None,
    name: "clipboard",
    kind: "ask, allow or never",
    default: "ask",
    example: "clipboard = \"allow\"",
    env: "LCC_CLIPBOARD",
    flag: None,
    doc: "What happens when Claude Code, or a program it runs, puts text into the clipboard of your \
          terminal (OSC 52): you are asked and can say always, it is let through, or it is dropped. \
          At most 1 MiB, once a second. The clipboard is never read for it.",
};
