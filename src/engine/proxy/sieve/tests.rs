//! The sieve by tables, and any cut of any stream.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::engine::proxy::sse::SseParser;

const MESH: Mesh = Mesh { thinking: true, limit: 0, overflow: true };

fn frame(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap())
}

fn start() -> String {
    frame(&json!({"type": "message_start", "message": {"id": "m", "content": []}}))
}

fn end() -> String {
    frame(&json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}))
        + &frame(&json!({"type": "message_stop"}))
}

/// A block of the kind `t`ext, t`h`inking or `c`all with its deltas.
fn block(index: usize, kind: &str, deltas: &[&str]) -> String {
    let begun = match kind {
        "text" => json!({"type": "text", "text": ""}),
        "thinking" => json!({"type": "thinking", "thinking": "", "signature": ""}),
        _ => json!({"type": "tool_use", "id": "t", "name": "Bash", "input": {}}),
    };
    let mut out =
        frame(&json!({"type": "content_block_start", "index": index, "content_block": begun}));
    for text in deltas {
        let delta = match kind {
            "text" => json!({"type": "text_delta", "text": text}),
            "thinking" => json!({"type": "thinking_delta", "thinking": text}),
            _ => json!({"type": "input_json_delta", "partial_json": text}),
        };
        out += &frame(&json!({"type": "content_block_delta", "index": index, "delta": delta}));
    }
    out + &frame(&json!({"type": "content_block_stop", "index": index}))
}

fn sift_with(mesh: Mesh, pieces: &[&[u8]]) -> (String, Flow) {
    let mut sieve = Sieve::new(mesh);
    let mut out = Vec::new();
    for piece in pieces {
        let (passed, flow) = sieve.feed(&Bytes::copy_from_slice(piece));
        out.extend_from_slice(&passed);
        if flow != Flow::Go {
            return (String::from_utf8(out).unwrap(), flow);
        }
    }
    out.extend_from_slice(&sieve.finish());
    (String::from_utf8_lossy(&out).into_owned(), Flow::Go)
}

fn sift(text: &str) -> String {
    sift_with(MESH, &[text.as_bytes()]).0
}

/// What a client makes of a stream: each block's kind and text, and whether the stream is whole
/// and its blocks are numbered from 0 without a gap.
fn read(stream: &str) -> Vec<(String, String)> {
    let mut blocks: Vec<(String, String)> = Vec::new();
    let (mut open, mut stopped, mut started) = (false, false, 0);
    SseParser::new().feed(stream.as_bytes(), |event| {
        let data: Value = serde_json::from_str(&event.data).unwrap();
        assert!(!stopped, "after the end: {data}");
        let index = data["index"].as_u64().map(|n| usize::try_from(n).unwrap());
        match data["type"].as_str().unwrap() {
            "message_start" => started += 1,
            "content_block_start" => {
                assert!(!open && index == Some(blocks.len()), "{data} after {blocks:?}");
                open = true;
                let kind = data["content_block"]["type"].as_str().unwrap();
                blocks.push((kind.to_owned(), String::new()));
            }
            "content_block_delta" => {
                assert!(open && index == Some(blocks.len() - 1), "{data} after {blocks:?}");
                let delta = &data["delta"];
                let text =
                    ["text", "thinking", "partial_json"].iter().find_map(|f| delta[*f].as_str());
                blocks.last_mut().unwrap().1.push_str(text.unwrap());
            }
            "content_block_stop" => {
                assert!(open && index == Some(blocks.len() - 1), "{data} after {blocks:?}");
                open = false;
            }
            "message_delta" => assert!(!open),
            "message_stop" => stopped = true,
            "ping" => {}
            other => panic!("{other}"),
        }
    });
    assert!(stopped && started == 1, "{stream}");
    blocks
}

#[test]
fn a_stream_without_thinking_passes_byte_for_byte_and_without_a_copy() {
    let text = [
        start().as_str(),
        "event: ping\r\ndata: {\"type\":\"ping\"}\r\n\r\n: a comment\n\n",
        &block(0, "text", &["I was <b>thinking</b> of an error, ", "and more"]),
        &block(1, "tool", &["{\"thinking\":", "1}"]),
        &end(),
    ]
    .concat();
    assert_eq!(sift(&text), text);
    let mut sieve = Sieve::new(MESH);
    let opening = start() + &block(0, "text", &["a"]);
    sieve.feed(&Bytes::from(opening));
    let piece = Bytes::from(block(1, "tool", &["{}"]));
    assert_eq!(sieve.feed(&piece).0.as_ptr(), piece.as_ptr());
}

