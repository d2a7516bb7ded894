//! The real Claude Code in the cockpit at a server that speaks OpenAI's API alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, dead_code)]

mod common;
#[path = "proxy/support.rs"]
mod support;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use common::{Key, Lcc, Outer, Project, Real};
use lcc::{
    domain::{Api, Dialect, Event, Phase},
    engine::proxy::rules::Rules,
    protocol::Snapshot,
};
use serde_json::{Value, json};
use support::{STREAM_HEAD, Visit, upstream};

const START: Duration = Duration::from_secs(30);
const WORK: Duration = Duration::from_secs(60);

/// `mlx_lm.server` as far as anyone can tell, with `answer` for its model.
fn mlx(answer: impl Fn(&Value) -> Answer + Send + Sync + 'static) -> SocketAddr {
    upstream(move |mut visit| {
        let path = visit.head.split(' ').nth(1).unwrap().to_owned();
        match path.as_str() {
            "/v1/models" => {
                let list =
                    json!({"object": "list", "data": [{"id": "scripted", "object": "model"}]});
                plain(&mut visit, "200 OK", &list.to_string());
            }
            "/v1/chat/completions" => {
                let body: Value = serde_json::from_slice(&visit.body).unwrap();
                play(&mut visit, &body, answer(&body));
            }
            _ => plain(&mut visit, "404 Not Found", "{\"error\": \"Not Found\"}"),
        }
    })
}

