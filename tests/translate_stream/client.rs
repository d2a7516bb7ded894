//! Runs streams through the translator and reads them as Claude Code's client does.

use lcc::engine::proxy::translate::{
    event::Event,
    stream::{Output, Translator},
    usage::Progress,
};
use serde_json::{Value, json};

pub fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/fixtures/translate/{name}", env!("CARGO_MANIFEST_DIR")))
        .unwrap()
}

pub fn run(pieces: &[&[u8]]) -> Vec<Output> {
    let mut translator = Translator::new("local", "1");
    let mut out: Vec<Output> = pieces.iter().flat_map(|piece| translator.feed(piece)).collect();
    out.extend(translator.end());
    assert!(translator.is_over());
    out
}

pub fn sse(chunks: &[Value]) -> String {
    let mut out: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    out.push_str("data: [DONE]\n\n");
    out
}

pub fn delta(delta: &Value) -> Value {
    json!({"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

pub fn finish(reason: &str) -> Value {
    json!({"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

pub fn call(index: u64, id: &str, name: &str, arguments: &str) -> Value {
    delta(
        &json!({"tool_calls": [{"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": arguments}}]}),
    )
}

pub fn events(out: &[Output]) -> Vec<&Event> {
    out.iter()
        .filter_map(|output| match output {
            Output::Event(event) => Some(event),
            Output::Progress(_) => None,
        })
        .collect()
}

pub fn progress(out: &[Output]) -> Vec<Progress> {
    out.iter()
        .filter_map(|output| match output {
            Output::Progress(progress) => Some(*progress),
            Output::Event(_) => None,
        })
        .collect()
}

/// Reads the frames as a client does and holds every rule of the stream.
pub fn message(out: &[Output]) -> Value {
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

pub fn of(chunks: &[Value]) -> Value {
    message(&run(&[sse(chunks).as_bytes()]))
}
