//! llama-server's `/slots`: what each holds, and saving and restoring one.

use std::time::Duration;

use bytes::Bytes;
use hyper::{
    HeaderMap, Method,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde_json::{Value, json};

use crate::engine::proxy::upstream::{Upstream, why};

/// For a look.
const LOOK: Duration = Duration::from_secs(2);
/// For saving or restoring; gigabytes go to a disk.
const MOVE: Duration = Duration::from_secs(60);
/// Most characters of the server's words that are told.
const LONGEST: usize = 160;

/// One slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Its number.
    pub id: u64,
    /// Whether it works.
    pub busy: bool,
    /// Tokens in it; 0 where it was never used.
    pub tokens: u64,
}

/// What a save or a restore moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Tokens.
    pub tokens: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Why a slot was not saved or restored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// This server cannot.
    #[error("{0}")]
    Unsupported(String),
    /// It can, but not this.
    #[error("{0}")]
    Refused(String),
    /// It did not answer.
    #[error("{0}")]
    NoAnswer(String),
}

/// The way to the slots of a server.
#[derive(Debug, Clone)]
pub struct Slots {
    /// The server.
    pub upstream: Upstream,
}

impl Slots {
    /// A page of the server as JSON; `None` when it has none.
    pub async fn page(&self, path: &str) -> Option<Value> {
        let (status, value) = self.call(Method::GET, path, Bytes::new(), LOOK).await.ok()?;
        (status == 200).then_some(value)
    }

    /// All slots; `None` when the server does not show them.
    pub async fn look(&self) -> Option<Vec<Slot>> {
        let page = self.page("/slots").await?;
        let number = |slot: &Value, key: &str| slot.get(key).and_then(Value::as_u64);
        let slots = page.as_array()?.iter().enumerate().map(|(at, slot)| Slot {
            id: number(slot, "id").unwrap_or(at as u64),
            busy: slot.get("is_processing").and_then(Value::as_bool).unwrap_or(false),
            tokens: number(slot, "n_prompt_tokens").unwrap_or(0),
        });
        Some(slots.collect())
    }

    /// Saves a slot to a file in the server's folder.
    ///
    /// # Errors
    /// [`SlotError`]; an older file of that name may then be spoilt.
    pub async fn save(&self, slot: u64, file: &str) -> Result<Moved, SlotError> {
        self.act(slot, "save", file, ["n_saved", "n_written"]).await
    }

    /// Fills a slot from a file.
    ///
    /// # Errors
    /// [`SlotError`]; the slot is then empty.
    pub async fn restore(&self, slot: u64, file: &str) -> Result<Moved, SlotError> {
        self.act(slot, "restore", file, ["n_restored", "n_read"]).await
    }

    async fn act(
        &self,
        slot: u64,
        action: &str,
        file: &str,
        [tokens, bytes]: [&str; 2],
    ) -> Result<Moved, SlotError> {
        let path = format!("/slots/{slot}?action={action}");
        let body = Bytes::from(json!({ "filename": file }).to_string());
        let (status, value) = self.call(Method::POST, &path, body, MOVE).await?;
        let said = || {
            let said = value.pointer("/error/message").and_then(Value::as_str);
            said.unwrap_or("no reason given").chars().take(LONGEST).collect::<String>()
        };
        match status {
            200 => {}
            401 | 403 | 404 | 405 | 501 => return Err(SlotError::Unsupported(said())),
            _ => return Err(SlotError::Refused(said())),
        }
        let number = |key: &str| value.get(key).and_then(Value::as_u64);
        // Some programs answer 200 to everything.
        let moved =
            number(tokens).map(|tokens| Moved { tokens, bytes: number(bytes).unwrap_or(0) });
        moved.ok_or_else(|| SlotError::Unsupported("its answer counts no tokens".to_owned()))
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        within: Duration,
    ) -> Result<(u16, Value), SlotError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let asked = async {
            let answer = self.upstream.send(method, path, headers, body, true).await;
            let answer = answer.map_err(|e| self.upstream.no_answer(&e).0)?;
            let status = answer.status().as_u16();
            let text = answer.text().await.map_err(|e| why(&e))?;
            Ok::<_, String>((status, serde_json::from_str(&text).unwrap_or_default()))
        };
        match tokio::time::timeout(within, asked).await {
            Ok(answer) => answer.map_err(SlotError::NoAnswer),
            Err(_elapsed) => {
                Err(SlotError::NoAnswer(format!("no answer in {} s", within.as_secs())))
            }
        }
    }
}

/// The slot to restore into: one that was never used, else the idle one that holds least. `None`
/// while any works: the wish would wait behind it and then undo it.
#[must_use]
pub fn for_restore(slots: &[Slot]) -> Option<u64> {
    if slots.iter().any(|slot| slot.busy) {
        return None;
    }
    slots.iter().min_by_key(|slot| (slot.tokens, slot.id)).map(|slot| slot.id)
}

/// The slot that holds a prompt and answer of `tokens` tokens: the last token may not be in it
/// yet, and a server may count a few marks of its own.
#[must_use]
pub fn holding(slots: &[Slot], tokens: u64) -> Option<u64> {
    let slack = 16 + tokens / 50;
    slots
        .iter()
        .filter(|slot| !slot.busy && slot.tokens > 0 && slot.tokens.abs_diff(tokens) <= slack)
        .min_by_key(|slot| slot.tokens.abs_diff(tokens))
        .map(|slot| slot.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(of: &[(bool, u64)]) -> Vec<Slot> {
        let slot =
            |(id, &(busy, tokens)): (usize, &(bool, u64))| Slot { id: id as u64, busy, tokens };
        of.iter().enumerate().map(slot).collect()
    }

    #[test]
    fn the_right_slot_is_taken_or_none() {
        for (of, restore, saved) in [
            (vec![(false, 4_000)], Some(0), Some(0)),
            (vec![(true, 4_000)], None, None),
            (vec![(false, 900), (false, 0)], Some(1), None),
            (vec![(false, 900), (false, 4_001)], Some(0), Some(1)),
            (vec![(true, 900), (false, 3_999)], None, Some(1)),
            (vec![], None, None),
        ] {
            let slots = slots(&of);
            assert_eq!((for_restore(&slots), holding(&slots, 4_000)), (restore, saved), "{of:?}");
        }
    }
}
