//! Servers that speak OpenAI's API alone, and servers that think although they must not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, dead_code)]

#[path = "proxy/support.rs"]
mod support;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use lcc::{
    domain::{Api, Dialect, Event, Outcome, RequestId, Source, observation::DeltaKind},
    engine::proxy::rules::Rules,
};
use serde_json::{Value, json};
use support::*;

const ID: RequestId = RequestId(1);

fn openai() -> Setup {
    let dialect = Dialect {
        api: Api::OpenAi,
        prompt_progress: true,
        wants_local_host_header: false,
        ..Dialect::UNKNOWN
    };
    let rules = Rules { thinking_off: true, thinking_limit: 50, ..Rules::default() };
    Setup { dialect, rules, ..Setup::default() }
}

fn anthropic() -> Setup {
    let rules = Rules { thinking_off: true, thinking_limit: 50, ..Rules::default() };
    Setup { rules, ..Setup::default() }
}

fn chunk(delta: &Value, finish: Option<&str>) -> String {
    let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
    format!("data: {}\n\n", json!({"object": "chat.completion.chunk", "choices": [choice]}))
}

fn progress(done: u64) -> String {
    let choice =
        json!({"index": 0, "delta": {"role": "assistant", "content": null}, "finish_reason": null});
    let progress = json!({"total": 8192, "cache": 2048, "processed": done, "time_ms": 5});
    format!("data: {}\n\n", json!({"choices": [choice], "prompt_progress": progress}))
}

fn answer(text: &str) -> String {
    let usage = json!({"prompt_tokens": 8192, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 2048}});
    [
        chunk(&json!({"content": text}), None),
        chunk(&json!({}), Some("stop")),
        format!("data: {}\n\n", json!({"choices": [], "usage": usage})),
        "data: [DONE]\n\n".to_owned(),
    ]
    .concat()
}

fn stream(visit: &mut Visit, pieces: &[&str]) {
    visit.send(STREAM_HEAD);
    for piece in pieces {
        visit.chunk(piece.as_bytes());
    }
    visit.send(b"0\r\n\r\n");
}

fn json_reply(status: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The blocks of a valid stream, by kind and text; panics on any other.
fn blocks(body: &str) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    let (mut started, mut stopped) = (0, 0);
    for data in body.lines().filter_map(|line| line.strip_prefix("data: ")) {
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(stopped, 0, "{body}");
        match data["type"].as_str().unwrap() {
            "message_start" => started += 1,
            "content_block_start" => {
                assert_eq!(data["index"], out.len(), "{body}");
                let kind = data["content_block"]["type"].as_str().unwrap();
                out.push((kind.to_owned(), String::new()));
            }
            "content_block_delta" => {
                assert_eq!(data["index"], out.len() - 1, "{body}");
                let text =
                    data["delta"]["text"].as_str().or(data["delta"]["partial_json"].as_str());
                out.last_mut().unwrap().1.push_str(text.unwrap());
            }
            "message_stop" => stopped += 1,
            _ => {}
        }
    }
    assert_eq!((started, stopped), (1, 1), "{body}");
    out
}

fn yes() -> Vec<(String, String)> {
    vec![("text".to_owned(), "Yes".to_owned())]
}

