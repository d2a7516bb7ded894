//! Servers that speak OpenAI's API alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, dead_code)]

#[path = "proxy/openai.rs"]
mod openai;
#[path = "proxy/support.rs"]
mod support;

use lcc::domain::{Event, Outcome, Source, observation::DeltaKind};
use openai::*;
use serde_json::{Value, json};
use support::*;

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
        // The proxy may count a text meanwhile: that is another request.
        let (head, body) =
            told.iter().find(|(head, _)| !head.starts_with("POST /tokenize")).unwrap();
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
