//! Tests of what is done with a side request and of lcc's own answers.

use proptest::prelude::*;

use super::*;

const TITLES: [&str; 2] = [
    include_str!("../../../tests/fixtures/proxy/title-2.1.197.json"),
    include_str!("../../../tests/fixtures/proxy/title-2.1.330.json"),
];

#[test]
fn every_policy_has_its_way() {
    use SideKind::{Other, Probe, Recap, Suggestion, Title};
    use SidePolicy::{Answer, Auto, Hold, Pass, Slot};
    let table = [
        (Auto, Title, true, Way::Answer),
        (Auto, Title, false, Way::Slot),
        (Auto, Probe, true, Way::Answer),
        (Auto, Suggestion, true, Way::Hold),
        (Auto, Recap, true, Way::Hold),
        (Auto, Other, false, Way::Slot),
        (Answer, Suggestion, true, Way::Answer),
        (Answer, Other, false, Way::Slot),
        (Hold, Title, true, Way::Hold),
        (Slot, Title, true, Way::Slot),
        (Slot, Suggestion, true, Way::Hold),
        (Pass, Title, true, Way::Pass),
    ];
    for (policy, kind, answerable, expected) in table {
        assert_eq!(way(policy, kind, answerable), expected, "{policy} {kind:?} {answerable}");
    }
}

#[test]
fn the_title_that_both_versions_ask_for() {
    for request in TITLES {
        let body = Body::read(request).unwrap();
        let text = answer(SideKind::Title, &body, None).unwrap();
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read, json!({"title": "Say something about topic 1"}));
    }
}

#[test]
fn only_what_asks_for_a_title_alone_is_answered() {
    let ask = |system: &str, schema: Value| {
        let mut body = json!({"system": system, "model": "m",
                              "messages": [{"role": "user", "content": "fix the tests"}]});
        if !schema.is_null() {
            body["output_config"] = json!({"format": {"type": "json_schema", "schema": schema}});
        }
        answer(SideKind::Title, &Body::read(&body.to_string()).unwrap(), None)
    };
    let title = json!({"required": ["title"]});
    assert_eq!(ask("x", title).as_deref(), Some(r#"{"title":"Fix the tests"}"#));
    assert_eq!(ask("x", json!({"required": ["title", "branch"]})), None);
    assert_eq!(ask("x", json!({"required": []})), None);
    assert_eq!(
        ask("A title of the session, please", Value::Null).as_deref(),
        Some("Fix the tests")
    );
    let json = ask("Return JSON with a \"title\" field", Value::Null);
    assert_eq!(json.as_deref(), Some(r#"{"title":"Fix the tests"}"#));
    // A page that speaks of titles and sessions is no request for one.
    assert_eq!(ask("Summarise this page", Value::Null), None);
}

#[test]
fn a_probe_of_another_model_reaches_the_server() {
    let body = r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"quota"}]}"#;
    let body = Body::read(body).unwrap();
    assert!(answer(SideKind::Probe, &body, Some("m")).is_some());
    assert_eq!(answer(SideKind::Probe, &body, Some("other")), None);
    assert_eq!(answer(SideKind::Probe, &body, None), None);
    assert_eq!(answer(SideKind::Other, &body, Some("m")), None);
}

#[test]
fn titles() {
    let table = [
        (
            "fix the failing ingress in namespace web, it answers 502",
            "Fix the failing ingress in namespace web",
        ),
        ("Hi. Please look at the logs", "Hi. Please look at the logs"),
        ("add a test for the parser. then run it", "Add a test for the parser"),
        ("src/main.rs does not build", "src/main.rs does not build"),
        ("<system-reminder>x</system-reminder>\nwhy is it slow?", "Why is it slow"),
        ("\n\n```\ncode\n```\nexplain", "Code"),
        ("결제 모듈 리팩토링 해줘", "결제 모듈 리팩토링 해줘"),
        ("修复登录按钮。然后测试", "修复登录按钮。然后测试"),
    ];
    for (prompt, expected) in table {
        assert_eq!(title(prompt).as_deref(), Some(expected), "{prompt}");
    }
    for empty in ["", "   \n", "???"] {
        assert_eq!(title(empty), None);
    }
}

#[test]
fn the_slot_of_the_conversation_is_left_alone() {
    let slots = |held: &[(u64, bool)]| -> Value {
        held.iter()
            .enumerate()
            .map(|(id, (n, busy))| json!({"id": id, "n_prompt_tokens": n, "is_processing": busy}))
            .collect()
    };
    let table = [
        (slots(&[(9_000, false)]), false, None),
        (slots(&[(9_000, false), (100, false)]), false, Some(1)),
        (slots(&[(100, false), (9_000, false)]), false, Some(0)),
        (slots(&[(100, true), (9_000, false)]), false, None),
        // The conversation reads: its slot is the busy one, however little it has read.
        (slots(&[(50, true), (9_000, false)]), true, Some(1)),
        (slots(&[(9_000, true), (0, false), (700, false)]), true, Some(1)),
        // Nothing was read yet: the last one, for the server begins with the first.
        (slots(&[(0, false), (0, false)]), false, Some(1)),
        (slots(&[(9_000, true), (100, true)]), true, None),
        (json!({"error": {"code": 501}}), false, None),
        (json!([1, "x"]), false, None),
    ];
    for (slots, reading, expected) in table {
        assert_eq!(free_slot(&slots, reading), expected, "{slots} {reading}");
    }
}

#[test]
fn both_forms_say_the_same() {
    let told = Told { model: "m", id: "msg_1", input: 12, output: 3, stop: "end_turn" };
    let whole = message("a \"title\"", told);
    assert_eq!(whole["content"][0]["text"], "a \"title\"");
    assert_eq!(whole["usage"], json!({"input_tokens": 12, "output_tokens": 3}));
    let stream = events("a \"title\"", told);
    let frames: Vec<Value> = stream
        .lines()
        .filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
        .collect();
    let names: Vec<_> = frames.iter().map(|f| f["type"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"
        ]
    );
    assert_eq!(frames[0]["message"]["usage"]["input_tokens"], 12);
    assert_eq!(frames[2]["delta"]["text"], whole["content"][0]["text"]);
    assert_eq!(frames[4]["delta"]["stop_reason"], whole["stop_reason"]);
}

proptest! {
    #[test]
    fn a_title_is_short_and_one_line(prompt in "\\PC{0,200}") {
        if let Some(title) = title(&prompt) {
            prop_assert!(title.chars().count() <= TITLE_CHARS + 2, "{}", title);
            prop_assert!(!title.trim().is_empty() && !title.contains('\n'));
        }
    }
}
