//! Servers that behave like the real ones on the wire, in time and in their logs.
//!
//! One core reads prompts, keeps a prefix cache and counts; a dialect tells of it the way its
//! server does. The core goes on to the next batch only when the test lets it, so what is compared
//! stands still while it is compared.
#![allow(dead_code, missing_docs)]

mod dialect;
mod pages;
mod wire;

use std::{
    io::Write,
    net::TcpListener,
    path::PathBuf,
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use serde_json::Value;

pub use dialect::Kind;

/// Longest wait for the test; reached only when it fails.
const PATIENCE: Duration = Duration::from_secs(30);
/// Tokens of a batch.
pub const BATCH: u64 = 512;
/// Tokens of every answer.
pub const ANSWER: &str = "Done. The change is in place and the tests are green. ";
pub const WINDOW: u64 = 32_768;

/// What is true in the server.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    /// Whether a prompt is being read.
    pub reading: bool,
    pub total: u64,
    pub cached: u64,
    pub done: u64,
    pub output: u64,
    /// Steps taken so far, and steps it may take.
    pub step: u64,
    pub released: u64,
    pub answered: u64,
    pub waiting: u64,
    /// What the slot holds, as text.
    held: String,
    /// Whether nobody holds its steps.
    pub free: bool,
    /// Ollama: tokens it keeps of a longer prompt.
    pub keeps: Option<u64>,
    /// The child's pages answer 404.
    pub child_gone: bool,
    /// Ollama: nobody asked for a while, the model is not loaded.
    pub unloaded: bool,
}

impl Truth {
    pub fn unload(&mut self) {
        self.unloaded = true;
        self.held.clear();
    }
}

pub struct Fake {
    pub kind: Kind,
    pub url: String,
    pub child: Option<u16>,
    pub log: PathBuf,
    core: Arc<Core>,
    _dir: tempfile::TempDir,
}

pub struct Core {
    kind: Kind,
    log: PathBuf,
    truth: Mutex<Truth>,
    moved: Condvar,
}

impl Fake {
    pub fn start(kind: Kind) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("server.log");
        std::fs::write(&log, "").unwrap();
        let core = Arc::new(Core {
            kind,
            log: log.clone(),
            truth: Mutex::new(Truth { free: !kind.is_stepped(), ..Truth::default() }),
            moved: Condvar::new(),
        });
        let port = serve(&core, false);
        let child = (kind == Kind::OllamaGguf).then(|| {
            let port = serve(&core, true);
            core.write(&dialect::child_line(port));
            port
        });
        Self { kind, url: format!("http://127.0.0.1:{port}"), child, log, core, _dir: dir }
    }

    pub fn truth(&self) -> Truth {
        self.core.truth.lock().unwrap().clone()
    }

    pub fn change(&self, change: impl FnOnce(&mut Truth)) {
        change(&mut self.core.truth.lock().unwrap());
        self.core.moved.notify_all();
    }

    /// Lets the server read on.
    pub fn release(&self) {
        self.change(|truth| truth.released = truth.step);
    }

    pub fn write(&self, line: &str) {
        self.core.write(line);
    }
}

fn serve(core: &Arc<Core>, child: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let core = Arc::clone(core);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let core = Arc::clone(&core);
            thread::spawn(move || wire::answer(stream, &core, child));
        }
    });
    port
}

impl Core {
    fn write(&self, line: &str) {
        if line.is_empty() {
            return;
        }
        let mut file = std::fs::OpenOptions::new().append(true).open(&self.log).unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Reads a prompt batch by batch; gives the truth when it is read.
    fn read(&self, body: &Value) -> Truth {
        let text = rendered(body);
        {
            let mut truth = self.truth.lock().unwrap();
            let same = text.bytes().zip(truth.held.bytes()).take_while(|(a, b)| a == b).count();
            let all = tokens(&text);
            truth.total = truth.keeps.map_or(all, |keeps| keeps.min(all));
            truth.cached = if truth.total < all { 0 } else { (same as u64 / 4).min(all - 1) };
            truth.done = truth.cached;
            truth.output = 0;
            truth.reading = true;
            truth.unloaded = false;
            if truth.total < all {
                self.write(&dialect::truncated(all, truth.total));
            }
            for line in dialect::begin(self.kind, truth.total, truth.cached) {
                self.write(&line);
            }
        }
        loop {
            let mut truth = self.truth.lock().unwrap();
            if truth.done >= truth.total {
                break;
            }
            let new = BATCH.min(truth.total - truth.done);
            truth.done += new;
            truth.step += 1;
            if truth.done >= truth.total {
                // The last batch and the first token are one moment: nothing to wait for.
                truth.released = truth.step;
                self.write(&dialect::batch(self.kind, &truth, new));
                break;
            }
            self.write(&dialect::batch(self.kind, &truth, new));
            if truth.free {
                drop(truth);
                thread::sleep(Duration::from_millis(20));
                continue;
            }
            let (_truth, waited) = self
                .moved
                .wait_timeout_while(truth, PATIENCE, |t| t.released < t.step && !t.free)
                .unwrap();
            assert!(!waited.timed_out(), "{:?}: nobody let it read on", self.kind);
        }
        let mut truth = self.truth.lock().unwrap();
        truth.reading = false;
        truth.output = tokens(ANSWER);
        truth.held = format!("{text}\nassistant\n{ANSWER}");
        for line in dialect::end(self.kind, &truth) {
            self.write(&line);
        }
        truth.clone()
    }

    fn answered(&self) {
        self.truth.lock().unwrap().answered += 1;
    }
}

/// Four bytes a token.
pub fn tokens(text: &str) -> u64 {
    text.len().div_ceil(4) as u64
}

/// The prompt as the server's template renders it: blocks and plain strings are the same.
pub fn rendered(body: &Value) -> String {
    let mut text = words(&body["system"]);
    for tool in body["tools"].as_array().into_iter().flatten() {
        text.push_str(&tool.to_string());
    }
    for message in body["messages"].as_array().into_iter().flatten() {
        text.push('\n');
        text.push_str(message["role"].as_str().unwrap_or_default());
        text.push('\n');
        text.push_str(&words(&message["content"]));
    }
    text
}

fn words(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            blocks.iter().filter_map(|b| b["text"].as_str()).collect::<Vec<_>>().concat()
        }
        _ => String::new(),
    }
}
