//! Pure telling of what a request is for and where in a turn it stands.

use super::{
    body::{Block, Body, blocks},
    sections::weight,
};
use crate::domain::{RequestKind, SideKind, Tail};

/// What a request is for. `agent` is the header `x-claude-code-agent-id`, sent by subagents only.
#[must_use]
pub fn kind(body: &Body<'_>, agent: Option<&str>) -> RequestKind {
    // These carry tools and the conversation, and may carry an agent's header too.
    if let Some(kind) = rides_along(body) {
        return RequestKind::Side(kind);
    }
    if let Some(agent) = agent {
        return RequestKind::Subagent(agent.to_owned());
    }
    if asks_for_summary(body) {
        return RequestKind::Compaction;
    }
    if body.max_tokens == Some(1) {
        return RequestKind::Side(SideKind::Probe);
    }
    if body.tools.as_ref().is_some_and(|tools| !tools.is_empty()) {
        return RequestKind::Main;
    }
    RequestKind::Side(if asks_for_topic(body) {
        SideKind::Topic
    } else if asks_for_title(body) {
        SideKind::Title
    } else {
        SideKind::Other
    })
}

/// What Claude Code asks with the conversation's own prompt and one message more: a suggestion
/// (`[SUGGESTION MODE: …`) or a recap for a user who was away. Both versions word them alike.
fn rides_along(body: &Body<'_>) -> Option<SideKind> {
    const SUGGESTION: &str = "[SUGGESTION MODE:";
    const RECAP: &str = "The user stepped away and is coming back. Recap";
    let last = body.messages.iter().rev().find(|m| m.role.as_deref() != Some("system"))?;
    let content = last.content.filter(|_| last.role.as_deref() == Some("user"))?;
    // The raw JSON is enough to rule nearly all messages out without unescaping them.
    if !content.get().contains(SUGGESTION) && !content.get().contains(RECAP) {
        return None;
    }
    let blocks = blocks(content);
    let text = blocks.iter().rev().find_map(|b| b.text.as_deref())?.trim_start();
    if text.starts_with(SUGGESTION) {
        Some(SideKind::Suggestion)
    } else if text.starts_with(RECAP) {
        Some(SideKind::Recap)
    } else {
        None
    }
}

fn asks_for_topic(body: &Body<'_>) -> bool {
    body.system.is_some_and(|system| system.get().contains("isNewTopic"))
}

/// What the last message is. A `role: "system"` message after it (2.1.330 puts its environment
/// there) does not count: it says nothing about the turn.
#[must_use]
pub fn tail(body: &Body<'_>) -> Tail {
    let Some(last) = body.messages.iter().rev().find(|m| m.role.as_deref() != Some("system"))
    else {
        return Tail::Other;
    };
    if last.role.as_deref() != Some("user") {
        return Tail::Other;
    }
    let blocks = last.content.map(blocks).unwrap_or_default();
    let results = || blocks.iter().filter(|b| b.kind.as_deref() == Some("tool_result"));
    match results().count() {
        0 if blocks.is_empty() => Tail::Other,
        0 if blocks.iter().any(asks_to_resume) => Tail::Other,
        0 => Tail::Prompt,
        count => Tail::ToolResults { count, bytes: results().map(weight).sum() },
    }
}

/// After an answer that was cut off at its limit Claude Code itself asks for the rest (2.1.197 and
/// 2.1.330 begin with these words): no prompt of the user's.
fn asks_to_resume(block: &Block<'_>) -> bool {
    block.text.as_deref().is_some_and(|text| text.starts_with("Output token limit hit"))
}

/// The compaction request is an ordinary one whose last user message tells the model to answer
/// in plain text only, with an `<analysis>` and a `<summary>` block, and to call no tools.
fn asks_for_summary(body: &Body<'_>) -> bool {
    let Some(last) = body.messages.iter().rev().find(|m| m.role.as_deref() == Some("user")) else {
        return false;
    };
    let Some(content) = last.content else { return false };
    // The raw JSON is enough to rule nearly all messages out without unescaping them.
    if !content.get().contains("summary>") {
        return false;
    }
    blocks(content).iter().any(|block| {
        let text = block.text.as_deref().unwrap_or_default();
        let lower = text.to_ascii_lowercase();
        ["<analysis>", "<summary>", "conversation", "text"].iter().all(|w| lower.contains(w))
            && (lower.contains("text only") || lower.contains("plain text"))
            && lower.contains("tool")
    })
}

