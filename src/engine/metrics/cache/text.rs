//! The prompt itself is another than before: where, what of it, and what prevents it.

use crate::{
    domain::{Change, ChangeSign, Difference, Part, units},
    protocol::BreakKind,
};

use super::{super::flight::Flight, evidence::Why, held::Held};

/// Where a prompt parts from the one held, and why. `None`: it begins with all of it.
pub(super) fn why(held: &Held, flight: &Flight) -> Option<(Part, Why)> {
    if let Some(compared) = held.compared(flight) {
        let found = compared.differs.as_ref()?;
        return Some((found.part.clone(), of(found)));
    }
    // The proxy did not compare these two: the parts alone tell.
    let equal = held.equal(flight);
    let part = flight.sections.get(equal).or_else(|| held.sections.get(equal))?.part.clone();
    let cause = format!("the text changed in {part}");
    Some((part, Why::new(BreakKind::TextChanged, cause, None)))
}

fn of(found: &Difference) -> Why {
    let Difference { part, at_byte, change, sign } = found;
    if let Some(sign) = sign {
        let (what, fix) = known(*sign);
        return Why::new(BreakKind::TextChanged, format!("{what} in {part} changed"), Some(fix));
    }
    let byte = units::count(*at_byte);
    let tool = match part {
        Part::Tool(_) => Some("keep plugins and MCP servers as they are during a session"),
        Part::System(_) | Part::Message(_) => None,
    };
    let cause = match change {
        Change::Changed => format!("the text of {part} changed at byte {byte}"),
        Change::Added => format!("{part} was added"),
        Change::Removed => format!("{part} was removed"),
        Change::Rewound => format!("the conversation went back to {part}"),
    };
    Why::new(BreakKind::TextChanged, cause, tool)
}

/// What changes by itself, and the setting that prevents it.
const fn known(sign: ChangeSign) -> (&'static str, &'static str) {
    match sign {
        ChangeSign::Attribution => ("the attribution line", "prefix_care.attribution = true"),
        ChangeSign::Date => ("the date", "prefix_care.dates = true"),
        ChangeSign::GitStatus => ("the git status", "prefix_care.git_status = true"),
        ChangeSign::TokensLeft => {
            ("the count of tokens left", "CLAUDE_CODE_TOTAL_TOKENS_REMINDER=off (lcc sets it)")
        }
        ChangeSign::SessionPath => ("a path of the session", "prefix_care.session_paths = true"),
        ChangeSign::ClearedResult => (
            "an old tool result that Claude Code cleared",
            "smaller tool results: they are cleared when the window fills up",
        ),
        ChangeSign::DroppedThinking => ("thinking that was dropped", "thinking = \"off\""),
    }
}
