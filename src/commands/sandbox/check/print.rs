//! The table of escape attempts for people.

use std::io::{self, Write};

use super::{LEAST_OPEN, Printed};
use crate::{
    domain::Tier,
    engine::sandbox::probes::{Group, Outcome, Tried},
};

/// Writes the table, what is wrong, and the totals.
pub(super) fn table(printed: &Printed, out: &mut impl Write) -> io::Result<()> {
    let widest = printed.attempts.iter().map(|tried| tried.name.chars().count()).max();
    let width = widest.unwrap_or_default();
    for group in Group::ALL {
        let mut of_group = printed.attempts.iter().filter(|tried| tried.group == group).peekable();
        if of_group.peek().is_some() {
            writeln!(out, "{}", group.name())?;
        }
        for tried in of_group {
            writeln!(out, "{}", line(tried, width))?;
        }
    }
    for touched in &printed.touched {
        writeln!(out, "  TOUCHED: {touched}")?;
    }
    for note in &printed.notes {
        writeln!(out, "  note: {note}")?;
    }
    writeln!(out, "\n{}", verdict(printed))
}

/// `  101  read a secret …   blocked   mounts         ENOENT`; what was seen, where it matters.
fn line(tried: &Tried, width: usize) -> String {
    let pad = width.saturating_sub(tried.name.chars().count());
    let seen = match (&tried.outcome, &tried.error) {
        (Outcome::Blocked { .. }, Some(error)) => error.as_str(),
        (outcome, _) => outcome.detail(),
    };
    let (name, word, layer) = (tried.name, tried.outcome.word(), tried.layer.name());
    format!("  {}  {name}{:pad$}  {word:<8}  {layer:<13}  {seen}", tried.number, "")
        .trim_end()
        .to_owned()
}

fn verdict(printed: &Printed) -> String {
    let totals = &printed.totals;
    let who = if printed.user == 0 { "root".to_owned() } else { format!("user {}", printed.user) };
    let canaries = match printed.touched.len() {
        1 => "1 canary".to_owned(),
        n => format!("{n} canaries"),
    };
    let counts = format!(
        "{} attempts: {} blocked, {} open, {} unproved, {} noted; {canaries} touched; {} ms, \
         Linux {}, as {who}",
        totals.attempts,
        totals.blocked,
        totals.open,
        totals.unproved,
        totals.notes,
        printed.took_ms,
        printed.kernel,
    );
    let word = match (printed.tier, printed.holds) {
        (Tier::Off, true) => format!(
            "Without a sandbox {} of them go through ({LEAST_OPEN} must): they can fail.",
            totals.open
        ),
        (Tier::Off, false) => format!(
            "Without a sandbox only {} of them go through ({LEAST_OPEN} must): on this machine \
             they prove less than they should.",
            totals.open
        ),
        (Tier::Strict | Tier::Reduced, true) => format!("The {} sandbox holds.", printed.tier),
        (Tier::Strict | Tier::Reduced, false) => {
            format!("The {} sandbox DOES NOT HOLD: Claude Code would not be started.", printed.tier)
        }
    };
    format!("{counts}\n{word}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::sandbox::probes::{Layer, Totals};

    fn tried(number: u16, outcome: Outcome, error: Option<&str>) -> Tried {
        Tried {
            number,
            group: if number < 200 { Group::Files } else { Group::Network },
            name: if number < 200 { "read a secret" } else { "connect" },
            tries: "Tries.",
            layer: Layer::Mounts,
            outcome,
            error: error.map(str::to_owned),
            promised: true,
        }
    }

    #[test]
    fn the_table_shows_what_was_seen() {
        let blocked = Outcome::Blocked { errno: Some(2), detail: "No such file".to_owned() };
        let printed = Printed {
            version: 1,
            tier: Tier::Strict,
            project: None,
            user: 1000,
            kernel: "6.12.1".to_owned(),
            took_ms: 120,
            holds: false,
            totals: Totals { attempts: 3, blocked: 2, open: 1, unproved: 0, notes: 0 },
            attempts: vec![
                tried(101, blocked, Some("ENOENT")),
                tried(102, Outcome::blocked("all sets are empty"), None),
                tried(501, Outcome::open("it connected"), None),
            ],
            touched: vec!["a connection from 127.0.0.1:9 reached the host".to_owned()],
            notes: vec!["a note".to_owned()],
        };
        let mut text = Vec::new();
        table(&printed, &mut text).unwrap();
        insta::assert_snapshot!(String::from_utf8(text).unwrap(), @r"
        files
          101  read a secret  blocked   mounts         ENOENT
          102  read a secret  blocked   mounts         all sets are empty
        network
          501  connect        OPEN      mounts         it connected
          TOUCHED: a connection from 127.0.0.1:9 reached the host
          note: a note

        3 attempts: 2 blocked, 1 open, 0 unproved, 0 noted; 1 canary touched; 120 ms, Linux 6.12.1, as user 1000
        The strict sandbox DOES NOT HOLD: Claude Code would not be started.
        ");
    }
}
