//! Token counts and prefill progress as OpenAI-speaking servers tell them.

use serde_json::{Map, Value, json};

/// Token counts in Anthropic's sense; `None` where the server has not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Prompt tokens that were read anew: without the cached ones, unlike OpenAI's `prompt_tokens`.
    pub input: Option<u64>,
    /// Prompt tokens reused from the cache.
    pub cached: Option<u64>,
    /// Generated tokens.
    pub output: Option<u64>,
}

impl Usage {
    /// Reads what an answer or a chunk tells: `usage`, or llama.cpp's `timings` where there is no
    /// `usage` yet.
    #[must_use]
    pub fn of(body: &Value) -> Option<Self> {
        let number = |object: &Value, field: &str| object.get(field).and_then(Value::as_u64);
        if let Some(usage) = body.get("usage").filter(|usage| usage.is_object()) {
            let prompt = number(usage, "prompt_tokens");
            let cached = usage
                .get("prompt_tokens_details")
                .and_then(|details| number(details, "cached_tokens"));
            return Some(Self {
                input: prompt.map(|all| all.saturating_sub(cached.unwrap_or(0))),
                cached,
                output: number(usage, "completion_tokens"),
            });
        }
        let timings = body.get("timings").filter(|timings| timings.is_object())?;
        Some(Self {
            input: number(timings, "prompt_n"),
            cached: number(timings, "cache_n"),
            output: number(timings, "predicted_n"),
        })
    }

    /// Takes over what `later` tells and keeps the rest.
    pub(super) fn update(&mut self, later: Self) {
        self.input = later.input.or(self.input);
        self.cached = later.cached.or(self.cached);
        self.output = later.output.or(self.output);
    }

    /// Anthropic's `usage` object. Its counts have no form for "unknown", so that is 0.
    #[must_use]
    pub fn to_json(self) -> Value {
        let mut out = Map::new();
        out.insert("input_tokens".to_owned(), json!(self.input.unwrap_or(0)));
        if let Some(cached) = self.cached {
            out.insert("cache_read_input_tokens".to_owned(), json!(cached));
        }
        out.insert("output_tokens".to_owned(), json!(self.output.unwrap_or(0)));
        out.into()
    }
}

/// How far the server has read the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Tokens to read, the cached ones included when `cached` is told.
    pub total: u64,
    /// Tokens reused from the cache. `None`: not told, and then `total` and `done` count only what
    /// the cache did not hold (mlx_lm.server).
    pub cached: Option<u64>,
    /// Tokens read so far, counted like `total`.
    pub done: u64,
    /// Milliseconds since the server began to read.
    pub time_ms: Option<u64>,
}

impl Progress {
    /// llama.cpp's `prompt_progress` in a chunk: `{"total", "cache", "processed", "time_ms"}`,
    /// `processed` with the cached tokens in it.
    #[must_use]
    pub fn of(chunk: &Value) -> Option<Self> {
        let told = chunk.get("prompt_progress")?;
        let number = |field: &str| told.get(field).and_then(Value::as_u64);
        Some(Self {
            total: number("total")?,
            cached: Some(number("cache").unwrap_or(0)),
            done: number("processed")?,
            time_ms: number("time_ms"),
        })
    }

    /// mlx_lm.server's SSE comment `: keepalive DONE/TOTAL`, without the colon. It hands only the
    /// part of the prompt that its cache lacks to the reader whose progress this is.
    #[must_use]
    pub fn of_comment(comment: &str) -> Option<Self> {
        let (done, total) = comment.trim().strip_prefix("keepalive ")?.split_once('/')?;
        Some(Self {
            total: total.trim().parse().ok()?,
            cached: None,
            done: done.trim().parse().ok()?,
            time_ms: None,
        })
    }

    /// The prompt's tokens as this progress tells them; `None` when it leaves the cached ones out.
    pub(super) fn usage(self) -> Option<Usage> {
        let cached = self.cached?;
        Some(Usage {
            input: Some(self.total.saturating_sub(cached)),
            cached: Some(cached),
            output: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_leaves_the_cached_tokens_out() {
        for (body, input, cached, output) in [
            (
                json!({"usage": {"prompt_tokens": 103, "completion_tokens": 60, "prompt_tokens_details": {"cached_tokens": 8}}}),
                Some(95),
                Some(8),
                Some(60),
            ),
            (
                json!({"usage": {"prompt_tokens": 7, "completion_tokens": 1, "prompt_tokens_details": null}}),
                Some(7),
                None,
                Some(1),
            ),
            (
                json!({"usage": {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 9}}}),
                Some(0),
                Some(9),
                None,
            ),
            (
                json!({"usage": null, "timings": {"prompt_n": 43, "cache_n": 2, "predicted_n": 3}}),
                Some(43),
                Some(2),
                Some(3),
            ),
        ] {
            assert_eq!(Usage::of(&body), Some(Usage { input, cached, output }), "{body}");
        }
        assert_eq!(Usage::of(&json!({"usage": null})), None);
    }

    #[test]
    fn keepalive_comments_are_progress_and_others_are_not() {
        let told = Progress { total: 14275, cached: None, done: 2048, time_ms: None };
        assert_eq!(Progress::of_comment(" keepalive 2048/14275"), Some(told));
        for other in
            ["", " keepalive", " keepalive 3", " keepalive a/b", " ping 1/2", "keepalive 1/-2"]
        {
            assert_eq!(Progress::of_comment(other), None, "{other:?}");
        }
    }
}
