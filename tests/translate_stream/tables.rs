//! Real answers and the known oddities of servers, one by one.

use lcc::engine::proxy::translate::{
    event::Event,
    response,
    stream::{Output, Translator},
    usage::Usage,
};
use serde_json::{Value, json};

use crate::client::{call, delta, events, finish, fixture, message, of, progress, run, sse};

#[test]
fn a_real_answer_of_llama_cpp() {
    let out = run(&[&fixture("llama-text.sse")]);
    let message = message(&out);
    assert_eq!(message["content"], json!([{"type": "text", "text": "Say hello.<|im_end|>\n<|im"}]));
    assert_eq!(message["stop_reason"], "max_tokens");
    assert_eq!(
        message["usage"],
        json!({"input_tokens": 43, "cache_read_input_tokens": 0, "output_tokens": 12})
    );
    assert_eq!(message["model"], "local");
    assert_eq!(message["id"], "msg_1");
}

#[test]
fn a_real_prefill_is_told_before_the_message_starts() {
    let out = run(&[&fixture("llama-progress.sse")]);
    let done: Vec<_> = progress(&out).iter().map(|p| (p.done, p.time_ms.unwrap())).collect();
    assert_eq!(done, [(26, 0), (2074, 11888), (4122, 23204), (5241, 29331)]);
    assert!(progress(&out).iter().all(|p| p.total == 5241 && p.cached == Some(26)));
    let first = out.iter().position(|o| matches!(o, Output::Event(_))).unwrap();
    assert_eq!(first, 4, "message_start stands behind the whole prefill");
    let Output::Event(Event::MessageStart { usage, .. }) = &out[first] else { panic!() };
    assert_eq!(*usage, Usage { input: Some(5215), cached: Some(26), output: None });
    assert_eq!(message(&out)["usage"]["output_tokens"], 4);
}

#[test]
fn a_real_answer_to_a_request_with_tools() {
    let message = message(&run(&[&fixture("llama-tools-in-request.sse")]));
    assert_eq!(message["content"][0]["text"], "Read a.txt<|");
    assert_eq!(message["usage"]["input_tokens"], 95);
    assert_eq!(message["usage"]["cache_read_input_tokens"], 8);
}

#[test]
fn role_and_progress_chunks_start_nothing() {
    let mut translator = Translator::new("m", "1");
    for chunk in [
        delta(&json!({"role": "assistant", "content": null})),
        delta(&json!({"role": "assistant", "content": "", "reasoning": "", "tool_calls": []})),
        json!({"choices": [], "prompt_progress": {"total": 9, "cache": 0, "processed": 4, "time_ms": 1}}),
    ] {
        let out = translator.feed(format!("data: {chunk}\n\n").as_bytes());
        assert!(events(&out).is_empty(), "{chunk}");
    }
    let out = translator.feed(format!("data: {}\n\n", delta(&json!({"content": "x"}))).as_bytes());
    assert_eq!(events(&out)[0].name(), "message_start");
}

#[test]
fn mlx_lm_keepalives_are_progress_of_what_the_cache_lacks() {
    let text = format!(
        ": keepalive 0/300\n\n: keepalive 300/300\n\n{}",
        sse(&[
            delta(
                &json!({"role": "assistant", "content": "", "reasoning": "hm", "tool_calls": []})
            ),
            delta(&json!({"role": "assistant", "content": "x", "reasoning": "", "tool_calls": []})),
            finish("stop"),
            json!({"object": "chat.completion", "choices": [], "usage": {"prompt_tokens": 500, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 200}}}),
        ])
    );
    let out = run(&[text.as_bytes()]);
    let told: Vec<_> = progress(&out).iter().map(|p| (p.done, p.total, p.cached)).collect();
    assert_eq!(told, [(0, 300, None), (300, 300, None)]);
    let message = message(&out);
    assert_eq!(
        message["content"][0],
        json!({"type": "thinking", "thinking": "hm", "signature": ""})
    );
    assert_eq!(message["content"][1]["text"], "x");
    assert_eq!(
        message["usage"],
        json!({"input_tokens": 300, "cache_read_input_tokens": 200, "output_tokens": 2})
    );
}

