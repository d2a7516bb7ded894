//! What lcc does so that the server knows a prompt before it is sent: warm-ups and slot snapshots.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a warm-up or a snapshot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// System and tools, and what the first message always begins with: the start of every new
    /// session.
    Fixed,
    /// A whole conversation, for the session that goes on with it.
    Conversation,
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fixed => "the fixed prefix",
            Self::Conversation => "the conversation",
        })
    }
}

/// One step of keeping the server warm. Tokens are the server's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Warm {
    /// The server is reading.
    Reading {
        /// What.
        what: Kept,
        /// Tokens in the slot so far, cached ones included.
        done: u64,
        /// Of these, reused ones.
        cached: Option<u64>,
        /// All tokens, when they are known.
        total: Option<u64>,
    },
    /// The server has read it: the slot holds `total` tokens of the coming prompt.
    Read {
        /// What.
        what: Kept,
        /// All tokens.
        total: u64,
        /// Of these, reused ones.
        cached: u64,
        /// Seconds from the request to its end.
        seconds: f64,
    },
    /// A real request came, or the session ended: what was read by then stays in the slot.
    Stopped {
        /// What.
        what: Kept,
        /// Tokens in the slot by then.
        done: u64,
        /// All tokens, when they are known.
        total: Option<u64>,
    },
    /// The server did not read it.
    Failed {
        /// What.
        what: Kept,
        /// Why, in words.
        why: String,
    },
    /// A slot was saved to a file.
    Saved {
        /// What.
        what: Kept,
        /// The snapshot's id.
        id: String,
        /// Its tokens.
        tokens: u64,
        /// Its bytes.
        bytes: u64,
        /// Seconds it took.
        seconds: f64,
    },
    /// A slot was restored, as the server says; its next request shows whether it was.
    Restored {
        /// What.
        what: Kept,
        /// The snapshot's id.
        id: String,
        /// Its tokens.
        tokens: u64,
        /// Seconds it took.
        seconds: f64,
    },
    /// A snapshot is there and was not restored.
    Refused {
        /// What.
        what: Kept,
        /// Why, in words.
        why: String,
    },
    /// The server said that it restored a slot, and read everything again all the same.
    Vain {
        /// What.
        what: Kept,
        /// Tokens it said it had restored.
        restored: u64,
        /// Tokens it read again.
        read: u64,
    },
    /// The server saves no slots, and why.
    NoSlots {
        /// Its words.
        why: String,
    },
}
