//! A raw-socket upstream that does as it is told, a proxy before it, and a raw client.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::Duration,
};

use lcc::{
    domain::{Dialect, Event, Observation, RequestId},
    engine::{
        clock::Clock,
        proxy::{Limits, Proxy, ProxySettings, Serving, rules::Rules},
    },
};
use tokio::sync::{mpsc::UnboundedReceiver, watch};

/// Longest wait for anything; reached only when a test fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// One connection to the upstream, with its first request read.
pub struct Visit {
    pub stream: TcpStream,
    pub head: String,
    pub body: Vec<u8>,
}

impl Visit {
    pub fn send(&mut self, bytes: &[u8]) {
        // A proxy that has gone is what some tests want to see.
        let _ = self.stream.write_all(bytes);
    }

    pub fn chunk(&mut self, bytes: &[u8]) {
        let mut framed = format!("{:x}\r\n", bytes.len()).into_bytes();
        framed.extend_from_slice(bytes);
        framed.extend_from_slice(b"\r\n");
        self.send(&framed);
    }

    /// Answers as a server without a tokenizer when it is asked for one; whether it was.
    pub fn no_tokenizer(&mut self) -> bool {
        let asked = self.head.starts_with("POST /tokenize ");
        if asked {
            self.send(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        }
        asked
    }

    /// Reads until the other side closes; true when it did within [`PATIENCE`].
    pub fn closed(&mut self) -> bool {
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => true,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

/// An upstream that gives every connection to `play`, each on a thread of its own.
pub fn upstream(play: impl Fn(Visit) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let play = std::sync::Arc::new(play);
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let play = std::sync::Arc::clone(&play);
            thread::spawn(move || {
                if let Some(visit) = read_request(stream) {
                    play(visit);
                }
            });
        }
    });
    addr
}

/// An address that refuses connections.
pub fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn read_request(mut stream: TcpStream) -> Option<Visit> {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut data = Vec::new();
    let mut piece = [0; 16 * 1024];
    let end = loop {
        if let Some(at) = data.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        let n = stream.read(&mut piece).ok().filter(|n| *n > 0)?;
        data.extend_from_slice(&piece[..n]);
    };
    let head = String::from_utf8(data[..end].to_vec()).unwrap();
    let length = header(&head, "content-length").map_or(0, |v| v.parse().unwrap());
    while data.len() < end + length {
        let n = stream.read(&mut piece).ok().filter(|n| *n > 0)?;
        data.extend_from_slice(&piece[..n]);
    }
    Some(Visit { stream, head, body: data[end..].to_vec() })
}

/// The value of a header in a raw head.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// A proxy under test.
pub struct House {
    pub addr: SocketAddr,
    pub proxy: Proxy,
    pub serving: Serving,
    pub dialect: watch::Sender<Dialect>,
    pub seen: UnboundedReceiver<Observation>,
}

#[derive(Clone, Copy)]
pub struct Setup {
    pub dialect: Dialect,
    pub token: Option<&'static str>,
    pub rules: Rules,
    pub limits: Limits,
}

impl Default for Setup {
    fn default() -> Self {
        let dialect = Dialect { count_tokens: false, ..Dialect::LLAMA };
        Self { dialect, token: None, rules: Rules::default(), limits: Limits::default() }
    }
}

pub fn house(upstream: SocketAddr, setup: Setup) -> House {
    let (out, seen) = tokio::sync::mpsc::unbounded_channel();
    let (dialect, watched) = watch::channel(setup.dialect);
    let settings = ProxySettings {
        upstream: format!("http://{upstream}"),
        dialect: watched,
        token: setup.token.map(str::to_owned),
        rules: setup.rules,
        api: None,
    };
    let proxy = Proxy::new(settings, Clock::start(), out).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let serving = proxy.serve_within(listener, setup.limits).unwrap();
    House { addr, proxy, serving, dialect, seen }
}

