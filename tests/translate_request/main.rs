//! What Claude Code sends survives the way to a chat completion request.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod round_trip;

use lcc::engine::proxy::translate::{
    Images, Options, SystemMessages,
    errors::Failure,
    request::{RequestError, translate},
};
use serde_json::{Value, json};

fn sent(body: &Value) -> Value {
    translate(body, &Options::default()).unwrap().body
}

fn messages(messages: &Value) -> Value {
    sent(&json!({"model": "m", "messages": messages}))["messages"].clone()
}

#[test]
fn messages_table() {
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "Read", "arguments": "{\"b\":1,\"a\":[]}"}});
    let used = |id: &str| json!({"type": "tool_use", "id": id, "name": "Read", "input": {"b": 1, "a": []}});
    for (given, expected) in [
        (json!([{"role": "user", "content": "hi"}]), json!([{"role": "user", "content": "hi"}])),
        (
            json!([{"role": "user", "content": [
                {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
                {"type": "text", "text": "b"},
            ]}]),
            json!([{"role": "user", "content": "a\nb"}]),
        ),
        (
            json!([
                {"role": "user", "content": "hi"},
                {"role": "system", "content": "agents"},
                {"role": "assistant", "content": "yes"},
                {"role": "system", "content": [{"type": "text", "text": "late"}]},
            ]),
            json!([
                {"role": "user", "content": "hi\n<system-reminder>\nagents\n</system-reminder>"},
                {"role": "assistant", "content": "yes"},
                {"role": "user", "content": "<system-reminder>\nlate\n</system-reminder>"},
            ]),
        ),
        (
            json!([
                {"role": "user", "content": "go"},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "x"},
                    {"type": "redacted_thinking", "data": "x"},
                    {"type": "text", "text": "I look."},
                    used("t1"),
                    used("t2"),
                ]},
                {"role": "user", "content": [
                    {"type": "text", "text": "first of all"},
                    {"type": "tool_result", "tool_use_id": "t2", "content": "Exit code 1", "is_error": true},
                    {"type": "tool_result", "tool_use_id": "t1", "content": [
                        {"type": "text", "text": "x"}, {"type": "tool_reference", "tool_name": "Grep"},
                    ]},
                    {"type": "text", "text": "go on"},
                ]},
            ]),
            json!([
                {"role": "user", "content": "go"},
                {"role": "assistant", "content": "I look.", "reasoning_content": "hm", "tool_calls": [call("t1"), call("t2")]},
                {"role": "tool", "tool_call_id": "t2", "content": "Error: Exit code 1"},
                {"role": "tool", "tool_call_id": "t1", "content": "x\nGrep"},
                {"role": "user", "content": "first of all\ngo on"},
            ]),
        ),
        // A reminder between call and result must not part them.
        (
            json!([
                {"role": "assistant", "content": [used("t1")]},
                {"role": "system", "content": "note"},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1"}]},
            ]),
            json!([
                {"role": "assistant", "content": "", "tool_calls": [call("t1")]},
                {"role": "tool", "tool_call_id": "t1", "content": ""},
                {"role": "user", "content": "<system-reminder>\nnote\n</system-reminder>"},
            ]),
        ),
        // A result without its call stays where it is; a failure without words still says so.
        (
            json!([{"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "gone", "content": "", "is_error": true},
            ]}]),
            json!([{"role": "tool", "tool_call_id": "gone", "content": "Error"}]),
        ),
        (
            json!([{"role": "assistant", "content": [
                {"type": "tool_use", "id": "t", "name": "Stop", "input": null},
            ]}]),
            json!([{"role": "assistant", "content": "", "tool_calls": [
                {"id": "t", "type": "function", "function": {"name": "Stop", "arguments": "{}"}},
            ]}]),
        ),
    ] {
        assert_eq!(messages(&given), expected, "{given}");
    }
}

#[test]
fn system_messages_can_stay_where_they_are() {
    let body = json!({"system": "base", "messages": [
        {"role": "user", "content": "hi"},
        {"role": "system", "content": "agents"},
    ]});
    let options = Options { system_messages: SystemMessages::InPlace, ..Options::default() };
    assert_eq!(
        translate(&body, &options).unwrap().body["messages"],
        json!([
            {"role": "system", "content": "base"},
            {"role": "user", "content": "hi"},
            {"role": "system", "content": "agents"},
        ])
    );
}

