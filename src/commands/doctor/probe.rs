//! What is asked of the model by running it, and how the answers are judged; pure.
//!
//! Bodies are those of `POST /v1/messages` without a stream: what counts here are token counts,
//! blocks and seconds.

use serde_json::{Value, json};

/// Words that make a prefix of about three thousand tokens.
const PREFIX_LINES: usize = 200;
/// Tokens an answer may have when it may think.
const ROOM_TO_THINK: u64 = 256;

/// One answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// Seconds from the request to the whole answer.
    pub seconds: f64,
    /// Prompt tokens that were read.
    pub input: Option<u64>,
    /// Prompt tokens that came from the cache; `None`: the server does not tell.
    pub cached: Option<u64>,
    /// Tokens that were written.
    pub output: Option<u64>,
    /// Whether it thought, in a block of its own or in its text.
    pub thought: bool,
    /// The tools it called, with their input.
    pub calls: Vec<(String, Value)>,
    /// The start of its text.
    pub text: String,
    /// Why it stopped.
    pub stop: String,
}

impl Answer {
    /// Reads a whole answer of `/v1/messages`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(status: u16, body: &str, seconds: f64) -> Result<Self, String> {
        let json: Value = serde_json::from_str(body).unwrap_or_default();
        let message = json.pointer("/error/message").and_then(Value::as_str);
        if status != 200 || message.is_some() {
            let said = message.unwrap_or(body).chars().take(200).collect::<String>();
            return Err(format!("HTTP {status}: {}", said.trim()));
        }
        let Some(blocks) = json.get("content").and_then(Value::as_array) else {
            return Err("the answer is no message of the Anthropic API".to_owned());
        };
        let of = |kind: &'static str| {
            blocks.iter().filter(move |b| b.get("type").and_then(Value::as_str) == Some(kind))
        };
        let text: String =
            of("text").filter_map(|b| b.get("text")?.as_str()).collect::<Vec<_>>().join("");
        let leaked = text.contains("<think>") || text.contains("</think>");
        let usage = |key: &str| json.pointer(&format!("/usage/{key}")).and_then(Value::as_u64);
        let call = |b: &Value| {
            let name = b.get("name")?.as_str()?.to_owned();
            Some((name, b.get("input").cloned().unwrap_or_default()))
        };
        Ok(Self {
            seconds,
            input: usage("input_tokens"),
            cached: usage("cache_read_input_tokens"),
            output: usage("output_tokens"),
            thought: leaked || of("thinking").any(|b| b["thinking"] != ""),
            calls: of("tool_use").filter_map(call).collect(),
            text: text.chars().take(80).collect(),
            stop: json.get("stop_reason").and_then(Value::as_str).unwrap_or_default().to_owned(),
        })
    }
}

/// The same question with thinking off and on.
#[derive(Debug, Clone, PartialEq)]
pub struct Thinking {
    /// With thinking switched off in every dialect.
    pub off: Answer,
    /// With thinking switched on.
    pub on: Answer,
}

/// The body that asks what 2+2 is, thinking or not: both switches that servers understand.
#[must_use]
pub fn two_and_two(model: &str, think: bool) -> Value {
    let thinking = if think {
        json!({"type": "enabled", "budget_tokens": 200})
    } else {
        json!({"type": "disabled"})
    };
    json!({
        "model": model,
        "max_tokens": ROOM_TO_THINK,
        "stream": false,
        "thinking": thinking,
        "chat_template_kwargs": {"enable_thinking": think},
        "messages": [{"role": "user", "content": "what is 2+2"}],
    })
}

/// The same long prefix with two endings.
#[derive(Debug, Clone, PartialEq)]
pub struct Reread {
    /// The first time, cold.
    pub first: Answer,
    /// The second time: the prefix should come from the cache.
    pub second: Answer,
}

/// The body with a prefix of about three thousand tokens and this ending. `run` makes the prefix
/// one that no earlier run has left in the cache.
#[must_use]
pub fn long_prefix(model: &str, run: u64, ending: &str) -> Value {
    let notes: String = (0..PREFIX_LINES)
        .map(|n| format!("- note {n} of run {run}: keep line {n} short\n"))
        .collect();
    json!({
        "model": model,
        "max_tokens": 1,
        "stream": false,
        "thinking": {"type": "disabled"},
        "chat_template_kwargs": {"enable_thinking": false},
        "messages": [{"role": "user", "content": format!("{notes}\n{ending}")}],
    })
}

impl Reread {
    /// The share of the second prompt that came from the cache, 0 to 1; from the seconds where
    /// the server tells no tokens. `true`: estimated so.
    #[must_use]
    pub fn share(&self) -> (f64, bool) {
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        match (self.second.cached, self.second.input) {
            (Some(cached), Some(input)) if cached + input > 0 => {
                (cached as f64 / (cached + input) as f64, false)
            }
            (_, _) if self.first.seconds > 0.0 => {
                ((1.0 - self.second.seconds / self.first.seconds).clamp(0.0, 1.0), true)
            }
            (_, _) => (0.0, true),
        }
    }
}

/// One tool call.
#[derive(Debug, Clone, PartialEq)]
pub struct Smoke {
    /// The answer.
    pub answer: Answer,
}

