//! Servers that think although they must not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, dead_code)]

#[path = "proxy/openai.rs"]
mod openai;
#[path = "proxy/support.rs"]
mod support;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use lcc::{
    domain::{Api, Event, Outcome, observation::DeltaKind},
    engine::proxy::rules::Rules,
};
use openai::*;
use serde_json::{Value, json};
use support::*;

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
        if visit.no_tokenizer() {
            return;
        }
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
        // What only its end shows to be reasoning has passed by then, and the tag with it.
        let opened = told.starts_with('<');
        let seen = [("text".to_owned(), if opened { "Yes".to_owned() } else { told.clone() })];
        assert_eq!(blocks(&reply.text()), seen);
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

/// A plain request, which is what Claude Code's small calls are.
fn plain() -> Vec<u8> {
    let body = String::from_utf8(MAIN.to_vec()).unwrap().replace("true", "false");
    post("/v1/messages?beta=true", "anthropic-version: 1\r\n", body.as_bytes())
}

/// A plain answer that thought and then said something, or nothing.
fn whole(api: Api, thought: &str, said: Option<&str>) -> String {
    match api {
        Api::Anthropic => {
            let mut content = vec![json!({"type": "thinking", "thinking": thought})];
            content.extend(said.map(|text| json!({"type": "text", "text": text})));
            let usage = json!({"input_tokens": 5, "output_tokens": 60});
            json!({"type": "message", "content": content, "stop_reason": "max_tokens", "usage": usage})
        }
        Api::OpenAi => {
            let message = json!({"role": "assistant", "content": said, "reasoning_content": thought});
            json!({"choices": [{"index": 0, "message": message, "finish_reason": "length"}]})
        }
    }
    .to_string()
}

fn setup(api: Api, limit: u64) -> Setup {
    let setup = match api {
        Api::Anthropic => anthropic(),
        Api::OpenAi => openai(),
    };
    Setup { rules: Rules { thinking_limit: limit, ..setup.rules }, ..setup }
}

/// A server that gives these answers in turn; the bodies it was asked with.
fn in_turn(answers: Vec<Vec<u8>>) -> (std::net::SocketAddr, std::sync::mpsc::Receiver<Vec<u8>>) {
    let (tell, told) = telling();
    let visits = Arc::new(AtomicUsize::new(0));
    let addr = upstream(move |mut visit| {
        if visit.no_tokenizer() {
            return;
        }
        let nth = visits.fetch_add(1, Ordering::SeqCst);
        tell.send(visit.body.clone()).unwrap();
        visit.send(answers.get(nth).expect("asked too often"));
    });
    (addr, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_answer_of_nothing_but_thinking_is_asked_for_once_more() {
    let thought = "hm, ".repeat(60);
    for api in [Api::Anthropic, Api::OpenAi] {
        for (second, left) in [
            (whole(api, "hm", Some("Yes")), json!([{"type": "text", "text": "Yes"}])),
            // Never a third time.
            (whole(api, &thought, None), json!([])),
        ] {
            let first = whole(api, &thought, None);
            let answers = [first, second].map(|body| json_reply("200 OK", &body));
            let (addr, told) = in_turn(answers.to_vec());
            let house = house(addr, setup(api, 50));
            let reply = raw(house.addr, plain()).await;
            assert_eq!((reply.status, reply.complete), (200, true), "{api:?}");
            let message: Value = serde_json::from_slice(&reply.body).unwrap();
            assert_eq!(message["content"], left, "{api:?}");
            let asked: Vec<Value> =
                told.try_iter().map(|body| serde_json::from_slice(&body).unwrap()).collect();
            let [first, second] = &asked[..] else { panic!("asked {} times", asked.len()) };
            assert_eq!(first["messages"], second["messages"], "no word goes into the prompt");
            assert_eq!(
                second["chat_template_kwargs"],
                json!({"enable_thinking": false, "thinking": false})
            );
            let events = house.request().await;
            let count = |wanted: fn(&Event) -> bool| events.iter().filter(|e| wanted(e)).count();
            let stopped = Event::ThinkingStopped { request: ID, tokens: 60 };
            assert!(events.contains(&stopped), "{events:?}");
            assert_eq!(count(|e| matches!(e, Event::ThinkingStopped { .. })), 1, "{events:?}");
            assert_eq!(count(|e| matches!(e, Event::FirstToken { .. })), 1, "{events:?}");
            assert_eq!(count(|e| matches!(e, Event::Headers { .. })), 1, "{events:?}");
            let thinking: u64 = events
                .iter()
                .map(|e| match e {
                    Event::Delta { what: DeltaKind::Thinking, bytes, .. } => *bytes,
                    _ => 0,
                })
                .sum();
            assert!(thinking > thought.len() as u64, "of both answers: {events:?}");
            assert!(matches!(outcome(&events), Outcome::Done { .. }));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_answer_that_says_something_is_kept_however_long_it_thought() {
    let thought = "hm, ".repeat(6_000);
    for api in [Api::Anthropic, Api::OpenAi] {
        for (limit, said) in [(50, Some("Yes")), (0, None)] {
            let (addr, told) = in_turn(vec![json_reply("200 OK", &whole(api, &thought, said))]);
            let house = house(addr, setup(api, limit));
            let reply = raw(house.addr, plain()).await;
            assert_eq!((reply.status, reply.complete), (200, true));
            assert!(!reply.text().contains("hm"), "{}", reply.text());
            assert_eq!(reply.text().contains("Yes"), said.is_some(), "{}", reply.text());
            assert_eq!(told.try_iter().count(), 1);
            let events = house.request().await;
            assert!(!events.iter().any(|e| matches!(e, Event::ThinkingStopped { .. })));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_plain_answer_that_fails_is_an_error_of_the_server() {
    for api in [Api::Anthropic, Api::OpenAi] {
        for second in [json_reply("400 Bad Request", "{}"), b"HTTP/1.1 200 OK\r\n".to_vec()] {
            let first = json_reply("200 OK", &whole(api, &"hm, ".repeat(60), None));
            let (addr, told) = in_turn(vec![first, second]);
            let house = house(addr, setup(api, 50));
            let reply = raw(house.addr, plain()).await;
            assert!(reply.status >= 500 && reply.complete, "{reply:?}");
            assert!(!reply.text().contains("hm, "), "{}", reply.text());
            assert_eq!(told.try_iter().count(), 2);
            assert!(matches!(outcome(&house.request().await), Outcome::ServerLost { .. }));
        }
    }
}
