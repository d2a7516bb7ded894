//! `lcc doctor` as a program: its findings, its exit code, its JSON, against the practice server
//! and against real llama.cpp.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use common::{Lcc, Project, RealServer};
use lcc::engine::practice::{self, PracticeOptions, PracticeServer, Script};
use serde_json::Value;

fn practice(script: Script) -> (PracticeServer, tokio::runtime::Runtime) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = PracticeOptions {
        read_rate: 20_000.0,
        write_rate: 2_000.0,
        script,
        ..PracticeOptions::default()
    };
    let server = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        practice::start(listener, options).await.unwrap()
    });
    (server, runtime)
}

/// Runs it; its exit code and its checks.
fn doctor(project: &Project, server: &str, args: &[&str]) -> (i32, Value) {
    let out = Lcc::new(project.path())
        .args(["doctor", "--json", "--server", server])
        .args(args.iter().copied())
        .command()
        .output()
        .unwrap();
    let report = serde_json::from_slice(&out.stdout);
    let report = report.unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&out.stderr)));
    (out.status.code().unwrap(), report)
}

fn verdict<'a>(report: &'a Value, name: &str) -> &'a str {
    let all = report["checks"].as_array().unwrap();
    all.iter().find(|c| c["check"] == name).unwrap()["verdict"].as_str().unwrap()
}

#[test]
fn the_model_runs_only_when_asked_to() {
    let (server, _runtime) = practice(Script::Normal);
    let url = format!("http://{}", server.addr());
    let project = Project::new();
    for (args, thinking, prefix, call) in [
        (&[][..], "skipped", "skipped", "skipped"),
        (&["--deep"], "ok", "ok", "skipped"),
        (&["--smoke"], "ok", "skipped", "ok"),
    ] {
        let (_, report) = doctor(&project, &url, args);
        let got = ["thinking", "prefix cache", "tool call"].map(|name| verdict(&report, name));
        assert_eq!(got, [thinking, prefix, call], "{args:?}: {report:#}");
        assert_eq!(verdict(&report, "server"), "ok");
    }
}

#[test]
fn a_leak_and_a_key_in_the_project_are_failures() {
    let (server, _runtime) = practice(Script::LeakText);
    let project = Project::new();
    project.write(".claude/settings.json", r#"{"env": {"ANTHROPIC_API_KEY": "sk-x"}}"#);
    let (code, report) = doctor(&project, &format!("http://{}", server.addr()), &["--deep"]);
    assert_eq!(verdict(&report, "thinking"), "failure", "{report:#}");
    assert_eq!(verdict(&report, "api key"), "failure", "{report:#}");
    assert_eq!((code, &report["ok"]), (1, &Value::Bool(false)));
}

#[test]
fn a_server_that_is_not_there_is_a_failure() {
    let project = Project::new();
    let (code, report) = doctor(&project, "http://127.0.0.1:1", &["--smoke"]);
    assert_eq!((code, verdict(&report, "server")), (1, "failure"));
    assert_eq!(verdict(&report, "tool call"), "skipped");
}

#[test]
fn on_real_llama_cpp_the_model_file_tells_the_kv_cache() {
    let Some(server) = RealServer::start(&[]) else { return };
    let (_, report) = doctor(&Project::new(), server.url(), &[]);
    for name in ["server", "version", "model", "tools", "window", "slots", "memory"] {
        assert_eq!(verdict(&report, name), "ok", "{name}: {report:#}");
    }
    let all = report["checks"].as_array().unwrap();
    let memory = all.iter().find(|c| c["check"] == "memory").unwrap()["found"].as_str().unwrap();
    // Gemma 3 270M: 18 layers × 1 KV head × (256 + 256) × 2 bytes × 32,768 tokens.
    assert!(memory.contains("576.0 MiB KV cache at 32,768 tokens"), "{memory}");
}