/// The tool of the smoke test.
pub const TOOL: &str = "Bash";

/// The body that has the model call one tool.
#[must_use]
pub fn one_call(model: &str) -> Value {
    json!({
        "model": model,
        "max_tokens": ROOM_TO_THINK,
        "stream": false,
        "thinking": {"type": "disabled"},
        "chat_template_kwargs": {"enable_thinking": false},
        "system": "You are a coding agent. You act by calling tools.",
        "tools": [{
            "name": TOOL,
            "description": "Runs a shell command and returns what it prints.",
            "input_schema": {
                "type": "object",
                "properties": {"command": {"type": "string", "description": "The command."}},
                "required": ["command"],
            },
        }],
        "messages": [{
            "role": "user",
            "content": "List the files of this directory. Call the Bash tool exactly once, with \
                        the command `ls`, and write nothing else.",
        }],
    })
}

impl Smoke {
    /// The command of the one call, or what came instead.
    ///
    /// # Errors
    /// What came instead, in words.
    pub fn judge(&self) -> Result<&str, String> {
        match self.answer.calls.as_slice() {
            [] if self.answer.text.trim().is_empty() => {
                Err(format!("it called no tool and wrote nothing (stop: {})", self.answer.stop))
            }
            [] => Err(format!(
                "it called no tool; it wrote: {}",
                self.answer.text.split_whitespace().collect::<Vec<_>>().join(" ")
            )),
            [(name, input)] if name == TOOL => input
                .get("command")
                .and_then(Value::as_str)
                .filter(|c| !c.trim().is_empty())
                .ok_or_else(|| format!("it called {TOOL} without a command: {input}")),
            [(name, _)] => Err(format!("it called {name}, which was not offered")),
            many => Err(format!("it made {} calls instead of one", many.len())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_for_what_counts() {
        let body = json!({
            "content": [
                {"type": "thinking", "thinking": "hm"},
                {"type": "text", "text": "four"},
                {"type": "tool_use", "name": "Bash", "input": {"command": "ls"}},
            ],
            "stop_reason": "tool_use",
            "usage": {"input_tokens": 10, "cache_read_input_tokens": 90, "output_tokens": 7},
        });
        let a = Answer::read(200, &body.to_string(), 1.5).unwrap();
        assert!(a.thought);
        assert_eq!((a.input, a.cached, a.output), (Some(10), Some(90), Some(7)));
        assert_eq!(Smoke { answer: a }.judge(), Ok("ls"));
        for (status, body, expected) in [
            (404, "404 page not found", "HTTP 404: 404 page not found"),
            (400, r#"{"error":{"message":"no"}}"#, "HTTP 400: no"),
            (200, r#"{"ok":true}"#, "the answer is no message of the Anthropic API"),
            (200, "<html>", "the answer is no message of the Anthropic API"),
        ] {
            assert_eq!(Answer::read(status, body, 0.0).unwrap_err(), expected);
        }
    }

    #[test]
    fn thinking_counts_in_a_block_and_in_the_text() {
        for (content, thought) in [
            (json!([{"type": "text", "text": "4"}]), false),
            (json!([{"type": "thinking", "thinking": ""}]), false),
            (json!([{"type": "thinking", "thinking": "2+2"}]), true),
            (json!([{"type": "text", "text": "<think>2+2</think>4"}]), true),
            (json!([{"type": "text", "text": "so 4</think>4"}]), true),
        ] {
            let a = Answer::read(200, &json!({"content": content}).to_string(), 0.0).unwrap();
            assert_eq!(a.thought, thought, "{content}");
        }
    }

    #[test]
    fn only_one_call_of_the_right_tool_passes() {
        let call = |name: &str, input: Value| (name.to_owned(), input);
        let ls = json!({"command": "ls"});
        for (calls, good) in [
            (vec![], false),
            (vec![call("Bash", ls.clone())], true),
            (vec![call("Bash", json!({"command": " "}))], false),
            (vec![call("Bash", json!({}))], false),
            (vec![call("Read", ls.clone())], false),
            (vec![call("Bash", ls.clone()), call("Bash", ls)], false),
        ] {
            let answer = Answer { calls, ..Answer::default() };
            assert_eq!(Smoke { answer: answer.clone() }.judge().is_ok(), good, "{answer:?}");
        }
    }

    #[test]
    fn the_share_from_the_cache_is_told_or_estimated() {
        let answer =
            |seconds, cached, input| Answer { seconds, cached, input, ..Answer::default() };
        for (first, second, share, estimated) in [
            (answer(10.0, Some(0), Some(3_000)), answer(0.5, Some(2_970), Some(30)), 0.99, false),
            (answer(10.0, Some(0), Some(3_000)), answer(9.0, Some(0), Some(3_000)), 0.0, false),
            (answer(10.0, None, Some(3_000)), answer(1.0, None, Some(3_000)), 0.9, true),
            (answer(10.0, None, None), answer(11.0, None, None), 0.0, true),
        ] {
            let got = Reread { first, second }.share();
            assert!((got.0 - share).abs() < 0.001 && got.1 == estimated, "{got:?}");
        }
    }
}
