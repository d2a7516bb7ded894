//! The body of an answer that is sieved or translated on its way to Claude Code.

use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::{
    Response,
    body::{Body as _, Frame},
};

use super::{
    answers,
    chat::Turn,
    exchange::Sending,
    follow::Follower,
    handle::form,
    sieve::{Flow, Sieve},
    tap::{End, Form},
    upstream::why,
};

/// A second try under way.
type Asking = Pin<Box<dyn Future<Output = Result<reqwest::Response, String>> + Send>>;

/// How to ask once more.
pub(super) struct Again {
    pub sending: Sending,
    /// Makes the body; called only when it is needed.
    pub body: Box<dyn FnOnce() -> Bytes + Send>,
}

/// Where bytes come from.
pub(super) enum Source {
    /// The server's answer.
    Body(reqwest::Body),
    /// The server is asked once more.
    Asking(Asking),
}

/// A body on its way. Fields are public to the room, so that each way sets what it needs.
pub struct Shaped {
    pub(super) source: Source,
    /// Translates the answer first.
    pub(super) turn: Option<Turn>,
    /// Takes out what must not pass.
    pub(super) sieve: Option<Sieve>,
    /// How to ask once more, and with what body.
    pub(super) again: Option<Again>,
    /// Who hears of each piece as the server meant it, before the sieve.
    pub(super) follower: Option<Follower>,
    /// The last piece for the follower; it hears of it once what passes of it has gone.
    heard: Option<Bytes>,
    ready: Option<Bytes>,
    in_line: bool,
    over: bool,
    upstream: String,
}

impl fmt::Debug for Shaped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shaped").field("over", &self.over).finish_non_exhaustive()
    }
}

impl Shaped {
    /// A body that passes everything; `upstream` names the server in errors.
    pub(super) fn new(source: Source, upstream: &str) -> Self {
        Self {
            source,
            turn: None,
            sieve: None,
            again: None,
            follower: None,
            heard: None,
            ready: None,
            in_line: false,
            over: false,
            upstream: upstream.to_owned(),
        }
    }

    /// Whether nothing more comes.
    pub(super) const fn is_over(&self) -> bool {
        self.over && self.ready.is_none()
    }

    /// The next piece for Claude Code.
    pub(super) fn next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            if let Some(bytes) = self.ready.take() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            self.tell();
            if self.over {
                return Poll::Ready(None);
            }
            match &mut self.source {
                Source::Asking(asking) => match ready!(asking.as_mut().poll(cx)) {
                    Ok(answer) => self.second(answer),
                    Err(why) => self.broken(&why),
                },
                Source::Body(body) => match ready!(Pin::new(body).poll_frame(cx)) {
                    Some(Ok(frame)) => {
                        if let Ok(data) = frame.into_data() {
                            self.take(data);
                        }
                    }
                    Some(Err(error)) => self.broken(&why(&error)),
                    None => self.complete(),
                },
            }
        }
    }

    /// Takes bytes of the server.
    fn take(&mut self, data: Bytes) {
        let Some(turn) = &mut self.turn else { return self.hear(data) };
        let turned = turn.feed(&data);
        let over = turn.is_over();
        if let Some(follower) = &self.follower {
            turned.told.into_iter().for_each(|event| follower.told(event));
        }
        self.hear(turned.bytes);
        // What follows the end of a translated answer is of no use to anyone.
        if over && matches!(self.source, Source::Body(_)) {
            self.complete();
        }
    }

    /// Takes bytes of an Anthropic stream.
    pub(super) fn hear(&mut self, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        self.tell();
        let (pass, flow) = match &mut self.sieve {
            Some(sieve) => sieve.feed(&bytes),
            None => (bytes.clone(), Flow::Go),
        };
        self.heard = Some(bytes);
        self.pass(&pass);
        match flow {
            Flow::Go => {}
            Flow::Stop(tokens) => self.ask_again(tokens),
        }
    }

    fn pass(&mut self, bytes: &Bytes) {
        let Some(last) = bytes.last() else { return };
        self.in_line = !matches!(last, b'\n' | b'\r');
        self.ready = Some(match self.ready.take() {
            Some(before) => [before, bytes.clone()].concat().into(),
            None => bytes.clone(),
        });
    }

    fn ask_again(&mut self, tokens: u64) {
        self.tell();
        let Some(Again { sending, body }) = self.again.take() else { return };
        if let Some(follower) = &self.follower {
            follower.again(tokens);
        }
        if let Some(sieve) = &mut self.sieve {
            sieve.again();
        }
        self.turn = self.turn.take().map(Turn::again);
        // The first answer is let go of here, which ends it at the server.
        self.source =
            Source::Asking(Box::pin(
                async move { sending.send(body()).await.map_err(|e| why(&e)) },
            ));
    }

    fn second(&mut self, answer: reqwest::Response) {
        let status = answer.status();
        let (head, body) = Response::<reqwest::Body>::from(answer).into_parts();
        if status.is_success() && form(&head.headers) == Form::Stream {
            self.source = Source::Body(body);
        } else {
            self.broken(&format!("it answered {status} when asked again without thinking"));
        }
    }

    /// The server is done.
    fn complete(&mut self) {
        let rest = self.turn.as_mut().map(Turn::end);
        if let Some(rest) = rest {
            self.hear(rest);
        }
        self.flush();
        self.end(End::Complete);
    }

    /// The server broke off: the client gets a proper end that says so.
    fn broken(&mut self, why: &str) {
        self.flush();
        let event = answers::broken_event(&self.upstream, why, self.in_line);
        self.pass(&Bytes::from(event));
        self.end(End::Broken(why.to_owned()));
    }

    fn flush(&mut self) {
        let held = self.sieve.as_mut().map(Sieve::finish);
        if let Some(held) = held {
            self.pass(&held);
        }
    }

    fn tell(&mut self) {
        if let (Some(follower), Some(piece)) = (&self.follower, self.heard.take()) {
            follower.bytes(piece);
        }
    }

    fn end(&mut self, end: End) {
        self.tell();
        self.over = true;
        if let Some(follower) = self.follower.take() {
            follower.end(end);
        }
    }
}

impl Drop for Shaped {
    fn drop(&mut self) {
        if !self.over {
            self.end(End::Abandoned);
        }
    }
}
