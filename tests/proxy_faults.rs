//! The proxy between a raw client and upstreams that fail in every way.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    missing_docs,
    dead_code
)]

#[path = "proxy/support.rs"]
mod support;

use lcc::domain::{Event, Outcome, RequestId};
use support::*;

fn reply_with(bytes: Vec<u8>) -> impl Fn(Visit) + Send + Sync + 'static {
    move |mut visit| visit.send(&bytes)
}

fn plain(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}

async fn ask(house: &House) -> Reply {
    raw(house.addr, post("/v1/messages?beta=true", "", MAIN)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_passes_byte_for_byte_however_it_is_cut() {
    for size in [1, 2, 7, 64, 100_000] {
        let addr = upstream(move |mut visit| {
            visit.send(STREAM_HEAD);
            for piece in frames().as_bytes().chunks(size) {
                visit.chunk(piece);
            }
            visit.send(b"0\r\n\r\n");
        });
        let house = house(addr, Setup::default());
        let active = house.proxy.active();
        let reply = ask(&house).await;
        assert_eq!((reply.status, reply.complete), (200, true));
        assert_eq!(reply.text(), frames());
        assert_eq!(header(&reply.head, "x-test"), Some("kept"));
        assert_eq!(header(&reply.head, "keep-alive"), None);
        let events = house.request().await;
        let id = RequestId(1);
        assert!(events.contains(&Event::Headers { request: id, status: 200 }));
        assert!(events.contains(&Event::FirstToken { request: id }));
        assert!(events.contains(&Event::Usage {
            request: id,
            input: Some(6144),
            cached: Some(2048),
            output: None
        }));
        assert!(events.contains(&Event::Usage {
            request: id,
            input: None,
            cached: None,
            output: Some(12)
        }));
        assert_eq!(outcome(&events), Outcome::Done { stop_reason: Some("end_turn".to_owned()) });
        assert_eq!(*active.borrow(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_server_is_an_overload_that_names_it() {
    let addr = nobody();
    let house = house(addr, Setup::default());
    let reply = ask(&house).await;
    assert_eq!(reply.status, 503);
    assert!(reply.text().contains("overloaded_error"), "{}", reply.text());
    assert!(reply.text().contains(&addr.to_string()), "{}", reply.text());
    assert!(matches!(outcome(&house.request().await), Outcome::ServerLost { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_before_the_head() {
    let house = house(upstream(drop), Setup::default());
    let reply = ask(&house).await;
    assert_eq!(reply.status, 503);
    assert!(matches!(outcome(&house.request().await), Outcome::ServerLost { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_speaks_garbage() {
    let house =
        house(upstream(reply_with(b"\x00\x01 not http\r\n\r\n".to_vec())), Setup::default());
    let reply = ask(&house).await;
    assert_eq!(reply.status, 503);
    assert!(matches!(outcome(&house.request().await), Outcome::ServerLost { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_ends_with_an_error_event() {
    let text = frames();
    let in_line = text.find("größer").unwrap() + 3;
    let at_event = text.find("event: content_block_stop").unwrap();
    for cut in [in_line, at_event] {
        let addr = upstream(move |mut visit| {
            visit.send(STREAM_HEAD);
            visit.chunk(&frames().as_bytes()[..cut]);
        });
        let house = house(addr, Setup::default());
        let reply = ask(&house).await;
        assert!(reply.complete, "the client must see a proper end");
        assert_eq!(&reply.body[..cut], &text.as_bytes()[..cut]);
        let rest = String::from_utf8_lossy(&reply.body[cut..]).into_owned();
        assert!(rest.trim_start().starts_with("event: error\ndata: {\"type\":\"error\""), "{rest}");
        assert_eq!(rest.starts_with('\n'), cut == in_line);
        let events = house.request().await;
        assert!(events.contains(&Event::FirstToken { request: RequestId(1) }));
        assert!(matches!(outcome(&events), Outcome::ServerLost { .. }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_known_length_that_breaks_stays_broken() {
    let head =
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"a\"";
    let house = house(upstream(reply_with(head.to_vec())), Setup::default());
    let reply = ask(&house).await;
    assert!(!reply.complete);
    assert!(matches!(outcome(&house.request().await), Outcome::ServerLost { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_pass_as_they_are_and_are_told() {
    let loading = r#"{"error":{"message":"Loading model","type":"unavailable_error","code":503}}"#;
    let not_found = "404 page not found";
    let table = [
        ("500 Internal Server Error", "", "", 500, None, "no explanation"),
        ("404 Not Found", "text/plain", not_found, 404, None, not_found),
        (
            "503 Service Unavailable",
            "application/json",
            loading,
            503,
            Some("unavailable_error"),
            "Loading model",
        ),
    ];
    for (line, kind, body, status, error, message) in table {
        let answer = plain(line, &format!("Content-Type: {kind}\r\n"), body);
        let house = house(upstream(reply_with(answer)), Setup::default());
        let reply = ask(&house).await;
        assert_eq!((reply.status, reply.text().as_str()), (status, body));
        let expected =
            Outcome::Failed { status, kind: error.map(str::to_owned), message: message.to_owned() };
        assert_eq!(outcome(&house.request().await), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_too_long_is_said_in_words_claude_code_knows() {
    let body = r#"{"error":{"code":400,"message":"request (40000 tokens) exceeds the available context size (32768 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":40000,"n_ctx":32768}}"#;
    let answer = plain("400 Bad Request", "Content-Type: application/json\r\n", body);
    let house = house(upstream(reply_with(answer)), Setup::default());
    let reply = ask(&house).await;
    assert_eq!(reply.status, 400);
    let known = r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 40000 tokens > 32768 maximum"}}"#;
    assert_eq!(reply.text(), known);
    assert!(reply.complete, "{}", reply.head);
    assert!(matches!(outcome(&house.request().await), Outcome::Failed { status: 400, message, .. }
        if message == "prompt is too long: 40000 tokens > 32768 maximum"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_answer_passes_untouched() {
    let gzip: Vec<u8> = (0..=255).collect();
    let mut answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\nContent-Length: 256\r\n\r\n".to_vec();
    answer.extend_from_slice(&gzip);
    let house = house(upstream(reply_with(answer)), Setup::default());
    let reply = ask(&house).await;
    assert_eq!(header(&reply.head, "content-encoding"), Some("gzip"));
    assert_eq!(reply.body, gzip);
    assert_eq!(outcome(&house.request().await), Outcome::Done { stop_reason: None });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_inside_the_stream_is_told() {
    let event =
        "event: error\ndata: {\"code\":500,\"message\":\"boom\",\"type\":\"server_error\"}\n\n";
    let addr = upstream(move |mut visit| {
        visit.send(STREAM_HEAD);
        visit.chunk(event.as_bytes());
        visit.send(b"0\r\n\r\n");
    });
    let house = house(addr, Setup::default());
    assert_eq!(ask(&house).await.text(), event);
    let expected = Outcome::Failed {
        status: 200,
        kind: Some("server_error".to_owned()),
        message: "boom".to_owned(),
    };
    assert_eq!(outcome(&house.request().await), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_event_reaches_the_client_while_the_server_still_works() {
    let (go, wait) = telling::<()>();
    let wait = std::sync::Mutex::new(wait);
    let addr = upstream(move |mut visit| {
        visit.send(STREAM_HEAD);
        visit.chunk(b"event: ping\ndata: {}\n\n");
        // Sends the rest only when the client has read the first event.
        wait.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        visit.chunk(frames().as_bytes());
        visit.send(b"0\r\n\r\n");
    });
    let house = house(addr, Setup::default());
    let addr = house.addr;
    let reader = tokio::task::spawn_blocking(move || {
        use std::io::Read as _;
        let mut stream = open(addr, &post("/v1/messages", "", MAIN));
        let mut data = Vec::new();
        let mut piece = [0; 4096];
        while !String::from_utf8_lossy(&data).contains("event: ping") {
            let n = stream.read(&mut piece).unwrap();
            assert!(n > 0);
            data.extend_from_slice(&piece[..n]);
        }
        go.send(()).unwrap();
        stream.read_to_end(&mut data).unwrap();
        String::from_utf8(data).unwrap()
    });
    assert!(reader.await.unwrap().contains("message_stop"));
    assert!(matches!(outcome(&house.request().await), Outcome::Done { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_takes_its_request_with_it() {
    // Before the head and in the middle of the stream.
    for streaming in [false, true] {
        let (tell, closed) = telling::<bool>();
        let addr = upstream(move |mut visit| {
            if streaming {
                visit.send(STREAM_HEAD);
                visit.chunk(b"event: ping\ndata: {}\n\n");
            }
            tell.send(visit.closed()).unwrap();
        });
        let mut house = house(addr, Setup::default());
        let mut active = house.proxy.active();
        let client = open(house.addr, &post("/v1/messages", "", MAIN));
        tokio::time::timeout(PATIENCE, active.wait_for(Option::is_some)).await.unwrap().unwrap();
        if streaming {
            house.until(|e| matches!(e, Event::Headers { .. })).await;
        }
        hang_up(&client);
        let seen = tokio::task::spawn_blocking(move || closed.recv_timeout(PATIENCE)).await;
        assert!(seen.unwrap().unwrap(), "the server must see the connection close");
        let events = house.until(|e| matches!(e, Event::RequestEnded { .. })).await;
        assert_eq!(outcome(&events), Outcome::ClientGone);
        assert_eq!(*active.borrow(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_dropped_ends_what_runs() {
    let (tell, closed) = telling::<bool>();
    let addr = upstream(move |mut visit| tell.send(visit.closed()).unwrap());
    let mut house = house(addr, Setup::default());
    let _client = open(house.addr, &post("/v1/messages", "", MAIN));
    house.until(|e| matches!(e, Event::RequestStarted { .. })).await;
    let rest = house.rest().await;
    assert_eq!(outcome(&rest), Outcome::ClientGone);
    let seen = tokio::task::spawn_blocking(move || closed.recv_timeout(PATIENCE)).await;
    assert!(seen.unwrap().unwrap());
}
