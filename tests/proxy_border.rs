//! Who the proxy speaks to, what it answers itself, and what goes upstream.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, dead_code)]

#[path = "proxy/support.rs"]
mod support;

use lcc::{
    domain::{Dialect, EgressWay, Event, RequestId, RequestKind, SideKind, Source, Tail},
    engine::proxy::rules::Rules,
};
use support::*;

const OK: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

/// An upstream that answers `{}` and tells what it was sent.
fn recorder() -> (std::net::SocketAddr, std::sync::mpsc::Receiver<(String, Vec<u8>)>) {
    let (tell, told) = telling();
    let addr = upstream(move |mut visit| {
        // Asked beside the request, and before or after it.
        if visit.no_tokenizer() {
            return;
        }
        tell.send((visit.head.clone(), visit.body.clone())).unwrap();
        visit.send(OK);
    });
    (addr, told)
}

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/proxy/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused() {
    let get = |target: &str, host: &str, more: &str| {
        format!("GET {target} HTTP/1.1\r\n{host}{more}Connection: close\r\n\r\n").into_bytes()
    };
    let host = "Host: 127.0.0.1\r\n";
    let with_token = "Authorization: Bearer s3cret\r\n";
    let connect =
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
            .to_vec();
    let (foreign, page) = (Some(EgressWay::ForeignHost), Some(EgressWay::ForeignOrigin));
    let large = "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nx-api-key: s3cret\r\nConnection: close\r\nContent-Length: 99999999999\r\n\r\n";
    let table = [
        (get("/slots", host, with_token), 404, "path", Some(EgressWay::UnknownPath)),
        (get("/v1/models", host, ""), 401, "token", None),
        (get("/v1/models", host, "Authorization: Bearer wrong\r\n"), 401, "token", None),
        (get("/v1/models", "Host: evil.example\r\n", with_token), 403, "Host", foreign),
        (get("/v1/models", "", with_token), 403, "Host", foreign),
        (get("/v1/models", "Host: 127.0.0.1\r\nHost: 127.0.0.1\r\n", ""), 403, "Host", foreign),
        (
            get("http://evil.example/v1/models", host, with_token),
            400,
            "absolute",
            Some(EgressWay::AbsoluteTarget),
        ),
        (get("/v1/models", host, "Origin: https://evil.example\r\n"), 403, "Origin", page),
        (get("/v1/models", host, "Origin: http://127.0.0.1\r\n"), 403, "Origin", page),
        (get("/v1/models", host, "Sec-Fetch-Site: cross-site\r\n"), 403, "Origin", page),
        (connect, 405, "CONNECT", Some(EgressWay::Tunnel)),
        (large.as_bytes().to_vec(), 413, "64 MiB", None),
        (post("/v1/messages", "", MAIN), 401, "token", None),
    ];
    for (request, status, word, how) in table {
        let addr = upstream(|_| panic!("nothing of this may reach the server"));
        let setup = Setup { token: Some("s3cret"), ..Setup::default() };
        let mut house = house(addr, setup);
        let reply = raw(house.addr, request.clone()).await;
        let shown = String::from_utf8_lossy(&request).into_owned();
        assert_eq!(reply.status, status, "{shown}");
        let events = house.until(|_| true).await;
        let Event::Refused { reason, .. } = &events[0] else { panic!("{events:?}") };
        assert!(reason.contains(word), "{reason}");
        let value: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(value["type"], "error");
        let rest = house.rest().await;
        let left: Vec<_> = rest
            .iter()
            .map(|event| match event {
                Event::Egress(egress) => egress.how,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(left, how.into_iter().collect::<Vec<_>>(), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn noise_is_answered_here_even_without_a_token() {
    let table = [
        ("HEAD / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".to_owned(), "/"),
        (
            "HEAD /api/hello HTTP/1.1\r\nHost: localhost:1\r\nConnection: close\r\n\r\n".to_owned(),
            "/api/hello",
        ),
        (
            String::from_utf8(post("/api/event_logging/batch", "", b"{\"events\":[]}")).unwrap(),
            "/api/event_logging/batch",
        ),
    ];
    for (request, path) in table {
        let addr = upstream(|_| panic!("nothing of this may reach the server"));
        let mut house = house(addr, Setup { token: Some("t"), ..Setup::default() });
        assert_eq!(raw(house.addr, request.into_bytes()).await.status, 200);
        let events = house.until(|_| true).await;
        assert!(
            matches!(&events[0], Event::Answered { path: p, status: 200, local: true, .. } if p == path)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_is_learned_from_what_the_server_counted() {
    let count = |body: &[u8]| post("/v1/messages/count_tokens?beta=true", "", body);
    let usage = r#"{"usage":{"input_tokens":20,"cache_read_input_tokens":10,"output_tokens":1}}"#;
    let addr = upstream(move |mut visit| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", usage.len());
        visit.send(head.as_bytes());
        visit.send(usage.as_bytes());
    });
    let mut house = house(addr, Setup::default());
    let tokens = |reply: Reply| {
        let value: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        value["input_tokens"].as_u64().unwrap()
    };
    let before = tokens(raw(house.addr, count(MAIN)).await);
    for _ in 0..20 {
        raw(house.addr, post("/v1/messages", "", MAIN)).await;
        house.until(|e| matches!(e, Event::RequestEnded { .. })).await;
    }
    let after = tokens(raw(house.addr, count(MAIN)).await);
    assert_ne!(before, after);
    assert!(after.abs_diff(30) <= 1, "{after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_and_hop_by_hop_headers_stay_here() {
    let (addr, told) = recorder();
    let house = house(addr, Setup { token: Some("s3cret"), ..Setup::default() });
    let headers = "x-api-key: s3cret\r\nAuthorization: Bearer s3cret\r\nanthropic-version: 2023-06-01\r\nX-Hop: 1\r\nTE: trailers\r\nProxy-Authorization: x\r\n";
    let request = String::from_utf8(post("/v1/messages?beta=true", headers, MAIN)).unwrap();
    let request = request.replace("Connection: close", "Connection: close, x-hop");
    assert_eq!(raw(house.addr, request.into_bytes()).await.status, 200);
    let (head, body) = told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(body, MAIN);
    assert!(head.starts_with("POST /v1/messages?beta=true HTTP/1.1\r\n"), "{head}");
    assert_eq!(header(&head, "host"), Some(addr.to_string().as_str()));
    assert_eq!(header(&head, "anthropic-version"), Some("2023-06-01"));
    for gone in ["authorization", "x-api-key", "x-hop", "te", "proxy-authorization"] {
        assert_eq!(header(&head, gone), None, "{gone}");
    }
    assert!(!head.contains("s3cret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn thinking_is_switched_off_on_messages_and_nowhere_else() {
    let rules = Rules { thinking_off: true, ..Rules::default() };
    for name in ["main-2.1.197", "later-2.1.330", "compaction-2.1.330"] {
        let (addr, told) = recorder();
        let setup = || Setup {
            rules,
            dialect: Dialect { count_tokens: true, ..Dialect::UNKNOWN },
            ..Setup::default()
        };
        let body = fixture(name);
        let first = house(addr, setup());
        raw(first.addr, post("/v1/messages/count_tokens", "", &body)).await;
        assert_eq!(told.recv_timeout(PATIENCE).unwrap().1, body);
        drop(first);
        let (addr, told) = recorder();
        let mut second = house(addr, Setup { dialect: Dialect::UNKNOWN, ..setup() });
        raw(second.addr, post("/v1/messages", "", &body)).await;
        let (_, sent) = told.recv_timeout(PATIENCE).unwrap();
        let text = std::str::from_utf8(&body).unwrap();
        let old = text.split_once("\"thinking\":").unwrap().1.split_once('}').unwrap().0;
        let mut expected =
            text.replace(&format!("\"thinking\":{old}}}"), r#""thinking":{"type":"disabled"}"#);
        expected = expected.replace(r#""output_config":{"effort":"high"},"#, "");
        expected.truncate(expected.rfind('}').unwrap());
        expected.push_str(r#","chat_template_kwargs":{"enable_thinking":false}}"#);
        assert_eq!(String::from_utf8(sent).unwrap(), expected);
        let events = second.until(|e| matches!(e, Event::RequestStarted { .. })).await;
        let Event::RequestStarted { thinking_allowed, body_bytes, .. } = &events[0] else {
            panic!()
        };
        assert_eq!((*thinking_allowed, *body_bytes), (false, body.len() as u64));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_requests_are_told_for_what_they_are() {
    let title = RequestKind::Side(SideKind::Title);
    let table = [
        ("main-2.1.197", "", RequestKind::Main, Tail::Prompt, "tool Bash"),
        ("later-2.1.197", "", RequestKind::Main, Tail::Prompt, "messages[4]"),
        ("title-2.1.197", "", title.clone(), Tail::Prompt, "messages[0]"),
        ("main-2.1.330", "", RequestKind::Main, Tail::Prompt, "tool DeferredToolPlaceholder"),
        ("later-2.1.330", "", RequestKind::Main, Tail::Prompt, "messages[5]"),
        ("title-2.1.330", "", title, Tail::Prompt, "system[1]"),
        ("compaction-2.1.330", "", RequestKind::Compaction, Tail::Prompt, "messages[13]"),
        (
            "main-2.1.330",
            "x-claude-code-agent-id: a1\r\n",
            RequestKind::Subagent("a1".to_owned()),
            Tail::Prompt,
            "system[0]",
        ),
    ];
    for (name, headers, expected, expected_tail, part) in table {
        let (addr, _told) = recorder();
        let house = house(addr, Setup::default());
        let headers = format!("x-claude-code-session-id: s-1\r\n{headers}");
        raw(house.addr, post("/v1/messages", &headers, &fixture(name))).await;
        let events = house.request().await;
        let Event::RequestStarted {
            request, kind, tail, sections, model, max_tokens, session, ..
        } = &events[0]
        else {
            panic!("{events:?}")
        };
        assert_eq!((kind, *request, tail), (&expected, RequestId(1), &expected_tail), "{name}");
        assert_eq!(model.as_deref(), Some("local-model"));
        assert!(max_tokens.is_some());
        assert_eq!(session.as_deref(), Some("s-1"));
        assert!(sections.iter().any(|s| s.part.to_string() == part), "{name}: {sections:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_prompt_is_counted_once_and_its_fixed_part_when_it_changed() {
    let (tell, told) = telling::<Vec<u8>>();
    let (release, hold) = telling::<()>();
    let hold = std::sync::Mutex::new(hold);
    let addr = upstream(move |mut visit| {
        if visit.no_tokenizer() {
            return;
        }
        if visit.head.contains("count_tokens") {
            let tokens = if visit.body.ends_with(br#""content":"."}]}"#) { 4_301 } else { 9_000 };
            tell.send(visit.body.clone()).unwrap();
            let body = format!("{{\"input_tokens\":{tokens}}}");
            visit.send(
                format!(
                    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                )
                .as_bytes(),
            );
        } else {
            hold.lock().unwrap().recv_timeout(PATIENCE).unwrap();
            visit.send(STREAM_HEAD);
            visit.chunk(frames().as_bytes());
            visit.send(b"0\r\n\r\n");
        }
    });
    let mut house = house(addr, Setup { dialect: Dialect::LLAMA, ..Setup::default() });
    let counted = |total, fixed, request| Event::PromptCounted {
        request: RequestId(request),
        total: Some(total),
        fixed,
        source: Source::Server,
    };
    for request in [1, 2] {
        let client = tokio::spawn(raw(house.addr, post("/v1/messages", "", MAIN)));
        let known = |e: &Event| matches!(e, Event::PromptCounted { fixed: Some(_), .. });
        let mut events = house.until(known).await;
        assert!(matches!(events[0], Event::RequestStarted { .. }));
        assert!(matches!(events[1], Event::Pieces { .. }), "what its messages hold comes next");
        events.remove(1);
        let expected = if request == 1 {
            vec![counted(9_000, None, 1), counted(9_000, Some(4_301), 1)]
        } else {
            vec![counted(9_000, Some(4_301), 2)]
        };
        assert_eq!(events[1..], expected);
        assert_eq!(*house.proxy.active().borrow(), Some(RequestId(request)));
        release.send(()).unwrap();
        assert_eq!(client.await.unwrap().text(), frames());
        house.until(|e| matches!(e, Event::RequestEnded { .. })).await;
    }
    let asked: Vec<_> = told.try_iter().collect();
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[0], MAIN);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_prints_its_address_and_then_a_line_for_each_observation() {
    use std::{io::Write, sync::mpsc};

    use lcc::commands::proxy::{ProxyCommandError, ProxyOptions, run};

    /// Hands each flushed text over; the reader goes away when it has seen enough.
    struct Out(Vec<u8>, mpsc::SyncSender<String>);
    impl Write for Out {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            let text = String::from_utf8(std::mem::take(&mut self.0)).unwrap();
            self.1.send(text).map_err(std::io::Error::other)
        }
    }

    let (addr, _told) = recorder();
    let (tell, lines) = telling::<String>();
    let options = |listen: &str| ProxyOptions {
        prefix_care: lcc::domain::PrefixCare::default(),
        upstream: format!("http://{addr}"),
        listen: listen.parse().unwrap(),
        allow_remote: false,
        dialect: None,
        log_bodies: None,
    };
    let running = tokio::spawn(run(options("127.0.0.1:0"), Out(vec![], tell)));
    let first = lines.recv_timeout(PATIENCE).unwrap();
    let listening = first.strip_prefix("listening on http://").unwrap().trim_end();
    raw(listening.parse().unwrap(), post("/v1/messages", "", MAIN)).await;
    let mut last = String::new();
    while !last.contains("\"request_ended\"") {
        last = lines.recv_timeout(PATIENCE).unwrap();
        let observation: lcc::domain::Observation = serde_json::from_str(&last).unwrap();
        assert!(observation.at.0 > 0 && last.ends_with("}\n"));
    }
    drop(lines);
    raw(listening.parse().unwrap(), post("/nowhere", "", b"")).await;
    tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();

    let refused = run(options("0.0.0.0:0"), std::io::sink()).await;
    assert!(matches!(refused, Err(ProxyCommandError::NotLoopback(_))));
    let remote =
        ProxyOptions { upstream: "http://example.invalid".into(), ..options("127.0.0.1:0") };
    let refused = run(remote, std::io::sink()).await;
    assert!(matches!(refused, Err(ProxyCommandError::Remote(_))));
}
