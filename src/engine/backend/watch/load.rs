//! How busy the server is, by its metrics page; and whether that page is of the same process.

use std::{sync::atomic::Ordering, time::Duration};

use tokio::{sync::watch, time::sleep};

use crate::domain::{Event, RequestId, ServerLoad};

use super::{
    super::{http::Http, identify::Known},
    Report, wait,
};

/// Between looks while nothing is under way.
const CALM: Duration = Duration::from_millis(1_200);
/// Between looks while a request is under way: it may be waiting.
const BUSY: Duration = Duration::from_millis(500);
/// For one page.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) async fn follow(
    http: &Http,
    mut known: watch::Receiver<Known>,
    mut active: watch::Receiver<Option<RequestId>>,
    report: &Report,
) {
    let mut started: Option<String> = None;
    let mut told: Option<ServerLoad> = None;
    loop {
        let backend = known.borrow_and_update().backend;
        let busy = active.borrow_and_update().is_some();
        let page = http.get("/metrics", PATIENCE).await.ok();
        let load = page.as_ref().filter(|p| p.status == 200).and_then(|p| backend.load(&p.body));
        if let Some(now) = page.as_ref().and_then(|p| p.started.clone()) {
            if started.as_ref().is_some_and(|before| *before != now) {
                let sign = "its metrics page tells a later start".to_owned();
                report.send(Event::ServerRestarted { sign });
            }
            started = Some(now);
        }
        report.page.store(load.is_some(), Ordering::Relaxed);
        if let Some(load) = load.filter(|load| told.as_ref() != Some(load)) {
            told = Some(load);
            report.send(Event::ServerLoad { load });
        }
        match page {
            // The page is not there: another server may have one.
            Some(page) if page.status != 200 && page.started.is_none() => {
                while known.borrow().backend.paths() == backend.paths() {
                    if !wait(&mut active, &mut known).await {
                        return std::future::pending().await;
                    }
                    active.borrow_and_update();
                    known.borrow_and_update();
                }
            }
            Some(_) | None => tokio::select! {
                () = sleep(if busy { BUSY } else { CALM }) => {}
                changed = wait(&mut active, &mut known) => if !changed {
                    return std::future::pending().await;
                }
            },
        }
    }
}
