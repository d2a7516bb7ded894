//! What the director writes down about each request that reached the model server.

use serde::Serialize;
use serde_json::Value;

/// What a request is for, as its body tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Carries tools and one of the bench's prompts.
    Main,
    /// Has no tools: a title or the like.
    Side,
    /// Asks for a summary of the conversation.
    Compaction,
    /// Wants one token at most: somebody warms the cache or asks whether the server is there.
    Warm,
    /// Carries tools, but none of the bench's prompts.
    Other,
}

/// One request.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    pub id: usize,
    pub kind: Kind,
    /// The bench's number of the prompt it belongs to.
    pub step: Option<u32>,
    /// Tool results since that prompt.
    pub results: usize,
    /// Texts of results in the last message that are errors.
    pub tool_errors: Vec<String>,
    /// Seconds from the director's start to its arrival.
    pub at_s: f64,
    /// Seconds from its arrival to the server's first token.
    pub first_s: Option<f64>,
    /// Seconds from its arrival to the end of the answer.
    pub end_s: Option<f64>,
    /// Tokens of the prompt, reused ones included.
    pub prompt: u64,
    /// Of these, reused from the cache.
    pub cached: u64,
    /// What the client asked for at most.
    pub max_tokens: u64,
    pub bytes: usize,
    pub status: Option<u16>,
    /// Whether the answer called tools, so that the turn goes on.
    pub calls: usize,
    /// The body, for counts made afterwards.
    #[serde(skip)]
    pub body: Value,
}

impl Record {
    /// Reads a request's body.
    pub fn of(id: usize, at_s: f64, body: Value, bytes: usize) -> Self {
        let told = read(&body);
        Self {
            id,
            kind: told.kind,
            step: told.step,
            results: told.results,
            tool_errors: told.tool_errors,
            at_s,
            first_s: None,
            end_s: None,
            prompt: 0,
            cached: 0,
            max_tokens: body["max_tokens"].as_u64().unwrap_or(0),
            bytes,
            status: None,
            calls: 0,
            body,
        }
    }

    /// Takes what the server counted.
    pub fn take_usage(&mut self, usage: &Value) {
        let of = |name: &str| usage[name].as_u64().unwrap_or(0);
        self.cached = of("cache_read_input_tokens");
        self.prompt = of("input_tokens") + self.cached + of("cache_creation_input_tokens");
    }

    /// Tokens that were read anew.
    pub fn read(&self) -> u64 {
        self.prompt.saturating_sub(self.cached)
    }

    /// Whether the answer ended the turn of `step`.
    pub fn ends_turn(&self, step: u32) -> bool {
        self.kind == Kind::Main && self.step == Some(step) && self.ended() && self.calls == 0
    }

    /// Whether it was answered with 200, to the end.
    pub fn ended(&self) -> bool {
        self.end_s.is_some() && self.status == Some(200)
    }

    /// Whether it has neither been answered nor failed.
    pub fn under_way(&self) -> bool {
        self.end_s.is_none() && self.status.is_none_or(|status| status == 200)
    }

    /// One line about it, for a trace.
    pub fn line(&self) -> String {
        let s = |seconds: Option<f64>| seconds.map_or("-".to_owned(), |s| format!("{s:.2} s"));
        format!(
            "{:8.2} {:?} step {} results {} status {} prompt {} cached {} first {} end {} {:?}",
            self.at_s,
            self.kind,
            self.step.unwrap_or(0),
            self.results,
            self.status.unwrap_or(0),
            self.prompt,
            self.cached,
            s(self.first_s),
            s(self.end_s),
            self.tool_errors
        )
    }

    /// Seconds from the director's start to the first token.
    pub fn first_at(&self) -> Option<f64> {
        Some(self.at_s + self.first_s?)
    }
}

struct Told {
    kind: Kind,
    step: Option<u32>,
    results: usize,
    tool_errors: Vec<String>,
}

/// The mark that the bench's prompts carry.
pub fn mark(step: u32) -> String {
    format!("[step {step}]")
}

fn read(body: &Value) -> Told {
    let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut told = Told { kind: Kind::Other, step: None, results: 0, tool_errors: Vec::new() };
    let users = messages.iter().rev().filter(|m| m["role"] == "user");
    for (n, message) in users.enumerate() {
        let results = blocks(message, "tool_result");
        told.results += results.len();
        if n == 0 {
            let failed = results.iter().filter(|r| r["is_error"] == true);
            told.tool_errors = failed.map(|r| text_of(&r["content"])).collect();
        }
        let text = text_of(&message["content"]);
        if n == 0 && asks_for_summary(&text) {
            told.kind = Kind::Compaction;
            told.step = messages.iter().rev().find_map(|m| marked(&text_of(&m["content"])));
            return told;
        }
        if let Some(step) = marked(&text) {
            told.step = Some(step);
            told.kind = Kind::Main;
            break;
        }
        // Reminders stand alone now and then; anything else is not a prompt of the bench.
        if results.is_empty() && !text.trim_start().starts_with("<system-reminder>") {
            break;
        }
    }
    if body["max_tokens"].as_u64().is_some_and(|n| n <= 1) {
        told.kind = Kind::Warm;
    } else if body["tools"].as_array().is_none_or(Vec::is_empty) {
        told.kind = Kind::Side;
    }
    told
}

fn asks_for_summary(text: &str) -> bool {
    ["<analysis>", "<summary>", "conversation"].iter().all(|word| text.contains(word))
}

fn marked(text: &str) -> Option<u32> {
    let (_, after) = text.rsplit_once("[step ")?;
    after.split_once(']')?.0.parse().ok()
}

fn blocks<'a>(message: &'a Value, kind: &str) -> Vec<&'a Value> {
    let blocks = message["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    blocks.iter().filter(|b| b["type"] == kind).collect()
}

/// The texts of a content, joined; the results of tools are not among them.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let texts: Vec<_> = blocks.iter().filter_map(|b| b["text"].as_str()).collect();
            texts.join("\n")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    }
}