#[test]
fn stop_reasons_table() {
    let text = delta(&json!({"content": "x"}));
    let tool = call(0, "a", "Read", "{}");
    for (chunk, reason, expected) in [
        (&text, "stop", "end_turn"),
        (&text, "length", "max_tokens"),
        (&text, "content_filter", "refusal"),
        (&text, "tool_calls", "end_turn"),
        (&text, "eos", "end_turn"),
        (&tool, "tool_calls", "tool_use"),
        (&tool, "function_call", "tool_use"),
        (&tool, "stop", "tool_use"),
        (&tool, "length", "max_tokens"),
    ] {
        assert_eq!(
            of(&[chunk.clone(), finish(reason)])["stop_reason"],
            expected,
            "{reason} {chunk}"
        );
    }
    assert_eq!(of(&[])["stop_reason"], "end_turn", "an empty answer");
    assert_eq!(of(&[text])["stop_reason"], "end_turn", "[DONE] without a finish_reason");
    let vllm = json!({"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": "stop", "stop_reason": "END"}]});
    let message = of(&[vllm]);
    assert_eq!(
        (&message["stop_reason"], &message["stop_sequence"]),
        (&json!("stop_sequence"), &json!("END"))
    );
}

#[test]
fn tool_calls_table() {
    let used = |id: &str, name: &str, input: Value| json!({"type": "tool_use", "id": id, "name": name, "input": input});
    let bare = |entry: Value| delta(&json!({"tool_calls": [entry]}));
    for (case, chunks, expected) in [
        (
            "in pieces, the later ones with an empty name",
            vec![call(0, "a", "Read", ""), call(0, "", "", "{\"p\":"), call(0, "", "", "1}")],
            vec![used("a", "Read", json!({"p": 1}))],
        ),
        (
            "the name repeated with every piece",
            vec![call(0, "a", "Read", ""), call(0, "a", "Read", "{"), call(0, "a", "Read", "}")],
            vec![used("a", "Read", json!({}))],
        ),
        (
            "the name in pieces",
            vec![call(0, "a", "Re", ""), call(0, "", "ad", ""), call(0, "", "", "{}")],
            vec![used("a", "Read", json!({}))],
        ),
        ("no arguments", vec![call(0, "a", "Stop", "")], vec![used("a", "Stop", json!({}))]),
        (
            "no ids",
            vec![call(0, "", "A", "{}"), call(1, "", "B", "{}")],
            vec![used("toolu_1_0", "A", json!({})), used("toolu_1_1", "B", json!({}))],
        ),
        (
            "one id for all",
            vec![call(0, "x", "A", "{}"), call(1, "x", "B", "{}")],
            vec![used("x", "A", json!({})), used("x_1", "B", json!({}))],
        ),
        (
            "one index for all",
            vec![call(0, "a", "A", "{}"), call(0, "b", "B", "{}")],
            vec![used("a", "A", json!({})), used("b", "B", json!({}))],
        ),
        (
            "no index, and the arguments as an object",
            vec![
                bare(json!({"id": "a", "function": {"name": "A", "arguments": {"p": 1}}})),
                bare(json!({"id": "b", "function": {"name": "B", "arguments": "{"}})),
                bare(json!({"function": {"arguments": "}"}})),
            ],
            vec![used("a", "A", json!({"p": 1})), used("b", "B", json!({}))],
        ),
        (
            "interleaved",
            vec![
                call(0, "a", "A", "{\"p\":"),
                call(1, "b", "B", "{\"q\":\"}"),
                call(0, "", "", "1}"),
                call(1, "", "", "\"}"),
            ],
            vec![used("a", "A", json!({"p": 1})), used("b", "B", json!({"q": "}"}))],
        ),
        ("no name", vec![call(0, "a", "", "{}")], vec![used("a", "unknown", json!({}))]),
        ("cut off", vec![call(0, "a", "A", "{\"p\":")], vec![used("a", "A", json!("{\"p\":"))]),
    ] {
        let mut chunks = chunks;
        chunks.push(finish("tool_calls"));
        assert_eq!(of(&chunks)["content"], Value::Array(expected), "{case}");
    }
}

#[test]
fn a_block_streams_while_it_is_written() {
    let mut translator = Translator::new("m", "1");
    let mut names = |chunk: Value| -> Vec<&'static str> {
        events(&translator.chunk(&chunk)).iter().map(|event| event.name()).collect()
    };
    assert_eq!(
        names(delta(&json!({"content": "a"}))),
        ["message_start", "content_block_start", "content_block_delta"]
    );
    assert_eq!(names(delta(&json!({"content": "b"}))), ["content_block_delta"]);
    assert_eq!(names(call(0, "x", "A", "")), ["content_block_stop"]);
    assert_eq!(names(call(0, "", "", "{")), ["content_block_start", "content_block_delta"]);
    assert_eq!(names(call(0, "", "", "}")), ["content_block_delta"]);
    assert_eq!(
        names(call(1, "y", "B", "{}")),
        ["content_block_stop", "content_block_start", "content_block_delta"]
    );
    assert_eq!(names(finish("tool_calls")), [""; 0]);
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}});
    assert_eq!(names(usage), ["content_block_stop", "message_delta", "message_stop"]);
    assert_eq!(names(delta(&json!({"content": "late"}))), [""; 0]);
}

