//! The practice server over HTTP: llama-server's dialect, live slots, true cache figures, faults.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::time::Duration;

use futures_util::StreamExt as _;
use lcc::engine::practice::{self, PracticeOptions, PracticeServer, Script};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A server that reads and writes at once.
fn fast() -> PracticeOptions {
    PracticeOptions { read_rate: 0.0, write_rate: 0.0, ..PracticeOptions::default() }
}

/// A server that needs so long for [`long`] that no test sees the end of it.
fn crawling() -> PracticeOptions {
    PracticeOptions { read_rate: 2_000.0, batch: 40, window: 1_000_000, ..fast() }
}

struct Server {
    server: PracticeServer,
    client: reqwest::Client,
}

async fn serve(options: PracticeOptions) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = practice::start(listener, options).await.unwrap();
    Server { server, client: lcc::engine::backend::client().unwrap().client().clone() }
}

impl Server {
    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.addr())
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.client.get(self.url(path)).send().await.unwrap();
        assert_eq!(answer.headers()["server"], "lcc-practice", "{path}");
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> reqwest::Response {
        self.client.post(self.url(path)).json(body).send().await.unwrap()
    }

    async fn slot(&self, id: usize) -> Value {
        self.get("/slots").await[id].clone()
    }

    /// Asks for slot 0 until `done` says so. Ends with the test runner's patience, not before.
    async fn until(&self, done: impl Fn(&Value) -> bool) -> Value {
        loop {
            let slot = self.slot(0).await;
            if done(&slot) {
                return slot;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The whole stream of a request as text.
    async fn stream(&self, body: &Value) -> String {
        let answer = self.post("/v1/messages", body).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        answer.text().await.unwrap()
    }

    async fn count(&self, body: &Value) -> u64 {
        let answer = self.post("/v1/messages/count_tokens", body).await;
        number(&answer.json::<Value>().await.unwrap()["input_tokens"])
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no count"))
}

fn ask(prompt: &str) -> Value {
    json!({
        "model": "practice", "stream": true, "max_tokens": 1_000,
        "system": "You work in a folder.\nWorking directory: /p",
        "tools": [{"name": "Bash", "description": "runs", "input_schema": {"type": "object"}}],
        "messages": [{"role": "user", "content": prompt}],
    })
}

/// A prompt of about 100,000 tokens.
fn long() -> Value {
    ask(&"every word counts here ".repeat(25_000))
}

/// The data of the frames named `name`.
fn frames(stream: &str, name: &str) -> Vec<Value> {
    let start = format!("event: {name}\ndata: ");
    let data = stream.split("\n\n").filter_map(|frame| frame.strip_prefix(&start));
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// (cached, read) of a stream's `message_start`.
fn usage(stream: &str) -> (u64, u64) {
    let start = frames(stream, "message_start").remove(0);
    let usage = &start["message"]["usage"];
    (number(&usage["cache_read_input_tokens"]), number(&usage["input_tokens"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_usage_text_call_and_stop() {
    let server = serve(fast()).await;
    let request = ask("hello");
    let total = server.count(&request).await;
    let stream = server.stream(&request).await;
    assert_eq!(usage(&stream), (0, total));
    let start = &frames(&stream, "message_start")[0]["message"];
    assert_eq!(start["model"], "practice");
    let blocks = frames(&stream, "content_block_start");
    assert_eq!(blocks[0]["content_block"], json!({"type": "text", "text": ""}));
    assert_eq!(blocks[1]["content_block"]["name"], "Bash");
    assert_eq!(blocks[1]["content_block"].get("input"), None);
    let deltas = frames(&stream, "content_block_delta");
    let input: String =
        deltas.iter().filter_map(|frame| frame["delta"]["partial_json"].as_str()).collect();
    assert_eq!(serde_json::from_str::<Value>(&input).unwrap()["command"], "ls -la");
    let end = &frames(&stream, "message_delta")[0];
    assert_eq!(end["delta"]["stop_reason"], "tool_use");
    assert!(number(&end["usage"]["output_tokens"]) > 10);
    assert!(stream.ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_prompt_again_is_all_cached_and_a_longer_one_reads_only_what_is_new() {
    let server = serve(fast()).await;
    let mut request = ask("practice: say fine");
    let total = server.count(&request).await;
    let first = server.stream(&request).await;
    let written = number(&frames(&first, "message_delta")[0]["usage"]["output_tokens"]);
    assert_eq!(usage(&server.stream(&request).await), (total - 1, 1));

    let more = [
        json!({"role": "assistant", "content": [{"type": "text", "text": "fine"}]}),
        json!({"role": "user", "content": [{"type": "text", "text": "and now?"}]}),
    ];
    request["messages"].as_array_mut().unwrap().extend(more);
    let longer = server.count(&request).await;
    let (cached, read) = usage(&server.stream(&request).await);
    assert_eq!(cached, total + written - 1, "prompt and answer are in the slot");
    assert_eq!(cached + read, longer);

    request["system"] = json!("Changed.");
    let (cached, _) = usage(&server.stream(&request).await);
    assert_eq!(cached, 1, "only the mark before the system text is shared");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_stream_is_whole() {
    let server = serve(fast()).await;
    let mut request = ask("practice: think 2 ;; practice: say one two");
    request["stream"] = json!(false);
    let message: Value = server.post("/v1/messages", &request).await.json().await.unwrap();
    assert_eq!(
        message["content"],
        json!([
            {"type": "thinking", "thinking": "practice makes", "signature": ""},
            {"type": "text", "text": "one two"},
        ])
    );
    assert_eq!(message["stop_reason"], "end_turn");
    request["max_tokens"] = json!(6);
    let message: Value = server.post("/v1/messages", &request).await.json().await.unwrap();
    assert_eq!(message["stop_reason"], "max_tokens");
    assert_eq!(message["usage"]["output_tokens"], 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_move_during_the_prefill_and_a_closed_connection_keeps_what_was_read() {
    let server = serve(crawling()).await;
    let untouched = server.slot(0).await;
    assert_eq!(
        untouched,
        json!({"id": 0, "n_ctx": 1_000_000, "speculative": false, "is_processing": false})
    );
    let total = server.count(&long()).await;
    assert!(total > 90_000, "{total}");
    // The headers are there while the prompt is being read.
    let answer = server.post("/v1/messages", &long()).await;
    assert_eq!(answer.status(), 200);
    let read = |slot: &Value| slot["n_prompt_tokens_processed"].as_u64().unwrap_or(0);
    let one = server.until(|slot| read(slot) > 0).await;
    let two = server.until(|slot| read(slot) > read(&one)).await;
    assert_eq!(two["is_processing"], true);
    assert_eq!(two["next_token"][0]["n_decoded"], 0);
    assert_eq!(two["id_task"], 0);
    let ahead = number(&two["n_prompt_tokens"]) - read(&two);
    assert!((1..=40).contains(&ahead), "{two}");

    drop(answer);
    let idle = server.until(|slot| slot["is_processing"] == false).await;
    assert_eq!(read(&idle), 0, "back to 0 on release");
    let kept = number(&idle["n_prompt_tokens"]);
    assert!(kept >= read(&two) && kept < total, "{kept}");

    let _answer = server.post("/v1/messages", &long()).await;
    let again = server.until(|slot| slot["is_processing"] == true).await;
    assert_eq!(again["n_prompt_tokens_cache"], kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_request_waits_for_the_slot_and_silence_is_filled_with_comments() {
    let server = serve(PracticeOptions { ping: Duration::from_millis(1), ..crawling() }).await;
    let answer = server.post("/v1/messages", &long()).await;
    let first = answer.bytes_stream().next().await.unwrap().unwrap();
    assert!(first.starts_with(b":\n\n"), "{first:?}");
    // The answer above is dropped with its stream; this one takes the slot, the next one waits.
    let holder = server.post("/v1/messages", &long()).await;
    let waiting = tokio::spawn(server.client.post(server.url("/v1/messages")).json(&long()).send());
    loop {
        let text = server.client.get(server.url("/metrics")).send().await.unwrap();
        let text = text.text().await.unwrap();
        if text.contains("llamacpp:requests_deferred 1\n") {
            assert!(text.contains("llamacpp:requests_processing 1\n"), "{text}");
            break;
        }
    }
    let busy = server.client.get(server.url("/slots?fail_on_no_slot=1")).send().await.unwrap();
    assert_eq!(busy.status(), 503);
    assert!(!waiting.is_finished(), "no headers before a slot is free");
    drop(holder);
    assert_eq!(waiting.await.unwrap().unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_side_request_takes_the_other_slot() {
    let server = serve(PracticeOptions { slots: 2, ..fast() }).await;
    let main = ask("practice: say fine");
    let total = server.count(&main).await;
    server.stream(&main).await;
    let side = json!({"stream": true, "messages": [{"role": "user", "content": "title"}]});
    server.stream(&side).await;
    assert_eq!(usage(&server.stream(&main).await), (total - 1, 1));
    let one = serve(fast()).await;
    one.stream(&main).await;
    one.stream(&side).await;
    assert_eq!(usage(&one.stream(&main).await).0, 0, "with one slot the prefix is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_beyond_the_window_is_refused_as_llama_server_does() {
    let server = serve(PracticeOptions { window: 20, ..fast() }).await;
    let request = ask("hello");
    let total = server.count(&request).await;
    let answer = server.post("/v1/messages", &request).await;
    assert_eq!(answer.status(), 400);
    let error = answer.json::<Value>().await.unwrap()["error"].clone();
    assert_eq!(error["type"], "exceed_context_size_error");
    assert_eq!((&error["n_prompt_tokens"], &error["n_ctx"]), (&json!(total), &json!(20)));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_answer_in_the_dialect_and_never_claim_to_be_a_model() {
    let server = serve(PracticeOptions { slots: 3, window: 4_096, ..fast() }).await;
    let props = server.get("/props").await;
    assert_eq!(props["default_generation_settings"]["n_ctx"], 4_096);
    assert_eq!(props["total_slots"], 3);
    assert_eq!(
        (&props["model_alias"], &props["endpoint_slots"]),
        (&json!("practice"), &json!(true))
    );
    assert!(props["build_info"].as_str().unwrap().starts_with("practice-"));
    assert_eq!(server.get("/health").await, json!({"status": "ok"}));
    assert_eq!(server.get("/v1/models").await["data"][0]["id"], "practice");
    assert_eq!(server.get("/slots").await.as_array().unwrap().len(), 3);
    let tokens: Value =
        server.post("/tokenize", &json!({"content": "hello world"})).await.json().await.unwrap();
    assert_eq!(tokens["tokens"].as_array().unwrap().len(), 2);
    let head = server.client.head(server.url("/")).send().await.unwrap();
    assert_eq!(
        (head.status().as_u16(), &head.headers()["server"]),
        (200, &"lcc-practice".parse().unwrap())
    );
    for (path, body, status, kind) in [
        ("/api/hello", "{}", 404, "not_found_error"),
        ("/api/event_logging/batch", "{}", 404, "not_found_error"),
        ("/v1/messages", "no json", 400, "invalid_request_error"),
        ("/v1/messages", "{}", 500, "server_error"),
        ("/v1/messages/count_tokens", "[]", 500, "server_error"),
    ] {
        let request = server.client.post(server.url(path)).body(body);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(answer.headers()["server"], "lcc-practice");
        assert_eq!(answer.json::<Value>().await.unwrap()["error"]["type"], kind, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_server_closes_its_connections() {
    let server = serve(crawling()).await;
    let answer = server.post("/v1/messages", &long()).await;
    let Server { server, client } = server;
    let addr = server.addr();
    drop(server);
    assert!(answer.text().await.is_err(), "the stream was cut");
    assert!(client.get(format!("http://{addr}/health")).send().await.is_err());
}

/// Everything that came before the stream ended, and whether it ended properly.
async fn rest(answer: reqwest::Response) -> (Vec<u8>, bool) {
    let mut stream = answer.bytes_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        let Ok(chunk) = chunk else { return (bytes, false) };
        bytes.extend_from_slice(&chunk);
    }
    (bytes, true)
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_break_the_stream() {
    for (script, ends, has, has_not) in [
        (Script::Die(3), false, "event: message_start", "message_stop"),
        (Script::Die(0), false, "", "event:"),
        (Script::ErrorEvent(3), true, "event: error\ndata: {\"code\":500", "message_stop"),
        (Script::Garbage(3), true, "garbage", "nothing of the kind"),
        (Script::Leak, true, "\"type\":\"thinking_delta\"", "<think>"),
        (Script::LeakText, true, "</think>", "thinking_delta"),
        (Script::Normal, true, "message_stop", "thinking"),
    ] {
        let server = serve(PracticeOptions { script, ..fast() }).await;
        let (bytes, ended) = rest(server.post("/v1/messages", &ask("hello")).await).await;
        assert_eq!(ended, ends, "{script:?}");
        let joined = String::from_utf8_lossy(&bytes);
        let data = joined.split("\n\n").filter_map(|frame| frame.split_once("\ndata: "));
        let frames = data.filter_map(|(_, data)| serde_json::from_str::<Value>(data).ok());
        let pieces: String =
            frames.filter_map(|frame| Some(frame["delta"]["text"].as_str()?.to_owned())).collect();
        assert!(joined.contains(has) || pieces.contains(has), "{script:?}: {joined}");
        assert!(!joined.contains(has_not) && !pieces.contains(has_not), "{script:?}: {joined}");
        assert_eq!(std::str::from_utf8(&bytes).is_err(), script == Script::Garbage(3));
        server.until(|slot| slot["is_processing"] == false).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_refuse_or_keep_silent() {
    for (script, status) in [(Script::ServerError, 500), (Script::Overflow, 400)] {
        let server = serve(PracticeOptions { script, ..fast() }).await;
        let answer = server.post("/v1/messages", &ask("hello")).await;
        assert_eq!(answer.status(), status);
        let error = answer.json::<Value>().await.unwrap()["error"].clone();
        if script == Script::Overflow {
            assert!(number(&error["n_prompt_tokens"]) > number(&error["n_ctx"]));
        }
    }
    let slow = Script::Slow(Duration::from_secs(3_600));
    let server = serve(PracticeOptions { script: slow, ..fast() }).await;
    let asked = server.client.post(server.url("/v1/messages")).json(&ask("hello")).send();
    let answer = tokio::time::timeout(Duration::from_millis(300), asked).await;
    assert!(answer.is_err(), "not even headers");
    assert_eq!(server.get("/health").await["status"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_can_ask_for_a_fault_of_its_own() {
    let server = serve(fast()).await;
    let mut faulty = ask("practice: fault die:2");
    for stream in [true, false] {
        faulty["stream"] = json!(stream);
        let (_, ended) = rest(server.post("/v1/messages", &faulty).await).await;
        assert!(!ended, "stream: {stream}");
    }
    let (_, ended) = rest(server.post("/v1/messages", &ask("go on")).await).await;
    assert!(ended);
}
