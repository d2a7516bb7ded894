//! The rows of the `[attention]` table, and of the lines kept above the pane.

use super::Entry;

/// A row that stands in `[attention]`.
const fn row(
    name: &'static str,
    kind: &'static str,
    default: &'static str,
    example: &'static str,
    env: &'static str,
    doc: &'static str,
) -> Entry {
    Entry { table: Some("attention"), name, kind, default, example, env, flag: None, doc }
}

pub(super) const SCROLLBACK: Entry = Entry {
    table: None,
    name: "scrollback",
    kind: "whole number of lines",
    default: "10000",
    example: "scrollback = 10000",
    env: "LCC_SCROLLBACK",
    flag: None,
    doc: "Lines kept above Claude Code's pane, 0 to 200,000. A full line of 200 columns takes \
          about 5 KB.",
};
pub(super) const AFTER: Entry = row(
    "after",
    "whole number of seconds",
    "20",
    "after = 60",
    "LCC_ATTENTION_AFTER",
    "You are called when a turn of at least so many seconds has ended while you look elsewhere; \
     0 never calls for that. You are also called when Claude Code waits for an answer in the \
     midst of a turn, when the next request will not fit the window, and when Claude Code ends \
     by itself; never while the terminal has the focus.",
);
pub(super) const BELL: Entry = row(
    "bell",
    "true or false",
    "true",
    "bell = false",
    "LCC_ATTENTION_BELL",
    "Whether a call rings the terminal's bell.",
);
pub(super) const NOTIFY: Entry = row(
    "notify",
    "auto, osc9, osc777, osc99 or off",
    "auto",
    "notify = \"osc777\"",
    "LCC_ATTENTION_NOTIFY",
    "How a call has the terminal notify. With `auto` in the form it understands, by its name; \
     the others are for a terminal that lcc takes for another one.",
);
pub(super) const PROGRESS: Entry = row(
    "progress",
    "true or false",
    "true",
    "progress = false",
    "LCC_ATTENTION_PROGRESS",
    "Whether the task bar shows how far a prompt has been read (OSC 9;4), where the terminal is \
     known to do that.",
);
pub(super) const COMMAND: Entry = row(
    "command",
    "list of texts: a program and its arguments",
    "(none)",
    "command = [\"notify-send\", \"lcc\", \"look here\"]",
    "LCC_ATTENTION_COMMAND",
    "Run at each call, outside the sandbox, in your home folder, for 30 seconds at most. \
     `LCC_EVENT` (turn-ended, waits, window-full, claude-ended), `LCC_TEXT` and `LCC_PROJECT` \
     tell it what happened.",
);
pub(super) const WEBHOOK: Entry = row(
    "webhook",
    "URL on this machine",
    "(none)",
    "webhook = \"http://127.0.0.1:9000/lcc\"",
    "LCC_ATTENTION_WEBHOOK",
    "Where each call is posted to as JSON with `event`, `text` and `project`. Only `http` to \
     127.0.0.1, ::1 or localhost.",
);