impl House {
    /// All events up to and with the first that `last` accepts.
    pub async fn until(&mut self, last: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let next = tokio::time::timeout(PATIENCE, self.seen.recv()).await;
            let Ok(Some(observation)) = next else { panic!("no such event after {events:?}") };
            let done = last(&observation.event);
            events.push(observation.event);
            if done {
                return events;
            }
        }
    }

    /// All events of the one request there was, checked for what every request must keep: it
    /// starts once, before anything else is told of it, and it ends once.
    pub async fn request(mut self) -> Vec<Event> {
        let events = self.until(|e| matches!(e, Event::RequestEnded { .. })).await;
        let starts = |e: &&Event| matches!(e, Event::RequestStarted { .. });
        assert_eq!(events.iter().filter(starts).count(), 1, "{events:?}");
        assert!(starts(&&events[0]), "{events:?}");
        let rest = self.rest().await;
        assert!(!rest.iter().any(|e| matches!(e, Event::RequestEnded { .. })), "{rest:?}");
        events
    }

    /// What is left when the proxy is gone and all its tasks have ended.
    pub async fn rest(self) -> Vec<Event> {
        let Self { proxy, serving, mut seen, .. } = self;
        drop((proxy, serving));
        let mut events = Vec::new();
        while let Ok(Some(o)) = tokio::time::timeout(PATIENCE, seen.recv()).await {
            events.push(o.event);
        }
        events
    }
}

/// How the first request in `events` ended.
pub fn outcome(events: &[Event]) -> lcc::domain::Outcome {
    let Some(Event::RequestEnded { request, outcome }) = events.last() else { panic!("no end") };
    assert!(request > &RequestId(0));
    outcome.clone()
}

/// A raw answer: head, and body with chunks undone.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
    /// Whether the body came to its proper end.
    pub complete: bool,
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends raw bytes and reads one answer until the connection closes.
pub async fn raw(addr: SocketAddr, request: Vec<u8>) -> Reply {
    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // The proxy may refuse before it has read everything.
        let _ = stream.write_all(&request);
        let mut data = Vec::new();
        let _ = stream.read_to_end(&mut data);
        parse(&data)
    })
    .await
    .unwrap()
}

pub fn post(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
         Content-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

fn parse(data: &[u8]) -> Reply {
    let Some(at) = data.windows(4).position(|w| w == b"\r\n\r\n") else {
        return Reply { status: 0, head: String::new(), body: data.to_vec(), complete: false };
    };
    let head = String::from_utf8(data[..at + 4].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let rest = &data[at + 4..];
    if header(&head, "transfer-encoding") != Some("chunked") {
        let length = header(&head, "content-length").map(|v| v.parse::<usize>().unwrap());
        let complete = length.is_none_or(|length| length == rest.len());
        return Reply { status, head, body: rest.to_vec(), complete };
    }
    let (mut body, mut rest, mut complete) = (Vec::new(), rest, false);
    while let Some(line) = rest.windows(2).position(|w| w == b"\r\n") {
        let size = std::str::from_utf8(&rest[..line]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            complete = true;
            break;
        }
        let from = line + 2;
        let Some(chunk) = rest.get(from..from + size) else { break };
        body.extend_from_slice(chunk);
        rest = rest.get(from + size + 2..).unwrap_or_default();
    }
    Reply { status, head, body, complete }
}

/// A handle on a client that has sent a request and reads nothing.
pub fn open(addr: SocketAddr, request: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request).unwrap();
    stream
}

pub fn hang_up(stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Both);
}

/// A channel with which an upstream tells the test something.
pub fn telling<T: Send>() -> (mpsc::SyncSender<T>, mpsc::Receiver<T>) {
    mpsc::sync_channel(16)
}

pub const STREAM_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
    Transfer-Encoding: chunked\r\nX-Test: kept\r\nKeep-Alive: timeout=5\r\n\r\n";

pub fn frames() -> String {
    [
        r#"{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","content":[],"model":"m","stop_reason":null,"usage":{"cache_read_input_tokens":2048,"input_tokens":6144,"output_tokens":0}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"größer 😀"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":12}}"#,
        r#"{"type":"message_stop"}"#,
    ]
    .iter()
    .map(|data| {
        let value: serde_json::Value = serde_json::from_str(data).unwrap();
        format!("event: {}\ndata: {data}\n\n", value["type"].as_str().unwrap())
    })
    .collect()
}

pub const MAIN: &[u8] = br#"{"model":"local","max_tokens":64,"stream":true,"tools":[{"name":"Read","input_schema":{}}],"messages":[{"role":"user","content":"hi"}]}"#;
