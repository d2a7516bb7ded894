//! A client's connection with the border in it: what the library reads has been looked at.

use std::{
    collections::VecDeque,
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::StatusCode;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};

use super::{
    border::{Border, Place, Through, Turned},
    gate::Refusal,
};

/// Bytes read at once while a head or chunks are under way.
const PIECE: usize = 16 * 1024;
/// Bytes of a refused client that are read and forgotten, so that it gets to read the answer:
/// closing on unread bytes would tear the connection down.
const LEFTOVER: usize = 1 << 20;

/// How long a client may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Before the first byte of the first call.
    pub first: Duration,
    /// From the first byte of a head to its last.
    pub head: Duration,
    /// Without a byte of a body.
    pub pause: Duration,
    /// Between two calls.
    pub idle: Duration,
    /// After a refusal, to read the answer.
    pub parting: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(30),
            head: Duration::from_secs(10),
            pause: Duration::from_secs(10),
            idle: Duration::from_secs(300),
            parting: Duration::from_secs(1),
        }
    }
}

/// What the border says of each call, in the order in which the library will hand them out.
#[derive(Debug, Clone, Default)]
pub struct Verdicts(Arc<Mutex<VecDeque<Option<Turned>>>>);

impl Verdicts {
    fn extend(&self, heads: Vec<Option<Turned>>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(heads);
    }

    /// What it says of the next call: why it is refused, if it is.
    #[must_use]
    pub fn next(&self) -> Option<Turned> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front().flatten()
    }
}

/// A refusal of the border within a body, as the library passes it on.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.reason)]
pub struct BodyRefused(pub Refusal);

/// What the timer runs for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    First,
    Head,
    Body,
    Parting,
}

/// The connection.
#[derive(Debug)]
pub struct Crossing {
    stream: TcpStream,
    border: Border,
    verdicts: Verdicts,
    limits: Limits,
    /// Looked at, and not read by the library yet.
    ready: Vec<u8>,
    read: usize,
    broken: Option<Refusal>,
    timer: Option<(Wait, Pin<Box<Sleep>>)>,
    calls: usize,
    forgotten: usize,
}

impl Crossing {
    /// Puts the border into a connection that was just accepted.
    #[must_use]
    pub fn new(stream: TcpStream, limits: Limits) -> Self {
        let first = Box::pin(sleep_until(Instant::now() + limits.first));
        Self {
            stream,
            border: Border::default(),
            verdicts: Verdicts::default(),
            limits,
            ready: Vec::new(),
            read: 0,
            broken: None,
            timer: Some((Wait::First, first)),
            calls: 0,
            forgotten: 0,
        }
    }

    /// What the border says of each call.
    #[must_use]
    pub fn verdicts(&self) -> Verdicts {
        self.verdicts.clone()
    }

    fn take(&mut self, through: Through) {
        self.calls += through.heads.len();
        self.verdicts.extend(through.heads);
        self.ready.extend(through.bytes);
        self.broken = self.broken.take().or(through.broken);
    }

    /// Sets the timer for where the connection stands. A head's runs from its first byte, a body's
    /// from its last one.
    fn wind(&mut self, moved: bool) {
        let wanted = match self.border.place() {
            Place::Between if self.calls == 0 => Some((Wait::First, self.limits.first)),
            Place::Between | Place::Shut => None,
            Place::Head => Some((Wait::Head, self.limits.head)),
            Place::Body => Some((Wait::Body, self.limits.pause)),
        };
        let Some((wait, limit)) = wanted else {
            self.timer = None;
            return;
        };
        let runs = self.timer.as_ref().is_some_and(|(running, _)| *running == wait);
        if !runs || (moved && wait == Wait::Body) {
            self.timer = Some((wait, Box::pin(sleep_until(Instant::now() + limit))));
        }
    }

