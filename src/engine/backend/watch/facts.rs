//! The server's facts, looked at again and again: told when they change.

use std::time::Duration;

use tokio::{sync::watch, time::sleep};

use crate::domain::{Dialect, Event, RequestId};

use super::{
    super::{
        http::{Http, NoAnswer},
        identify::{Known, look_again, recognise},
    },
    Report,
};

/// Between looks at a healthy server: what becomes of it is known within two seconds.
const CALM: Duration = Duration::from_secs(1);
/// Between looks at a server that is away or loads its model.
const ANXIOUS: Duration = Duration::from_millis(250);

pub(super) async fn follow(
    http: &Http,
    known: watch::Sender<Known>,
    dialect: &watch::Sender<Dialect>,
    active: &watch::Receiver<Option<RequestId>>,
    report: &Report,
) {
    let first = known.borrow().facts.clone();
    dialect.send_replace(first.dialect);
    report.send(Event::Server { facts: Some(first.clone()) });
    let mut told = Some(first);
    loop {
        let calm = told.as_ref().is_some_and(|facts| facts.healthy && !facts.loading);
        sleep(if calm { CALM } else { ANXIOUS }).await;
        let before = known.borrow().clone();
        let look = match look_again(http, &before).await {
            Ok(Some(now)) => Ok(now),
            Ok(None) => recognise(http).await,
            Err(error) => Err(error),
        };
        let now = match look {
            Ok(now) => Some(now),
            // A server deep in a batch may be slow to answer; that is not an absence.
            Err(NoAnswer::Silent) if active.borrow().is_some() => continue,
            Err(
                NoAnswer::Silent
                | NoAnswer::Unreachable(_)
                | NoAnswer::Garbage(_)
                | NoAnswer::Barred(_),
            ) => None,
        };
        let facts = now.as_ref().map(|now| now.facts.clone());
        if let Some(now) = now {
            if dialect.borrow().ne(&now.facts.dialect) {
                dialect.send_replace(now.facts.dialect);
            }
            if now.facts != before.facts {
                known.send_replace(now);
            }
        }
        if facts != told {
            report.send(Event::Server { facts: facts.clone() });
            told = facts;
        }
    }
}
