//! The tools of MCP servers in one order, behind Claude Code's own.

use std::borrow::Cow;

use serde_json::{Value, value::RawValue};

use super::Work;
use crate::{
    domain::PrefixRule,
    engine::proxy::rules::{
        edits::Edits,
        json::{Fields, with_field},
    },
};

/// Sorts MCP tools by name and the keys of their schemas; Claude Code's own tools keep their place
/// before them, as they came.
pub(super) fn edit<'a>(raw: &'a str, edits: &mut Edits<'a>, work: &mut Work) {
    if !work.has(PrefixRule::ToolOrder) || !raw.contains("\"mcp__") {
        return;
    }
    if let Some(new) = ordered(raw) {
        edits.replace(raw, new);
        work.did(PrefixRule::ToolOrder);
    }
}

/// The tools in order; `None` when they are.
fn ordered(raw: &str) -> Option<String> {
    let tools: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
    let mut places = Vec::with_capacity(tools.len());
    let mut any = false;
    for (n, tool) in tools.iter().map(|tool| tool.get()).enumerate() {
        let fields = Fields::read(tool)?;
        let name: Cow<'_, str> = serde_json::from_str(fields.get("name")?).ok()?;
        if !name.starts_with("mcp__") {
            places.push(((None, n), Cow::Borrowed(tool)));
            continue;
        }
        let schema = fields.get("input_schema").and_then(sorted);
        let new = schema.and_then(|schema| with_field(tool, "input_schema", &schema));
        any |= new.is_some();
        places.push(((Some(name), n), new.map_or(Cow::Borrowed(tool), Cow::Owned)));
    }
    any |= !places.is_sorted_by(|(a, _), (b, _)| a <= b);
    places.sort_by(|(a, _), (b, _)| a.cmp(b));
    let tools: Vec<_> = places.into_iter().map(|(_, tool)| tool).collect();
    any.then(|| format!("[{}]", tools.join(",")))
}

/// A schema with its keys sorted; `None` when they are.
fn sorted(raw: &str) -> Option<String> {
    let schema: Value = serde_json::from_str(raw).ok()?;
    let mut new = schema.clone();
    new.sort_all_objects();
    let (old, new) = (schema.to_string(), new.to_string());
    (old != new).then_some(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_tools_of_mcp_servers_are_sorted() {
        let raw = r#"[{"name":"Write"},{"name":"mcp__b__x","input_schema":{"b":1,"a":{"d":2,"c":[3]}}},{"name":"Bash"},{"name":"mcp__a__y"}]"#;
        let expected = r#"[{"name":"Write"},{"name":"Bash"},{"name":"mcp__a__y"},{"name":"mcp__b__x","input_schema":{"a":{"c":[3],"d":2},"b":1}}]"#;
        assert_eq!(ordered(raw).as_deref(), Some(expected));
        assert_eq!(ordered(expected), None);
        assert_eq!(ordered(r#"[ {"name":"b"} , {"name":"a"} ]"#), None);
        assert_eq!(ordered(r#"[{"name":7}]"#), None);
    }
}
