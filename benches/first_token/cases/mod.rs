//! The cases, one file each.

mod cold;
mod grow;
mod side;
mod warm;

use crate::{Options, report::Section};

/// One case of the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    Cold,
    Warm,
    Side,
    Grow,
    Ask,
}

impl Case {
    /// All, in the order in which they run when none is named.
    pub const ALL: [Self; 5] = [Self::Cold, Self::Warm, Self::Side, Self::Grow, Self::Ask];

    /// Its name on the command line and in docs/BENCHMARKS.md.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Warm => "warm",
            Self::Side => "side",
            Self::Grow => "grow",
            Self::Ask => "ask",
        }
    }

    /// Its empty report.
    pub fn section(self) -> Section {
        let (intro, columns): (_, &[&str]) = match self {
            Self::Cold => (
                "The first turn of a fresh session, the server just started, the same short \
                 prompt typed at ten keys a second. Time: from the Enter key to the first token.",
                &["", "tokens sent", "first token", "read while the user typed"],
            ),
            Self::Warm => (
                "The first prompt of a session whose fixed part the server has seen before, typed \
                 at ten keys a second. Time: from the Enter key to the first token.",
                &["", "first token, median (all)", "tokens from cache"],
            ),
            Self::Side => (
                "Claude Code's own hooks send a request without tools (titles and others in turn) \
                 to where it sends its own, at every turn: just before the main request, or when \
                 the turn has ended. Reused: cached tokens of a main prompt ÷ the prompt before.",
                &["", "turns", "side requests at the server", "reused, worst turn", "read again"],
            ),
            Self::Grow => (
                "Every turn shows a file that is longer than the one before; policy `auto`. The \
                 summary is scripted, so a compaction's seconds are its reading alone.",
                &["compaction", "tokens before", "after", "took", "the next prompt read"],
            ),
            Self::Ask => (
                "The same with policy `ask`, and nobody acts on the warning. Too late: the prompt \
                 and a compaction's instruction and summary no longer fit.",
                &["", "warned after turn", "too late after turn", "tokens then", "the warning"],
            ),
        };
        Section::new(self.name(), intro, columns)
    }

    /// Runs it.
    pub fn run(self, options: &Options, section: &mut Section) {
        match self {
            Self::Cold => cold::run(options, section),
            Self::Warm => warm::run(options, section),
            Self::Side => side::run(options, section),
            Self::Grow => grow::auto(options, section),
            Self::Ask => grow::ask(options, section),
        }
    }
}
