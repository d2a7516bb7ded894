//! When to draw: at once when it is quiet, sixty times a second under flood, never for nothing.

use std::time::Duration;

use crate::domain::Moment;

/// Between two frames of a flood: sixty a second.
const FLOOD_GAP: Duration = Duration::from_millis(16);
/// Between any two frames; well under what a person notices, so that a dribble of single bytes
/// does not draw a thousand times a second.
const QUIET_GAP: Duration = Duration::from_millis(3);
/// More bytes than this since the last frame are a flood. A frame of Claude Code has 2.5 KB at
/// most, as measured.
const FLOOD_BYTES: usize = 8 * 1024;

/// What is to be done about drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing has changed.
    Never,
    /// Draw.
    Now,
    /// Not before then.
    At(Moment),
}

/// What has happened since the last frame.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pace {
    changed: bool,
    bytes: usize,
    last: Option<Moment>,
}

impl Pace {
    /// Something on screen may be another thing now.
    pub(super) const fn changed(&mut self) {
        self.changed = true;
    }

    /// So many bytes came from Claude Code.
    pub(super) const fn fed(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// A frame was drawn.
    pub(super) const fn drawn(&mut self, now: Moment) {
        *self = Self { changed: false, bytes: 0, last: Some(now) };
    }

    /// Whether to draw. `quiet`: no update waits to be taken in.
    pub(super) fn due(&self, now: Moment, quiet: bool) -> Due {
        if !self.changed {
            return Due::Never;
        }
        let Some(last) = self.last else { return Due::Now };
        let gap = if quiet && self.bytes <= FLOOD_BYTES { QUIET_GAP } else { FLOOD_GAP };
        let at = last + gap;
        if at <= now { Due::Now } else { Due::At(at) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Moment {
        Moment::from_millis(ms)
    }

    #[test]
    fn the_table_of_due() {
        for (changed, bytes, last, quiet, now, due) in [
            (false, 0, None, true, 0, Due::Never),
            (false, 9_000, Some(0), true, 100, Due::Never),
            (true, 0, None, false, 0, Due::Now),
            (true, 10, Some(0), true, 3, Due::Now),
            (true, 10, Some(0), true, 2, Due::At(at(3))),
            (true, 10, Some(0), false, 3, Due::At(at(16))),
            (true, 10, Some(0), false, 16, Due::Now),
            (true, 9_000, Some(0), true, 3, Due::At(at(16))),
            (true, 9_000, Some(0), true, 20, Due::Now),
        ] {
            let pace = Pace { changed, bytes, last: last.map(at) };
            assert_eq!(pace.due(at(now), quiet), due, "{pace:?} quiet {quiet} at {now} ms");
        }
    }

    #[test]
    fn a_flood_is_drawn_at_most_sixty_times_a_second() {
        let mut pace = Pace::default();
        let mut frames = 0;
        for ms in 0..1_000 {
            pace.fed(60_000);
            pace.changed();
            if pace.due(at(ms), ms % 2 == 0) == Due::Now {
                pace.drawn(at(ms));
                frames += 1;
            }
        }
        assert!((55..=63).contains(&frames), "{frames}");
    }

    #[test]
    fn every_key_is_drawn_at_once_when_keys_are_far_apart() {
        let mut pace = Pace::default();
        for ms in (0..1_000).step_by(10) {
            pace.fed(12);
            pace.changed();
            assert_eq!(pace.due(at(ms), true), Due::Now);
            pace.drawn(at(ms));
        }
    }
}
