//! The agent's moves over whole conversations.

use serde_json::{Value, json};

use super::*;

const LIST: &str = "total 8\n-rw-r--r-- 1 me me 6 Nov 22 21:32 README.md\n";
const LIST_WITH_NOTE: &str = "total 8\n-rw-r--r-- 1 me me 6 Nov 22 21:32 README.md\n\
                              -rw-r--r-- 1 me me 6 Nov 22 21:32 practice-note.md\n";

fn request(messages: &[Value]) -> Value {
    let tools: Vec<Value> =
        ["Bash", "Edit", "Read", "Write"].iter().map(|name| json!({"name": name})).collect();
    json!({
        "system": [{"type": "text", "text": "# Environment\n - Primary working directory: /p\n"}],
        "tools": tools,
        "messages": messages,
    })
}

fn prompt(text: &str) -> Value {
    json!({"role": "user", "content": [{"type": "text", "text": text}]})
}

/// Plays a prompt to its end: every call is answered by `results`. Returns the calls and the
/// last text.
fn turn(
    messages: &mut Vec<Value>,
    results: impl Fn(&str, &Value) -> String,
) -> (Vec<(String, Value)>, String) {
    let mut calls = Vec::new();
    loop {
        let answer = decide(&request(messages)).answer;
        assert!(calls.len() < 20, "the agent does not end");
        let Some(call) = answer.calls.first() else {
            messages.push(json!({"role": "assistant", "content": answer.text}));
            return (calls, answer.text);
        };
        assert!(!answer.text.is_empty());
        let (name, input) = (call.name.clone(), call.input.clone());
        messages.push(json!({"role": "assistant", "content": [
            {"type": "text", "text": answer.text},
            {"type": "tool_use", "id": call.id, "name": name, "input": input},
        ]}));
        messages.push(json!({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": call.id, "content": results(&name, &input)},
            {"type": "text", "text": "<system-reminder>be good</system-reminder>"},
        ]}));
        calls.push((name, input));
    }
}

fn names(calls: &[(String, Value)]) -> Vec<&str> {
    calls.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn the_first_prompt_lists_reads_and_writes_and_the_second_edits() {
    let mut messages = vec![prompt("<system-reminder>x</system-reminder>\nhello")];
    let (calls, last) = turn(&mut messages, |_, _| LIST.to_owned());
    assert_eq!(names(&calls), ["Bash", "Read", "Write"]);
    assert_eq!(calls[0].1["command"], "ls -la");
    assert_eq!(calls[1].1["file_path"], "/p/README.md");
    assert_eq!(calls[2].1["file_path"], "/p/practice-note.md");
    assert!(last.contains("practice server") && last.contains("no model"), "{last}");
    assert!(last.contains("llama-server"), "{last}");

    messages.push(prompt("and again"));
    let (calls, _) = turn(&mut messages, |_, _| LIST_WITH_NOTE.to_owned());
    assert_eq!(names(&calls), ["Bash", "Read", "Edit"]);
    assert_eq!(calls[2].1["old_string"], "Prompts so far: 1");
    assert_eq!(calls[2].1["new_string"], "Prompts so far: 2");

    messages.push(prompt("a third"));
    let (calls, _) = turn(&mut messages, |_, _| LIST_WITH_NOTE.to_owned());
    assert_eq!(calls[2].1["old_string"], "Prompts so far: 2");
}

#[test]
fn a_note_of_an_earlier_session_is_read_before_it_is_overwritten() {
    let mut messages = vec![prompt("hello")];
    let (calls, _) = turn(&mut messages, |name, input| match name {
        "Read" if input["file_path"] == "/p/practice-note.md" => "6\tPrompts so far: 41".to_owned(),
        _ => LIST_WITH_NOTE.to_owned(),
    });
    assert_eq!(names(&calls), ["Bash", "Read", "Read", "Write"]);
    assert!(calls[3].1["content"].as_str().unwrap().contains("Prompts so far: 42"));
}

#[test]
fn the_folder_can_come_from_pwd() {
    let mut messages = vec![prompt("hello")];
    let bare = |messages: &[Value]| {
        let mut bare = request(messages);
        bare["system"] = json!("no folder here");
        bare
    };
    let first = decide(&bare(&messages)).answer.calls.remove(0);
    assert_eq!(first.input["command"], "pwd && ls -la");
    messages.push(json!({"role": "assistant", "content": [
        {"type": "tool_use", "id": first.id, "name": "Bash", "input": first.input}]}));
    messages.push(json!({"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": first.id, "content": format!("/q\n{LIST}")}]}));
    let second = decide(&bare(&messages)).answer.calls.remove(0);
    assert_eq!(second.input["file_path"], "/q/README.md");
}

