//! The proxy between a client and a server that is silent for long, refuses late, or goes on when
//! its client has gone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    missing_docs,
    dead_code
)]

#[path = "proxy/openai.rs"]
mod openai;
#[path = "proxy/support.rs"]
mod support;

use std::{
    io::Read,
    net::TcpStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};

use lcc::{
    domain::{Dialect, Event, Outcome, RequestId},
    engine::proxy::rules::Rules,
};
use support::*;

const PING: &str = "event: ping\ndata: {\"type\": \"ping\"}\n\n";

/// A ping for every second of silence.
fn pinging() -> Setup {
    Setup { rules: Rules { ping_s: 1, ..Rules::default() }, ..Setup::default() }
}

/// The same before a server that goes on when its client has gone.
fn unstoppable() -> Setup {
    let dialect = Dialect { count_tokens: false, cancels: false, ..Dialect::LLAMA };
    Setup { dialect, ..pinging() }
}

/// An upstream that says nothing until it is told to, and then what `say` says.
fn silent(
    say: impl Fn(Visit) + Send + Sync + 'static,
) -> (std::net::SocketAddr, mpsc::SyncSender<()>) {
    let (go, wait) = telling::<()>();
    let wait = Mutex::new(wait);
    let addr = upstream(move |visit| {
        wait.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        say(visit);
    });
    (addr, go)
}

fn streamed(mut visit: Visit) {
    visit.send(STREAM_HEAD);
    visit.chunk(frames().as_bytes());
    visit.send(b"0\r\n\r\n");
}

