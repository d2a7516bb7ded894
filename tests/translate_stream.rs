//! A streamed chat completion becomes one well-formed Anthropic stream, however it is cut.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use lcc::engine::proxy::translate::{
    event::Event,
    response,
    stream::{Output, Translator},
    usage::{Progress, Usage},
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/fixtures/translate/{name}", env!("CARGO_MANIFEST_DIR")))
        .unwrap()
}

fn run(pieces: &[&[u8]]) -> Vec<Output> {
    let mut translator = Translator::new("local", "1");
    let mut out: Vec<Output> = pieces.iter().flat_map(|piece| translator.feed(piece)).collect();
    out.extend(translator.end());
    assert!(translator.is_over());
    out
}

fn sse(chunks: &[Value]) -> String {
    let mut out: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    out.push_str("data: [DONE]\n\n");
    out
}

fn delta(delta: &Value) -> Value {
    json!({"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn finish(reason: &str) -> Value {
    json!({"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

fn call(index: u64, id: &str, name: &str, arguments: &str) -> Value {
    delta(
        &json!({"tool_calls": [{"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": arguments}}]}),
    )
}

fn events(out: &[Output]) -> Vec<&Event> {
    out.iter()
        .filter_map(|output| match output {
            Output::Event(event) => Some(event),
            Output::Progress(_) => None,
        })
        .collect()
}

fn progress(out: &[Output]) -> Vec<Progress> {
    out.iter()
        .filter_map(|output| match output {
            Output::Progress(progress) => Some(*progress),
            Output::Event(_) => None,
        })
        .collect()
}

/// Reads the frames as a client does and holds every rule of the stream.
fn message(out: &[Output]) -> Value {
    let mut message = Value::Null;
    let (mut open, mut next, mut json) = (None, 0, String::new());
    let mut stopped = false;
    for event in events(out) {
        let frame = event.frame();
        let data = frame
            .strip_prefix(&format!("event: {}\ndata: ", event.name()))
            .and_then(|rest| rest.strip_suffix("\n\n"))
            .expect("the frame of an event");
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["type"], event.name());
        assert!(!stopped, "{data} after message_stop");
        match event.name() {
            "message_start" => {
                assert!(message.is_null(), "a second message_start");
                message = data["message"].clone();
            }
            "content_block_start" => {
                assert_eq!(open, None, "a block starts inside another");
                assert_eq!(data["index"], next, "indices must rise by one");
                open = Some(next);
                next += 1;
                json.clear();
                message["content"].as_array_mut().unwrap().push(data["content_block"].clone());
            }
            "content_block_delta" => {
                assert_eq!(data["index"].as_u64(), open, "a delta outside its block");
                let block = message["content"].as_array_mut().unwrap().last_mut().unwrap();
                let delta = &data["delta"];
                let field = match (block["type"].as_str().unwrap(), delta["type"].as_str().unwrap())
                {
                    ("text", "text_delta") => "text",
                    ("thinking", "thinking_delta") => "thinking",
                    ("thinking", "signature_delta") => "signature",
                    ("tool_use", "input_json_delta") => {
                        json.push_str(delta["partial_json"].as_str().unwrap());
                        continue;
                    }
                    other => panic!("{other:?}"),
                };
                let whole =
                    format!("{}{}", block[field].as_str().unwrap(), delta[field].as_str().unwrap());
                block[field] = json!(whole);
            }
            "content_block_stop" => {
                assert_eq!(data["index"].as_u64(), open.take(), "the stop of another block");
                let block = message["content"].as_array_mut().unwrap().last_mut().unwrap();
                if block["type"] == "tool_use" && !json.is_empty() {
                    block["input"] = serde_json::from_str(&json).unwrap_or_else(|_| json!(json));
                }
            }
            "message_delta" => {
                assert_eq!(open, None, "a block without its stop");
                message["stop_reason"] = data["delta"]["stop_reason"].clone();
                message["stop_sequence"] = data["delta"]["stop_sequence"].clone();
                message["usage"] = data["usage"].clone();
            }
            "message_stop" => stopped = true,
            other => panic!("{other}: {data}"),
        }
    }
    assert!(stopped, "no message_stop");
    assert!(!message["stop_reason"].is_null(), "no message_delta");
    message
}

fn of(chunks: &[Value]) -> Value {
    message(&run(&[sse(chunks).as_bytes()]))
}

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
        assert!(response::translate(&body, "m", "9").unwrap_err().message.contains(said));
    }
}

/// What a model says in one answer.
#[derive(Debug, Clone)]
struct Answer {
    thinking: String,
    text: String,
    calls: Vec<(String, String, Value)>,
}

fn answer() -> impl Strategy<Value = Answer> {
    let input =
        prop::collection::vec(("[a-z]{1,3}", "[a-zé{}\"\\\\ ]{0,8}"), 0..3).prop_map(|fields| {
            Value::Object(fields.into_iter().map(|(k, v)| (k, Value::String(v))).collect())
        });
    let calls = prop::collection::vec(("[A-Z][a-z]{2,6}", input), 0..4).prop_map(|calls| {
        calls
            .into_iter()
            .enumerate()
            .map(|(n, (name, input))| (format!("id{n}"), name, input))
            .collect()
    });
    ("[a-zé \n]{0,12}", "[a-zé \n\"]{0,12}", calls).prop_map(|(thinking, text, calls)| Answer {
        thinking,
        text,
        calls,
    })
}

/// Cuts a string at the given places, always between characters.
fn cut(text: &str, cuts: &[prop::sample::Index]) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(chars.len() + 1)).collect();
    at.extend([0, chars.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| chars[pair[0]..pair[1]].iter().collect()).collect()
}

