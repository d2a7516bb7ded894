//! What an OpenAI-speaking fake says, and what a client makes of the answer.

use lcc::{
    domain::{Api, Dialect, RequestId},
    engine::proxy::rules::Rules,
};
use serde_json::{Value, json};

use crate::support::*;

pub const ID: RequestId = RequestId(1);

pub fn openai() -> Setup {
    let dialect = Dialect {
        api: Api::OpenAi,
        prompt_progress: true,
        wants_local_host_header: false,
        ..Dialect::UNKNOWN
    };
    let rules = Rules { thinking_off: true, thinking_limit: 50, ..Rules::default() };
    Setup { dialect, rules, ..Setup::default() }
}

pub fn anthropic() -> Setup {
    let rules = Rules { thinking_off: true, thinking_limit: 50, ..Rules::default() };
    Setup { rules, ..Setup::default() }
}

pub fn chunk(delta: &Value, finish: Option<&str>) -> String {
    let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
    format!("data: {}\n\n", json!({"object": "chat.completion.chunk", "choices": [choice]}))
}

pub fn progress(done: u64) -> String {
    let choice =
        json!({"index": 0, "delta": {"role": "assistant", "content": null}, "finish_reason": null});
    let progress = json!({"total": 8192, "cache": 2048, "processed": done, "time_ms": 5});
    format!("data: {}\n\n", json!({"choices": [choice], "prompt_progress": progress}))
}

pub fn answer(text: &str) -> String {
    let usage = json!({"prompt_tokens": 8192, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 2048}});
    [
        chunk(&json!({"content": text}), None),
        chunk(&json!({}), Some("stop")),
        format!("data: {}\n\n", json!({"choices": [], "usage": usage})),
        "data: [DONE]\n\n".to_owned(),
    ]
    .concat()
}

pub fn stream(visit: &mut Visit, pieces: &[&str]) {
    // The fake answers once a connection, and says so: else the next call may meet its end.
    let head = String::from_utf8_lossy(STREAM_HEAD);
    visit.send(head.replacen("\r\n", "\r\nConnection: close\r\n", 1).as_bytes());
    for piece in pieces {
        visit.chunk(piece.as_bytes());
    }
    visit.send(b"0\r\n\r\n");
}

pub fn json_reply(status: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The blocks of a valid stream, by kind and text; panics on any other.
pub fn blocks(body: &str) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    let (mut started, mut stopped) = (0, 0);
    for data in body.lines().filter_map(|line| line.strip_prefix("data: ")) {
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(stopped, 0, "{body}");
        match data["type"].as_str().unwrap() {
            "message_start" => started += 1,
            "content_block_start" => {
                assert_eq!(data["index"], out.len(), "{body}");
                let kind = data["content_block"]["type"].as_str().unwrap();
                out.push((kind.to_owned(), String::new()));
            }
            "content_block_delta" => {
                assert_eq!(data["index"], out.len() - 1, "{body}");
                let text =
                    data["delta"]["text"].as_str().or(data["delta"]["partial_json"].as_str());
                out.last_mut().unwrap().1.push_str(text.unwrap());
            }
            "message_stop" => stopped += 1,
            _ => {}
        }
    }
    assert_eq!((started, stopped), (1, 1), "{body}");
    out
}

pub fn yes() -> Vec<(String, String)> {
    vec![("text".to_owned(), "Yes".to_owned())]
}

pub async fn ask(house: &House) -> Reply {
    raw(house.addr, post("/v1/messages?beta=true", "anthropic-version: 1\r\n", MAIN)).await
}