    /// Hands over what is ready; whether there was something.
    fn hand_over(&mut self, to: &mut ReadBuf<'_>) -> bool {
        let rest = self.ready.get(self.read..).unwrap_or_default();
        let now = rest.get(..rest.len().min(to.remaining())).unwrap_or_default();
        to.put_slice(now);
        self.read += now.len();
        let any = !now.is_empty();
        if self.read == self.ready.len() {
            self.ready.clear();
            self.read = 0;
        }
        any
    }

    /// What happens when the time is up: `None`, nothing to read will come.
    fn late(&mut self, wait: Wait) -> Option<()> {
        self.timer = None;
        match wait {
            Wait::First | Wait::Parting => None,
            Wait::Head => {
                let slow = Refusal::new(StatusCode::REQUEST_TIMEOUT, "head took over 10 seconds");
                let through = self.border.give_up(slow);
                self.take(through);
                Some(())
            }
            Wait::Body => {
                let slow =
                    Refusal::new(StatusCode::REQUEST_TIMEOUT, "body paused for over 10 seconds");
                self.broken = Some(slow);
                Some(())
            }
        }
    }
}

impl AsyncRead for Crossing {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.hand_over(to) {
                return Poll::Ready(Ok(()));
            }
            if let Some(refusal) = this.broken.take() {
                let refused = BodyRefused(refusal);
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, refused)));
            }
            if this.border.place() == Place::Shut {
                // The answer ends the connection; until then there is nothing more to read.
                return Poll::Pending;
            }
            this.wind(false);
            let unseen = usize::try_from(this.border.unseen()).unwrap_or(usize::MAX);
            let polled = if unseen > 0 {
                let most = unseen.min(to.remaining());
                let mut part = ReadBuf::new(to.initialize_unfilled_to(most));
                let polled = Pin::new(&mut this.stream).poll_read(context, &mut part);
                let read = part.filled().len();
                to.advance(read);
                this.border.passed(read as u64);
                polled.map_ok(|()| (read, true))
            } else {
                let mut piece = [0; PIECE];
                let mut part = ReadBuf::new(&mut piece);
                let polled = Pin::new(&mut this.stream).poll_read(context, &mut part);
                let read = part.filled().len();
                let through = this.border.feed(part.filled());
                this.take(through);
                polled.map_ok(|()| (read, false))
            };
            match polled {
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                // The client has ended its side, or its bytes are with the library already.
                Poll::Ready(Ok((0, _))) => return Poll::Ready(Ok(())),
                Poll::Ready(Ok((_, handed_over))) => {
                    this.wind(true);
                    if handed_over {
                        return Poll::Ready(Ok(()));
                    }
                }
                Poll::Pending => {
                    let Some((wait, sleep)) = &mut this.timer else { return Poll::Pending };
                    ready!(sleep.as_mut().poll(context));
                    let wait = *wait;
                    if this.late(wait).is_none() {
                        return Poll::Ready(Ok(()));
                    }
                }
            }
        }
    }
}

impl AsyncWrite for Crossing {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
        if this.border.place() != Place::Shut {
            return Poll::Ready(Ok(()));
        }
        if this.timer.as_ref().is_none_or(|(wait, _)| *wait != Wait::Parting) {
            let until = Instant::now() + this.limits.parting;
            this.timer = Some((Wait::Parting, Box::pin(sleep_until(until))));
        }
        let mut piece = [0; PIECE];
        loop {
            let mut part = ReadBuf::new(&mut piece);
            match Pin::new(&mut this.stream).poll_read(context, &mut part) {
                Poll::Ready(Ok(())) if !part.filled().is_empty() => {
                    this.forgotten += part.filled().len();
                    if this.forgotten > LEFTOVER {
                        return Poll::Ready(Ok(()));
                    }
                }
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => {
                    let Some((_, sleep)) = &mut this.timer else { return Poll::Ready(Ok(())) };
                    ready!(sleep.as_mut().poll(context));
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}
