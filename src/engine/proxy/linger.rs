//! Answers that go on at a server which cannot stop, for as long as their client may come back.
//!
//! Such an answer is read by a task of its own into a [`Reel`]; the client's body reads from there.
//! A second try of the same prompt reads the same reel from its start.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::BodyExt as _;
use hyper::{HeaderMap, Response, StatusCode};
use tokio::{sync::watch, task::JoinHandle};

use super::{
    follow::Reporter,
    passage::ReplyBody,
    patient::Pieces,
    retry::{Asked, GRACE, Retries, Verdict},
};
use crate::domain::{Event, Moment, Outcome, RequestId};

/// Most bytes of an answer that are kept.
const MAX_ANSWER: usize = 16 << 20;

/// What has come of an answer so far.
#[derive(Debug, Default)]
struct Film {
    head: Option<(StatusCode, HeaderMap)>,
    pieces: Vec<Bytes>,
    bytes: usize,
    /// How it ended: with nothing, or with an error in words.
    over: Option<Option<String>>,
}

/// One answer that is kept.
#[derive(Debug)]
struct Reel {
    film: Arc<Mutex<Film>>,
    news: watch::Receiver<()>,
    task: JoinHandle<()>,
}

impl Drop for Reel {
    fn drop(&mut self) {
        // Closes the connection to the server, if it is still open.
        self.task.abort();
    }
}

#[derive(Debug, Default)]
struct Room {
    retries: Retries,
    reels: HashMap<RequestId, Reel>,
}

/// The prompts that were given up, and the answers that are kept for them. Copies share them.
#[derive(Debug, Clone, Default)]
pub struct Lingering {
    room: Arc<Mutex<Room>>,
}

impl Lingering {
    /// A request comes in: whether it is a second try.
    pub(super) fn asked(&self, reporter: &Reporter, asked: Asked) -> Verdict {
        let request = asked.request;
        let (verdict, _dropped) = {
            let mut room = self.lock();
            let (verdict, gone) = room.retries.asked(reporter.clock.now(), asked);
            (verdict, room.take(&gone))
        };
        if let Verdict::Again { first, after, join } = verdict {
            let after_s = after.as_secs_f64();
            let joined = join.is_some();
            reporter.report(Event::AskedAgain { request, first, after_s, joined });
        }
        verdict
    }

    /// A request has ended at the server.
    pub(super) fn ended(&self, now: Moment, request: RequestId, outcome: &Outcome) {
        let mut room = self.lock();
        match outcome {
            Outcome::ClientGone => {
                room.retries.left(now, request);
            }
            Outcome::Done { .. } | Outcome::Failed { .. } => {
                room.retries.ended(now, request, true);
            }
            Outcome::ServerLost { .. } => room.retries.ended(now, request, false),
        }
    }

    /// Reads an answer on its own, so that it outlives its client.
    pub(super) fn keep(
        &self,
        request: RequestId,
        answer: impl Future<Output = Response<ReplyBody>> + Send + 'static,
    ) {
        let film = Arc::new(Mutex::new(Film::default()));
        let (tell, news) = watch::channel(());
        let task = tokio::spawn(record(answer, Arc::clone(&film), tell));
        self.lock().reels.insert(request, Reel { film, news, task });
    }

    /// The answer to a request that is kept, from its start; `None` when it is not kept.
    pub(super) async fn view(
        &self,
        reporter: &Reporter,
        request: RequestId,
    ) -> Option<Response<ReplyBody>> {
        let (film, news) = {
            let room = self.lock();
            let reel = room.reels.get(&request)?;
            (Arc::clone(&reel.film), reel.news.clone())
        };
        let seat = Seat { house: self.clone(), reporter: reporter.clone(), request };
        let mut view = View { film, news, at: 0, seat };
        let (status, headers) = view.head().await?;
        let pieces = stream::unfold(view, |mut view| async move {
            let piece = view.next().await?;
            Some((piece, view))
        });
        let mut reply = Response::new(ReplyBody::Pieces(Pieces::new(pieces)));
        *reply.status_mut() = status;
        *reply.headers_mut() = headers;
        Some(reply)
    }

    /// The client that looked at a kept answer has gone.
    fn left(&self, reporter: &Reporter, request: RequestId) {
        if !self.lock().retries.left(reporter.clock.now(), request) {
            // It was seen to its end.
            let reel = self.lock().reels.remove(&request);
            drop(reel);
            return;
        }
        let (house, reporter) = (self.clone(), reporter.clone());
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            // A moment more, so that rounding cannot leave it just short.
            tokio::time::sleep(GRACE + Duration::from_millis(20)).await;
            let _dropped = {
                let mut room = house.lock();
                let gone = room.retries.expired(reporter.clock.now());
                room.take(&gone)
            };
        });
    }

    fn lock(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    fn take(&mut self, requests: &[RequestId]) -> Vec<Reel> {
        requests.iter().filter_map(|request| self.reels.remove(request)).collect()
    }
}

/// Reads an answer to its end.
async fn record(
    answer: impl Future<Output = Response<ReplyBody>>,
    film: Arc<Mutex<Film>>,
    tell: watch::Sender<()>,
) {
    let note = |change: &mut dyn FnMut(&mut Film)| {
        change(&mut film.lock().unwrap_or_else(PoisonError::into_inner));
        tell.send_replace(());
    };
    let (head, mut body) = answer.await.into_parts();
    note(&mut |film| film.head = Some((head.status, head.headers.clone())));
    let end = loop {
        let mut full = false;
        match body.frame().await {
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    note(&mut |film| {
                        film.bytes += data.len();
                        full = film.bytes > MAX_ANSWER;
                        film.pieces.push(data.clone());
                    });
                }
            }
            Some(Err(error)) => break Some(error.to_string()),
            None => break None,
        }
        if full {
            break Some("the answer is over 16 MiB".to_owned());
        }
    };
    note(&mut |film| film.over = Some(end.clone()));
}

/// A client in front of a reel; its leaving is told.
#[derive(Debug)]
struct Seat {
    house: Lingering,
    reporter: Reporter,
    request: RequestId,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.house.left(&self.reporter, self.request);
    }
}

#[derive(Debug)]
struct View {
    film: Arc<Mutex<Film>>,
    news: watch::Receiver<()>,
    at: usize,
    seat: Seat,
}

impl View {
    fn look<T>(&self, look: impl FnOnce(&Film) -> Option<T>) -> Option<T> {
        look(&self.film.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The head, once it is there; `None` when there will be none.
    async fn head(&mut self) -> Option<(StatusCode, HeaderMap)> {
        loop {
            if let Some(head) = self.look(|film| film.head.clone()) {
                return Some(head);
            }
            self.news.changed().await.ok()?;
        }
    }

    /// The next piece; `None` after the last.
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            let at = self.at;
            if let Some(piece) = self.look(|film| film.pieces.get(at).cloned()) {
                self.at += 1;
                return Some(Ok(piece));
            }
            match self.look(|film| film.over.clone()) {
                Some(None) => {
                    self.seen();
                    return None;
                }
                Some(Some(why)) => {
                    self.seen();
                    return Some(Err(io::Error::other(why)));
                }
                None => {}
            }
            if self.news.changed().await.is_err() {
                return Some(Err(io::Error::other("the request was given up")));
            }
        }
    }

    /// The whole answer was seen: there is nothing to come back for.
    fn seen(&self) {
        let now = self.seat.reporter.clock.now();
        self.seat.house.lock().retries.ended(now, self.seat.request, true);
    }
}