/// One way of sending an answer: how often each part is cut, and whose piece comes next when
/// several calls are under way at once.
#[derive(Debug, Clone)]
struct Way {
    cuts: Vec<prop::sample::Index>,
    turns: Vec<prop::sample::Index>,
    together: bool,
    ids_always: bool,
}

fn way() -> impl Strategy<Value = Way> {
    (
        prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        prop::collection::vec(any::<prop::sample::Index>(), 64),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(cuts, turns, together, ids_always)| Way {
            cuts,
            turns,
            together,
            ids_always,
        })
}

fn chunks(answer: &Answer, way: &Way) -> Vec<Value> {
    let mut out = vec![delta(&json!({"role": "assistant", "content": null}))];
    let thoughts = cut(&answer.thinking, &way.cuts);
    out.extend(thoughts.iter().map(|piece| delta(&json!({"reasoning_content": piece}))));
    let texts = cut(&answer.text, &way.cuts);
    out.extend(texts.iter().map(|piece| delta(&json!({"content": piece}))));
    let mut queues: Vec<std::collections::VecDeque<Value>> = Vec::new();
    for (n, (id, name, input)) in answer.calls.iter().enumerate() {
        let n = n as u64;
        let later = if way.ids_always { id.as_str() } else { "" };
        let mut queue = std::collections::VecDeque::from([call(n, id, name, "")]);
        queue.extend(
            cut(&input.to_string(), &way.cuts).iter().map(|piece| call(n, later, "", piece)),
        );
        queues.push(queue);
    }
    // A later call begins after the earlier ones have begun; then their pieces mix freely.
    let mut begun = 0;
    for turn in way.turns.iter().cycle() {
        let free: Vec<usize> =
            (0..queues.len().min(begun + 1)).filter(|n| !queues[*n].is_empty()).collect();
        if free.is_empty() {
            break;
        }
        let chosen = if way.together { free[turn.index(free.len())] } else { free[0] };
        begun += usize::from(begun == chosen);
        out.push(queues[chosen].pop_front().unwrap());
    }
    out.push(finish(if answer.calls.is_empty() { "stop" } else { "tool_calls" }));
    out.push(json!({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 6}}));
    out
}

