//! What is read from whole, broken and branched transcripts.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn lines(values: &[Value]) -> String {
    values.iter().map(|v| format!("{v}\n")).collect()
}

fn user(id: &str, parent: Option<&str>, content: impl Into<Value>) -> Value {
    json!({"type": "user", "uuid": id, "parentUuid": parent, "isSidechain": false,
        "message": {"role": "user", "content": content.into()}})
}

fn answer(id: &str, parent: &str, content: &Value) -> Value {
    json!({"parentUuid": parent, "isSidechain": false, "uuid": id,
        "message": {"role": "assistant", "content": content}, "type": "assistant"})
}

fn session() -> Vec<Value> {
    vec![
        json!({"type": "mode", "mode": "normal", "sessionId": "s"}),
        user("1", None, "fix the ingress"),
        json!({"parentUuid": "1", "attachment": {"type": "date"}, "type": "attachment", "uuid": "2"}),
        answer(
            "3",
            "2",
            &json!([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "I look."}]),
        ),
        answer(
            "4",
            "3",
            &json!([{"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "make"}}]),
        ),
        answer(
            "5",
            "4",
            &json!([{"type": "tool_use", "id": "t2", "name": "Edit",
            "input": {"file_path": "/p/a.rs", "old_string": "a", "new_string": "b"}}]),
        ),
        user(
            "6",
            Some("4"),
            json!([{"type": "tool_result", "tool_use_id": "t1", "is_error": true,
            "content": [{"type": "text", "text": "Exit code 2"}, {"type": "text", "text": "no rule"}]}]),
        ),
        user(
            "7",
            Some("5"),
            json!([{"type": "tool_result", "tool_use_id": "t2", "content": "done"}]),
        ),
        json!({"type": "user", "uuid": "8", "parentUuid": "7", "isMeta": true, "message": {"content": "caveat"}}),
        answer(
            "9",
            "7",
            &json!([{"type": "tool_use", "id": "t3", "name": "TodoWrite", "input": {"todos": [
            {"content": "one", "status": "completed"}, {"content": "two", "status": "in_progress"}]}}]),
        ),
    ]
}

fn entries(values: &[Value]) -> Vec<Entry> {
    parse(lines(values).as_bytes()).entries
}

#[test]
fn what_a_session_says() {
    let todo = |text: &str, state| Todo { text: text.to_owned(), state };
    let call = |id: &str, act| Entry::Call { id: id.to_owned(), act };
    let result = |id: &str, failed, text: &str| Entry::Result {
        id: id.to_owned(),
        failed,
        text: text.to_owned(),
    };
    let expected = [
        Entry::Prompt("fix the ingress".to_owned()),
        Entry::Answer("I look.".to_owned()),
        call("t1", Act::Run("make".to_owned())),
        call("t2", Act::Change("/p/a.rs".to_owned())),
        result("t1", true, "Exit code 2\nno rule"),
        result("t2", false, "done"),
        call("t3", Act::Todos(vec![todo("one", TodoState::Done), todo("two", TodoState::Doing)])),
    ];
    assert_eq!(entries(&session()), expected);
}

#[test]
fn subagents_tools_of_the_newer_kind_and_compactions() {
    let mut side = user("s", Some("1"), "you are a subagent");
    side["isSidechain"] = true.into();
    let mut boundary =
        json!({"type": "system", "subtype": "compact_boundary", "uuid": "3", "parentUuid": null});
    boundary["logicalParentUuid"] = "2".into();
    let mut summary = user("4", Some("3"), "the summary");
    summary["isCompactSummary"] = true.into();
    let mut other = user("5", Some("4"), "a task ended");
    other["origin"] = json!({"kind": "task-notification"});
    let calls = json!([
        {"type": "tool_use", "id": "a", "name": "TaskCreate", "input": {"subject": "write tests"}},
        {"type": "tool_use", "id": "b", "name": "TaskUpdate", "input": {"taskId": "1", "status": "deleted"}},
        {"type": "tool_use", "id": "c", "name": "ExitPlanMode", "input": {"plan": "1. look"}},
        {"type": "tool_use", "id": "d", "name": "Grep", "input": {"pattern": "x"}},
        {"type": "tool_use", "id": "e", "name": "Bash", "input": {"command": 7}},
    ]);
    let found = entries(&[
        user("1", None, "go"),
        side,
        answer("2", "1", &calls),
        boundary,
        summary,
        other,
        user("6", Some("5"), "go on"),
    ]);
    let acts: Vec<_> = found
        .iter()
        .filter_map(|e| match e {
            Entry::Call { act, .. } => Some(act.clone()),
            Entry::Prompt(_)
            | Entry::Interrupted
            | Entry::Answer(_)
            | Entry::Result { .. }
            | Entry::Summary(_) => None,
        })
        .collect();
    let set = Act::TodoSet { number: "1".into(), state: Some(TodoState::Dropped), text: None };
    assert_eq!(
        acts,
        [
            Act::TodoAdd("write tests".into()),
            set,
            Act::Plan("1. look".into()),
            Act::Other("Grep".into()),
            Act::Other("Bash".into())
        ]
    );
    let prompts: Vec<_> = found.iter().filter(|e| matches!(e, Entry::Prompt(_))).collect();
    assert_eq!(prompts, [&Entry::Prompt("go".into()), &Entry::Prompt("go on".into())]);
    assert!(found.contains(&Entry::Summary("the summary".into())));
}

#[test]
fn broken_lines_cost_only_themselves() {
    let whole = lines(&session());
    let mut bytes = b"\xff\xfe not json\n{\"type\":7}\n\n".to_vec();
    bytes.extend(whole.as_bytes());
    // A user message with a broken character in it, and a last line that is half written.
    bytes.extend(b"{\"type\":\"user\",\"uuid\":\"x\",\"parentUuid\":\"9\",\"message\":{\"content\":\"caf\xe9 now\"}}\r\n");
    bytes.extend(b"{\"type\":\"user\",\"uuid\":\"y\",\"mess");
    let found = parse(&bytes);
    assert_eq!(found.broken, 3);
    let mut expected = entries(&session());
    expected.push(Entry::Prompt("caf\u{fffd} now".to_owned()));
    assert_eq!(found.entries, expected);
}

#[test]
fn a_turn_the_user_went_back_from_is_not_told() {
    let mut all = session();
    all.push(user("10", Some("9"), "use nginx"));
    all.push(answer("11", "10", &json!([{"type": "text", "text": "nginx it is"}])));
    all.push(user("12", Some("9"), "use caddy"));
    let found = entries(&all);
    assert!(found.contains(&Entry::Prompt("use caddy".into())));
    assert!(!found.contains(&Entry::Prompt("use nginx".into())));
    assert!(!found.contains(&Entry::Answer("nginx it is".into())));
    assert!(found.contains(&Entry::Prompt("fix the ingress".into())));
}

proptest! {
    /// Whatever is cut off or knocked out, the rest is read and nothing fails.
    #[test]
    fn any_damage_is_survived(
        at in 0_usize..2_000, with in prop::collection::vec(any::<u8>(), 0..40), end in 0_usize..2_500,
    ) {
        let mut bytes = lines(&session()).into_bytes();
        let at = at.min(bytes.len());
        let to = (at + with.len()).min(bytes.len());
        bytes.splice(at..to, with);
        bytes.truncate(end);
        let found = parse(&bytes);
        prop_assert!(found.entries.len() <= 40);
    }

    #[test]
    fn without_one_line_all_others_are_told(gone in 1_usize..10) {
        let mut some = session();
        let lost = entries(&some[gone..=gone]);
        some.remove(gone);
        let found = entries(&some);
        for entry in entries(&session()) {
            prop_assert!(found.contains(&entry) || lost.contains(&entry), "{entry:?}");
        }
    }
}
