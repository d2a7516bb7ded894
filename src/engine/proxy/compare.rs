//! Pure comparing of a prompt with the one before it: as far as they are the same, the server
//! need not read again.

use bytes::Bytes;

use super::{
    body::{Body, blocks},
    sections::rendered,
};
use crate::domain::{Change, ChangeSign, Comparison, Difference, Part, RequestId, Section};

/// Characters of a session's id; what is shorter may stand in any text.
const SESSION_ID: usize = 16;

/// A main request that was sent.
#[derive(Debug, Clone)]
pub struct Past {
    /// Its number.
    pub request: RequestId,
    /// Its parts in rendered order.
    pub sections: Vec<Section>,
    /// The body as it went upstream.
    pub sent: Bytes,
}

/// A prompt to compare.
#[derive(Debug, Clone, Copy)]
pub struct Present<'a> {
    /// Its parts in rendered order.
    pub sections: &'a [Section],
    /// The body as it goes upstream.
    pub body: &'a Body<'a>,
    /// Claude Code's session id.
    pub session: Option<&'a str>,
}

/// Where `now` parts from `past`.
#[must_use]
pub fn compare(past: &Past, now: Present<'_>) -> Comparison {
    let (old, new) = (&past.sections, now.sections);
    let equal = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let same: u64 = new.iter().take(equal).map(|s| s.bytes).sum();
    let done = |same_bytes, differs| Comparison { with: past.request, same_bytes, differs };
    let Some(was) = old.get(equal) else { return done(same, None) };
    let body = std::str::from_utf8(&past.sent).ok().and_then(Body::read).unwrap_or_default();
    let before = rendered(&body, equal);
    let is = new.get(equal);
    let after = is.map(|_| rendered(now.body, equal)).unwrap_or_default();
    let (part, change) = what(old, new, equal, was, is);
    let at = match change {
        Change::Changed | Change::Rewound => common(&before, &after),
        Change::Added | Change::Removed => 0,
    };
    let sign = sign(&Texts { before: &before, after: &after, at, session: now.session })
        .or_else(|| dropped_thinking(&body, now.body, &part));
    let at = at as u64;
    done(same + at, Some(Difference { part, at_byte: at, change, sign }))
}

/// Which part differs, and how, where the first `equal` parts are the same.
fn what(
    old: &[Section],
    new: &[Section],
    equal: usize,
    was: &Section,
    is: Option<&Section>,
) -> (Part, Change) {
    let Some(is) = is else { return (was.part.clone(), Change::Rewound) };
    let has = |all: &[Section], part: &Part| all.iter().any(|s| s.part == *part);
    match (&was.part, &is.part) {
        (Part::Message(_), Part::Message(_)) => {
            // The user went back: a new prompt stands where the conversation went on.
            let rewound = equal + 1 == new.len() && old.len() > new.len();
            (is.part.clone(), if rewound { Change::Rewound } else { Change::Changed })
        }
        (a, b) if a == b => (is.part.clone(), Change::Changed),
        (_, b) if !has(old, b) => (b.clone(), Change::Added),
        (a, _) if !has(new, a) => (a.clone(), Change::Removed),
        (_, b) => (b.clone(), Change::Changed),
    }
}

/// Bytes at the start that two texts share, whole characters.
fn common(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
}

struct Texts<'a> {
    before: &'a str,
    after: &'a str,
    at: usize,
    session: Option<&'a str>,
}

/// What is known to change by itself at the place where two texts part.
fn sign(texts: &Texts<'_>) -> Option<ChangeSign> {
    let both = [texts.before, texts.after];
    let any = |holds: &dyn Fn(&str) -> bool| both.iter().any(|text| holds(text));
    if any(&|text| text.starts_with("x-anthropic-billing-header:")) {
        return Some(ChangeSign::Attribution);
    }
    if texts.after.get(texts.at..).is_some_and(|rest| rest.starts_with("[Old tool result")) {
        return Some(ChangeSign::ClearedResult);
    }
    let line = |text: &str| -> String {
        let (head, tail) = text.split_at_checked(texts.at).unwrap_or((text, ""));
        let head = head.rsplit('\n').next().unwrap_or_default();
        format!("{head}{}", tail.lines().next().unwrap_or_default())
    };
    let lines = both.map(line);
    let on_line = |word: &str| lines.iter().any(|line| line.contains(word));
    if on_line("Today's date") {
        return Some(ChangeSign::Date);
    }
    if on_line("<total_tokens>") {
        return Some(ChangeSign::TokensLeft);
    }
    let session = texts.session.filter(|id| id.len() >= SESSION_ID);
    if on_line("/scratchpad") || session.is_some_and(on_line) {
        return Some(ChangeSign::SessionPath);
    }
    let head = texts.after.get(..texts.at).unwrap_or_default();
    let status = head.rfind("gitStatus").and_then(|at| head.get(at..));
    // The status goes on to the end of its block, or of its reminder.
    let in_status =
        status.is_some_and(|rest| !rest.contains("</system-reminder>")) || on_line("gitStatus");
    in_status.then_some(ChangeSign::GitStatus)
}

