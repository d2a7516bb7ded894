//! Tables for the tap.

use proptest::prelude::*;

use super::*;

const ID: RequestId = RequestId(7);

fn sse(frames: &[&str]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for frame in frames {
        let kind: serde_json::Value = serde_json::from_str(frame).unwrap();
        let kind = kind["type"].as_str().unwrap_or_default();
        write!(text, "event: {kind}\ndata: {frame}\n\n").unwrap();
    }
    text
}

fn run(tap: &mut Tap, text: &str, end: End) -> (Vec<Event>, Outcome) {
    let mut out = Vec::new();
    tap.feed(text.as_bytes(), Moment(0), &mut out);
    let outcome = tap.finish(end, Moment(1), &mut out);
    (out, outcome)
}

fn stream(start_usage_is_real: bool) -> Tap {
    Tap::new(ID, Form::Stream, 200, start_usage_is_real)
}

fn usage(input: Option<u64>, cached: Option<u64>, output: Option<u64>) -> Event {
    Event::Usage { request: ID, input, cached, output }
}

fn delta(what: DeltaKind, bytes: u64) -> Event {
    Event::Delta { request: ID, what, bytes }
}

const START: &str = r#"{"type":"message_start","message":{"usage":{"cache_read_input_tokens":20,"input_tokens":5,"output_tokens":0}}}"#;
const TEXT: &str = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"gr\u00f6\u00dfe"}}"#;
const DELTA: &str =
    r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;

fn done() -> Outcome {
    Outcome::Done { stop_reason: Some("end_turn".to_owned()) }
}

#[test]
fn an_answer_of_llama_server() {
    let text = sse(&[START, TEXT, DELTA, STOP]);
    let (events, outcome) = run(&mut stream(true), &text, End::Complete);
    let expected = [
        Event::FirstToken { request: ID },
        usage(Some(5), Some(20), None),
        delta(DeltaKind::Text, 7),
        usage(None, None, Some(9)),
    ];
    assert_eq!(events, expected);
    assert_eq!(outcome, done());
}

#[test]
fn an_answer_without_message_start() {
    let (events, outcome) = run(&mut stream(true), &sse(&[TEXT, DELTA, STOP]), End::Abandoned);
    assert_eq!(events[0], Event::FirstToken { request: ID });
    assert_eq!(outcome, done());
}

#[test]
fn ollamas_guess_at_the_start_is_not_told() {
    let start =
        r#"{"type":"message_start","message":{"usage":{"input_tokens":99,"output_tokens":0}}}"#;
    let end = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":80,"output_tokens":9}}"#;
    let (events, _) = run(&mut stream(false), &sse(&[start, end, STOP]), End::Complete);
    assert_eq!(events, [Event::FirstToken { request: ID }, usage(Some(80), None, Some(9))]);
}

#[test]
fn totals_that_repeat_the_start_are_told_once() {
    let end = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":5,"cache_read_input_tokens":20,"output_tokens":9}}"#;
    let (events, _) = run(&mut stream(true), &sse(&[START, end, end, STOP]), End::Complete);
    assert_eq!(
        events,
        [
            Event::FirstToken { request: ID },
            usage(Some(5), Some(20), None),
            usage(None, None, Some(9))
        ]
    );
}

#[test]
fn thinking_leaks_and_tools_are_told_apart() {
    let text = sse(&[
        r#"{"type":"content_block_start","content_block":{"type":"thinking"}}"#,
        r#"{"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"1234"}}"#,
        r#"{"type":"content_block_delta","delta":{"type":"signature_delta","signature":"xx"}}"#,
        r#"{"type":"content_block_stop"}"#,
        r#"{"type":"content_block_start","content_block":{"type":"text"}}"#,
        r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"<thi"}}"#,
        r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"nk>ab</think>yes"}}"#,
        r#"{"type":"content_block_stop"}"#,
        r#"{"type":"content_block_start","content_block":{"type":"tool_use","name":"Read"}}"#,
        r#"{"type":"content_block_delta","delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
        r#"{"type":"content_block_stop"}"#,
    ]);
    let (events, outcome) = run(&mut stream(true), &text, End::Broken("reset".to_owned()));
    let expected = [
        Event::FirstToken { request: ID },
        delta(DeltaKind::Thinking, 4),
        delta(DeltaKind::Text, 3),
        delta(DeltaKind::LeakedThinking, 17),
        Event::ToolCalled { request: ID, name: "Read".to_owned() },
        delta(DeltaKind::ToolInput, 2),
    ];
    assert_eq!(events, expected);
    assert_eq!(outcome, Outcome::ServerLost { message: "reset".to_owned() });
}

#[test]
fn a_fast_stream_is_told_at_a_steady_pace() {
    let mut tap = stream(true);
    let mut out = Vec::new();
    let piece = sse(&[TEXT]);
    for ms in 0..1_000 {
        let now = Moment::from_millis(ms);
        tap.feed(piece.as_bytes(), now, &mut out);
        if tap.due().is_some_and(|due| due <= now) {
            tap.tick(now, &mut out);
        }
    }
    let due = tap.due().unwrap();
    tap.tick(due, &mut out);
    assert_eq!(tap.due(), None);
    let bytes: Vec<u64> = out
        .iter()
        .filter_map(|e| if let Event::Delta { bytes, .. } = e { Some(*bytes) } else { None })
        .collect();
    assert_eq!(bytes.iter().sum::<u64>(), 7_000);
    assert!(bytes.len() <= 21, "{}", bytes.len());
}

#[test]
fn how_requests_end() {
    let failed = |status, kind: Option<&str>, message: &str| Outcome::Failed {
        status,
        kind: kind.map(str::to_owned),
        message: message.to_owned(),
    };
    let bare =
        "event: error\ndata: {\"code\":500,\"message\":\"boom\",\"type\":\"server_error\"}\n\n";
    let enveloped = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n";
    let whole =
        r#"{"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2},"content":[]}"#;
    let table = [
        (Form::Stream, 200, bare, End::Complete, failed(200, Some("server_error"), "boom")),
        (
            Form::Stream,
            200,
            enveloped,
            End::Complete,
            failed(200, Some("overloaded_error"), "busy"),
        ),
        (
            Form::Stream,
            200,
            "event: error\ndata: {half\n\n",
            End::Complete,
            failed(200, None, "{half"),
        ),
        (Form::Stream, 200, "", End::Abandoned, Outcome::ClientGone),
        (
            Form::Stream,
            200,
            "garbage\n\n",
            End::Complete,
            Outcome::ServerLost { message: "the answer ended before it was complete".to_owned() },
        ),
        (Form::Whole, 200, whole, End::Complete, done()),
        (Form::Whole, 500, "", End::Complete, failed(500, None, "no explanation")),
        (
            Form::Whole,
            404,
            "404 page\nnot found",
            End::Complete,
            failed(404, None, "404 page not found"),
        ),
        (Form::Opaque, 200, "\u{1}", End::Complete, Outcome::Done { stop_reason: None }),
    ];
    for (form, status, text, end, expected) in table {
        let (_, outcome) = run(&mut Tap::new(ID, form, status, true), text, end);
        assert_eq!(outcome, expected, "{text}");
    }
}

proptest! {
    #[test]
    fn garbage_never_panics_and_ends_once(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut tap = stream(true);
        let mut out = Vec::new();
        tap.feed(&bytes, Moment(0), &mut out);
        tap.finish(End::Complete, Moment(1), &mut out);
        prop_assert_eq!(tap.due(), None);
    }
}