#[test]
fn fields_table() {
    let tool = json!([{"name": "Read", "description": "d", "input_schema": {"type": "object"}, "cache_control": {}, "defer_loading": true}]);
    let function = json!([{"type": "function", "function": {"name": "Read", "description": "d", "parameters": {"type": "object"}}}]);
    let chosen = |choice: Value| json!({"tools": tool, "tool_choice": choice});
    let choosing = |choice: Value| json!({"tools": function, "tool_choice": choice});
    for (given, expected) in [
        (
            json!({"max_tokens": 9, "temperature": 1, "top_p": 0.5, "top_k": 3}),
            json!({"max_tokens": 9, "temperature": 1, "top_p": 0.5, "top_k": 3}),
        ),
        (json!({"stop_sequences": ["a"]}), json!({"stop": ["a"]})),
        (json!({"stop_sequences": []}), json!({})),
        (
            json!({"stream": true}),
            json!({"stream": true, "stream_options": {"include_usage": true}}),
        ),
        (json!({"stream": false}), json!({"stream": false})),
        (
            json!({"metadata": {"user_id": "x"}, "context_management": {}, "output_config": {"effort": "high"}}),
            json!({}),
        ),
        (json!({"tools": []}), json!({})),
        (chosen(json!({"type": "auto"})), choosing(json!("auto"))),
        (chosen(json!({"type": "any"})), choosing(json!("required"))),
        (chosen(json!({"type": "none"})), choosing(json!("none"))),
        (
            chosen(json!({"type": "tool", "name": "Read"})),
            choosing(json!({"type": "function", "function": {"name": "Read"}})),
        ),
        (
            chosen(json!({"type": "auto", "disable_parallel_tool_use": true})),
            json!({"tools": function, "tool_choice": "auto", "parallel_tool_calls": false}),
        ),
        (json!({"tool_choice": {"type": "any", "disable_parallel_tool_use": true}}), json!({})),
        (json!({"thinking": {"type": "adaptive"}}), json!({})),
        (
            json!({"thinking": {"type": "disabled"}}),
            json!({"chat_template_kwargs": {"enable_thinking": false}}),
        ),
        (json!({"chat_template_kwargs": {"x": 1}}), json!({"chat_template_kwargs": {"x": 1}})),
        (
            json!({"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}}),
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "strict": true, "schema": {"type": "object"}}}}),
        ),
    ] {
        let mut body = given.clone();
        body["model"] = json!("m");
        body["messages"] = json!([]);
        let mut expected = expected;
        expected["model"] = json!("m");
        expected["messages"] = json!([]);
        assert_eq!(sent(&body), expected, "{given}");
    }
}

#[test]
fn options_table() {
    let llama = Options { llama_cpp: true, ..Options::default() };
    let off = Options { thinking_off: true, ..Options::default() };
    let named = Options { model: Some("other".to_owned()), ..Options::default() };
    let kwargs = json!({"enable_thinking": true}).as_object().unwrap().clone();
    let template = Options { template_kwargs: kwargs, ..Options::default() };
    let budget = json!({"thinking": {"type": "enabled", "budget_tokens": 512}});
    for (options, given, field, expected) in [
        (&llama, json!({"stream": true}), "return_progress", json!(true)),
        (&llama, json!({"stream": true}), "timings_per_token", json!(true)),
        (&llama, json!({"stream": false}), "return_progress", Value::Null),
        (&llama, budget.clone(), "thinking_budget_tokens", json!(512)),
        (&off, budget, "chat_template_kwargs", json!({"enable_thinking": false})),
        (&named, json!({"model": "m"}), "model", json!("other")),
        (
            &template,
            json!({"thinking": {"type": "disabled"}}),
            "chat_template_kwargs",
            json!({"enable_thinking": true}),
        ),
    ] {
        let mut body = given.clone();
        body["messages"] = json!([]);
        assert_eq!(translate(&body, options).unwrap().body[field], expected, "{given} {field}");
    }
    let body = json!({"messages": [{"role": "assistant", "content": [{"type": "thinking", "thinking": "hm"}]}]});
    let forget = Options { forget_thinking: true, ..Options::default() };
    assert_eq!(
        translate(&body, &forget).unwrap().body["messages"],
        json!([{"role": "assistant", "content": ""}])
    );
}

fn with_picture() -> Value {
    let picture = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}});
    json!({"messages": [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "Read", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [picture]}]},
    ]})
}

