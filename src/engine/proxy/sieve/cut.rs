//! Whole events out of a stream that is cut anywhere, each as the very bytes it had.

use bytes::{Buf as _, Bytes, BytesMut};

use crate::engine::proxy::sse::SseParser;

/// Bytes of one event that are held at most; what is longer passes unread.
const LONGEST: usize = 8 << 20;

/// Bytes that are no whole event yet.
#[derive(Debug, Default)]
pub(super) struct Cutter {
    held: BytesMut,
    /// Up to here it has been searched.
    searched: usize,
    /// Where the line under way began.
    line: usize,
}

impl Cutter {
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    pub(super) fn feed(&mut self, bytes: &Bytes) {
        self.held.extend_from_slice(bytes);
    }

    /// Everything that is no whole event.
    pub(super) fn take(&mut self) -> Bytes {
        (self.searched, self.line) = (0, 0);
        self.held.split().freeze()
    }

    /// The next event with the blank line that ends it.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        while let Some(byte) = self.held.get(self.searched) {
            let end = match byte {
                b'\n' => self.searched + 1,
                b'\r' => match self.held.get(self.searched + 1) {
                    Some(b'\n') => self.searched + 2,
                    Some(_) => self.searched + 1,
                    // It may be the first half of CR LF.
                    None => break,
                },
                _ => {
                    self.searched += 1;
                    continue;
                }
            };
            let blank = self.searched == self.line;
            (self.searched, self.line) = (end, end);
            if blank {
                (self.searched, self.line) = (0, 0);
                return Some(self.held.split_to(end).freeze());
            }
        }
        if self.held.remaining() > LONGEST {
            return Some(self.take());
        }
        None
    }
}

/// The data of an event; `None` when it has none (a comment).
pub(super) fn data(raw: &[u8]) -> Option<String> {
    parse(raw).map(|(_, data)| data)
}

/// The name of an event.
pub(super) fn name(raw: &[u8]) -> Option<String> {
    parse(raw).map(|(name, _)| name)
}

fn parse(raw: &[u8]) -> Option<(String, String)> {
    let mut found = None;
    SseParser::new().feed(raw, |event| found = Some((event.name, event.data)));
    found
}

/// An event with the name of `raw` and other data.
pub(super) fn frame(raw: &[u8], data: &str) -> String {
    let name = name(raw).filter(|name| !name.is_empty());
    let name = name.map(|name| format!("event: {name}\n")).unwrap_or_default();
    format!("{name}data: {data}\n\n")
}
