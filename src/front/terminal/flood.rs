//! How often what the child asks for may reach the world: a few at once, then so many a second.

use std::time::Duration;

use crate::domain::Moment;

use super::events::TerminalEvent;

/// Lets `burst` through at once and one more each `every`.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    burst: u32,
    every: Duration,
    /// What is left of the burst, and since when it fills.
    left: u32,
    since: Moment,
}

impl Bucket {
    const fn new(burst: u32, every: Duration) -> Self {
        Self { burst, every, left: burst, since: Moment::from_millis(0) }
    }

    fn take(&mut self, now: Moment) -> bool {
        while self.left < self.burst && self.since + self.every <= now {
            self.left += 1;
            self.since = self.since + self.every;
        }
        if self.left == self.burst {
            self.since = now;
        }
        let any = self.left > 0;
        self.left = self.left.saturating_sub(1);
        any
    }
}

/// The limits of every kind of event, as the policy's table tells them.
#[derive(Debug, Clone, Copy)]
pub struct Flood {
    bells: Bucket,
    notices: Bucket,
    titles: Bucket,
    progress: Bucket,
    clipboards: Bucket,
}

impl Default for Flood {
    fn default() -> Self {
        Self {
            bells: Bucket::new(5, Duration::from_millis(500)),
            notices: Bucket::new(3, Duration::from_secs(5)),
            titles: Bucket::new(20, Duration::from_millis(100)),
            progress: Bucket::new(10, Duration::from_millis(200)),
            clipboards: Bucket::new(3, Duration::from_secs(1)),
        }
    }
}

impl Flood {
    /// Whether this event may go on. Replies always may: the child waits for them.
    pub fn allows(&mut self, event: &TerminalEvent, now: Moment) -> bool {
        match event {
            TerminalEvent::Bell => self.bells.take(now),
            TerminalEvent::Notification { .. } => self.notices.take(now),
            TerminalEvent::Title(_) => self.titles.take(now),
            TerminalEvent::Progress(_) => self.progress.take(now),
            TerminalEvent::Clipboard { .. } => self.clipboards.take(now),
            TerminalEvent::Reply(_)
            | TerminalEvent::WorkingDirectory(_)
            | TerminalEvent::PromptMark(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(event: &TerminalEvent, times: impl Iterator<Item = u64>) -> usize {
        let mut flood = Flood::default();
        times.filter(|ms| flood.allows(event, Moment::from_millis(*ms))).count()
    }

    #[test]
    fn a_flood_is_thinned_and_the_usual_passes() {
        let note = TerminalEvent::Notification { title: None, body: "hi".to_owned() };
        let title = TerminalEvent::Title("t".to_owned());
        assert_eq!(passed(&note, std::iter::repeat_n(0, 1_000)), 3);
        assert_eq!(passed(&note, (0..60_000).step_by(10)), 3 + 11);
        assert_eq!(passed(&TerminalEvent::Bell, (0..10_000).step_by(1)), 5 + 19);
        assert_eq!(passed(&title, (0..60_000).step_by(960)), 63, "Claude Code's own pace");
        let reply = TerminalEvent::Reply(Vec::new());
        assert_eq!(passed(&reply, std::iter::repeat_n(0, 1_000)), 1_000);
    }

    #[test]
    fn after_quiet_the_burst_is_whole_again() {
        let mut bucket = Bucket::new(2, Duration::from_secs(1));
        let mut at = |ms| bucket.take(Moment::from_millis(ms));
        assert_eq!([at(0), at(0), at(0)], [true, true, false]);
        assert_eq!([at(60_000), at(60_000), at(60_000)], [true, true, false]);
    }
}
