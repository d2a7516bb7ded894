//! llama.cpp's `/slots`: how far a prompt has been read.

use serde_json::Value;

/// The slot that works, as `/slots` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotProgress {
    /// Tokens of the prompt in the slot: reused and decoded ones.
    pub done: u64,
    /// Of these, tokens reused from the cache.
    pub cached: Option<u64>,
    /// Tokens generated so far; above zero the prompt has been read.
    pub generated: u64,
}

/// The progress in an answer of `/slots`. `None` when no slot works, or none tells.
///
/// The total is not there to be read: `n_prompt_tokens` is what is in the slot now, up to one
/// batch ahead of what has been decoded. Where several slots work, one that still reads goes
/// before one that writes, and then the one with the longest prompt: the conversation is longer
/// than what runs beside it.
#[must_use]
pub fn progress_of(answer: &Value) -> Option<SlotProgress> {
    answer
        .as_array()?
        .iter()
        .filter(|slot| works(slot))
        .filter_map(|slot| Some((read(slot)?, number(slot, "n_prompt_tokens"))))
        .max_by_key(|(progress, length)| (progress.generated == 0, length.unwrap_or(progress.done)))
        .map(|(progress, _)| progress)
}

fn works(slot: &Value) -> bool {
    // Builds before `is_processing` had a number: 0 is idle.
    match slot.get("is_processing").and_then(Value::as_bool) {
        Some(works) => works,
        None => number(slot, "state").is_some_and(|state| state != 0),
    }
}

fn read(slot: &Value) -> Option<SlotProgress> {
    let cached = number(slot, "n_prompt_tokens_cache");
    let generated = slot
        .pointer("/next_token/0/n_decoded")
        .or_else(|| slot.pointer("/next_token/n_decoded"))
        .or_else(|| slot.get("n_decoded"))
        .and_then(Value::as_u64)
        .unwrap_or(0);
    let in_slot = number(slot, "n_prompt_tokens");
    let done = match number(slot, "n_prompt_tokens_processed") {
        Some(processed) => cached.unwrap_or(0).saturating_add(processed),
        // What is in the slot holds the answer too.
        None => in_slot?.saturating_sub(generated),
    };
    Some(SlotProgress { done, cached, generated })
}

fn number(slot: &Value, key: &str) -> Option<u64> {
    slot.get(key).and_then(Value::as_u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(json: &str) -> Option<(u64, Option<u64>, u64)> {
        progress_of(&serde_json::from_str(json).unwrap()).map(|p| (p.done, p.cached, p.generated))
    }

    #[test]
    fn every_known_shape_is_read() {
        for (json, expected) in [
            // Never used, and used but idle: the old prompt stays in the numbers.
            (r#"[{"id":0,"n_ctx":32768,"is_processing":false}]"#, None),
            (
                r#"[{"is_processing":false,"n_prompt_tokens":11721,"n_prompt_tokens_processed":0}]"#,
                None,
            ),
            (
                r#"[{"is_processing":true,"n_prompt_tokens":8192,"n_prompt_tokens_processed":4096,
                    "n_prompt_tokens_cache":2048,"next_token":[{"n_decoded":0}]}]"#,
                Some((6144, Some(2048), 0)),
            ),
            (
                r#"[{"is_processing":true,"n_prompt_tokens":8192,"n_prompt_tokens_processed":4096,
                    "n_prompt_tokens_cache":2048,"next_token":{"n_decoded":3}}]"#,
                Some((6144, Some(2048), 3)),
            ),
            // Older builds: no cache field, nothing but the fill, nothing at all.
            (r#"[{"is_processing":true,"n_prompt_tokens_processed":512}]"#, Some((512, None, 0))),
            (
                r#"[{"state":1,"n_prompt_tokens":700,"next_token":{"n_decoded":100}}]"#,
                Some((600, None, 100)),
            ),
            (r#"[{"state":1}]"#, None),
            (r#"[{"state":0,"n_prompt_tokens":700}]"#, None),
            ("[]", None),
            (r#"{"error":{"code":501}}"#, None),
            (r#"[1,"x",null]"#, None),
            (r#"[{"is_processing":true,"n_prompt_tokens_processed":-3}]"#, None),
        ] {
            assert_eq!(progress(json), expected, "{json}");
        }
    }

    #[test]
    fn of_several_slots_the_longest_prompt_that_is_being_read() {
        let slot = |fill: u64, done: u64, decoded: u64| {
            format!(
                r#"{{"is_processing":true,"n_prompt_tokens":{fill},"n_prompt_tokens_processed":{done},
                    "n_prompt_tokens_cache":0,"next_token":[{{"n_decoded":{decoded}}}]}}"#
            )
        };
        let three =
            format!("[{},{},{}]", slot(9_000, 8_990, 10), slot(600, 0, 0), slot(4_096, 2_048, 0));
        assert_eq!(progress(&three), Some((2_048, Some(0), 0)));
    }
}
