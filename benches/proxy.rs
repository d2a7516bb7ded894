//! What `lcc proxy` adds to a stream: direct and proxied runs alternate in one process.
//!
//! A stub server answers an 80 KB request with 300 events, one each 2 ms, and writes into each
//! event the time it was sent; the client takes the difference when it reads it. Run with
//! `cargo bench --bench proxy`; `PAIRS` sets how often (default 30).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    clippy::string_slice,
    missing_docs
)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{OnceLock, mpsc},
    thread,
    time::{Duration, Instant},
};

use lcc::{commands::proxy, domain::Dialect};
use serde_json::json;

const EVENTS: usize = 300;
const STEP: Duration = Duration::from_millis(2);

fn nanos() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap()
}

fn request_body() -> Vec<u8> {
    let words = |n: usize| "Use this tool when a file has to be read. ".repeat(n);
    let tools: Vec<_> = (0..25)
        .map(|n| {
            json!({
                "name": format!("Tool{n}"),
                "description": words(45),
                "input_schema": {"type": "object", "required": ["path"], "properties": {
                    "path": {"type": "string", "description": words(8)},
                    "limit": {"type": "number", "description": words(8)},
                }},
            })
        })
        .collect();
    json!({
        "model": "bench",
        "messages": [{"role": "user", "content": [{"type": "text", "text": words(80)}]}],
        "system": [{"type": "text", "text": words(150)}],
        "tools": tools,
        "max_tokens": 4096,
        "stream": true,
    })
    .to_string()
    .into_bytes()
}

fn stub() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || serve(stream.unwrap()));
        }
    });
    addr
}

fn serve(stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    loop {
        let (mut counting, mut length) = (false, 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            counting |= line.contains("count_tokens");
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        if counting {
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{\"input_tokens\":22100}";
            let _ = writer.write_all(answer);
            continue;
        }
        let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        let _ = writer.write_all(head);
        for _ in 0..EVENTS {
            let event = format!(
                "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\" @{:020}\"}}}}\n\n",
                nanos()
            );
            if writer.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).is_err() {
                return;
            }
            thread::sleep(STEP);
        }
        let stop = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
        let _ = writer.write_all(format!("{:x}\r\n{stop}\r\n0\r\n\r\n", stop.len()).as_bytes());
    }
}

struct Client {
    stream: TcpStream,
    request: Vec<u8>,
}

#[derive(Default)]
struct Figures {
    first_byte: Vec<f64>,
    event: Vec<f64>,
}

impl Client {
    fn new(addr: SocketAddr, body: &[u8]) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut request = format!(
            "POST /v1/messages?beta=true HTTP/1.1\r\nHost: 127.0.0.1\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        Self { stream, request }
    }

    fn run(&mut self, figures: &mut Figures) {
        let sent = nanos();
        self.stream.write_all(&self.request).unwrap();
        let mut piece = [0; 16 * 1024];
        let mut text: Vec<u8> = Vec::new();
        let (mut events, mut first) = (0, true);
        loop {
            let n = self.stream.read(&mut piece).unwrap();
            let now = nanos();
            assert!(n > 0, "closed early");
            if std::mem::take(&mut first) {
                figures.first_byte.push((now - sent) as f64 / 1e6);
            }
            text.extend_from_slice(&piece[..n]);
            while let Some(at) = text.windows(2).position(|w| w == b" @") {
                let Some(digits) = text.get(at + 2..at + 22) else { break };
                let stamp: u64 = std::str::from_utf8(digits).unwrap().parse().unwrap();
                figures.event.push((now - stamp) as f64 / 1e6);
                events += 1;
                text.drain(..at + 22);
            }
            if text.ends_with(b"0\r\n\r\n") {
                assert_eq!(events, EVENTS);
                return;
            }
        }
    }
}

/// Takes the first line as the address; all else goes where no terminal would slow it.
struct Lines {
    first: Option<mpsc::Sender<String>>,
    null: std::fs::File,
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if let Some(first) = self.first.take() {
            let line = String::from_utf8_lossy(bytes).into_owned();
            if !line.ends_with('\n') {
                self.first = Some(first.clone());
            }
            first.send(line).unwrap();
            return Ok(bytes.len());
        }
        self.null.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.null.flush()
    }
}

fn proxied(upstream: SocketAddr, count_tokens: bool) -> SocketAddr {
    let (tell, lines) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let options = proxy::ProxyOptions {
            log_bodies: None,
            prefix_care: lcc::domain::PrefixCare::default(),
            upstream: format!("http://{upstream}"),
            listen: "127.0.0.1:0".parse().unwrap(),
            allow_remote: false,
            dialect: None,
        };
        let told = proxy::Look::Told(Dialect { count_tokens, ..Dialect::LLAMA });
        let null = std::fs::File::options().write(true).open("/dev/null").unwrap();
        runtime.block_on(proxy::relay(options, told, Lines { first: Some(tell), null })).unwrap();
    });
    let mut text = String::new();
    loop {
        text.push_str(&lines.recv().unwrap());
        if let Some((addr, _)) =
            text.split_once("listening on http://").and_then(|(_, a)| a.split_once('\n'))
        {
            return addr.parse().unwrap();
        }
    }
}

fn at(values: &mut [f64], share: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let index = ((values.len() - 1) as f64 * share).round() as usize;
    values[index]
}

fn main() {
    let pairs = std::env::var("PAIRS").ok().and_then(|p| p.parse().ok()).unwrap_or(30);
    let body = request_body();
    println!("request {} bytes, {EVENTS} events at {STEP:?}, {pairs} pairs", body.len());
    for count_tokens in [false, true] {
        let upstream = stub();
        let mut direct = Client::new(upstream, &body);
        let mut through = Client::new(proxied(upstream, count_tokens), &body);
        let (mut a, mut b) = (Figures::default(), Figures::default());
        for warm in 0..=pairs {
            direct.run(&mut a);
            through.run(&mut b);
            if warm == 0 {
                (a, b) = (Figures::default(), Figures::default());
            }
        }
        println!("token counts asked beside the request: {count_tokens}");
        let rows: [(&str, &mut Vec<f64>, &mut Vec<f64>); 2] = [
            ("first byte", &mut a.first_byte, &mut b.first_byte),
            ("event", &mut a.event, &mut b.event),
        ];
        for (name, direct, through) in rows {
            for (label, share) in [("p50", 0.5), ("p99", 0.99)] {
                let (d, t) = (at(direct, share), at(through, share));
                println!(
                    "  {name:<10} {label}: direct {d:.3} ms, proxied {t:.3} ms, +{:.3} ms, x{:.2}",
                    t - d,
                    t / d
                );
            }
        }
    }
}
