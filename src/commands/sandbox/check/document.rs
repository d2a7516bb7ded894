//! The list of escape attempts as a page of the documentation.

use std::fmt::Write;

use crate::engine::sandbox::{
    linux::inner::{Battery, cases},
    probes::{Group, Layer},
};

const HEAD: &str = "\
# The escape attempts on Linux

This page is made from the code (`UPDATE_DOCS=1 cargo nextest run --test sandbox_check`).

Before Claude Code starts, a process behind the very restrictions that it will have tries to get \
out. The host has planted things for it: secrets in files beside the project, in lcc's state \
folder, in `/tmp` and in `/dev/shm`, one in the environment of a process, one in the session's \
keyring, one in shared memory, an open descriptor, listening sockets on three loopback addresses, \
UDP sockets, local sockets with and without a file, a terminal. An attempt counts as stopped when \
the system answered with an error that a layer of the sandbox gives, and the host then finds its \
canaries untouched. What cannot be tried counts as failed, and when anything failed nothing is \
started.

`lcc sandbox check` makes all of them and prints how each ended, with the error number; \
`--json` prints the same as JSON. Without `--project` it uses a throw-away project. It exits with \
0 when all are stopped, 1 when one is not, 2 for wrong arguments and 4 when this machine gives no \
such sandbox. `lcc sandbox check --negative-control` makes them without a sandbox, on throw-away \
targets, and shows that most go through then.

The layer is the one that should stop an attempt; often others would stop it as well. Attempts \
marked \u{2013} are made by the command alone, the others at every start. Those whose layer is \
*none* work by design; they are listed so that nobody takes them for stopped.

While Claude Code runs, and at its end, lcc looks again from outside: at the network, file view, \
user numbers, system-call filters and capabilities of every process inside, at the mounts, and at \
the canaries (`recheck_minutes` in the configuration).
";

/// The page.
#[must_use]
pub fn page() -> String {
    let cases = cases(Battery::Full);
    let mut page = HEAD.to_owned();
    let start = cases.iter().filter(|case| case.at_start).count();
    // Writing to a string cannot fail.
    let _infallible = writeln!(
        page,
        "\nThere are {} attempts; {start} of them are made at every start.",
        cases.len()
    );
    for group in Group::ALL {
        let _infallible = writeln!(
            page,
            "\n## {}\n\n| no. | attempt | what it does | layer | start |\n|---|---|---|---|---|",
            capital(group.name())
        );
        for case in cases.iter().filter(|case| case.group == group) {
            let layer = match case.layer {
                Layer::Nothing => "*none*",
                other => other.name(),
            };
            let mark = if case.at_start { "\u{2713}" } else { "\u{2013}" };
            let _infallible = writeln!(
                page,
                "| {} | {} | {} | {layer} | {mark} |",
                case.number, case.name, case.tries
            );
        }
    }
    page
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
