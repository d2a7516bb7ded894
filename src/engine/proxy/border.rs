//! Pure: the proxy's border, byte by byte. What is not HTTP/1.1 to the letter does not get in.
//!
//! The library behind it is generous: it takes a line that ends without `\r`, two lengths that
//! agree, a length beside chunks. Where two readers of one text can differ, one call can be
//! smuggled within another; here every such text is refused, with the rule's name.

mod chunks;
mod head;

use hyper::StatusCode;

pub use head::MOST_HEADERS;

use self::{chunks::Chunks, head::Head};
use super::gate::Refusal;

/// Most bytes of a request's head.
pub const MAX_HEAD: usize = 64 * 1024;
/// Most bytes of a request's body.
pub const MAX_BODY: u64 = 64 << 20;
/// What the library reads in the place of a head that was refused; its call is answered with the
/// refusal.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nhost: lcc\r\nconnection: close\r\n\r\n";

/// A head that was turned away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turned {
    /// Why.
    pub refusal: Refusal,
    /// Its method, as far as it was read.
    pub method: String,
    /// Its target, as far as it was read.
    pub target: String,
}

/// What came through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Through {
    /// Bytes for the library.
    pub bytes: Vec<u8>,
    /// One entry for each head among them: `None` if it is in order.
    pub heads: Vec<Option<Turned>>,
    /// The body cannot go on; why.
    pub broken: Option<Refusal>,
}

#[derive(Debug)]
enum State {
    /// Before a head, or within one.
    Head(Head),
    /// Within a body of so many more bytes.
    Sized(u64),
    /// Within a body in chunks.
    Chunked(Chunks),
    /// Something was refused: nothing comes through any more.
    Shut,
}

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Before the first byte of a head.
    Between,
    /// Within a head.
    Head,
    /// Within a body.
    Body,
    /// Refused.
    Shut,
}

/// The border of one connection.
#[derive(Debug)]
pub struct Border {
    state: State,
}

impl Default for Border {
    fn default() -> Self {
        Self { state: State::Head(Head::default()) }
    }
}

impl Border {
    /// Where the connection stands.
    #[must_use]
    pub fn place(&self) -> Place {
        match &self.state {
            State::Head(head) if head.is_empty() => Place::Between,
            State::Head(_) => Place::Head,
            State::Sized(_) | State::Chunked(_) => Place::Body,
            State::Shut => Place::Shut,
        }
    }

    /// Bytes that may pass without being looked at: the rest of a body whose length is known.
    #[must_use]
    pub fn unseen(&self) -> u64 {
        match &self.state {
            State::Sized(left) => *left,
            State::Head(_) | State::Chunked(_) | State::Shut => 0,
        }
    }

    /// So many of them have passed.
    pub fn passed(&mut self, bytes: u64) {
        if let State::Sized(left) = &mut self.state {
            *left = left.saturating_sub(bytes);
            if *left == 0 {
                self.state = State::Head(Head::default());
            }
        }
    }

    /// The head under way is given up.
    pub fn give_up(&mut self, refusal: Refusal) -> Through {
        let turned = match std::mem::replace(&mut self.state, State::Shut) {
            State::Head(head) => head.turned(refusal),
            State::Sized(_) | State::Chunked(_) | State::Shut => Head::default().turned(refusal),
        };
        Through { bytes: STAND_IN.to_vec(), heads: vec![Some(turned)], broken: None }
    }

    /// Looks at the next bytes of the connection.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Through {
        let mut through = Through::default();
        while !bytes.is_empty() {
            match &mut self.state {
                State::Head(head) => {
                    let (taken, step) = head.feed(bytes);
                    bytes = bytes.get(taken..).unwrap_or_default();
                    match step {
                        head::Step::More => {}
                        head::Step::Whole { text, body } => {
                            through.bytes.extend_from_slice(&text);
                            through.heads.push(None);
                            self.state = match body {
                                head::Body::Sized(0) => State::Head(Head::default()),
                                head::Body::Sized(length) => State::Sized(length),
                                head::Body::Chunked => State::Chunked(Chunks::default()),
                            };
                        }
                        head::Step::Refused(turned) => {
                            through.bytes.extend_from_slice(STAND_IN);
                            through.heads.push(Some(turned));
                            self.state = State::Shut;
                        }
                    }
                }
                State::Sized(left) => {
                    let taken = usize::try_from(*left).map_or(bytes.len(), |n| n.min(bytes.len()));
                    let (now, later) = bytes.split_at(taken);
                    through.bytes.extend_from_slice(now);
                    bytes = later;
                    self.passed(taken as u64);
                }
                State::Chunked(chunks) => {
                    let (taken, step) = chunks.feed(bytes);
                    match step {
                        chunks::Step::More | chunks::Step::Whole => {
                            let (now, later) = bytes.split_at(taken.min(bytes.len()));
                            through.bytes.extend_from_slice(now);
                            bytes = later;
                            if step == chunks::Step::Whole {
                                self.state = State::Head(Head::default());
                            }
                        }
                        chunks::Step::Refused(refusal) => {
                            through.broken = Some(refusal);
                            self.state = State::Shut;
                        }
                    }
                }
                State::Shut => break,
            }
        }
        through
    }
}

/// A refusal of a text that is no HTTP/1.1.
const fn bad(reason: &'static str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, reason)
}

/// The refusal of a body that is too large.
#[must_use]
pub const fn too_large() -> Refusal {
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body over 64 MiB")
}

#[cfg(test)]
mod tests;
