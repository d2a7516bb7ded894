//! What the engine said, until it has been read.

use std::{collections::VecDeque, time::Duration};

use crate::{
    domain::Moment,
    protocol::{Notice, NoticeLevel},
};

/// How long good news stays on screen: long enough to read one sentence twice.
const INFO_FOR: Duration = Duration::from_secs(6);
/// More than this and the oldest of the least important goes.
const KEPT: usize = 16;
/// So many can be read again in the help.
const SAID: usize = 32;

/// A notice with its number and its age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Number within this front, counted from 1.
    pub id: u64,
    /// When it came.
    pub at: Moment,
    /// What it says.
    pub notice: Notice,
}

/// The notices on screen, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notices {
    shown: Vec<Shown>,
    said: VecDeque<Shown>,
    last_id: u64,
}

impl Notices {
    /// Adds one. The same words again only become new again.
    pub fn push(&mut self, notice: Notice, now: Moment) {
        self.note(notice.clone(), now);
        self.shown.retain(|shown| shown.notice != notice);
        self.shown.push(Shown { id: self.last_id, at: now, notice });
        if self.shown.len() > KEPT {
            let least = self.shown.iter().map(|s| s.notice.level).min();
            if let Some(at) = self.shown.iter().position(|s| Some(s.notice.level) == least) {
                self.shown.remove(at);
            }
        }
    }

    /// Keeps one to be read in the help without showing it now.
    pub fn note(&mut self, notice: Notice, now: Moment) {
        self.last_id += 1;
        self.said.retain(|said| said.notice != notice);
        self.said.push_back(Shown { id: self.last_id, at: now, notice });
        if self.said.len() > SAID {
            self.said.pop_front();
        }
    }

    /// Everything that was said, oldest first, read or not; the last so many.
    pub fn said(&self) -> impl DoubleEndedIterator<Item = &Shown> {
        self.said.iter()
    }

    /// Lets good news that has been on screen long enough go. Says whether any went.
    pub fn expire(&mut self, now: Moment) -> bool {
        let before = self.shown.len();
        self.shown.retain(|s| s.notice.level != NoticeLevel::Info || now.since(s.at) < INFO_FOR);
        before != self.shown.len()
    }

    /// Takes one away.
    pub fn remove(&mut self, id: u64) {
        self.shown.retain(|shown| shown.id != id);
    }

    /// The newest of a level.
    #[must_use]
    pub fn newest(&self, level: NoticeLevel) -> Option<&Shown> {
        self.shown.iter().rev().find(|shown| shown.notice.level == level)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shown.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(level: NoticeLevel, text: &str) -> Notice {
        Notice { level, text: text.to_owned() }
    }

    #[test]
    fn good_news_goes_by_itself_and_bad_news_stays() {
        let mut notices = Notices::default();
        notices.push(notice(NoticeLevel::Info, "a"), Moment::from_millis(0));
        notices.push(notice(NoticeLevel::Error, "b"), Moment::from_millis(0));
        assert!(!notices.expire(Moment::from_millis(5_999)));
        assert!(notices.expire(Moment::from_millis(6_000)));
        assert_eq!(notices.len(), 1);
        assert!(notices.newest(NoticeLevel::Error).is_some());
    }

    #[test]
    fn a_flood_loses_the_least_important() {
        let mut notices = Notices::default();
        notices.push(notice(NoticeLevel::Error, "lost"), Moment::from_millis(0));
        for n in 0..100 {
            notices.push(notice(NoticeLevel::Warning, &n.to_string()), Moment::from_millis(n));
        }
        assert_eq!(notices.len(), KEPT);
        assert!(notices.newest(NoticeLevel::Error).is_some());
    }
}