fn plain(status: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Reads on until `count` pings have come.
fn pings(client: &mut TcpStream, seen: &mut Vec<u8>, count: usize) {
    let mut piece = [0; 4096];
    while String::from_utf8_lossy(seen).matches("event: ping").count() < count {
        let n = client.read(&mut piece).unwrap();
        assert!(n > 0, "the answer ended: {}", String::from_utf8_lossy(seen));
        seen.extend_from_slice(&piece[..n]);
    }
}

/// Asks, reads two pings, lets the upstream speak, and reads to the end.
async fn ask_patiently(house: &House, go: mpsc::SyncSender<()>, body: &'static [u8]) -> String {
    let addr = house.addr;
    tokio::task::spawn_blocking(move || {
        let mut client = open(addr, &post("/v1/messages?beta=true", "", body));
        let mut seen = Vec::new();
        pings(&mut client, &mut seen, 2);
        go.send(()).unwrap();
        let _ = client.read_to_end(&mut seen);
        String::from_utf8(seen).unwrap()
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_is_covered_by_pings_and_its_stream_follows_unchanged() {
    let (addr, go) = silent(streamed);
    let house = house(addr, pinging());
    let reply = ask_patiently(&house, go, MAIN).await;
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    assert!(reply.contains("text/event-stream"), "{reply}");
    let plain = unchunked(&reply);
    let rest = plain.trim_start_matches(PING);
    assert_eq!(rest, frames());
    let events = house.request().await;
    // The head that lcc sent is not the server's.
    let heads = events.iter().filter(|e| matches!(e, Event::Headers { .. })).count();
    assert_eq!(heads, 1, "{events:?}");
    assert!(matches!(outcome(&events), Outcome::Done { .. }));
}

/// The chunks' contents; everything in these answers is ASCII up to the frames.
fn unchunked(reply: &str) -> String {
    let (_, mut rest) = reply.split_once("\r\n\r\n").unwrap();
    let mut out = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return out;
        }
        out.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
    }
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_comes_late_is_an_event() {
    let long = r#"{"error":{"code":400,"message":"request (40000 tokens) exceeds the available context size (32768 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":40000,"n_ctx":32768}}"#;
    let loading = r#"{"error":{"message":"Loading model","type":"unavailable_error","code":503}}"#;
    let table = [
        (plain("400 Bad Request", long), "invalid_request_error", "prompt is too long: 40000"),
        (plain("503 Service Unavailable", loading), "overloaded_error", "Loading model"),
        (plain("404 Not Found", "404 page not found"), "not_found_error", "404 page not found"),
        (Vec::new(), "overloaded_error", "does not answer"),
    ];
    for (answer, kind, message) in table {
        let (addr, go) = silent(move |mut visit| visit.send(&answer));
        let house = house(addr, pinging());
        let reply = unchunked(&ask_patiently(&house, go, MAIN).await);
        let rest = reply.trim_start_matches(PING);
        assert!(rest.starts_with("event: error\ndata: {"), "{rest}");
        assert!(rest.contains(kind) && rest.contains(message), "{rest}");
        assert!(rest.ends_with("\n\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_message_that_comes_late_becomes_the_promised_stream() {
    let message = r#"{"id":"m","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","usage":{"input_tokens":5,"output_tokens":1}}"#;
    let (addr, go) = silent(move |mut visit| visit.send(&plain("200 OK", message)));
    let house = house(addr, pinging());
    let reply = unchunked(&ask_patiently(&house, go, MAIN).await);
    assert!(reply.contains("event: message_start") && reply.contains("event: message_stop"));
    assert!(reply.contains(r#""text":"hi""#), "{reply}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_no_stream_or_no_pings_gets_the_server_s_own_head() {
    let whole: &[u8] = br#"{"model":"local","max_tokens":64,"messages":[{"role":"user","content":"hi"}],"tools":[{"name":"Read","input_schema":{}}]}"#;
    let off = Setup { rules: Rules { ping_s: 0, ..Rules::default() }, ..Setup::default() };
    for (setup, body) in [(pinging(), whole), (off, MAIN)] {
        // The server waits longer than the time after which a ping would come.
        let addr = upstream(|mut visit| {
            visit.stream.set_read_timeout(Some(std::time::Duration::from_millis(1_500))).unwrap();
            let _ = visit.stream.read(&mut [0]);
            visit.send(&plain("429 Too Many Requests", "{}"));
        });
        let house = house(addr, setup);
        let reply = raw(house.addr, post("/v1/messages", "", body)).await;
        assert_eq!(reply.status, 429);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_translated_answer_is_waited_for_as_well() {
    let (addr, go) = silent(|mut visit| {
        openai::stream(&mut visit, &[&openai::progress(4096), &openai::answer("hi")]);
    });
    let setup = openai::openai();
    let setup = Setup { rules: Rules { ping_s: 1, ..setup.rules }, ..setup };
    let house = house(addr, setup);
    let reply = unchunked(&ask_patiently(&house, go, MAIN).await);
    assert!(reply.starts_with(PING), "{reply}");
    assert!(reply.contains("event: message_stop"), "{reply}");
    assert!(matches!(outcome(&house.request().await), Outcome::Done { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_in_a_stream_is_filled_between_events_and_never_inside_one() {
    let text = frames();
    let inside = text.find("größer").unwrap();
    let between = text.find("event: content_block_stop").unwrap();
    for (cut, filled) in [(inside, false), (between, true)] {
        let (go, wait) = telling::<()>();
        let wait = Mutex::new(wait);
        let addr = upstream(move |mut visit| {
            visit.send(STREAM_HEAD);
            visit.chunk(&frames().as_bytes()[..cut]);
            // Silent until the client has seen a ping, or for longer than one would take.
            let _ = wait.lock().unwrap().recv_timeout(std::time::Duration::from_millis(2_500));
            visit.chunk(&frames().as_bytes()[cut..]);
            visit.send(b"0\r\n\r\n");
        });
        // Without the sieve, which gives out whole events only.
        let rules = Rules { ping_s: 1, known_overflow: false, ..Rules::default() };
        let house = house(addr, Setup { rules, ..Setup::default() });
        let addr = house.addr;
        let reply = tokio::task::spawn_blocking(move || {
            let mut client = open(addr, &post("/v1/messages", "", MAIN));
            let mut seen = Vec::new();
            if filled {
                pings(&mut client, &mut seen, 1);
                go.send(()).unwrap();
            }
            client.read_to_end(&mut seen).unwrap();
            unchunked(&String::from_utf8(seen).unwrap())
        })
        .await
        .unwrap();
        assert_eq!(reply.contains(PING), filled, "{reply}");
        assert_eq!(reply.replace(PING, ""), frames());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_while_it_is_pinged_ends_the_request_at_the_server() {
    let (tell, closed) = telling::<bool>();
    let addr = upstream(move |mut visit| tell.send(visit.closed()).unwrap());
    let mut house = house(addr, pinging());
    let addr = house.addr;
    let left = tokio::task::spawn_blocking(move || {
        let mut client = open(addr, &post("/v1/messages", "", MAIN));
        pings(&mut client, &mut Vec::new(), 1);
        hang_up(&client);
        let left = std::time::Instant::now();
        assert!(closed.recv_timeout(PATIENCE).unwrap(), "the server sees the connection close");
        left.elapsed()
    })
    .await
    .unwrap();
    println!("the server saw it {left:?} after the client had left");
    let events = house.until(|e| matches!(e, Event::RequestEnded { .. })).await;
    assert_eq!(outcome(&events), Outcome::ClientGone);
}

/// An upstream that counts its visits, answers each when told to, and tells when one is closed.
struct Counted {
    addr: std::net::SocketAddr,
    visits: Arc<AtomicUsize>,
    go: mpsc::SyncSender<()>,
    came: mpsc::Receiver<()>,
}

fn counted() -> Counted {
    let visits = Arc::new(AtomicUsize::new(0));
    let ((go, wait), (tell, came)) = (telling::<()>(), telling::<()>());
    let (wait, counter) = (Mutex::new(wait), Arc::clone(&visits));
    let addr = upstream(move |mut visit| {
        if visit.no_tokenizer() {
            return;
        }
        counter.fetch_add(1, Ordering::SeqCst);
        tell.send(()).unwrap();
        wait.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        streamed(visit);
    });
    Counted { addr, visits, go, came }
}

/// Asks and leaves after the first ping.
async fn ask_and_leave(house: &House, body: &'static [u8]) {
    let addr = house.addr;
    tokio::task::spawn_blocking(move || {
        let mut client = open(addr, &post("/v1/messages?beta=true", "", body));
        pings(&mut client, &mut Vec::new(), 1);
        hang_up(&client);
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_try_joins_the_reading_of_a_server_that_cannot_stop() {
    let Counted { addr, visits, go, came: _came } = counted();
    let mut house = house(addr, unstoppable());
    ask_and_leave(&house, MAIN).await;
    let reply = unchunked(&ask_patiently(&house, go, MAIN).await);
    assert_eq!(reply.trim_start_matches(PING), frames());
    assert_eq!(visits.load(Ordering::SeqCst), 1, "the prompt was read once");
    let events = house.until(|e| matches!(e, Event::RequestEnded { .. })).await;
    let again: Vec<_> = events.iter().filter(|e| matches!(e, Event::AskedAgain { .. })).collect();
    let [Event::AskedAgain { request, first, after_s, joined: true }] = again[..] else {
        panic!("{events:?}")
    };
    assert_eq!((*request, *first), (RequestId(2), RequestId(1)));
    assert!(*after_s > 0.0);
    let starts = events.iter().filter(|e| matches!(e, Event::RequestStarted { .. })).count();
    assert_eq!(starts, 1, "{events:?}");
    assert!(matches!(outcome(&events), Outcome::Done { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_prompt_ends_what_was_kept_for_the_one_before() {
    let other: &[u8] = br#"{"model":"local","max_tokens":64,"stream":true,"tools":[{"name":"Read","input_schema":{}}],"messages":[{"role":"user","content":"something else"}]}"#;
    let (tell, closed) = telling::<bool>();
    let addr = upstream(move |mut visit| {
        if String::from_utf8_lossy(&visit.body).contains("something else") {
            streamed(visit);
        } else {
            tell.send(visit.closed()).unwrap();
        }
    });
    let mut house = house(addr, unstoppable());
    ask_and_leave(&house, MAIN).await;
    assert!(closed.try_recv().is_err(), "it is kept");
    let reply = raw(house.addr, post("/v1/messages", "", other)).await;
    assert_eq!(reply.text(), frames());
    let seen = tokio::task::spawn_blocking(move || closed.recv_timeout(PATIENCE)).await;
    assert!(seen.unwrap().unwrap(), "the server must see the connection close");
    let ended =
        house.until(|e| matches!(e, Event::RequestEnded { request: RequestId(1), .. })).await;
    assert_eq!(outcome(&ended), Outcome::ClientGone);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_server_stops_the_second_try_is_only_told() {
    let Counted { addr, visits, go, came } = counted();
    let mut house = house(addr, pinging());
    ask_and_leave(&house, MAIN).await;
    let first = house.until(|e| matches!(e, Event::RequestEnded { .. })).await;
    assert_eq!(outcome(&first), Outcome::ClientGone);
    // The first visit is still answered by the fake, to nobody.
    let waiting = tokio::task::spawn_blocking(move || (came.recv_timeout(PATIENCE), came));
    let (seen, _came) = waiting.await.unwrap();
    seen.unwrap();
    go.send(()).unwrap();
    ask_patiently(&house, go, MAIN).await;
    assert_eq!(visits.load(Ordering::SeqCst), 2);
    let events = house.until(|e| matches!(e, Event::RequestEnded { .. })).await;
    let told = events.iter().any(|e| {
        matches!(
            e,
            Event::AskedAgain { request: RequestId(2), first: RequestId(1), joined: false, .. }
        )
    });
    assert!(told, "{events:?}");
    assert!(matches!(outcome(&events), Outcome::Done { .. }));
}
