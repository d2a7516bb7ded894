//! Pure: what is done with a side request, and the answer where lcc gives one itself.

use serde_json::{Value, json};

use super::body::{Body, blocks};
use crate::domain::{SideKind, SidePolicy};

/// Most words of a title.
const TITLE_WORDS: usize = 7;
/// Most characters of a title.
const TITLE_CHARS: usize = 60;

/// What is done with one side request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// lcc answers it.
    Answer,
    /// It goes to a slot that does not hold the conversation; where there is none it is held.
    Slot,
    /// It waits.
    Hold,
    /// It goes as it came.
    Pass,
}

/// The way of a side request. `answerable`: [`answer`] has one for it.
///
/// A prompt that begins with the conversation's own is never sent to another slot, where it would
/// be read from its start.
#[must_use]
pub const fn way(policy: SidePolicy, kind: SideKind, answerable: bool) -> Way {
    let elsewhere = if kind.shares_prefix() { Way::Hold } else { Way::Slot };
    match policy {
        SidePolicy::Pass => Way::Pass,
        SidePolicy::Hold => Way::Hold,
        SidePolicy::Answer if answerable => Way::Answer,
        // A guess at the next prompt and a recap are the model's to make; they cost no cache.
        SidePolicy::Auto if answerable && !kind.shares_prefix() => Way::Answer,
        SidePolicy::Answer | SidePolicy::Auto | SidePolicy::Slot => elsewhere,
    }
}

/// The text that answers a side request without a model; `None` where only the model can.
///
/// `model` is the name that the conversation's own requests carry: a probe of another one must
/// reach the server, which may not have it.
#[must_use]
pub fn answer(kind: SideKind, body: &Body<'_>, model: Option<&str>) -> Option<String> {
    match kind {
        SideKind::Title => titled(body),
        SideKind::Topic => Some(json!({"isNewTopic": false, "title": null}).to_string()),
        // "Or nothing", as the request itself says.
        SideKind::Suggestion | SideKind::Recap => Some(String::new()),
        SideKind::Probe => (model.is_some() && body.model.as_deref() == model).then(|| ".".into()),
        SideKind::Other => None,
    }
}

/// The title in the form that the request asks for; `None` where it asks for more than a title.
fn titled(body: &Body<'_>) -> Option<String> {
    let schema = body.output_config.and_then(|raw| {
        let config: Value = serde_json::from_str(raw.get()).ok()?;
        config.pointer("/format/schema").cloned()
    });
    let title = || title(&subject(body)?);
    if let Some(schema) = schema {
        let required = schema.get("required").and_then(Value::as_array)?;
        let alone = required.len() == 1 && required.first()?.as_str() == Some("title");
        return alone.then(title)?.map(|title| json!({"title": title}).to_string());
    }
    let system = body.system.map(blocks).unwrap_or_default();
    let asks = |word: &str| {
        system.iter().any(|b| b.text.as_deref().is_some_and(|text| text.contains(word)))
    };
    // Without either it may be any request that speaks of titles.
    let json = asks("\"title\"");
    let plain = asks("title") && (asks("session") || asks("conversation"));
    if !(json || plain) {
        return None;
    }
    let title = title()?;
    Some(if json { json!({"title": title}).to_string() } else { title })
}

/// What the title is for: the session between its marks, else the first message.
fn subject(body: &Body<'_>) -> Option<String> {
    let content = body.messages.first()?.content?;
    let text: Vec<String> =
        blocks(content).into_iter().filter_map(|b| Some(b.text?.into_owned())).collect();
    let text = text.join("\n");
    let inner = match text.split_once("<session>") {
        Some((_, rest)) => rest.split_once("</session>").map_or(rest, |(inner, _)| inner),
        None => &text,
    };
    Some(inner.to_owned())
}

