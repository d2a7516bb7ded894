//! One warm-up: the request, and its progress while it runs.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::time::{MissedTickBehavior, interval};

use super::slots::Slots;
use crate::{
    domain::{Kept, Warm},
    engine::{
        backend::progress_of,
        proxy::{Proxy, quiet::Counted},
    },
};

/// Between two looks at the progress.
const POLL: Duration = Duration::from_millis(200);

/// How far a warm-up has come; told when it is stopped.
#[derive(Debug, Default)]
pub struct Course(Mutex<Option<(Kept, u64, Option<u64>)>>);

impl Course {
    fn set(&self, what: Kept, done: u64, total: Option<u64>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((what, done, total));
    }

    /// The step that says where it was stopped; `None` when none was under way.
    pub fn stop(&self) -> Option<Warm> {
        let course = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        course.map(|(what, done, total)| Warm::Stopped { what, done, total })
    }

    fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// What is read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// What.
    pub what: Kept,
    /// The request.
    pub body: &'a str,
    /// Its tokens, when they were counted before.
    pub total: Option<u64>,
}

/// Has the server read a prompt. Progress goes to `tell`, and is polled only where `slots` is
/// given. Dropped, it ends the request.
pub async fn read(
    proxy: &Proxy,
    slots: Option<&Slots>,
    reading: Reading<'_>,
    course: &Course,
    tell: &(impl Fn(Warm) + Sync),
) -> Result<(Counted, f64), String> {
    let Reading { what, body, total } = reading;
    let started = Instant::now();
    course.set(what, 0, total);
    tell(Warm::Reading { what, done: 0, cached: None, total });
    let asking = proxy.ask_quietly(body);
    let looking = async {
        let Some(slots) = slots else { return std::future::pending().await };
        let mut ticks = interval(POLL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = 0;
        loop {
            ticks.tick().await;
            let Some(page) = slots.page("/slots").await else { continue };
            let Some(now) = progress_of(&page).filter(|now| now.done > last) else { continue };
            last = now.done;
            course.set(what, now.done, total);
            tell(Warm::Reading { what, done: now.done, cached: now.cached, total });
        }
    };
    let answer = tokio::select! {
        answer = asking => answer,
        never = looking => never,
    };
    course.end();
    Ok((answer?, started.elapsed().as_secs_f64()))
}
