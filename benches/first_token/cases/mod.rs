//! The cases, one file each.

mod cold;

use crate::{Options, report::Section};

/// The cases in the order in which they run when none is named.
pub const NAMES: [&str; 1] = ["cold"];

/// The empty report of a case.
pub fn section(case: &str) -> Section {
    match case {
        _ => Section::new(
            "cold",
            "The first turn of a fresh session, the server just started, the same short prompt \
             typed at ten keys a second. Time: from the Enter key to the first token.",
            &["", "tokens sent", "first token", "of these read before"],
        ),
    }
}

/// Runs a case.
pub fn run(case: &str, options: &Options, section: &mut Section) {
    match case {
        _ => cold::run(options, section),
    }
}