#[test]
fn errors_table() {
    let text = format!("data: {}\n\n", delta(&json!({"content": "x"})));
    for (bytes, kind, said) in [
        (
            format!(
                "{text}data: {{\"error\":{{\"code\":503,\"message\":\"gone\",\"type\":\"unavailable_error\"}}}}\n\n"
            ),
            "overloaded_error",
            "gone",
        ),
        (
            format!(
                "{text}error: {{\"code\":500,\"message\":\"boom\",\"type\":\"server_error\"}}\n\n"
            ),
            "api_error",
            "boom",
        ),
        ("data: {\"error\":\"no model\"}\n\n".to_owned(), "api_error", "no model"),
        (
            "data: {\"object\":\"error\",\"message\":\"bad\",\"type\":\"BadRequestError\"}\n\n"
                .to_owned(),
            "invalid_request_error",
            "bad",
        ),
        ("data: {half\n\n".to_owned(), "api_error", "not JSON"),
        (text, "api_error", "in the middle of its answer"),
        (String::new(), "api_error", "before it answered"),
        (": keepalive 1/2\n\n".to_owned(), "api_error", "before it answered"),
    ] {
        let out = run(&[bytes.as_bytes()]);
        let events = events(&out);
        let Some(Event::Error(failure)) = events.last() else { panic!("no error for {bytes:?}") };
        assert_eq!(failure.kind, kind, "{bytes:?}");
        assert!(failure.message.contains(said), "{bytes:?}: {}", failure.message);
        assert_eq!(
            events.iter().filter(|e| matches!(e, Event::Error(_) | Event::MessageStop)).count(),
            1
        );
    }
}

#[test]
fn a_stream_may_end_without_done_when_it_said_why() {
    let chunk = json!({"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3, "completion_tokens": 1}});
    let message = message(&run(&[format!("data: {chunk}").as_bytes()]));
    assert_eq!(message["stop_reason"], "end_turn");
    assert_eq!(message["usage"], json!({"input_tokens": 3, "output_tokens": 1}));
}

#[test]
fn plain_answers_table() {
    for (message, reason, content, stop) in [
        (json!({"content": "x"}), "stop", json!([{"type": "text", "text": "x"}]), "end_turn"),
        (json!({"content": ""}), "length", json!([]), "max_tokens"),
        (
            json!({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}),
            "stop",
            json!([{"type": "text", "text": "ab"}]),
            "end_turn",
        ),
        (
            json!({"content": null, "reasoning_content": "hm", "tool_calls": [
                {"id": "a", "function": {"name": "A", "arguments": "{\"p\":1}"}},
                {"function": {"name": "B", "arguments": {"q": 2}}},
                {"id": "a", "function": {"name": "C", "arguments": ""}},
                {"id": "d", "function": {"name": "", "arguments": "{\"p\":"}},
            ]}),
            "stop",
            json!([
                {"type": "thinking", "thinking": "hm", "signature": ""},
                {"type": "tool_use", "id": "a", "name": "A", "input": {"p": 1}},
                {"type": "tool_use", "id": "toolu_9_1", "name": "B", "input": {"q": 2}},
                {"type": "tool_use", "id": "a_2", "name": "C", "input": {}},
                {"type": "tool_use", "id": "d", "name": "unknown", "input": {"unreadable_arguments": "{\"p\":"}},
            ]),
            "tool_use",
        ),
    ] {
        let body = json!({"choices": [{"index": 0, "message": message, "finish_reason": reason}], "usage": {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}}});
        let done = response::translate(&body, "m", "9").unwrap();
        assert_eq!(done["content"], content, "{body}");
        assert_eq!(done["stop_reason"], stop, "{body}");
        assert_eq!(
            done["usage"],
            json!({"input_tokens": 5, "cache_read_input_tokens": 4, "output_tokens": 2})
        );
        assert_eq!((&done["id"], &done["role"]), (&json!("msg_9"), &json!("assistant")));
    }
    for (body, said) in [
        (json!({"error": {"message": "no"}}), "no"),
        (json!({"choices": []}), "no choice"),
        (json!({"choices": [{}]}), "no message"),
    ] {
        let failure = response::translate(&body, "m", "9").unwrap_err();
        assert!(failure.message.contains(said), "{body}: {}", failure.message);
        assert_eq!(failure.status, 502);
    }
}
