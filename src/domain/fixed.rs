//! One part of what every prompt of a conversation begins with.

use serde::{Deserialize, Serialize};

use super::Part;

/// A system block or a tool, by its weight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixedPart {
    /// Which part.
    pub part: Part,
    /// Bytes of its text.
    pub bytes: u64,
    /// Tokens by the server's own tokenizer; `None`: not counted.
    pub tokens: Option<u64>,
}
