//! `lcc proxy` as a user starts it, and everything it says.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, ChildStdout, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::common::Lcc;

/// A child that is killed when it has not ended after a time that only a failing test needs.
fn watched(child: Child) -> Arc<Mutex<Child>> {
    let child = Arc::new(Mutex::new(child));
    let watched = Arc::downgrade(&child);
    let end = Instant::now() + Duration::from_secs(20);
    thread::spawn(move || {
        while let Some(child) = watched.upgrade() {
            if Instant::now() > end {
                let _ = child.lock().unwrap().kill();
                return;
            }
            drop(child);
            thread::sleep(Duration::from_millis(50));
        }
    });
    child
}

/// A folder for certificates and secrets, and `lcc` with a configuration.
pub struct House {
    pub dir: TempDir,
    pub lcc: Option<Lcc>,
}

/// `lcc proxy` that runs; it is killed with the test.
pub struct Proxy {
    child: Arc<Mutex<Child>>,
    out: BufReader<ChildStdout>,
    pub addr: String,
    pub said: String,
}

impl House {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), lcc: None }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn lcc(&self, url: &str, config: &str) -> Lcc {
        Lcc::new(self.dir.path())
            .config(config)
            .env("LCC_LOG", self.path("log"))
            .env("LCC_LOG_LEVEL", "trace")
            .args(["proxy", "--upstream", url])
    }

    /// Runs it to its end: the exit code and all it said, with what differs each time named.
    pub fn fails(&self, url: &str, config: &str) -> String {
        let lcc = self.lcc(url, config);
        let mut child =
            lcc.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let child = watched(child);
        let (mut said, mut complained) = (Vec::new(), Vec::new());
        out.read_to_end(&mut said).unwrap();
        err.read_to_end(&mut complained).unwrap();
        let status = child.lock().unwrap().wait().unwrap();
        let log = std::fs::read_to_string(self.path("log")).unwrap_or_default();
        assert!(!log.contains("sk-never"), "{log}");
        let said = [said, complained].concat();
        let said = String::from_utf8(said).unwrap();
        let port = url.split(':').nth(2).and_then(|p| p.split('/').next()).unwrap_or("none");
        let said = said
            .replace(&lcc.home().display().to_string(), "HOME")
            .replace(&self.dir.path().display().to_string(), "DIR")
            .replace(port, "PORT");
        format!("{}: {said}", status.code().unwrap_or(-1))
    }

    /// Starts it and waits until it listens.
    pub fn starts(&mut self, url: &str, config: &str) -> Proxy {
        let lcc = self.lcc(url, config);
        let mut child = lcc.command().stdout(Stdio::piped()).spawn().unwrap();
        self.lcc = Some(lcc);
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        out.read_line(&mut said).unwrap();
        let addr = said.trim().strip_prefix("listening on http://").unwrap().to_owned();
        Proxy { child: watched(child), out, addr, said }
    }

    /// What its log holds.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}

impl Proxy {
    /// Reads on until a line holds `part`, and gives that line.
    pub fn until(&mut self, part: &str) -> String {
        if let Some(line) = self.said.lines().find(|line| line.contains(part)) {
            return line.to_owned();
        }
        loop {
            let mut line = String::new();
            assert!(self.out.read_line(&mut line).unwrap() > 0, "no {part} in {}", self.said);
            self.said.push_str(&line);
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Posts a request as Claude Code does, with credentials of its own; the whole answer.
    pub fn post(&self) -> String {
        let body = r#"{"model":"qwen","max_tokens":9,"tools":[{"name":"Read","input_schema":{}}],"messages":[{"role":"user","content":"hi"}]}"#;
        let mut stream = TcpStream::connect(&self.addr).unwrap();
        write!(
            stream,
            "POST /v1/messages?beta=true HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
             Authorization: Bearer callers-own\r\nx-api-key: callers-own\r\n\
             x-claude-code-session-id: session-7\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.addr,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap();
        let _ = child.kill();
        let _ = child.wait();
    }
}