fn asks_for_title(body: &Body<'_>) -> bool {
    let titled = |block: &Block<'_>| {
        let text = block.text.as_deref().unwrap_or_default().to_ascii_lowercase();
        text.contains("title") && (text.contains("session") || text.contains("conversation"))
    };
    body.system.map(blocks).unwrap_or_default().iter().any(titled)
        || body
            .messages
            .first()
            .and_then(|m| m.content)
            .is_some_and(|c| blocks(c).iter().any(titled))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const SUMMARY: &str = "Respond with TEXT ONLY. Do NOT call any tools. An <analysis> block, \
                           then a <summary> block of the conversation so far.";

    fn with(tools: usize, messages: &Value) -> String {
        let tools: Vec<_> = (0..tools).map(|n| json!({"name": format!("T{n}")})).collect();
        json!({"tools": tools, "messages": messages}).to_string()
    }

    fn user(content: impl Into<Value>) -> Value {
        json!({"role": "user", "content": content.into()})
    }

    #[test]
    fn kinds() {
        let talk = json!([user("a"), {"role": "assistant", "content": "b"}, user("c")]);
        let summary = json!([user("a"), user(SUMMARY)]);
        let before = json!([user(SUMMARY), {"role": "assistant", "content": "b"}, user("c")]);
        let mention = json!([user("what do <analysis> and <summary> mean?")]);
        let title = json!([user("Write the title of this session")]);
        let ahead = "[SUGGESTION MODE: Suggest what the user might naturally type next.]\nFIRST: …";
        let suggestion = json!([user("a"), {"role": "assistant", "content": "b"}, user(json!([
                {"type": "text", "text": ahead}]))]);
        let recap = json!([user("a"), {"role": "assistant", "content": "b"},
            user("The user stepped away and is coming back. Recap in under 40 words.")]);
        let quoted = json!([user("what does [SUGGESTION MODE: do?")]);
        let table = [
            (with(3, &talk), None, RequestKind::Main),
            (with(3, &summary), None, RequestKind::Compaction),
            (with(0, &summary), None, RequestKind::Compaction),
            (with(3, &before), None, RequestKind::Main),
            (with(3, &mention), None, RequestKind::Main),
            (with(0, &title), None, RequestKind::Side(SideKind::Title)),
            (with(0, &talk), None, RequestKind::Side(SideKind::Other)),
            (with(3, &talk), Some("a7"), RequestKind::Subagent("a7".to_owned())),
            ("{}".to_owned(), None, RequestKind::Side(SideKind::Other)),
            (with(3, &suggestion), None, RequestKind::Side(SideKind::Suggestion)),
            (with(3, &suggestion), Some("a7"), RequestKind::Side(SideKind::Suggestion)),
            (with(3, &recap), None, RequestKind::Side(SideKind::Recap)),
            (with(3, &quoted), None, RequestKind::Main),
            (
                json!({"max_tokens": 1, "messages": [user("quota")]}).to_string(),
                None,
                RequestKind::Side(SideKind::Probe),
            ),
            (
                json!({"system": "Say isNewTopic and a title of the conversation as JSON",
                       "messages": [user("x")]})
                .to_string(),
                None,
                RequestKind::Side(SideKind::Topic),
            ),
        ];
        for (text, agent, expected) in table {
            assert_eq!(kind(&Body::read(&text).unwrap(), agent), expected, "{text}");
        }
    }

    #[test]
    fn tails() {
        let result = |t: &str| json!({"type": "tool_result", "tool_use_id": "x", "content": t});
        let system = json!({"role": "system", "content": "environment"});
        let table = [
            (json!([user("hi")]), Tail::Prompt),
            (json!([user("hi"), system.clone()]), Tail::Prompt),
            (json!([user("Output token limit hit. Resume directly")]), Tail::Other),
            (json!([user("What does \"Output token limit hit\" mean?")]), Tail::Prompt),
            (
                json!([user(json!([result("12345"), result("678")]))]),
                Tail::ToolResults { count: 2, bytes: 8 },
            ),
            (
                json!([user(json!([result("1"), {"type": "text", "text": "reminder"}])), system]),
                Tail::ToolResults { count: 1, bytes: 1 },
            ),
            (json!([user("hi"), {"role": "assistant", "content": "so"}]), Tail::Other),
            (json!([user(json!([]))]), Tail::Other),
            (json!([]), Tail::Other),
        ];
        for (messages, expected) in table {
            assert_eq!(tail(&Body::read(&with(1, &messages)).unwrap()), expected, "{messages}");
        }
    }
}