#[test]
fn what_is_thinking_goes_and_the_rest_moves_up() {
    let text = |text: &str| ("text".to_owned(), text.to_owned());
    let call = |text: &str| ("tool_use".to_owned(), text.to_owned());
    let table: Vec<(String, Vec<(String, String)>)> = vec![
        (block(0, "thinking", &["hm", "hm"]) + &block(1, "text", &["Yes"]), vec![text("Yes")]),
        (
            block(0, "thinking", &["hm"])
                + &block(1, "text", &["a", "b"])
                + &block(2, "tool", &["{}"]),
            vec![text("ab"), call("{}")],
        ),
        (
            block(0, "text", &["a"]) + &block(1, "thinking", &["hm"]) + &block(2, "tool", &["{}"]),
            vec![text("a"), call("{}")],
        ),
        (block(0, "text", &["<thi", "nk>hm</th", "ink>\n\n", "Yes", "!"]), vec![text("Yes!")]),
        (block(0, "text", &["<mm:think>hm</mm:think>Yes"]), vec![text("Yes")]),
        (block(0, "text", &["<think>hm</think>"]) + &block(1, "tool", &["{}"]), vec![call("{}")]),
        (block(0, "text", &["<think>never closed"]), vec![]),
        (block(0, "text", &["<thin"]), vec![text("<thin")]),
        (block(0, "text", &[" \n", "plain"]), vec![text(" \nplain")]),
        (block(0, "text", &[]), vec![text("")]),
        (block(0, "thinking", &["hm"]), vec![]),
        (
            block(
                0,
                "text",
                &[
                    "<|channel|>analysis<|message|>hm<|end|><|start|>assistant",
                    "<|channel|>final<|message|>Yes",
                ],
            ),
            vec![text("Yes")],
        ),
    ];
    for (blocks, expected) in table {
        let stream = start() + &blocks + &end();
        assert_eq!(read(&sift(&stream)), expected, "{blocks}");
    }
}

#[test]
fn beyond_the_limit_it_stops_once_and_the_second_answer_follows_as_one_stream() {
    let long = "x".repeat(45);
    for opening in [
        block(0, "thinking", &[&long]),
        block(0, "text", &["<think>", &long]),
        block(0, "thinking", &["xx"]) + &block(1, "text", &["<think>", &long]),
    ] {
        let mesh = Mesh { limit: 10, ..MESH };
        let mut sieve = Sieve::new(mesh);
        let (first, flow) = sieve.feed(&Bytes::from(start() + &opening));
        assert!(matches!(flow, Flow::Stop(11)), "{flow:?}");
        assert_eq!(first, start());
        sieve.again();
        let second =
            start() + &block(0, "thinking", &[&long, &long]) + &block(1, "text", &["Yes"]) + &end();
        let (second, flow) = sieve.feed(&Bytes::from(second));
        assert_eq!(flow, Flow::Go, "never twice");
        let all = [&first[..], &second[..], &sieve.finish()[..]].concat();
        let yes = ("text".to_owned(), "Yes".to_owned());
        assert_eq!(read(&String::from_utf8(all).unwrap()), [yes]);
    }
}

#[test]
fn once_the_client_has_content_nothing_is_asked_again() {
    let long = "x".repeat(4_000);
    let stream = start() + &block(0, "text", &["a"]) + &block(1, "thinking", &[&long]) + &end();
    let (out, flow) = sift_with(Mesh { limit: 10, ..MESH }, &[stream.as_bytes()]);
    assert_eq!((read(&out).len(), flow), (1, Flow::Go));
}

#[test]
fn with_thinking_on_everything_passes() {
    let stream = start()
        + &block(0, "thinking", &["hm"])
        + &block(1, "text", &["<think>hm</think>Yes"])
        + &end();
    let mesh = Mesh { thinking: false, limit: 1, overflow: true };
    assert_eq!(sift_with(mesh, &[stream.as_bytes()]).0, stream);
}

#[test]
fn a_too_long_error_inside_the_stream_gets_the_known_words() {
    let said = r#"{"type":"error","error":{"type":"api_error","message":"Context size has been exceeded."}}"#;
    let bare = r#"{"code":400,"message":"request (40000 tokens) exceeds the available context size (32768 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":40000,"n_ctx":32768}"#;
    for (said, known) in
        [(said, "prompt is too long"), (bare, "prompt is too long: 40000 tokens > 32768 maximum")]
    {
        for before in [String::new(), start() + &block(0, "text", &["a"])] {
            let out = sift(&format!("{before}event: error\ndata: {said}\n\n"));
            let error = json!({"type": "invalid_request_error", "message": known});
            let data = json!({"type": "error", "error": error});
            assert_eq!(out, format!("{before}event: error\ndata: {data}\n\n"));
        }
    }
    let other = "event: error\ndata: {\"type\":\"error\",\"error\":{\"message\":\"boom\"}}\n\n";
    assert_eq!(sift(other), other);
}

