//! The real llama.cpp server with the small model, as every real test uses it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::{net::TcpStream, path::Path};

use common::{Real, RealServer};
use serde_json::{Value, json};

async fn get(url: &str, path: &str) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(format!("{url}{path}")).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    answer.json().await.unwrap()
}

async fn count(url: &str, body: &Value) -> u64 {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{url}/v1/messages/count_tokens");
    let answer: Value = client.post(url).json(body).send().await.unwrap().json().await.unwrap();
    answer["input_tokens"].as_u64().unwrap()
}

#[tokio::test]
async fn it_has_the_window_one_slot_and_a_template_that_reads_tools() {
    let Some(server) = RealServer::start(&[]) else { return };
    let slots = get(server.url(), "/slots").await;
    assert_eq!(slots.as_array().unwrap().len(), 1);
    assert_eq!(slots[0]["n_ctx"], 32_768);
    let props = get(server.url(), "/props").await;
    assert_eq!(props["model_alias"], "gemma-3-270m");

    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let bare = count(server.url(), &body).await;
    body["tools"] = json!([{
        "name": "Bash",
        "description": "Runs a command in a shell and gives back what it printed.",
        "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}}
    }]);
    let with_tool = count(server.url(), &body).await;
    // Less would mean that the template leaves the tools out.
    assert!(with_tool > bare + 40, "{bare} tokens bare, {with_tool} with a tool");
}

#[test]
fn it_ends_with_its_handle() {
    let Some(server) = RealServer::start(&[]) else { return };
    let address = server.url().strip_prefix("http://").unwrap().to_owned();
    let pid = server.pid();
    TcpStream::connect(&address).unwrap();
    drop(server);
    assert!(TcpStream::connect(&address).is_err());
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn every_part_that_the_tests_need_is_there() {
    let parts = [
        Real::claude("2.1.197"),
        Real::claude("2.1.330"),
        Real::python(),
        Real::model(),
        Real::bwrap(),
        Real::tmux(),
    ];
    for path in parts.into_iter().flatten() {
        assert!(path.is_file(), "{}", path.display());
    }
}
