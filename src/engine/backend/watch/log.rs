//! What the server's log tells, while it is the best source for progress and for all else.

use std::sync::atomic::Ordering;

use tokio::sync::watch;

use crate::domain::{Event, RequestId, ServerKind, Source};

use super::{
    super::{
        identify::Known,
        log_place::{self, LogPlace},
        logs::{LogNews, LogProgress, Story},
    },
    Report,
};

pub(super) async fn follow(
    place: &LogPlace,
    mut known: watch::Receiver<Known>,
    mut active: watch::Receiver<Option<RequestId>>,
    child: &watch::Sender<Option<u16>>,
    report: &Report,
) {
    loop {
        let kind = known.borrow_and_update().facts.kind;
        let (out, mut lines) = log_place::channel();
        let mut story = Story::default();
        let reading = async {
            loop {
                tokio::select! {
                    Some((line, live)) = lines.recv() => {
                        for news in story.line(&line) {
                            tell(news, live, &active, child, report);
                        }
                    }
                    Ok(()) = active.changed() => {
                        let request = *active.borrow_and_update();
                        match (request, story.progress()) {
                            (None, _) => {
                                story.reset();
                                report.log_total(None);
                            }
                            (Some(_), Some(at)) => {
                                tell(LogNews::Progress(at), true, &active, child, report);
                            }
                            (Some(_), None) => {}
                        }
                    }
                    else => return,
                }
            }
        };
        tokio::select! {
            () = log_place::follow(place, kind, out) => {}
            () = reading => {}
            true = becomes_another(&mut known, kind) => {}
        }
        if known.has_changed().is_err() {
            return std::future::pending().await;
        }
    }
}

/// Waits until the server is of another kind, which writes its log elsewhere.
async fn becomes_another(known: &mut watch::Receiver<Known>, kind: ServerKind) -> bool {
    known.wait_for(|known| known.facts.kind != kind).await.is_ok()
}

/// Reports one thing the log told. What was written before lcc looked says only where a child is.
fn tell(
    news: LogNews,
    live: bool,
    active: &watch::Receiver<Option<RequestId>>,
    child: &watch::Sender<Option<u16>>,
    report: &Report,
) {
    match news {
        LogNews::ChildPort(port) => {
            let before = child.send_replace(Some(port));
            if live && before.is_some_and(|before| before != port) {
                let sign = "its log tells that the model was loaded anew".to_owned();
                report.send(Event::ServerRestarted { sign });
            }
        }
        LogNews::Progress(at) => {
            let request = *active.borrow();
            if let (true, LogProgress::Tokens { total, .. }) = (live, at) {
                report.log_total(total);
            }
            if live && request.is_some() && !report.server_tells() {
                report.send(progress(at, request));
            }
        }
        LogNews::Line(line) if live => report.send(Event::ServerLine { line }),
        LogNews::Load(load) if live && !report.page.load(Ordering::Relaxed) => {
            report.send(Event::ServerLoad { load });
        }
        LogNews::Line(_) | LogNews::Load(_) => {}
    }
}

fn progress(at: LogProgress, request: Option<RequestId>) -> Event {
    let source = Source::Log;
    match at {
        LogProgress::Tokens { done, cached, total } => {
            Event::PrefillProgress { request, done, cached, total, generated: 0, source }
        }
        LogProgress::Share(share) => Event::PrefillShare { request, share, source },
    }
}