#[test]
fn missing_tools_are_not_called() {
    let mut bare = request(&[prompt("hello")]);
    bare["tools"] = json!([{"name": "Grep"}]);
    let answer = decide(&bare).answer;
    assert!(answer.calls.is_empty() && answer.text.contains("called no tool"), "{answer:?}");
}

#[test]
fn directives_are_played_in_order() {
    let mut messages = vec![prompt(
        "practice: think 3\npractice: bash echo hi ;; practice: write a/b.txt some text\n\
         practice: edit /x old words => new words\npractice: say all done",
    )];
    assert_eq!(decide(&request(&messages)).answer.thinking, "practice makes every");
    let (calls, last) = turn(&mut messages, |_, _| "ok".to_owned());
    assert_eq!(names(&calls), ["Bash", "Write", "Edit"]);
    assert_eq!(calls[0].1["command"], "echo hi");
    assert_eq!(calls[1].1["file_path"], "/p/a/b.txt");
    assert_eq!(calls[1].1["content"], "some text\n");
    assert_eq!(calls[2].1["old_string"], "old words");
    assert_eq!(last, "all done");
}

#[test]
fn directives_name_faults_and_wrong_ones_are_said() {
    for (text, fault, says) in [
        ("practice: fault die:3", Some(Script::Die(3)), "practice server"),
        ("practice: words 4", None, "practice makes every pane"),
        ("practice: dance", None, "no directive `practice: dance`"),
        ("practice: words many", None, "no directive"),
    ] {
        let decision = decide(&request(&[prompt(text)]));
        assert_eq!(decision.fault, fault, "{text}");
        assert!(decision.answer.text.contains(says), "{text}: {}", decision.answer.text);
    }
}

#[test]
fn a_compaction_gets_its_summary_and_no_directive_survives_it() {
    let mut messages = vec![prompt("practice: bash echo hi")];
    turn(&mut messages, |_, _| "hi".to_owned());
    messages.push(prompt("Write <analysis> and then <summary>, text only."));
    let answer = decide(&request(&messages)).answer;
    assert!(answer.calls.is_empty());
    let text = answer.text;
    for part in ["<analysis>", "</analysis>", "<summary>", "</summary>", "- Bash echo hi"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(directive::Directives::read(&text).is_empty(), "{text}");
}

#[test]
fn side_requests_get_the_form_they_ask_for() {
    let ask = |system: &str, schema: Value| {
        json!({
            "system": system,
            "tools": [],
            "messages": [prompt("<session>\nfix the login, please now ok\n</session>\n\nWrite.")],
            "output_config": {"format": {"type": "json_schema", "schema": schema}},
        })
    };
    let title = json!({"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]});
    let expected = r#"{"title":"Practice: fix the login please now"}"#;
    assert_eq!(decide(&ask("", title)).answer.text, expected);
    let mut plain = ask("Return JSON with a single \"title\" field.", Value::Null);
    plain["output_config"] = Value::Null;
    assert_eq!(decide(&plain).answer.text, expected);
    let other = json!({"type": "object", "required": ["ok", "n", "l"], "properties":
        {"ok": {"type": "boolean"}, "n": {"enum": [7]}, "l": {"type": "array"}}});
    assert_eq!(decide(&ask("", other)).answer.text, r#"{"ok":false,"n":7,"l":[]}"#);
    plain["messages"] = json!([prompt("<session>\npractice: fault 500\n</session>\n\nWrite.")]);
    let quoting = decide(&plain);
    assert_eq!(quoting.answer.text, r#"{"title":"Practice: practice fault 500"}"#);
    assert_eq!(quoting.fault, None, "a title of a prompt with a fault is not at fault");
    plain["messages"] = json!([prompt("hello")]);
    plain["system"] = json!("anything");
    assert!(decide(&plain).answer.text.contains("no model"));
}

#[test]
fn the_leak_scripts_leak() {
    let answer = || Answer::text("hi");
    assert!(!leak(answer(), Script::Leak).thinking.is_empty());
    assert!(leak(answer(), Script::LeakText).text.starts_with("<think>\n"));
    assert_eq!(leak(answer(), Script::Normal), answer());
}