#[test]
fn a_stream_that_breaks_gives_what_may_pass() {
    let text = start() + &block(0, "text", &["a"]);
    let half = format!("{text}event: content_block_st");
    assert_eq!(sift(&half), half);
    let thinking = start()
        + "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\"}}\n\nevent: content_bl";
    assert_eq!(sift(&thinking), start());
}

proptest! {
    #[test]
    fn any_cut_gives_the_same_valid_stream(
        blocks in proptest::collection::vec(
            (0..3_usize, proptest::collection::vec(
                prop_oneof![
                    Just("<think>"), Just("</think>"), Just("word "), Just("<"), Just("\n"),
                    Just("thinking"), Just("ä"), Just("<thi"), Just("nk>"), Just("\"error\""),
                ], 0..6)), 0..5),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..8),
    ) {
        let kinds = ["text", "thinking", "tool"];
        let body: String = blocks.iter().enumerate()
            .map(|(n, (kind, deltas))| block(n, kinds[*kind], deltas)).collect();
        let stream = start() + &body + &end();
        let whole = sift(&stream);
        let mut at: Vec<usize> = cuts.iter().map(|i| i.index(stream.len() + 1)).collect();
        at.sort_unstable();
        at.push(stream.len());
        let mut from = 0;
        let mut pieces = Vec::new();
        for to in at {
            pieces.push(&stream.as_bytes()[from..to]);
            from = to;
        }
        prop_assert_eq!(&sift_with(MESH, &pieces).0, &whole);
        let shown = read(&whole);
        prop_assert!(shown.iter().all(|(kind, _)| kind != "thinking"));
        // Calls pass untouched, in their order.
        let calls = |of: &[(String, String)]| of.iter().filter(|(k, _)| k == "tool_use")
            .map(|(_, text)| text.clone()).collect::<Vec<_>>();
        let meant: Vec<(String, String)> = blocks.iter().filter(|(k, _)| *k == 2)
            .map(|(_, deltas)| ("tool_use".to_owned(), deltas.concat())).collect();
        prop_assert_eq!(calls(&shown), calls(&meant));
    }
}

#[test]
fn plain_answers_lose_their_thinking_too() {
    let table = [
        (
            json!([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Yes"}]),
            Some(json!([{"type": "text", "text": "Yes"}])),
        ),
        (
            json!([{"type": "text", "text": "<think>hm</think>\n\nYes"}]),
            Some(json!([{"type": "text", "text": "Yes"}])),
        ),
        (json!([{"type": "text", "text": "Yes <think>"}]), None),
    ];
    for (content, expected) in table {
        let body = json!({"id": "m", "content": content, "usage": {"output_tokens": 3}});
        let got = strip(&Bytes::from(body.to_string()));
        let got = got.map(|b| serde_json::from_slice::<Value>(&b).unwrap()["content"].clone());
        assert_eq!(got, expected);
    }
}

#[test]
fn a_plain_answer_of_nothing_but_thinking_is_told_from_others() {
    let thinking = json!({"type": "thinking", "thinking": "x".repeat(40)});
    let text = |text: &str| json!({"type": "text", "text": text});
    let call = json!({"type": "tool_use", "id": "t", "name": "Bash", "input": {}});
    for (content, tokens) in [
        (json!([thinking]), Some(10)),
        (json!([thinking, text("\n\n")]), Some(10)),
        (json!([thinking, text("<think>never closed!")]), Some(15)),
        (json!([text("<think>hm</think>\n\n")]), Some(4)),
        (json!([{"type": "redacted_thinking", "data": "x"}]), Some(0)),
        (json!([thinking, text("Yes")]), None),
        (json!([thinking, call]), None),
        (json!([text("<think>hm</think>Yes")]), None),
        (json!([text("hm</think>\n")]), None),
        (json!([text("")]), None),
        (json!([]), None),
        (json!("no blocks"), None),
    ] {
        let body = Bytes::from(json!({"id": "m", "content": content}).to_string());
        assert_eq!(only_thinking(&body), tokens, "{content}");
    }
}
