//! The director: stands before the model server, has every prompt read in earnest, writes down
//! what the reading took, and answers from a script.

use std::{
    net::SocketAddr,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Runtime};

use crate::{record::Record, script::Answer};

/// What the main requests of a step are answered: the step and the tool results so far.
pub type Script = dyn Fn(u32, usize) -> Answer + Send + Sync;

#[derive(Default)]
pub struct Book {
    pub requests: Vec<Record>,
}

/// What all connections share.
pub struct House {
    pub client: reqwest::Client,
    pub upstream: Mutex<String>,
    pub script: Mutex<Arc<Script>>,
    pub book: Mutex<Book>,
    pub news: Condvar,
    pub started: Instant,
    /// Say each request on stderr.
    pub trace: bool,
}

impl House {
    pub fn now_s(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    pub fn url(&self, target: &str) -> String {
        format!("{}{target}", lock(&self.upstream))
    }

    /// Opens a record; its number.
    pub fn open(&self, body: Value, bytes: usize) -> usize {
        let mut book = lock(&self.book);
        let id = book.requests.len();
        book.requests.push(Record::of(id, self.now_s(), body, bytes));
        drop(book);
        self.news.notify_all();
        id
    }

    /// Writes into a record and wakes whoever waits for it.
    pub fn note(&self, id: usize, write: impl FnOnce(&mut Record, f64)) {
        let now = self.now_s();
        let mut book = lock(&self.book);
        let record = &mut book.requests[id];
        let since = now - record.at_s;
        write(record, since);
        let line = (self.trace && !record.under_way()).then(|| record.line());
        drop(book);
        if let Some(line) = line {
            eprintln!("    {line}");
        }
        self.news.notify_all();
    }
}

pub fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The running director; it ends with its handle.
pub struct Director {
    house: Arc<House>,
    addr: SocketAddr,
    runtime: Runtime,
}

impl Director {
    /// Starts it before the server at `upstream`, on a free port.
    pub fn start(upstream: &str, trace: bool) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let reach = lcc::engine::access::Reach::plain().expect("an HTTP client");
        let house = Arc::new(House {
            client: reach.client().clone(),
            upstream: Mutex::new(upstream.to_owned()),
            script: Mutex::new(Arc::new(|_, _| Answer::text("Done."))),
            book: Mutex::default(),
            news: Condvar::new(),
            started: Instant::now(),
            trace,
        });
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let addr = listener.local_addr().expect("its address");
        runtime.spawn(accept(Arc::clone(&house), listener));
        Self { house, addr, runtime }
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The server was started anew, somewhere else.
    pub fn set_upstream(&self, url: &str) {
        url.clone_into(&mut lock(&self.house.upstream));
    }

    pub fn set_script(&self, script: impl Fn(u32, usize) -> Answer + Send + Sync + 'static) {
        *lock(&self.house.script) = Arc::new(script);
    }

    /// Seconds since it was started, by the clock of the records.
    pub fn now_s(&self) -> f64 {
        self.house.now_s()
    }

    /// All records so far.
    pub fn records(&self) -> Vec<Record> {
        lock(&self.house.book).requests.clone()
    }

    /// Whether a request is under way.
    pub fn busy(&self) -> bool {
        lock(&self.house.book).requests.iter().any(Record::under_way)
    }

    /// How many there are: the start of what comes next.
    pub fn mark(&self) -> usize {
        lock(&self.house.book).requests.len()
    }

    /// Waits until a record from number `from` on satisfies `holds`; `None` when time is up.
    pub fn wait(
        &self,
        from: usize,
        within: Duration,
        holds: impl Fn(&Record) -> bool,
    ) -> Option<Record> {
        let end = Instant::now() + within;
        let mut book = lock(&self.house.book);
        loop {
            if let Some(found) = book.requests.iter().skip(from).find(|r| holds(r)) {
                return Some(found.clone());
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let waited = self.house.news.wait_timeout(book, left);
            book = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Tokens of the fixed part of a request (system and tools) by the server's own tokenizer:
    /// the count with them less the count without.
    pub fn fixed_tokens(&self, body: &Value) -> Option<u64> {
        let message = json!([{"role": "user", "content": "x"}]);
        let mut bare = json!({"model": body["model"], "messages": message});
        let without = self.count(&bare)?;
        for part in ["system", "tools"] {
            bare[part] = body[part].clone();
        }
        Some(self.count(&bare)?.saturating_sub(without))
    }

    fn count(&self, body: &Value) -> Option<u64> {
        let url = self.house.url("/v1/messages/count_tokens");
        self.runtime.block_on(async {
            let answer = self.house.client.post(url).json(body).send().await.ok()?;
            answer.json::<Value>().await.ok()?["input_tokens"].as_u64()
        })
    }
}

async fn accept(house: Arc<House>, listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let house = Arc::clone(&house);
        tokio::spawn(async move {
            let service = service_fn(move |call| crate::exchange::answer(Arc::clone(&house), call));
            // A client that goes away ends its connection, and with it the upstream's.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// The usage as llama.cpp words it.
pub fn usage(record: &Record, output: u64) -> Value {
    json!({
        "cache_read_input_tokens": record.cached,
        "input_tokens": record.read(),
        "output_tokens": output,
    })
}

/// A piece of an answer on its way.
pub type Piece = Result<hyper::body::Frame<Bytes>, std::convert::Infallible>;
