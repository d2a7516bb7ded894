//! Synchronized output (mode 2026): holds a frame back until it is complete or too late.

use std::time::Duration;

use crate::domain::Moment;

use super::tap::Mark;

/// How long a frame may stay open.
const PATIENCE: Duration = Duration::from_millis(150);

/// Bytes that are held back at most.
pub(super) const LIMIT: usize = 2 << 20;

/// A frame that has begun and not ended.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// The bytes since it began.
    pub(super) bytes: Vec<u8>,
    /// The marks in them, each with the number of bytes before and including it.
    pub(super) marks: Vec<(usize, Mark)>,
    /// When somebody first looked; the stream itself has no clock.
    seen: Option<Moment>,
}

impl Held {
    /// When the frame must be shown even if it is not complete. The first call starts the clock.
    pub(super) fn deadline(&mut self, now: Moment) -> Moment {
        *self.seen.get_or_insert(now) + PATIENCE
    }

    /// Room for more bytes.
    pub(super) fn room(&self) -> usize {
        LIMIT.saturating_sub(self.bytes.len())
    }
}
