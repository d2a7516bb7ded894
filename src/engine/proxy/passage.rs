//! The body of an answer on its way to Claude Code; the tap sees each piece after it has passed.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, SizeHint};

use super::{answers, follow::Follower, patient::Pieces, shaped::Shaped, tap::End, upstream::why};

/// The body of any answer the proxy gives.
#[derive(Debug)]
pub enum ReplyBody {
    /// A short one that lcc has in hand.
    Whole(Option<Bytes>),
    /// One that passes through.
    Passage(Box<Passage>),
    /// One that is sieved or translated on its way.
    Shaped(Box<Shaped>),
    /// One that is made piece by piece.
    Pieces(Pieces),
}

impl ReplyBody {
    /// A body that is at hand.
    #[must_use]
    pub fn whole(body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self::Whole((!body.is_empty()).then_some(body))
    }
}

/// A body that passes from the server to Claude Code, byte for byte.
#[derive(Debug)]
pub struct Passage {
    inner: reqwest::Body,
    /// Who hears of each piece; `None` for answers that nobody reads.
    follower: Option<Follower>,
    /// The last piece given to hyper; the follower hears of it at the next call.
    passed: Option<Bytes>,
    /// Bytes still to come, when the server said how many.
    left: Option<u64>,
    /// An event stream whose length is open can be ended with an error event.
    open_stream: bool,
    in_line: bool,
    over: bool,
    upstream: String,
}

impl Passage {
    /// A passage of `inner`. `length`: its content length, when the server gave one. `stream`:
    /// whether it is an event stream. `upstream` names the server in errors.
    #[must_use]
    pub fn new(
        inner: reqwest::Body,
        follower: Option<Follower>,
        length: Option<u64>,
        stream: bool,
        upstream: String,
    ) -> Self {
        Self {
            inner,
            follower,
            passed: None,
            left: length,
            open_stream: stream && length.is_none(),
            in_line: false,
            over: false,
            upstream,
        }
    }

    /// Takes the whole body out, up to `most` bytes, with its follower and, when the server broke
    /// off, why. Of a longer body nothing more is read.
    pub async fn collect(&mut self, most: usize) -> (Bytes, Option<Follower>, Option<String>) {
        self.over = true;
        let follower = self.follower.take();
        let mut body = Vec::new();
        while body.len() <= most {
            match self.inner.frame().await {
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        body.extend_from_slice(data);
                    }
                }
                Some(Err(error)) => return (body.into(), follower, Some(why(&error))),
                None => break,
            }
        }
        (body.into(), follower, None)
    }

    fn tell_passed(&mut self) {
        if let (Some(follower), Some(piece)) = (&self.follower, self.passed.take()) {
            follower.bytes(piece);
        }
    }

    fn end(&mut self, end: End) {
        self.tell_passed();
        self.over = true;
        if let Some(follower) = self.follower.take() {
            follower.end(end);
        }
    }

    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.tell_passed();
        if self.over {
            return Poll::Ready(None);
        }
        match std::task::ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    if let Some(left) = &mut self.left {
                        *left = left.saturating_sub(data.len() as u64);
                    }
                    if let Some(last) = data.last() {
                        self.in_line = !matches!(last, b'\n' | b'\r');
                    }
                    if self.follower.is_some() {
                        self.passed = Some(data.clone());
                    }
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => {
                let why = why(&error);
                let event = answers::broken_event(&self.upstream, &why, self.in_line);
                self.end(End::Broken(why.clone()));
                let end = if self.open_stream {
                    Ok(Frame::data(Bytes::from(event)))
                } else {
                    Err(io::Error::other(why))
                };
                Poll::Ready(Some(end))
            }
            None => {
                self.end(End::Complete);
                Poll::Ready(None)
            }
        }
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        if !self.over {
            // hyper lets go of a body of known length as soon as its last byte has passed.
            let complete = self.left == Some(0) || self.inner.is_end_stream();
            self.end(if complete { End::Complete } else { End::Abandoned });
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut *self {
            Self::Whole(body) => Poll::Ready(body.take().map(|b| Ok(Frame::data(b)))),
            Self::Passage(passage) => passage.next(cx),
            Self::Shaped(shaped) => shaped.next(cx),
            Self::Pieces(pieces) => {
                let piece = std::task::ready!(pieces.stream().poll_next(cx));
                Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_none(),
            Self::Passage(passage) => passage.over || passage.left == Some(0),
            Self::Shaped(shaped) => shaped.is_over(),
            Self::Pieces(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => SizeHint::with_exact(body.as_ref().map_or(0, |b| b.len() as u64)),
            Self::Passage(passage) => passage.left.map_or_else(SizeHint::new, SizeHint::with_exact),
            Self::Shaped(_) | Self::Pieces(_) => SizeHint::new(),
        }
    }
}
