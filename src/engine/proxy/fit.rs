//! Pure: whether a request fits the window, before the server sees it; and if not, what is to
//! blame.
//!
//! Size alone clears most requests at once. Near the limit the server's own tokenizer counts, and
//! only its count, or an estimate that is beyond all doubt, turns a request back.

use serde_json::Value;

use crate::domain::{Culprit, RequestKind, Source};

/// An answer shorter than this cannot even hold a tool call.
const SMALLEST_ANSWER: u64 = 256;
/// What a request may have more than estimated: a result full of digits has twice the tokens per
/// byte of the prompts that the ratio was learned from.
const UNSURE: f64 = 1.6;
/// An estimate this much over the limit is believed where nobody counts.
const BEYOND_DOUBT: f64 = 1.15;
/// The most of a tool's input that is shown.
const ASKED: usize = 60;
/// A part with less than this share of the prompt is not to blame for it.
const BLAME: u64 = 10;

/// What a request may use, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The window.
    pub size: u64,
    /// Main requests above this are turned back although they fit, so that the client compacts
    /// while that is possible; `None`: none is.
    pub early: Option<u64>,
}

/// A request that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Excess {
    /// Tokens of its prompt.
    pub tokens: u64,
    /// The most it may have.
    pub maximum: u64,
    /// Who counted.
    pub source: Source,
    /// It would have fit, but see [`Bounds::early`].
    pub early: bool,
}

impl Excess {
    /// The words both tested clients know, with which they compact or say how to.
    #[must_use]
    pub fn message(&self) -> String {
        format!("prompt is too long: {} tokens > {} maximum", self.tokens, self.maximum)
    }
}

impl Bounds {
    /// Whether a request of about `estimate` tokens fits without a doubt.
    #[must_use]
    pub fn clears(&self, estimate: u64) -> bool {
        let least = self.early.unwrap_or(self.size).min(self.size.saturating_sub(SMALLEST_ANSWER));
        times(estimate, UNSURE) <= least
    }

    /// The judgement on a request of `tokens` tokens that may write `max_tokens`; `None`: it goes
    /// on to the server.
    #[must_use]
    pub fn judge(
        &self,
        kind: &RequestKind,
        (tokens, source): (u64, Source),
        max_tokens: Option<u64>,
    ) -> Option<Excess> {
        let answer = max_tokens.map_or(SMALLEST_ANSWER, |most| most.min(SMALLEST_ANSWER)).max(1);
        let fits = self.size.saturating_sub(answer);
        let (maximum, early) = match self.early {
            Some(early) if kind.is_main() && early < fits => (early, true),
            Some(_) | None => (fits, false),
        };
        let limit = match source {
            Source::Server | Source::Log => maximum,
            // A guess is enough to be careful early, but not to refuse what may fit.
            Source::Estimate => times(maximum, BEYOND_DOUBT),
        };
        let early = early && tokens <= fits;
        let maximum = if early { maximum } else { fits };
        (tokens > limit).then_some(Excess { tokens, maximum, source, early })
    }
}