/// A title made of the first words of a prompt, as a sentence begins: at most seven words and
/// sixty characters. `None` when there is no word in it.
#[must_use]
pub fn title(prompt: &str) -> Option<String> {
    let line = prompt
        .lines()
        .map(str::trim)
        .find(|line| !line.starts_with(['<', '#', '`']) && line.chars().any(char::is_alphanumeric))
        .or_else(|| prompt.lines().find(|line| line.chars().any(char::is_alphanumeric)))?;
    // The first sentence, unless it is a mere word ("Hi. Please …").
    let end = line
        .match_indices(['.', '!', '?', ';', '。', '！', '？'])
        .map(|(at, mark)| at + mark.len())
        .find(|at| {
            let (head, rest) = line.split_at_checked(*at).unwrap_or((line, ""));
            let ends = rest.chars().next().is_none_or(char::is_whitespace);
            (ends || !head.is_ascii()) && head.split_whitespace().count() >= 3
        });
    let sentence = end.and_then(|end| line.get(..end)).unwrap_or(line);
    let mut title = String::new();
    for word in sentence.split_whitespace().take(TITLE_WORDS) {
        let room = TITLE_CHARS.saturating_sub(title.chars().count() + 1);
        if word.chars().count() > room {
            if title.is_empty() {
                title.extend(word.chars().take(TITLE_CHARS));
            }
            break;
        }
        if !title.is_empty() {
            title.push(' ');
        }
        title.push_str(word);
    }
    let trimmed = title
        .trim_matches(|c: char| !c.is_alphanumeric() && !"/~.$@()[]".contains(c))
        .trim_end_matches(['.', '。'])
        .to_owned();
    let mut letters = trimmed.chars();
    let first = letters.next()?;
    // A path or a name keeps its first letter.
    let word = trimmed.split_whitespace().next().unwrap_or_default();
    if word.contains(['/', '.', '_', ':']) {
        return Some(trimmed);
    }
    Some(first.to_uppercase().chain(letters).collect())
}

/// What is said of the tokens of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told<'a> {
    /// The model's name as it was asked for.
    pub model: &'a str,
    /// A name for the answer.
    pub id: &'a str,
    /// Tokens of the prompt.
    pub input: u64,
    /// Tokens of the answer.
    pub output: u64,
    /// Why it ends.
    pub stop: &'a str,
}

/// A message of the Messages API with one block of text.
#[must_use]
pub fn message(text: &str, told: Told<'_>) -> Value {
    json!({
        "id": told.id, "type": "message", "role": "assistant", "model": told.model,
        "content": [{"type": "text", "text": text}],
        "stop_reason": told.stop, "stop_sequence": null,
        "usage": {"input_tokens": told.input, "output_tokens": told.output},
    })
}

/// The same as the events of a stream.
#[must_use]
pub fn events(text: &str, told: Told<'_>) -> String {
    let start = json!({"type": "message_start", "message": {
        "id": told.id, "type": "message", "role": "assistant", "model": told.model,
        "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": told.input, "output_tokens": 0},
    }});
    let block = json!({"type": "content_block_start", "index": 0,
                       "content_block": {"type": "text", "text": ""}});
    let delta = json!({"type": "content_block_delta", "index": 0,
                       "delta": {"type": "text_delta", "text": text}});
    let end = json!({"type": "message_delta",
                     "delta": {"stop_reason": told.stop, "stop_sequence": null},
                     "usage": {"input_tokens": told.input, "output_tokens": told.output}});
    let frames = [
        start,
        block,
        delta,
        json!({"type": "content_block_stop", "index": 0}),
        end,
        json!({"type": "message_stop"}),
    ];
    frames
        .iter()
        .map(|frame| {
            let name = frame.get("type").and_then(Value::as_str).unwrap_or_default();
            format!("event: {name}\ndata: {frame}\n\n")
        })
        .collect()
}

/// The slot of llama-server for a request that must not touch the conversation's, from an answer
/// of `/slots`; `None` when there is one slot only or none is free. `reading`: a request of the
/// conversation is under way, so that its slot is a busy one; else it is the one that holds most.
///
/// The server's own choice does not do: it takes the least recently used slot, and of two that is
/// the conversation's at every second side request.
#[must_use]
pub fn free_slot(slots: &Value, reading: bool) -> Option<u64> {
    let slots = slots.as_array().filter(|slots| slots.len() > 1)?;
    let held = |slot: &Value| slot.get("n_prompt_tokens").and_then(Value::as_u64).unwrap_or(0);
    let id = |slot: &Value| slot.get("id").and_then(Value::as_u64);
    let busy = |slot: &Value| slot.get("is_processing").and_then(Value::as_bool).unwrap_or(true);
    let fullest = slots.iter().max_by_key(|slot| held(slot)).filter(|slot| held(slot) > 0);
    let kept = fullest.filter(|_| !reading).and_then(id);
    slots
        .iter()
        .filter(|slot| !busy(slot) && (kept.is_none() || id(slot) != kept))
        .min_by_key(|slot| (held(slot), std::cmp::Reverse(id(slot))))
        .and_then(id)
}

#[cfg(test)]
#[path = "side_tests.rs"]
mod tests;