enum Answer {
    Text(String),
    Call(&'static str, Value),
    /// HTTP status line and body.
    Error(&'static str, String),
    /// Status 200, and the error as the first thing in the stream.
    ErrorInStream(String),
}

fn plain(visit: &mut Visit, status: &str, body: &str) {
    let head = format!(
        "HTTP/1.1 {status}\r\nServer: BaseHTTP/0.6 Python/3.12.3\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    visit.send(head.as_bytes());
    visit.send(body.as_bytes());
}

fn play(visit: &mut Visit, body: &Value, answer: Answer) {
    let (message, finish) = match answer {
        Answer::Error(status, body) => return plain(visit, status, &body),
        Answer::ErrorInStream(error) => {
            visit.send(STREAM_HEAD);
            visit.chunk(format!("data: {error}\n\n").as_bytes());
            return visit.send(b"0\r\n\r\n");
        }
        Answer::Text(text) => (json!({"role": "assistant", "content": text}), "stop"),
        Answer::Call(name, input) => {
            let function = json!({"name": name, "arguments": input.to_string()});
            let call = json!({"index": 0, "id": "c1", "type": "function", "function": function});
            (json!({"role": "assistant", "tool_calls": [call]}), "tool_calls")
        }
    };
    let usage = json!({"prompt_tokens": 4000, "completion_tokens": 20});
    if body["stream"] != true {
        let choice = json!({"index": 0, "message": message, "finish_reason": finish});
        let whole = json!({"choices": [choice], "usage": usage});
        return plain(visit, "200 OK", &whole.to_string());
    }
    visit.send(STREAM_HEAD);
    visit.chunk(b": keepalive 2000/4000\n\n");
    let choice = json!({"index": 0, "delta": message, "finish_reason": null});
    visit.chunk(format!("data: {}\n\n", json!({"choices": [choice]})).as_bytes());
    let choice = json!({"index": 0, "delta": {}, "finish_reason": finish});
    visit.chunk(format!("data: {}\n\n", json!({"choices": [choice]})).as_bytes());
    visit.chunk(format!("data: {}\n\n", json!({"choices": [], "usage": usage})).as_bytes());
    visit.chunk(b"data: [DONE]\n\n");
    visit.send(b"0\r\n\r\n");
}

fn messages(body: &Value) -> &[Value] {
    body["messages"].as_array().map_or(&[], Vec::as_slice)
}

struct Cockpit {
    lcc: Lcc,
    outer: Outer,
    project: Project,
}

impl Cockpit {
    fn open(claude: PathBuf, server: SocketAddr, project: Project) -> Self {
        let lcc = Lcc::new(project.path())
            .env("LCC_CLAUDE", claude)
            .args(["--server", &format!("http://{server}")]);
        let mut outer = lcc.start();
        outer.wait_for("❯", START);
        Self { lcc, outer, project }
    }

    fn prompt(&mut self, text: &str) {
        self.outer.type_text(text);
        self.outer.wait_for(text, START);
        self.outer.key(Key::Enter);
    }

    fn wait_turns(&mut self, turns: u64) -> Snapshot {
        let end = Instant::now() + WORK;
        loop {
            let figures = self.lcc.figures().expect("the session answers");
            if figures.turns >= turns && figures.phase == Phase::Idle {
                return figures;
            }
            assert!(Instant::now() < end, "{figures:?}\n{}", self.outer.screen_text());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn leave(mut self) {
        self.outer.leave(START);
    }
}

/// A task of two tools: a command, then a file.
fn works(version: &str) {
    let (Some(claude), Some(_)) = (Real::claude(version), Real::bwrap()) else { return };
    let project = Project::with_git();
    let written = project.path().join("written.txt");
    let path = written.to_str().unwrap().to_owned();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let server = mlx(move |body| {
        if body["tools"].as_array().is_none_or(Vec::is_empty) {
            return Answer::Text("A title".to_owned());
        }
        kept.lock().unwrap().push(body.clone());
        match messages(body).iter().filter(|m| m["role"] == "tool").count() {
            0 => Answer::Call(
                "Bash",
                json!({"command": "echo made by bash > made.txt", "description": "Make a file"}),
            ),
            1 => Answer::Call("Write", json!({"file_path": path, "content": "made by write\n"})),
            _ => Answer::Text("Both files are there.".to_owned()),
        }
    });
    let mut cockpit = Cockpit::open(claude, server, project);
    cockpit.prompt("make two files");
    cockpit.outer.wait_for("Both files are there.", WORK);
    let figures = cockpit.wait_turns(1);
    assert_eq!(std::fs::read_to_string(&written).unwrap(), "made by write\n");
    let made = cockpit.project.path().join("made.txt");
    assert_eq!(std::fs::read_to_string(made).unwrap(), "made by bash\n");
    assert_eq!((figures.thinking.tokens, figures.thinking.leaked_turns), (0, 0));
    for body in seen.lock().unwrap().iter() {
        assert_eq!(body["chat_template_kwargs"]["enable_thinking"], false, "{body}");
        assert!(body.get("thinking").is_none() && body.get("output_config").is_none());
    }
    cockpit.leave();
}

#[test]
fn claude_code_2_1_197_works_through_the_translation() {
    works("2.1.197");
}

#[test]
fn claude_code_2_1_330_works_through_the_translation() {
    works("2.1.330");
}

/// Four exchanges, then a prompt that is too long, until the conversation was compacted. What the
/// client then shows.
fn overflows(version: &str, error: fn() -> Answer) -> (Cockpit, Arc<AtomicBool>) {
    let claude = Real::claude(version).unwrap();
    let compacted = Arc::new(AtomicBool::new(false));
    let kept = Arc::clone(&compacted);
    let server = mlx(move |body| {
        if body["tools"].as_array().is_none_or(Vec::is_empty) {
            return Answer::Text("A title".to_owned());
        }
        let last = messages(body).last().unwrap().to_string();
        if last.contains("<analysis>") {
            kept.store(true, Ordering::SeqCst);
            let text = "<analysis>all</analysis><summary>They counted to five.</summary>";
            return Answer::Text(text.to_owned());
        }
        if last.contains("number five") && !kept.load(Ordering::SeqCst) {
            return error();
        }
        let said = ["one", "two", "three", "four", "five"]
            .into_iter()
            .rfind(|n| last.contains(&format!("number {n}")));
        Answer::Text(format!("heard {}", said.unwrap_or("nothing")))
    });
    let mut cockpit = Cockpit::open(claude, server, Project::with_git());
    for (turn, word) in (1..).zip(["one", "two", "three", "four"]) {
        cockpit.prompt(&format!("number {word}"));
        cockpit.outer.wait_for(&format!("heard {word}"), WORK);
        cockpit.wait_turns(turn);
    }
    cockpit.prompt("number five");
    (cockpit, compacted)
}

const TOO_LONG: &str = r#"{"error":{"message":"request (40000 tokens) exceeds the available context size (32768 tokens), try increasing it"}}"#;

fn by_status() -> Answer {
    Answer::Error("400 Bad Request", TOO_LONG.to_owned())
}

fn in_stream() -> Answer {
    Answer::ErrorInStream(TOO_LONG.to_owned())
}

fn lm_studio() -> Answer {
    let text = r#"{"error":"Cannot truncate prompt with n_keep (40000) >= n_ctx (32768)"}"#;
    Answer::Error("500 Internal Server Error", text.to_owned())
}

/// It compacts by itself and sends the message again.
fn recovers(version: &str) {
    if Real::claude(version).is_none() || Real::bwrap().is_none() {
        return;
    }
    for error in [by_status, in_stream, lm_studio] {
        let (mut cockpit, compacted) = overflows(version, error);
        cockpit.outer.wait_for("heard five", WORK);
        assert!(compacted.load(Ordering::SeqCst));
        cockpit.leave();
    }
}

#[test]
fn an_overflow_makes_2_1_197_compact_and_nothing_is_lost() {
    recovers("2.1.197");
}

#[test]
fn an_overflow_makes_2_1_330_compact_and_nothing_is_lost() {
    recovers("2.1.330");
}

#[tokio::test(flavor = "multi_thread")]
async fn real_llama_cpp_answers_through_the_translation_and_tells_its_progress() {
    let Some(server) = common::RealServer::start(&[]) else { return };
    let dialect = Dialect { api: Api::OpenAi, ..Dialect::LLAMA };
    let rules = Rules { thinking_off: true, ..Rules::default() };
    let addr = server.url().strip_prefix("http://").unwrap().parse().unwrap();
    let setup = support::Setup { dialect, rules, ..support::Setup::default() };
    let house = support::house(addr, setup);
    let text = "the quick brown fox jumps over the lazy dog. ".repeat(215);
    let body = json!({
        "model": "gemma-3-270m", "max_tokens": 16, "stream": true,
        "tools": [{"name": "Read", "description": "Reads", "input_schema": {"type": "object"}}],
        "messages": [{"role": "user", "content": text}],
    });
    let client = lcc::engine::backend::client().unwrap().client().clone();
    let url = format!("http://{}/v1/messages", house.addr);
    let sent = client.post(url).body(body.to_string()).timeout(Duration::from_secs(180));
    let reply = sent.send().await.unwrap();
    assert_eq!(reply.status(), 200);
    let text = reply.text().await.unwrap();
    assert!(text.contains("event: message_stop"), "{text}");
    let events = house.request().await;
    let looks: Vec<(u64, Option<u64>)> = events
        .iter()
        .filter_map(|event| match event {
            Event::PrefillProgress { done, total, .. } => Some((*done, *total)),
            _ => None,
        })
        .collect();
    assert!(looks.len() >= 3, "{looks:?}");
    let total = looks[0].1.unwrap();
    assert!(looks.windows(2).all(|w| w[0].0 <= w[1].0) && looks.iter().all(|l| l.1 == Some(total)));
    let usage = events.iter().find_map(|event| match event {
        Event::Usage { input: Some(input), cached, .. } => Some(input + cached.unwrap_or(0)),
        _ => None,
    });
    assert_eq!(usage, Some(total), "what the progress counts is what the usage says");
    println!("{} looks at {total} tokens", looks.len());
}
