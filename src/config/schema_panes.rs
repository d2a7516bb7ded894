//! The rows of the settings for how lcc shows itself.

use super::Entry;

pub(super) const SCREEN_READER: Entry = Entry {
    table: None,
    name: "screen_reader",
    kind: "true or false",
    default: "false",
    example: "screen_reader = true",
    env: "LCC_SCREEN_READER",
    flag: Some("--screen-reader"),
    doc: "For a screen reader: lcc draws no frames and no bars, and says every change of state in \
          one plain line under Claude Code; Claude Code is started with its own \
          `--ax-screen-reader` where its version knows it.",
};