/// Whether a request holds images or documents, whose bytes tell nothing of their tokens.
#[must_use]
pub fn has_media(request: &Value) -> bool {
    match request {
        Value::Object(fields) => {
            let kind = fields.get("type").and_then(Value::as_str);
            matches!(kind, Some("image" | "document")) && fields.contains_key("source")
                || fields.values().any(has_media)
        }
        Value::Array(items) => items.iter().any(has_media),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The part of the newest message that makes the prompt too long; `None` when it is small, so
/// that the conversation as a whole is to blame. `tokens_of`: bytes to tokens.
#[must_use]
pub fn culprit(request: &Value, tokens_of: impl Fn(u64) -> u64) -> Option<Culprit> {
    let messages = request.get("messages")?.as_array()?;
    let at = messages.iter().rposition(|m| role(m) != Some("system"))?;
    let newest = messages.get(at).filter(|m| role(m) == Some("user"))?;
    let content = newest.get("content")?;
    let plain = [content.clone()];
    let blocks = content.as_array().map_or(&plain[..], Vec::as_slice);
    let (block, bytes) = blocks.iter().map(|b| (b, held(b))).max_by_key(|(_, bytes)| *bytes)?;
    if bytes.saturating_mul(BLAME) < weight(request) {
        return None;
    }
    let tokens = tokens_of(bytes);
    let Some(id) = block.get("tool_use_id").and_then(Value::as_str) else {
        return Some(Culprit { tool: None, asked: None, tokens });
    };
    let call = messages.get(..at)?.iter().rev().find_map(|m| {
        let blocks = m.get("content")?.as_array()?;
        blocks.iter().find(|b| b.get("id").and_then(Value::as_str) == Some(id))
    });
    let tool = call.and_then(|c| c.get("name")?.as_str()).unwrap_or("a tool").to_owned();
    let asked = call.and_then(|c| asked(c.get("input")?));
    Some(Culprit { tool: Some(tool), asked, tokens })
}

fn role(message: &Value) -> Option<&str> {
    message.get("role").and_then(Value::as_str)
}

/// Bytes of what a block holds, without its names.
fn held(block: &Value) -> u64 {
    let parts = ["text", "content"].iter().filter_map(|name| block.get(name));
    if block.is_string() { weight(block) } else { parts.map(weight).sum() }
}

/// Bytes of all texts in a value.
fn weight(value: &Value) -> u64 {
    match value {
        Value::String(text) => text.len() as u64,
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(fields) => fields.values().map(weight).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// What a tool was asked for: its command, path or pattern, on one line and short.
fn asked(input: &Value) -> Option<String> {
    let told = ["command", "file_path", "pattern", "url", "query", "path"];
    let text = told.iter().find_map(|name| input.get(name)?.as_str())?;
    let line: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let line = line.trim();
    let cut: String = line.chars().take(ASKED).collect();
    Some(if cut.len() < line.len() { format!("{cut}…") } else { cut })
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate; positive"
)]
fn times(tokens: u64, factor: f64) -> u64 {
    (tokens as f64 * factor) as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const BOUNDS: Bounds = Bounds { size: 32_768, early: None };

    #[test]
    fn what_is_small_needs_no_counting() {
        for (estimate, early, clear) in [
            (0, None, true),
            (20_000, None, true),
            (20_400, None, false),
            (16_000, Some(26_000), true),
            (16_300, Some(26_000), false),
            (1, Some(0), false),
        ] {
            assert_eq!(Bounds { early, ..BOUNDS }.clears(estimate), clear, "{estimate}");
        }
    }

    #[test]
    fn judgements() {
        let main = RequestKind::Main;
        let sub = RequestKind::Subagent("a".into());
        let (exact, guess) = (Source::Server, Source::Estimate);
        let table = [
            (None, &main, (32_512, exact), None, None),
            (None, &main, (32_513, exact), None, Some((32_512, false))),
            // One token of answer is all it wants.
            (None, &main, (32_767, exact), Some(1), None),
            (None, &main, (32_768, exact), Some(1), Some((32_767, false))),
            // A guess needs more.
            (None, &main, (33_000, guess), None, None),
            (None, &main, (37_500, guess), None, Some((32_512, false))),
            // Early, for the conversation alone.
            (Some(26_000), &main, (26_000, exact), None, None),
            (Some(26_000), &main, (26_001, exact), None, Some((26_000, true))),
            (Some(26_000), &main, (40_000, exact), None, Some((32_512, false))),
            (Some(26_000), &sub, (27_000, exact), None, None),
            (Some(26_000), &RequestKind::Compaction, (27_000, exact), None, None),
            (Some(26_000), &RequestKind::Compaction, (33_000, exact), None, Some((32_512, false))),
            // A window so small that the limit lies beyond it.
            (Some(40_000), &main, (32_600, exact), None, Some((32_512, false))),
        ];
        for (early, kind, told, most, expected) in table {
            let got = Bounds { early, ..BOUNDS }.judge(kind, told, most);
            assert_eq!(got.map(|e| (e.maximum, e.early)), expected, "{early:?} {kind:?} {told:?}");
        }
        let excess = BOUNDS.judge(&main, (40_000, exact), None).unwrap();
        assert_eq!(excess.message(), "prompt is too long: 40000 tokens > 32512 maximum");
    }

    fn conversation(result: &str) -> Value {
        json!({"system": "s", "messages": [
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "t1", "name": "Bash",
                 "input": {"command": "seq 1\n20000"}},
                {"type": "tool_use", "id": "t2", "name": "Read", "input": {"limit": 3}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t2", "content": "small"},
                {"type": "tool_result", "tool_use_id": "t1",
                 "content": [{"type": "text", "text": result}]}]},
            {"role": "system", "content": "environment"}]})
    }

    #[test]
    fn the_culprit_is_named_with_what_it_was_asked() {
        let found = culprit(&conversation(&"9".repeat(40_000)), |b| b / 2).unwrap();
        assert_eq!(found.tool.as_deref(), Some("Bash"));
        assert_eq!(found.to_string(), "the result of Bash (seq 1 20000) is ~20,002 tok");
        let long = json!({"messages": [{"role": "user", "content": "x".repeat(8_000)}]});
        assert_eq!(culprit(&long, |b| b / 4).unwrap().to_string(), "your prompt is ~2,000 tok");
        let talk = json!({"system": "s".repeat(9_000),
            "messages": [{"role": "user", "content": "go on"}]});
        assert_eq!(culprit(&talk, |b| b), None);
        for odd in [json!({}), json!({"messages": []}), json!({"messages": [1, {"role": "user"}]})]
        {
            assert_eq!(culprit(&odd, |b| b), None, "{odd}");
        }
        let unknown = json!({"messages": [{"role": "user", "content":
            [{"type": "tool_result", "tool_use_id": "gone", "content": "x".repeat(900)}]}]});
        assert_eq!(culprit(&unknown, |b| b).unwrap().tool.as_deref(), Some("a tool"));
    }

    #[test]
    fn media_is_found_wherever_it_lies() {
        let image = json!({"type": "image", "source": {"data": "AAAA"}});
        let inside =
            json!({"messages": [{"content": [{"type": "tool_result", "content": [image]}]}]});
        assert!(has_media(&inside));
        assert!(!has_media(&conversation("type image source")));
    }

    proptest! {
        /// What is cleared at first sight is never turned back, even if it has half as much again.
        #[test]
        fn what_is_cleared_fits(
            size in 2_048_u64..200_000,
            early in proptest::option::of(0_u64..200_000),
            estimate in 0_u64..200_000,
            wrong in 1.0_f64..1.59,
        ) {
            let bounds = Bounds { size, early };
            prop_assume!(bounds.clears(estimate));
            let tokens = times(estimate, wrong);
            for kind in [RequestKind::Main, RequestKind::Compaction] {
                prop_assert_eq!(bounds.judge(&kind, (tokens, Source::Server), None), None);
            }
        }

        /// Nothing that is counted and over the window ever passes.
        #[test]
        fn what_is_over_the_window_never_passes(
            size in 2_048_u64..200_000,
            early in proptest::option::of(0_u64..200_000),
            more in 0_u64..100_000,
            most in proptest::option::of(1_u64..50_000),
        ) {
            let bounds = Bounds { size, early };
            let excess = bounds.judge(&RequestKind::Main, (size + more, Source::Server), most);
            prop_assert!(excess.is_some_and(|e| e.tokens > e.maximum && e.maximum < size));
        }
    }
}