/// Whether a message lost its thinking.
fn dropped_thinking(old: &Body<'_>, new: &Body<'_>, part: &Part) -> Option<ChangeSign> {
    let Part::Message(n) = part else { return None };
    let thinks = |body: &Body<'_>| {
        let content = body.messages.get(*n).and_then(|m| m.content);
        let blocks = content.map(blocks).unwrap_or_default();
        blocks.iter().any(|b| b.kind.as_deref() == Some("thinking"))
    };
    (thinks(old) && !thinks(new)).then_some(ChangeSign::DroppedThinking)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::engine::proxy::sections::sections;

    fn compared(old: &Value, new: &Value) -> Comparison {
        let (old, new) = (old.to_string(), new.to_string());
        let past = Past {
            request: RequestId(1),
            sections: sections(&Body::read(&old).unwrap()),
            sent: Bytes::from(old),
        };
        let body = Body::read(&new).unwrap();
        let sections = sections(&body);
        compare(
            &past,
            Present {
                sections: &sections,
                body: &body,
                session: Some("5e550000-0000-4000-8000-10"),
            },
        )
    }

    fn ask(system: &str, tools: &[&str], messages: &[&str]) -> Value {
        let tools: Vec<_> = tools.iter().map(|t| json!({"name": t, "description": "d"})).collect();
        let messages: Vec<_> = messages
            .iter()
            .enumerate()
            .map(|(n, t)| json!({"role": if n % 2 == 0 { "user" } else { "assistant" }, "content": t}))
            .collect();
        json!({"system": system, "tools": tools, "messages": messages})
    }

    #[test]
    fn every_difference_has_a_place_a_kind_and_a_sign() {
        let base = ask("sys", &["A", "C"], &["hello there", "yes", "and"]);
        let bill = "x-anthropic-billing-header: cc_version=2.1.330.925;";
        let table = [
            (
                base.clone(),
                ask("sys", &["A", "C"], &["hello there", "yes", "and", "so", "on"]),
                None,
            ),
            (
                base.clone(),
                ask("sys", &["A", "C"], &["hello thick", "yes", "and", "so", "on"]),
                Some((15, "messages[0]", 8, Change::Changed, None)),
            ),
            (
                base.clone(),
                ask("sys", &["A", "B", "C"], &["hello there"]),
                Some((5, "tool B", 0, Change::Added, None)),
            ),
            (
                base.clone(),
                ask("sys", &["A"], &["hello there"]),
                Some((5, "tool C", 0, Change::Removed, None)),
            ),
            (
                base.clone(),
                ask("sys", &["A", "C"], &["hello friend"]),
                Some((13, "messages[0]", 6, Change::Rewound, None)),
            ),
            (
                ask(bill, &["A"], &["x"]),
                ask(&bill.replace("925", "232"), &["A"], &["x"]),
                Some((47, "system[0]", 47, Change::Changed, Some(ChangeSign::Attribution))),
            ),
            (
                ask("a\nToday's date is 2026-11-22.", &["A"], &["x"]),
                ask("a\nToday's date is 2026-11-23.", &["A"], &["x"]),
                Some((27, "system[0]", 27, Change::Changed, Some(ChangeSign::Date))),
            ),
            (
                ask("a\ngitStatus: s\n\nM a", &["A"], &["x"]),
                ask("a\ngitStatus: s\n\nM b", &["A"], &["x"]),
                Some((18, "system[0]", 18, Change::Changed, Some(ChangeSign::GitStatus))),
            ),
            (
                ask("use /tmp/5e550000-0000-4000-8000-09/s", &["A"], &["x"]),
                ask("use /tmp/5e550000-0000-4000-8000-10/s", &["A"], &["x"]),
                Some((33, "system[0]", 33, Change::Changed, Some(ChangeSign::SessionPath))),
            ),
        ];
        for (old, new, expected) in table {
            let got = compared(&old, &new);
            let found = got.differs.map(|d| (d.part.to_string(), d.at_byte, d.change, d.sign));
            match expected {
                None => assert_eq!(found, None),
                Some((same, part, at, change, sign)) => {
                    assert_eq!(found, Some((part.to_owned(), at, change, sign)), "{new}");
                    assert_eq!(got.same_bytes, same, "{new}");
                }
            }
        }
    }

    #[test]
    fn thinking_that_goes_and_results_that_are_cleared_are_known() {
        let with = |content: Value| {
            json!({"messages": [
                {"role": "user", "content": "q"}, {"role": "assistant", "content": content},
                {"role": "user", "content": "w"}, {"role": "assistant", "content": "e"},
            ]})
        };
        let text = json!({"type": "text", "text": "a"});
        let thinks = json!([{"type": "thinking", "thinking": "hm"}, text]);
        let sign = |old: &Value, new: &Value| compared(old, new).differs.unwrap().sign;
        assert_eq!(sign(&with(thinks), &with(json!([text]))), Some(ChangeSign::DroppedThinking));
        let result = |t: &str| with(json!([{"type": "tool_result", "content": t}]));
        assert_eq!(
            sign(&result("lines"), &result("[Old tool result content cleared]")),
            Some(ChangeSign::ClearedResult)
        );
    }

    proptest! {
        #[test]
        fn what_is_told_as_the_same_is_the_same(
            old in proptest::collection::vec("[ab]{0,6}", 1..5),
            new in proptest::collection::vec("[ab]{0,6}", 1..5),
        ) {
            let texts = |all: &[String]| all.iter().map(String::as_str).collect::<Vec<_>>().join("");
            let messages = |all: &[String]| ask("", &[], &all.iter().map(String::as_str).collect::<Vec<_>>());
            let got = compared(&messages(&old), &messages(&new));
            let same = usize::try_from(got.same_bytes).unwrap();
            let (old_text, new_text) = (texts(&old), texts(&new));
            prop_assert_eq!(old_text.get(..same).unwrap(), new_text.get(..same).unwrap());
            let grown = new.len() >= old.len() && new[..old.len()] == old[..];
            prop_assert_eq!(got.differs.is_none(), grown);
        }
    }
}
