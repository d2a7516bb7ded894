//! Follows a body in chunks to the letter: sizes without extensions, nothing after the last one.

use super::{MAX_BODY, bad, too_large};
use crate::engine::proxy::gate::Refusal;

/// What a piece of a body comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It goes on.
    More,
    /// It is complete.
    Whole,
    /// It is refused.
    Refused(Refusal),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In the digits of a size; how many there were.
    Size(u8),
    /// Before the `\n` of a size's line.
    SizeEnd,
    /// Within a chunk.
    Data(u64),
    /// Before the `\r` after a chunk.
    DataReturn,
    /// Before the `\n` after a chunk.
    DataEnd,
    /// Before the `\r` after the last size.
    LastReturn,
    /// Before the `\n` after the last size.
    LastEnd,
}

/// A body as far as it has come.
#[derive(Debug)]
pub(super) struct Chunks {
    state: State,
    size: u64,
    total: u64,
}

impl Default for Chunks {
    fn default() -> Self {
        Self { state: State::Size(0), size: 0, total: 0 }
    }
}

impl Chunks {
    /// Takes bytes up to the body's end; gives how many it took.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> (usize, Step) {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            if let State::Data(left) = self.state {
                let here = (bytes.len() - at) as u64;
                let taken = here.min(left);
                at += usize::try_from(taken).unwrap_or(usize::MAX);
                self.state =
                    if taken == left { State::DataReturn } else { State::Data(left - taken) };
                continue;
            }
            at += 1;
            match self.byte(*byte) {
                Ok(false) => {}
                Ok(true) => return (at, Step::Whole),
                Err(refusal) => return (at, Step::Refused(refusal)),
            }
        }
        (at, Step::More)
    }

    /// Whether the body ends with this byte, which is none of a chunk's own.
    fn byte(&mut self, byte: u8) -> Result<bool, Refusal> {
        self.state = match (self.state, byte) {
            (State::Size(digits), _) if byte.is_ascii_hexdigit() && digits < 8 => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                self.size = self.size * 16 + u64::from(digit);
                State::Size(digits + 1)
            }
            (State::Size(1..), b'\r') => State::SizeEnd,
            (State::SizeEnd, b'\n') if self.size == 0 => State::LastReturn,
            (State::SizeEnd, b'\n') => {
                self.total += self.size;
                if self.total > MAX_BODY {
                    return Err(too_large());
                }
                State::Data(std::mem::take(&mut self.size))
            }
            (State::DataReturn, b'\r') => State::DataEnd,
            (State::DataEnd, b'\n') => State::Size(0),
            (State::LastReturn, b'\r') => State::LastEnd,
            (State::LastEnd, b'\n') => return Ok(true),
            (
                State::Size(_)
                | State::SizeEnd
                | State::Data(_)
                | State::DataReturn
                | State::DataEnd
                | State::LastReturn
                | State::LastEnd,
                _,
            ) => return Err(bad("bad chunking: sizes in hex, CR LF, no extensions, no trailers")),
        };
        Ok(false)
    }
}
