//! Reads the head of a call to the letter: request line, headers, and how long its body is.

use hyper::StatusCode;

use super::{MAX_BODY, MAX_HEAD, Turned, bad, too_large};
use crate::engine::proxy::gate::Refusal;

/// Most headers of a call.
pub const MOST_HEADERS: usize = 100;
/// Longest target.
const MAX_TARGET: usize = 8 * 1024;
/// Longest method.
const MAX_METHOD: usize = 32;
/// Longest header.
const MAX_LINE: usize = 16 * 1024;

/// How long a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// So many bytes.
    Sized(u64),
    /// In chunks.
    Chunked,
}

/// What a piece of a head comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It goes on.
    More,
    /// It is complete and in order.
    Whole { text: Vec<u8>, body: Body },
    /// It is refused.
    Refused(Turned),
}

/// A head as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Head {
    text: Vec<u8>,
    /// Where the line under way begins.
    line: usize,
    lines: usize,
    method: String,
    target: String,
    length: Option<u64>,
    chunked: bool,
}

impl Head {
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Takes bytes up to the head's end; gives how many it took.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> (usize, Step) {
        for (at, byte) in bytes.iter().enumerate() {
            let done = self.byte(*byte);
            let step = match done {
                Ok(false) => continue,
                Ok(true) => self.whole(),
                Err(refusal) => Step::Refused(self.turned(refusal)),
            };
            return (at + 1, step);
        }
        (bytes.len(), Step::More)
    }

    pub(super) fn turned(&self, refusal: Refusal) -> Turned {
        Turned { refusal, method: self.method.clone(), target: self.target.clone() }
    }

    fn whole(&mut self) -> Step {
        let text = std::mem::take(&mut self.text);
        let body = match (self.chunked, self.length) {
            (true, _) => Body::Chunked,
            (false, length) => Body::Sized(length.unwrap_or(0)),
        };
        Step::Whole { text, body }
    }

    /// Whether the head ends with this byte.
    fn byte(&mut self, byte: u8) -> Result<bool, Refusal> {
        let after_return = self.text.last() == Some(&b'\r');
        if byte == b'\n' && !after_return {
            return Err(bad("bare LF: lines end with CR LF"));
        }
        if after_return && byte != b'\n' {
            return Err(bad("bare CR: lines end with CR LF"));
        }
        // A tab may stand within a header's value; bytes above 127 may too, as nobody reads them.
        if (byte < b' ' && !matches!(byte, b'\r' | b'\n' | b'\t')) || byte == 127 {
            return Err(bad("control character in the head"));
        }
        self.text.push(byte);
        if self.text.len() > MAX_HEAD {
            return Err(large("head over 64 KiB"));
        }
        let length = self.text.len() - self.line;
        if self.lines == 0 && length > MAX_TARGET + MAX_METHOD + 16 {
            return Err(Refusal::new(StatusCode::URI_TOO_LONG, "target over 8 KiB"));
        }
        if length > MAX_LINE {
            return Err(large("header over 16 KiB"));
        }
        if byte != b'\n' {
            return Ok(false);
        }
        let line = self.text.get(self.line..self.text.len() - 2).unwrap_or_default().to_vec();
        self.line = self.text.len();
        self.lines += 1;
        if self.lines == 1 {
            return self.request_line(&line).map(|()| false);
        }
        if line.is_empty() {
            return Ok(true);
        }
        self.header(&line).map(|()| false)
    }

    fn request_line(&mut self, line: &[u8]) -> Result<(), Refusal> {
        let text = std::str::from_utf8(line).map_err(|_| bad("target is not ASCII"))?;
        let mut parts = text.split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(bad("request line: a method, a target, a version"));
        };
        if method.is_empty() || method.len() > MAX_METHOD || !method.bytes().all(is_token) {
            return Err(bad("request line: this is no method"));
        }
        method.clone_into(&mut self.method);
        target.clone_into(&mut self.target);
        if target.is_empty() || !target.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(bad("target is not ASCII"));
        }
        if target.len() > MAX_TARGET {
            return Err(Refusal::new(StatusCode::URI_TOO_LONG, "target over 8 KiB"));
        }
        if version != "HTTP/1.1" {
            return Err(Refusal::new(
                StatusCode::HTTP_VERSION_NOT_SUPPORTED,
                "version: only HTTP/1.1 is spoken here",
            ));
        }
        Ok(())
    }

    fn header(&mut self, line: &[u8]) -> Result<(), Refusal> {
        if matches!(line.first(), Some(b' ' | b'\t')) {
            return Err(bad("folded header: one line each"));
        }
        if self.lines > MOST_HEADERS + 1 {
            return Err(large("over 100 headers"));
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = colon
            .and_then(|at| Some((line.get(..at)?, line.get(at + 1..)?)))
            .ok_or_else(|| bad("header without a colon"))?;
        if name.is_empty() || !name.iter().copied().all(is_token) {
            return Err(bad("header with a name that is none"));
        }
        let value = value.trim_ascii();
        if name.eq_ignore_ascii_case(b"content-length") {
            if self.length.is_some() {
                return Err(bad("two lengths: Content-Length comes once"));
            }
            let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
            if !digits {
                return Err(bad("Content-Length is no number"));
            }
            let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            // More digits than a number holds are too many bytes in any case.
            let length: u64 = number.unwrap_or(u64::MAX);
            if length > MAX_BODY {
                return Err(too_large());
            }
            self.length = Some(length);
        }
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.chunked {
                return Err(bad("two codings: Transfer-Encoding comes once"));
            }
            if !value.eq_ignore_ascii_case(b"chunked") {
                return Err(bad("Transfer-Encoding other than chunked"));
            }
            self.chunked = true;
        }
        if self.chunked && self.length.is_some() {
            return Err(bad("two lengths: Content-Length beside Transfer-Encoding"));
        }
        Ok(())
    }
}

const fn large(reason: &'static str) -> Refusal {
    Refusal::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, reason)
}

/// A character of a name, as RFC 9110 (5.6.2) has them.
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}
