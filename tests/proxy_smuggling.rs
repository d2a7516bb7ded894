//! The proxy's border against raw sockets: calls that are no HTTP to the letter, slow clients,
//! large bodies, and bytes at random. Nothing of it may reach the server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, dead_code)]

#[path = "proxy/support.rs"]
mod support;

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use lcc::{
    domain::Event,
    engine::proxy::{BodyLog, Limits},
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use support::*;

/// A server that counts whoever gets through to it.
fn counting() -> (SocketAddr, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let addr = upstream(move |mut visit| {
        seen.fetch_add(1, Ordering::SeqCst);
        visit.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\
              Content-Length: 2\r\n\r\n{}",
        );
    });
    (addr, count)
}

/// Sends the pieces and reads until the proxy closes. `end`: our side is closed after them.
fn exchange(addr: SocketAddr, pieces: &[&[u8]], end: bool) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    for piece in pieces {
        // A proxy that has refused already does not read the rest.
        if stream.write_all(piece).is_err() {
            break;
        }
    }
    if end {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status lines in an answer. A body ends without a line's end, so one may follow it directly.
fn statuses(answer: &str) -> Vec<&str> {
    let status = |rest: &&str| rest.bytes().all(|byte| byte.is_ascii_digit());
    answer.split("HTTP/1.1 ").skip(1).filter_map(|rest| rest.get(..3)).filter(status).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_http_to_the_letter_is_refused_by_name() {
    let post = "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n";
    let many = "x-a: b\r\n".repeat(120);
    let long = format!("x-a: {}\r\n", "y".repeat(20_000));
    let table = [
        (
            format!("{post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            "400",
            "two lengths",
        ),
        (
            format!("{post}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"),
            "400",
            "two lengths",
        ),
        (
            format!("{post}Content-Length: 4\r\nContent-Length: 4\r\n\r\n{{}}  "),
            "400",
            "two lengths",
        ),
        (
            format!("{post}Content-Length: 4\r\nContent-Length: 5\r\n\r\n{{}}  "),
            "400",
            "two lengths",
        ),
        (format!("{post}Content-Length: 4,4\r\n\r\n{{}}  "), "400", "no number"),
        (format!("{post}Content-Length: -1\r\n\r\n"), "400", "no number"),
        (
            format!("{post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
            "400",
            "other than chunked",
        ),
        (format!("{post}Transfer-Encoding:\u{b}chunked\r\n\r\n0\r\n\r\n"), "400", "control"),
        (format!("{post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"), "400", "name"),
        (format!("{post}x-a: b\r\n folded\r\n\r\n"), "400", "folded"),
        (format!("{post}x-a: b\nx-c: d\r\n\r\n"), "400", "bare LF"),
        ("POST /v1/messages HTTP/1.1\nHost: localhost\n\n".to_owned(), "400", "bare LF"),
        (format!("{post}x-a: b\rc\r\n\r\n"), "400", "bare CR"),
        (format!("{post}x-a: \0\r\n\r\n"), "400", "control"),
        (format!("{post}{many}\r\n"), "431", "100 headers"),
        (format!("{post}{long}\r\n"), "431", "16 KiB"),
        (format!("{post}Transfer-Encoding: chunked\r\n\r\nzz\r\n"), "400", "bad chunking"),
        (
            format!("{post}Transfer-Encoding: chunked\r\n\r\n2;x=y\r\n{{}}\r\n0\r\n\r\n"),
            "400",
            "bad chunking",
        ),
        (
            format!("{post}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}x\r\n0\r\n\r\n"),
            "400",
            "bad chunking",
        ),
        (
            format!("{post}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\nx: y\r\n\r\n"),
            "400",
            "bad chunking",
        ),
        (format!("{post}Content-Length: 2147483648\r\n\r\n"), "413", "64 MiB"),
        (format!("{post}Transfer-Encoding: chunked\r\n\r\n80000000\r\n"), "413", "64 MiB"),
        ("GET / HTTP/1.0\r\nHost: localhost\r\n\r\n".to_owned(), "505", "version"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), "505", "version"),
        (format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(9_000)), "414", "8 KiB"),
        (
            "GET /v1/models/%2e%2e/slots HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                .to_owned(),
            "404",
            "path",
        ),
        (
            "GET /v1/models/..%2fslots HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                .to_owned(),
            "404",
            "path",
        ),
        (
            "GET /v1/models/../../slots HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                .to_owned(),
            "404",
            "path",
        ),
        (
            "GET //evil.example/v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                .to_owned(),
            "404",
            "path",
        ),
        ("\u{16}\u{3}\u{1}\0\u{1}\0\0".to_owned(), "400", "control"),
    ];
    let (addr, reached) = counting();
    for (request, status, word) in table {
        let mut house = house(addr, Setup::default());
        let at = house.addr;
        let text = request.clone();
        let answer = tokio::task::spawn_blocking(move || exchange(at, &[text.as_bytes()], false))
            .await
            .unwrap();
        let shown = request.escape_debug().to_string();
        assert_eq!(statuses(&answer), [status], "{shown}: {answer}");
        assert!(answer.contains(word), "{shown}: {answer}");
        let events = house.until(|_| true).await;
        let Event::Refused { reason, .. } = &events[0] else { panic!("{shown}: {events:?}") };
        assert!(reason.contains(word), "{shown}: {reason}");
    }
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_call_within_the_first_is_none() {
    let (addr, reached) = counting();
    let mut house = house(addr, Setup::default());
    let at = house.addr;
    // The first is in order; the second one's head is refused, and what it hides is never read.
    let text = "HEAD /api/hello HTTP/1.1\r\nHost: localhost\r\n\r\n\
        POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n\
        0\r\n\r\nGET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let answer = tokio::task::spawn_blocking(move || exchange(at, &[text.as_bytes()], false));
    assert_eq!(statuses(&answer.await.unwrap()), ["200", "400"]);
    let events = house.until(|event| matches!(event, Event::Refused { .. })).await;
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(house.rest().await.is_empty());
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_one_after_the_other_are_each_answered() {
    let (addr, reached) = counting();
    let house = house(addr, Setup::default());
    let at = house.addr;
    let text = "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n\
        POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n\
        GET /slots HTTP/1.1\r\nHost: localhost\r\n\r\n\
        GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let answer = tokio::task::spawn_blocking(move || exchange(at, &[text.as_bytes()], false));
    assert_eq!(statuses(&answer.await.unwrap()), ["200", "200", "404", "200"]);
    assert_eq!(reached.load(Ordering::SeqCst), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_let_go() {
    let short = Duration::from_millis(30);
    let limits = Limits { first: short, head: short, pause: short, idle: short, parting: short };
    let table: [(&str, &[&str], Option<&str>); 4] = [
        ("", &[], None),
        ("GET / HT", &["408"], Some("head")),
        (
            "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{",
            &["408"],
            Some("paused"),
        ),
        ("HEAD /api/hello HTTP/1.1\r\nHost: localhost\r\n\r\n", &["200"], None),
    ];
    let (addr, reached) = counting();
    for (text, expected, word) in table {
        let mut house = house(addr, Setup { limits, ..Setup::default() });
        let at = house.addr;
        // Only the proxy closes: a proxy that waits would let this wait as well.
        let answer = tokio::task::spawn_blocking(move || exchange(at, &[text.as_bytes()], false));
        assert_eq!(statuses(&answer.await.unwrap()), expected, "{text}");
        if let Some(word) = word {
            let events = house.until(|event| matches!(event, Event::Refused { .. })).await;
            let Some(Event::Refused { reason, .. }) = events.last() else { panic!() };
            assert!(reason.contains(word), "{reason}");
        }
    }
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_is_refused_before_it_comes() {
    let (addr, reached) = counting();
    let house = house(addr, Setup::default());
    let at = house.addr;
    let head =
        "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2147483648\r\n\r\n";
    let answer = tokio::task::spawn_blocking(move || {
        // What has been sent meanwhile does not keep the client from reading the answer.
        exchange(at, &[head.as_bytes(), &[b'x'; 200_000]], false)
    });
    assert_eq!(statuses(&answer.await.unwrap()), ["413"]);
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_in_chunks_without_end_is_cut() {
    let (addr, reached) = counting();
    let house = house(addr, Setup::default());
    let at = house.addr;
    let answer = tokio::task::spawn_blocking(move || {
        let mut chunk = b"100000\r\n".to_vec();
        chunk.extend(std::iter::repeat_n(b' ', 1 << 20));
        chunk.extend(b"\r\n");
        let head: &[u8] =
            b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut pieces = vec![head];
        pieces.extend(std::iter::repeat_n(chunk.as_slice(), 70));
        exchange(at, &pieces, false)
    });
    let answer = answer.await.unwrap();
    // The connection may be torn down before the answer is read: more was under way.
    assert!(matches!(statuses(&answer).as_slice(), ["413"] | []), "{answer}");
    let events = { house }.until(|event| matches!(event, Event::Refused { .. })).await;
    assert!(matches!(&events[0], Event::Refused { reason, .. } if reason.contains("64 MiB")));
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_cannot_write_into_the_log() {
    let (addr, _) = counting();
    let mut house = house(addr, Setup::default());
    let at = house.addr;
    let text = "GET /\u{1b}[2J HTTP/1.1\r\nHost: localhost\r\n\r\n";
    tokio::task::spawn_blocking(move || exchange(at, &[text.as_bytes()], false)).await.unwrap();
    let long = format!(
        "GET /{} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "x".repeat(4_000)
    );
    tokio::task::spawn_blocking(move || exchange(at, &[long.as_bytes()], false)).await.unwrap();
    let events = house
        .until(|event| matches!(event, Event::Refused { reason, .. } if reason.contains("path")))
        .await;
    for event in events {
        if let Event::Refused { target, .. } = event {
            assert!(!target.chars().any(char::is_control) && target.len() < 400, "{target}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_written_down_when_asked_and_only_then() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bodies.jsonl");
    let (addr, _) = counting();
    let house = house(addr, Setup::default());
    raw(house.addr, post("/v1/messages", "", MAIN)).await;
    assert!(!path.exists());
    house.proxy.log_bodies(BodyLog::open(&path).unwrap());
    raw(house.addr, post("/v1/messages", "x-api-key: s3cret\r\n", MAIN)).await;
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 1);
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    let sent: serde_json::Value = serde_json::from_slice(MAIN).unwrap();
    assert_eq!((&line["body"], &line["target"]), (&sent, &"/v1/messages".into()));
    assert!(!text.contains("s3cret"), "headers stay out");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

/// Pieces of calls in any order, and bytes at random.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"POST /v1/messages HTTP/1.1\r\n".to_vec()),
        Just(b"GET /v1/models HTTP/1.1\n".to_vec()),
        Just(b"Host: localhost\r\n".to_vec()),
        Just(b"Host: evil.example\r\n".to_vec()),
        Just(b"Content-Length: 2\r\n".to_vec()),
        Just(b"Transfer-Encoding: chunked\r\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"{}".to_vec()),
        Just(b"0\r\n\r\n".to_vec()),
        prop::collection::vec(any::<u8>(), 0..24),
    ];
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

/// Without the session's token nothing reaches the server, whatever is sent; and the proxy is there
/// for the next call.
#[test]
fn bytes_at_random_never_get_through() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (addr, reached) = counting();
    let _inside = runtime.enter();
    let house = house(addr, Setup { token: Some("t0ken"), ..Setup::default() });
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    let mut runner =
        TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    runner
        .run(&noise(), |bytes| {
            let answer = exchange(house.addr, &[&bytes], true);
            prop_assert!(!answer.contains("HTTP/1.1 5") || answer.contains("505"), "{}", answer);
            prop_assert_eq!(reached.load(Ordering::SeqCst), 0);
            Ok(())
        })
        .unwrap();
    let last = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nx-api-key: t0ken\r\nConnection: close\r\n\r\n";
    assert_eq!(statuses(&exchange(house.addr, &[last], false)), ["200"]);
    assert_eq!(reached.load(Ordering::SeqCst), 1);
}