fn expected(answer: &Answer) -> Value {
    let mut content = Vec::new();
    if !answer.thinking.is_empty() {
        content.push(json!({"type": "thinking", "thinking": answer.thinking, "signature": ""}));
    }
    if !answer.text.is_empty() {
        content.push(json!({"type": "text", "text": answer.text}));
    }
    for (id, name, input) in &answer.calls {
        content.push(json!({"type": "tool_use", "id": id, "name": name, "input": input}));
    }
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "local", "content": content,
        "stop_reason": if answer.calls.is_empty() { "end_turn" } else { "tool_use" },
        "stop_sequence": null,
        "usage": {"input_tokens": 5, "output_tokens": 6},
    })
}

fn piece() -> impl Strategy<Value = Value> {
    let reason = prop_oneof![Just("stop"), Just("length"), Just("tool_calls")];
    let strange = prop_oneof![
        Just(json!({})),
        Just(json!({"choices": 3})),
        Just(json!({"choices": [null]})),
        Just(json!({"choices": [{"delta": {"tool_calls": [7, {}]}}]})),
        Just(json!({"choices": [{"delta": {"content": {}}}]})),
        Just(json!({"choices": [], "usage": {}})),
        Just(json!([])),
    ];
    prop_oneof![
        4 => "[a-z]{0,3}".prop_map(|text| delta(&json!({"content": text}))),
        2 => "[a-z]{0,3}".prop_map(|text| delta(&json!({"reasoning": text}))),
        4 => (0_u64..3, "[ab]{0,1}", "[A-C]{0,1}", "[{}\"\\\\]{0,3}")
            .prop_map(|(index, id, name, arguments)| call(index, &id, &name, &arguments)),
        1 => reason.prop_map(finish),
        1 => strange,
    ]
}

proptest! {
    #[test]
    fn any_way_of_sending_gives_the_same_message(answer in answer(), way in way()) {
        prop_assert_eq!(of(&chunks(&answer, &way)), expected(&answer));
    }

    #[test]
    fn any_cut_of_the_bytes_gives_the_same_events(
        answer in answer(),
        way in way(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let text = sse(&chunks(&answer, &way));
        let bytes = text.as_bytes();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(run(&pieces), run(&[bytes]));
    }

    #[test]
    fn any_chunks_at_all_give_a_well_formed_message(pieces in prop::collection::vec(piece(), 0..20)) {
        // `message` holds the rules; every text must be in it, in order.
        let ended = |chunk: &Value| chunk["choices"][0]["finish_reason"].is_string();
        let counted = |chunk: &Value| chunk["usage"].is_object();
        let end = pieces.iter().position(ended).and_then(|finish| {
            pieces[finish..].iter().position(counted).map(|usage| finish + usage)
        });
        let said: String = pieces[..end.unwrap_or(pieces.len())]
            .iter()
            .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
            .collect();
        let message = of(&pieces);
        let texts: String = message["content"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|block| block["text"].as_str())
            .collect();
        prop_assert_eq!(texts, said);
    }

    #[test]
    fn a_plain_answer_and_a_streamed_one_are_the_same_message(answer in answer(), way in way()) {
        let calls: Vec<Value> = answer
            .calls
            .iter()
            .map(|(id, name, input)| json!({"id": id, "type": "function", "function": {"name": name, "arguments": input.to_string()}}))
            .collect();
        let body = json!({
            "choices": [{"index": 0, "finish_reason": "stop", "message": {
                "role": "assistant", "content": answer.text, "reasoning_content": answer.thinking, "tool_calls": calls,
            }}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 6},
        });
        let plain = response::translate(&body, "local", "1").unwrap();
        prop_assert_eq!(&plain, &of(&chunks(&answer, &way)));
        // And a server that answers plainly to a request to stream.
        prop_assert_eq!(&plain, &of(&[body]));
    }
}
