//! The waiting room: side requests wait here while the conversation has the server.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;

use crate::{domain::Moment, engine::clock::Clock};

/// The conversation's request and its side request leave Claude Code in the same instant, in
/// either order: so long a side request waits for the other one to come.
const GRACE: Duration = Duration::from_millis(300);
/// So long after a turn's end nothing goes, for the turn may go on.
const QUIET: Duration = Duration::from_millis(300);
/// A turn whose tools have run so long without a request has been given up.
const TOOLS: Duration = Duration::from_secs(120);
/// No side request waits longer, whatever goes on.
const LONGEST: Duration = Duration::from_secs(600);

/// What a side request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// The end of the turn.
    Turn,
    /// The end of the conversation's request under way: a tool of the turn may need the answer.
    Request,
}

/// When a side request may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Now.
    Now,
    /// Not before this moment; ask again then, or when something has changed.
    NotBefore(Moment),
}

/// What the conversation does, as far as it concerns those who wait. Pure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course {
    under_way: BTreeMap<u64, ()>,
    last: u64,
    /// The last request's answer called a tool: another request follows it.
    goes_on: bool,
    ended: Option<Moment>,
}

impl Course {
    /// A request of the conversation has come. Returns its number here.
    pub fn begin(&mut self) -> u64 {
        self.last += 1;
        self.under_way.insert(self.last, ());
        self.goes_on = false;
        self.last
    }

    /// It is over; `goes_on`: its answer calls a tool.
    pub fn end(&mut self, number: u64, goes_on: bool, at: Moment) {
        if self.under_way.remove(&number).is_some() {
            self.goes_on = goes_on;
            self.ended = Some(at);
        }
    }

    /// Whether a request of the conversation is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// When a side request that came at `came` may go.
    #[must_use]
    pub fn when(&self, what: For, came: Moment, now: Moment) -> When {
        let longest = came + LONGEST;
        if now >= longest {
            return When::Now;
        }
        if self.is_busy() {
            return When::NotBefore(longest);
        }
        let due = match (what, self.ended) {
            (For::Request, Some(_)) if self.goes_on => came,
            (For::Turn, Some(ended)) if self.goes_on => (ended + TOOLS).max(came + GRACE),
            (For::Turn | For::Request, Some(ended)) => (ended + QUIET).max(came + GRACE),
            (For::Turn | For::Request, None) => came + GRACE,
        };
        if now >= due { When::Now } else { When::NotBefore(due.min(longest)) }
    }
}

/// The room itself. Copies share it.
#[derive(Debug, Clone)]
pub struct Room {
    clock: Clock,
    course: Arc<watch::Sender<Course>>,
    model: Arc<Mutex<Option<String>>>,
}

impl Room {
    /// An empty room.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let course = Arc::new(watch::Sender::new(Course::default()));
        Self { clock, course, model: Arc::default() }
    }

    /// A request of the conversation has come and asks for `model`; it is under way until what is
    /// given back is dropped.
    #[must_use]
    pub fn begin(&self, model: Option<&str>) -> Lease {
        if let Some(model) = model {
            let mut known = self.model.lock().unwrap_or_else(PoisonError::into_inner);
            if known.as_deref() != Some(model) {
                *known = Some(model.to_owned());
            }
        }
        let mut number = 0;
        self.course.send_modify(|course| number = course.begin());
        Lease { room: self.clone(), number, goes_on: AtomicBool::new(false) }
    }

    /// The model that the conversation's requests ask for.
    #[must_use]
    pub fn model(&self) -> Option<String> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a request of the conversation is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.course.borrow().is_busy()
    }

    /// Waits until a side request may go. Dropped when its client goes away.
    pub async fn wait(&self, what: For) {
        let came = self.clock.now();
        let mut news = self.course.subscribe();
        loop {
            let now = self.clock.now();
            let when = news.borrow_and_update().when(what, came, now);
            let moment = match when {
                When::Now => return,
                When::NotBefore(moment) => moment,
            };
            // The room lives as long as this does, so the channel never closes.
            let _ = tokio::time::timeout(moment.since(now), news.changed()).await;
        }
    }
}

/// A request of the conversation under way.
#[derive(Debug)]
pub struct Lease {
    room: Room,
    number: u64,
    goes_on: AtomicBool,
}

impl Lease {
    /// Its answer calls a tool.
    pub fn goes_on(&self) {
        self.goes_on.store(true, Ordering::Relaxed);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let at = self.room.clock.now();
        let (number, goes_on) = (self.number, self.goes_on.load(Ordering::Relaxed));
        self.room.course.send_modify(|course| course.end(number, goes_on, at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Moment {
        Moment::from_millis(ms)
    }

    #[test]
    fn both_orders_wait_for_the_turn() {
        // The side request first: the grace lets the other one come.
        let mut course = Course::default();
        assert_eq!(course.when(For::Turn, at(0), at(0)), When::NotBefore(at(300)));
        let first = course.begin();
        assert_eq!(course.when(For::Turn, at(0), at(300)), When::NotBefore(at(600_000)));
        // A tool runs: the turn is not done, but what the tool asks for goes at once.
        course.end(first, true, at(9_000));
        assert_eq!(course.when(For::Turn, at(0), at(9_000)), When::NotBefore(at(129_000)));
        assert_eq!(course.when(For::Request, at(9_500), at(9_500)), When::Now);
        let second = course.begin();
        assert_eq!(course.when(For::Request, at(9_500), at(9_600)), When::NotBefore(at(609_500)));
        course.end(second, false, at(20_000));
        assert_eq!(course.when(For::Turn, at(0), at(20_000)), When::NotBefore(at(20_300)));
        assert_eq!(course.when(For::Turn, at(0), at(20_300)), When::Now);
    }

    #[test]
    fn nobody_waits_for_ever() {
        let mut course = Course::default();
        let stuck = course.begin();
        for what in [For::Turn, For::Request] {
            assert_eq!(course.when(what, at(5), at(600_004)), When::NotBefore(at(600_005)));
            assert_eq!(course.when(what, at(5), at(600_005)), When::Now);
        }
        // Given up in the midst of its tools: the next two minutes may still go on.
        course.end(stuck, true, at(1_000));
        assert_eq!(course.when(For::Turn, at(2_000), at(121_000)), When::Now);
        course.end(stuck, false, at(999_000));
        assert_eq!(course.ended, Some(at(1_000)), "an end counts once");
    }

    #[tokio::test]
    async fn those_who_wait_go_when_the_last_request_has_ended() {
        let room = Room::new(Clock::start());
        let (first, second) = (room.begin(Some("m")), room.begin(None));
        assert_eq!(room.model().as_deref(), Some("m"));
        let waiting = tokio::spawn({
            let room = room.clone();
            async move { room.wait(For::Request).await }
        });
        tokio::task::yield_now().await;
        drop(first);
        tokio::task::yield_now().await;
        assert!(room.is_busy() && !waiting.is_finished());
        second.goes_on();
        drop(second);
        waiting.await.unwrap();
        assert!(!room.is_busy());
    }
}
