//! The engine's clock: the one place where moments come from.

use std::time::Instant;

use crate::domain::Moment;

/// Turns the monotonic clock into [`Moment`]s since its own start. Copies share the start.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Moment {
        Moment::from_duration(self.start.elapsed())
    }
}