async fn ask(house: &House) -> Reply {
    raw(house.addr, post("/v1/messages?beta=true", "anthropic-version: 1\r\n", MAIN)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_translated_however_it_is_cut() {
    for size in [1, 3, 64, 100_000] {
        let (tell, told) = telling();
        let addr = upstream(move |mut visit| {
            tell.send((visit.head.clone(), visit.body.clone())).unwrap();
            let text = progress(2048) + &progress(8192) + &answer("Yes");
            visit.send(STREAM_HEAD);
            for piece in text.as_bytes().chunks(size) {
                visit.chunk(piece);
            }
            visit.send(b"0\r\n\r\n");
        });
        let house = house(addr, openai());
        let active = house.proxy.active();
        let reply = ask(&house).await;
        assert_eq!((reply.status, reply.complete), (200, true), "{}", reply.text());
        assert_eq!(header(&reply.head, "content-type"), Some("text/event-stream"));
        assert_eq!(blocks(&reply.text()), yes());
        let (head, body) = told.recv().unwrap();
        assert!(head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{head}");
        assert_eq!(header(&head, "anthropic-version"), None);
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["return_progress"], true);
        assert_eq!(body["chat_template_kwargs"]["enable_thinking"], false);
        assert_eq!(body["messages"][0]["content"], "hi");
        let events = house.request().await;
        let at = |wanted: &Event| events.iter().position(|e| e == wanted).expect("an event");
        let read = |done| {
            at(&Event::PrefillProgress {
                request: Some(ID),
                done,
                cached: Some(2048),
                total: Some(8192),
                generated: 0,
                source: Source::Server,
            })
        };
        let first = at(&Event::FirstToken { request: ID });
        assert!(read(2048) < read(8192) && read(8192) < first);
        assert_eq!(outcome(&events), Outcome::Done { stop_reason: Some("end_turn".to_owned()) });
        let usage =
            |e: &&Event| matches!(e, Event::Usage { input: Some(6144), cached: Some(2048), .. });
        assert_eq!(events.iter().filter(usage).count(), 1, "{events:?}");
        assert_eq!(*active.borrow(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_before_the_first_event_is_an_http_error() {
    let long = r#"{"error":{"code":400,"message":"request (40000 tokens) exceeds the available context size (32768 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":40000,"n_ctx":32768}}"#;
    let known = "prompt is too long: 40000 tokens > 32768 maximum";
    let in_stream = |error: &str| {
        let head = String::from_utf8(STREAM_HEAD.to_vec()).unwrap();
        let text = format!("{}data: {error}\n\n", progress(2048));
        format!("{head}{:x}\r\n{text}\r\n0\r\n\r\n", text.len()).into_bytes()
    };
    let table: Vec<(Vec<u8>, u16, &str, &str)> = vec![
        (json_reply("400 Bad Request", long), 400, "invalid_request_error", known),
        (in_stream(long), 400, "invalid_request_error", known),
        (
            in_stream(r#"{"error":{"code":503,"message":"busy","type":"unavailable_error"}}"#),
            529,
            "overloaded_error",
            "busy",
        ),
        (
            in_stream(r#"{"error":{"message":"boom","type":"server_error"}}"#),
            502,
            "api_error",
            "boom",
        ),
        (in_stream(""), 502, "api_error", "before it answered"),
        (json_reply("404 Not Found", "File Not Found"), 404, "not_found_error", "File Not Found"),
        (
            json_reply("503 Service Unavailable", r#"{"error":"loading"}"#),
            503,
            "overloaded_error",
            "loading",
        ),
        (json_reply("200 OK", "<html>"), 502, "api_error", "not JSON"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_vec(),
            503,
            "overloaded_error",
            "does not answer",
        ),
    ];
    for (sent, status, kind, words) in table {
        let shown = String::from_utf8_lossy(&sent).into_owned();
        let house = house(upstream(move |mut visit| visit.send(&sent)), openai());
        let reply = ask(&house).await;
        assert_eq!((reply.status, reply.complete), (status, true), "{shown}\n{}", reply.text());
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(
            (&body["type"], &body["error"]["type"]),
            (&json!("error"), &json!(kind)),
            "{shown}"
        );
        assert!(body["error"]["message"].as_str().unwrap().contains(words), "{body}");
        let ended = outcome(&house.request().await);
        let failed = matches!(&ended, Outcome::Failed { status: s, .. } if *s == status);
        assert!(failed || matches!(ended, Outcome::ServerLost { .. }), "{ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_later_ends_with_an_error_event() {
    let addr = upstream(|mut visit| {
        visit.send(STREAM_HEAD);
        visit.chunk(chunk(&json!({"content": "Ye"}), None).as_bytes());
    });
    let house = house(addr, openai());
    let reply = ask(&house).await;
    assert!(reply.complete && reply.text().contains("event: error\n"), "{}", reply.text());
    assert!(!reply.text().contains("message_stop"));
    assert!(matches!(outcome(&house.request().await), Outcome::ServerLost { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_ends_the_request_upstream_before_and_in_the_answer() {
    for writes in [false, true] {
        let (tell, told) = telling();
        let (seen, begun) = telling();
        let addr = upstream(move |mut visit| {
            visit.send(STREAM_HEAD);
            visit.chunk(progress(2048).as_bytes());
            if writes {
                visit.chunk(chunk(&json!({"content": "Ye"}), None).as_bytes());
            }
            seen.send(()).unwrap();
            tell.send(visit.closed()).unwrap();
        });
        let mut house = house(addr, openai());
        let client = open(house.addr, &post("/v1/messages", "", MAIN));
        begun.recv_timeout(PATIENCE).unwrap();
        if writes {
            house.until(|e| matches!(e, Event::FirstToken { .. })).await;
        }
        hang_up(&client);
        assert!(told.recv_timeout(PATIENCE).unwrap(), "the server must be let go of");
        let events = house.until(|e| matches!(e, Event::RequestEnded { .. })).await;
        assert_eq!(outcome(&events), Outcome::ClientGone);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_answer_is_translated_and_loses_its_thinking() {
    let body = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"Yes","reasoning_content":"hm"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":3}}"#;
    for streams in [false, true] {
        let house = house(upstream(move |mut v| v.send(&json_reply("200 OK", body))), openai());
        let asked = String::from_utf8(MAIN.to_vec()).unwrap();
        let asked = asked.replace("\"stream\":true", &format!("\"stream\":{streams}"));
        let reply = raw(house.addr, post("/v1/messages", "", asked.as_bytes())).await;
        assert_eq!((reply.status, reply.complete), (200, true));
        if streams {
            assert_eq!(blocks(&reply.text()), yes());
        } else {
            let message: Value = serde_json::from_slice(&reply.body).unwrap();
            assert_eq!(message["content"], json!([{"type": "text", "text": "Yes"}]));
        }
        let events = house.request().await;
        assert!(events.contains(&Event::FirstToken { request: ID }), "{events:?}");
        let thought = Event::Delta { request: ID, what: DeltaKind::Thinking, bytes: 2 };
        assert!(events.contains(&thought), "{events:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_counted_by_the_server_that_can_and_estimated_else() {
    let count = post("/v1/messages/count_tokens?beta=true", "", MAIN);
    for (reply, expected) in [
        (json_reply("200 OK", r#"{"tokens":[1,2,3]}"#), Some(3)),
        (json_reply("200 OK", r#"{"count":7,"tokens":[1]}"#), Some(7)),
        (json_reply("404 Not Found", "File Not Found"), None),
    ] {
        let addr = upstream(move |mut visit| {
            assert!(visit.head.starts_with("POST /tokenize "), "{}", visit.head);
            visit.send(&reply);
        });
        let house = house(addr, openai());
        let answer: Value =
            serde_json::from_slice(&raw(house.addr, count.clone()).await.body).unwrap();
        let tokens = answer["input_tokens"].as_u64().unwrap();
        assert_eq!(tokens, expected.unwrap_or(tokens));
        assert!(tokens > 0);
    }
}

fn thinking(text: &str) -> String {
    let start = json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}});
    let delta = json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": text}});
    let begin = json!({"type": "message_start", "message": {"id": "m", "content": [], "usage": {"input_tokens": 5, "output_tokens": 0}}});
    [begin, start, delta]
        .iter()
        .map(|d| format!("event: {}\ndata: {d}\n\n", d["type"].as_str().unwrap()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_thinks_on_is_ended_and_sent_once_more() {
    for api in [Api::Anthropic, Api::OpenAi] {
        for again in [false, true] {
            let (tell, told) = telling();
            let (end, ended) = telling();
            let visits = Arc::new(AtomicUsize::new(0));
            let addr = upstream(move |mut visit| {
                if visit.head.starts_with("POST /tokenize ") {
                    return visit.send(&json_reply("404 Not Found", "{}"));
                }
                let nth = visits.fetch_add(1, Ordering::SeqCst);
                let thought = "hm, ".repeat(60);
                let reasoning = match api {
                    Api::Anthropic => thinking(&thought),
                    Api::OpenAi => chunk(&json!({"reasoning_content": thought}), None),
                };
                let rest = match api {
                    Api::Anthropic => frames().replace("größer 😀", "Yes"),
                    Api::OpenAi => answer("Yes"),
                };
                if nth == 0 {
                    visit.send(STREAM_HEAD);
                    visit.chunk(reasoning.as_bytes());
                    tell.send(visit.body.clone()).unwrap();
                    end.send(visit.closed()).unwrap();
                } else if again && api == Api::OpenAi {
                    tell.send(visit.body.clone()).unwrap();
                    stream(&mut visit, &[&reasoning, &rest]);
                } else {
                    tell.send(visit.body.clone()).unwrap();
                    stream(&mut visit, &[&rest]);
                }
            });
            let setup = match api {
                Api::Anthropic => anthropic(),
                Api::OpenAi => openai(),
            };
            let house = house(addr, setup);
            let reply = ask(&house).await;
            assert_eq!(blocks(&reply.text()), yes(), "{api:?}");
            let closed = ended.recv_timeout(PATIENCE).unwrap();
            assert!(closed, "the first request must be ended at the server");
            let first = told.recv_timeout(PATIENCE).unwrap();
            let second = told.recv_timeout(PATIENCE).unwrap();
            assert!(told.try_recv().is_err(), "asked a third time");
            let (first, second): (Value, Value) =
                (serde_json::from_slice(&first).unwrap(), serde_json::from_slice(&second).unwrap());
            assert_eq!(first["messages"], second["messages"], "no word goes into the prompt");
            assert_eq!(first["chat_template_kwargs"], json!({"enable_thinking": false}));
            assert_eq!(
                second["chat_template_kwargs"],
                json!({"enable_thinking": false, "thinking": false})
            );
            let events = house.request().await;
            let stops: Vec<_> =
                events.iter().filter(|e| matches!(e, Event::ThinkingStopped { .. })).collect();
            assert_eq!(stops, [&Event::ThinkingStopped { request: ID, tokens: 60 }]);
            let firsts = events.iter().filter(|e| matches!(e, Event::FirstToken { .. }));
            assert_eq!(firsts.count(), 1, "{events:?}");
            assert!(matches!(outcome(&events), Outcome::Done { .. }));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_try_that_fails_is_a_proper_end() {
    let visits = Arc::new(AtomicUsize::new(0));
    let addr = upstream(move |mut visit| {
        if visits.fetch_add(1, Ordering::SeqCst) == 0 {
            visit.send(STREAM_HEAD);
            visit.chunk(thinking(&"hm, ".repeat(60)).as_bytes());
            visit.closed();
        } else {
            visit.send(&json_reply("400 Bad Request", "{}"));
        }
    });
    let house = house(addr, anthropic());
    let reply = ask(&house).await;
    assert!(reply.complete, "the client must see a proper end");
    assert!(reply.text().contains("event: error\n"), "{}", reply.text());
    assert!(matches!(outcome(&house.request().await), Outcome::ServerLost { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leak_in_plain_text_is_counted_by_the_server() {
    // 20,000 characters; the fake's tokenizer takes every word with its space.
    let leak = "one two three four! ".repeat(1_000);
    assert_eq!(leak.len(), 20_000);
    for text in [
        format!("<think>{leak}</think>Yes"),
        format!("{leak}</think>\nYes"),
        format!("{leak}\n</think>Yes"),
        format!("<mm:think>{leak}</mm:think>Yes"),
        format!(
            "<|channel|>analysis<|message|>{leak}<|end|><|start|>assistant<|channel|>final<|message|>Yes"
        ),
    ] {
        let told = text.clone();
        let addr = upstream(move |mut visit| {
            if visit.head.starts_with("POST /tokenize ") {
                let body: Value = serde_json::from_slice(&visit.body).unwrap();
                let words = body["content"].as_str().unwrap().split_whitespace().count();
                let tokens = json!({"tokens": vec![1; words]}).to_string();
                return visit.send(&json_reply("200 OK", &tokens));
            }
            let escaped = serde_json::to_string(&text).unwrap();
            let escaped = escaped.trim_matches('"');
            stream(&mut visit, &[&frames().replace("größer 😀", escaped)]);
        });
        let rules = Rules { thinking_off: true, thinking_limit: 0, ..Rules::default() };
        let house = house(addr, Setup { rules, ..Setup::default() });
        let reply = ask(&house).await;
        assert!(reply.complete);
        let events = house.request().await;
        let counted = events.iter().find_map(|e| match e {
            Event::ThinkingCounted { tokens, .. } => Some(*tokens),
            _ => None,
        });
        let counted = counted.unwrap_or_else(|| panic!("not counted: {events:?}"));
        assert!(counted.abs_diff(4_000) <= 80, "{counted} of 4,000 tokens");
        let bytes = |kind| {
            events
                .iter()
                .map(|e| match e {
                    Event::Delta { what, bytes, .. } if *what == kind => *bytes,
                    _ => 0,
                })
                .sum::<u64>()
        };
        // No byte is lost, and none counts twice.
        let all = bytes(DeltaKind::Text) + bytes(DeltaKind::LeakedThinking);
        assert_eq!(all, told.len() as u64);
        let turned: u64 = events
            .iter()
            .map(|e| match e {
                Event::TextWasThinking { bytes, .. } => *bytes,
                _ => 0,
            })
            .sum();
        assert!((3..=4).contains(&(bytes(DeltaKind::Text) - turned)), "{events:?}");
    }
}