#[test]
fn a_picture_is_refused_by_place_with_a_way_out() {
    let error = translate(&with_picture(), &Options::default()).unwrap_err();
    assert_eq!(
        error,
        RequestError::Image {
            at: "messages[2].content[0].content[0]".to_owned(),
            what: "an image"
        }
    );
    let failure = Failure::from(error);
    assert_eq!((failure.status, failure.kind), (400, "invalid_request_error"));
    assert_eq!(
        failure.message,
        "messages[2].content[0].content[0] holds an image, and this model server takes text only; \
         go on without it (/clear or /rewind), or set the server to pass images if its model can see"
    );
}

#[test]
fn a_picture_is_passed_or_noted_when_asked() {
    let passed = Options { images: Images::Pass, ..Options::default() };
    assert_eq!(
        translate(&with_picture(), &passed).unwrap().body["messages"].as_array().unwrap()[2..],
        [
            json!({"role": "tool", "tool_call_id": "t", "content": ""}),
            json!({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}),
        ]
    );
    let noted = Options { images: Images::Note, ..Options::default() };
    let body = translate(&with_picture(), &noted).unwrap().body;
    assert!(body["messages"][2]["content"].as_str().unwrap().contains("left out"), "{body}");
    assert!(!body.to_string().contains("AAAA"));
}

#[test]
fn what_cannot_be_carried_is_named() {
    let one = |block: Value| json!({"messages": [{"role": "user", "content": [block]}]});
    for (body, error) in [
        (json!([]), "the body must be a JSON object"),
        (json!({}), "messages must be an array"),
        (
            json!({"messages": [{"role": "robot", "content": ""}]}),
            "messages[0].role must be user, assistant or system",
        ),
        (
            json!({"messages": [{"role": "user", "content": 3}]}),
            "messages[0].content must be a string or an array",
        ),
        (one(json!({"text": "x"})), "messages[0].content[0].type must be a string"),
        (one(json!({"type": "text"})), "messages[0].content[0].text must be a string"),
        (
            one(json!({"type": "container_upload"})),
            "messages[0].content[0] is a \"container_upload\" block, which OpenAI's chat completions cannot carry",
        ),
        (
            json!({"messages": [], "tools": [{"input_schema": {}}]}),
            "tools[0].name must be a string",
        ),
        (
            json!({"messages": [], "tool_choice": {"type": "tool"}}),
            "tool_choice must be a tool with a name",
        ),
    ] {
        assert_eq!(translate(&body, &Options::default()).unwrap_err().to_string(), error, "{body}");
    }
    let body = json!({"messages": [], "metadata": {}, "tools": [{"type": "web_search_20250305", "name": "web_search"}]});
    let done = translate(&body, &Options::default()).unwrap();
    assert_eq!(done.left_out, ["metadata", "tools[0] web_search"]);
    assert_eq!(done.body, json!({"messages": []}));
}

#[test]
fn claude_code_s_own_requests_go_over_complete() {
    for name in ["claude-2.1.197", "claude-2.1.330"] {
        let path = format!("{}/tests/fixtures/translate/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let body: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let done = translate(&body, &Options { llama_cpp: true, ..Options::default() }).unwrap();
        assert_eq!(done.left_out, ["metadata", "context_management", "output_config"], "{name}");
        let text = done.body.to_string();
        for wanted in texts(&body) {
            let escaped = Value::String(wanted.clone()).to_string();
            assert!(text.contains(escaped.trim_matches('"')), "{name} lost {wanted:?}");
        }
        let roles: Vec<&str> = done.body["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| message["role"].as_str().unwrap())
            .collect();
        assert_eq!(roles, ["system", "user", "assistant", "tool", "tool"], "{name}");
        assert_eq!(
            done.body["tools"].as_array().unwrap().len(),
            body["tools"].as_array().unwrap().len()
        );
        assert_eq!(done.body["messages"][4]["content"], "Error: Exit code 1");
        assert_eq!(done.body["messages"][2]["reasoning_content"], "Two looks at once.");
        assert!(!text.contains("cache_control"), "{name}");
    }
}

/// Every text, thought and tool result in a request.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| match (name.as_str(), value) {
                ("text" | "thinking" | "content", Value::String(text)) if !text.is_empty() => {
                    vec![text.clone()]
                }
                _ => texts(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}
