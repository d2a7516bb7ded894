//! The log pane in the real program: what a stand-in for Claude Code sends is seen under F8.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
#![cfg(target_os = "linux")]

mod common;

use std::{os::unix::fs::PermissionsExt, time::Duration};

use common::{Key, Lcc, Project};
use lcc::engine::practice::{self, PracticeOptions};

const PATIENCE: Duration = Duration::from_secs(60);

/// Plays Claude Code: tells its version, makes three calls without effect and one to the model,
/// then echoes what is typed. Python speaks HTTP to the base URL that lcc sets.
const CLIENT: &str = r#"#!/usr/bin/env python3
import json, os, sys, urllib.error, urllib.request
if "--version" in sys.argv:
    print("2.1.330 (Claude Code)")
    sys.exit(0)
base = os.environ["ANTHROPIC_BASE_URL"]
head = {"Authorization": "Bearer " + os.environ["ANTHROPIC_AUTH_TOKEN"], "Content-Type": "application/json"}
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
def call(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    try:
        opener.open(urllib.request.Request(base + path, data, head, method=method), timeout=30).read()
    except urllib.error.HTTPError as error:
        error.read()
for _ in range(3):
    call("POST", "/api/event_logging/batch", {})
call("POST", "/v1/messages?beta=true", {
    "model": os.environ["ANTHROPIC_MODEL"], "max_tokens": 64, "stream": True,
    "tools": [{"name": "Bash", "input_schema": {"type": "object"}}],
    "messages": [{"role": "user", "content": "practice: say hello"}],
})
print("client is done", flush=True)
for line in sys.stdin:
    print("typed:" + line, flush=True)
"#;

#[test]
fn what_passes_the_proxy_is_seen_folded_searched_and_closed() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options =
        PracticeOptions { read_rate: 20_000.0, write_rate: 2_000.0, ..PracticeOptions::default() };
    let server = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        practice::start(listener, options).await.unwrap()
    });
    let project = Project::new();
    let client = project.path().join("client");
    project.write("client", CLIENT);
    std::fs::set_permissions(&client, std::fs::Permissions::from_mode(0o755)).unwrap();
    let lcc = Lcc::new(project.path()).env("LCC_CLAUDE", &client);
    // Reading ahead writes lines of its own between the ones to be folded.
    let lcc = lcc.env("LCC_WARM_START", "false").env("LCC_SNAPSHOTS_LIMIT", "0");
    let lcc = lcc.args([
        "--server".to_owned(),
        format!("http://{}", server.addr()),
        "--sandbox".to_owned(),
        "off".to_owned(),
    ]);
    let mut outer = lcc.start();
    outer.wait_for("client is done", PATIENCE);

    outer.key(Key::F(8));
    outer.wait_for("/v1/messages 200", PATIENCE);
    outer.wait_for("3× without effect: POST /api/event_logging/batch", PATIENCE);
    outer.wait_for("→ #1 main /v1/messages", PATIENCE);

    // Its keys are its own.
    outer.type_text("/event_log");
    outer.wait_for("Enter searches", PATIENCE);
    outer.key(Key::Enter);
    outer.wait_for("paused", PATIENCE);
    outer.wait_until("the line that was found", PATIENCE, |screen| {
        screen.contents().lines().any(|l| l.contains('›') && l.contains("event_logging"))
    });

    outer.key(Key::Escape);
    outer.wait_until("the log is closed", PATIENCE, |s| !s.contents().contains("Esc close"));
    outer.type_text("after\r");
    outer.wait_for("typed:after", PATIENCE);
    assert!(!outer.screen_text().contains("typed:/event"), "{}", outer.screen_text());
    outer.leave(PATIENCE);
}
