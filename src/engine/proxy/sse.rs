//! Pure parser of server-sent events: any split of the bytes gives the same events.
//!
//! Follows the event stream grammar of the HTML standard: LF, CR and CRLF end a line, a blank
//! line ends an event, a colon at the start of a line is a comment, an event that the stream
//! ends in the middle of is dropped. Memory is bounded by [`MAX_EVENT`].

/// Most bytes of one event's data that are kept; the rest of a longer one is skipped.
pub const MAX_EVENT: usize = 1 << 20;

/// One event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SseEvent {
    /// The `event` field; empty when the stream gave none.
    pub name: String,
    /// The `data` lines joined by newlines; broken UTF-8 is replaced.
    pub data: String,
    /// Whether the event was longer than [`MAX_EVENT`] and its data is incomplete.
    pub truncated: bool,
}

/// The state between two pieces of a stream.
#[derive(Debug, Default)]
pub struct SseParser {
    line: Vec<u8>,
    line_cut: bool,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    truncated: bool,
    after_cr: bool,
    started: bool,
}

impl SseParser {
    /// A parser at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes and hands every event they complete to `each`.
    pub fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(SseEvent)) {
        let mut rest = bytes;
        if self.after_cr && !rest.is_empty() {
            self.after_cr = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(end) = rest.iter().position(|b| matches!(b, b'\n' | b'\r')) {
            let (piece, tail) = rest.split_at(end);
            self.push(piece);
            self.end_line(&mut each);
            rest = match tail {
                [b'\r'] => {
                    self.after_cr = true;
                    &[]
                }
                [b'\r', b'\n', after @ ..] | [_, after @ ..] => after,
                [] => &[],
            };
        }
        self.push(rest);
    }

    fn push(&mut self, piece: &[u8]) {
        // A little more than the data itself, for the field's name.
        let room = (MAX_EVENT + 16).saturating_sub(self.line.len());
        if piece.len() > room {
            self.line_cut = true;
        }
        self.line.extend_from_slice(piece.get(..room).unwrap_or(piece));
    }

    fn end_line(&mut self, each: &mut impl FnMut(SseEvent)) {
        let mut line = std::mem::take(&mut self.line);
        let cut = std::mem::take(&mut self.line_cut);
        if !self.started {
            self.started = true;
            if line.starts_with(b"\xEF\xBB\xBF") {
                line.drain(..3);
            }
        }
        if line.is_empty() {
            self.end_event(each);
        } else {
            self.field(&line, cut);
        }
        line.clear();
        // Keeps the buffer for the next line, unless one long line made it large.
        if line.capacity() <= 64 * 1024 {
            self.line = line;
        }
    }

    fn field(&mut self, line: &[u8], cut: bool) {
        let colon = line.iter().position(|b| *b == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                let room = MAX_EVENT.saturating_sub(self.data.len());
                self.truncated |= cut || value.len() > room;
                self.data.extend_from_slice(value.get(..room).unwrap_or(value));
            }
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value.get(..256).unwrap_or(value));
            }
            // A comment (empty name), `id`, `retry` and fields nobody knows say nothing to us.
            _ => {}
        }
    }

    fn end_event(&mut self, each: &mut impl FnMut(SseEvent)) {
        if self.has_data {
            each(SseEvent {
                name: String::from_utf8_lossy(&self.name).into_owned(),
                data: String::from_utf8_lossy(&self.data).into_owned(),
                truncated: self.truncated,
            });
        }
        self.name.clear();
        self.data.clear();
        if self.data.capacity() > 64 * 1024 {
            self.data = Vec::new();
        }
        self.has_data = false;
        self.truncated = false;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(pieces: &[&[u8]]) -> Vec<SseEvent> {
        let mut parser = SseParser::new();
        let mut events = Vec::new();
        for piece in pieces {
            parser.feed(piece, |e| events.push(e));
        }
        events
    }

    #[test]
    fn the_grammar() {
        let table: &[(&str, &[(&str, &str)])] = &[
            ("event: a\ndata: 1\n\n", &[("a", "1")]),
            ("event:a\r\ndata:1\r\n\r\n", &[("a", "1")]),
            ("data: 1\r\rdata: 2\r\r", &[("", "1"), ("", "2")]),
            ("\u{feff}data: x\n\n", &[("", "x")]),
            (": ping\n\n:\n\ndata: 1\ndata: 2\n\n", &[("", "1\n2")]),
            ("event: lonely\n\ndata: 1\n\n", &[("", "1")]),
            ("data\n\ndata: 1", &[("", "")]),
            ("data:  two blanks\nid: 4\nretry: 1\nnonsense\n\n", &[("", " two blanks")]),
            ("<html>\n<p>garbage: x</p>\n\n", &[]),
        ];
        for (text, expected) in table {
            let got = parse(&[text.as_bytes()]);
            let got: Vec<_> = got.iter().map(|e| (e.name.as_str(), e.data.as_str())).collect();
            assert_eq!(&got, expected, "{text:?}");
        }
    }

    #[test]
    fn half_a_character_is_put_together() {
        let text = "data: größe\n\n".as_bytes();
        let (a, b) = text.split_at(9);
        assert_eq!(parse(&[a, b])[0].data, "größe");
    }

    #[test]
    fn a_long_event_is_cut_and_the_next_one_is_whole() {
        let long = vec![b'x'; MAX_EVENT * 3];
        let mut parser = SseParser::new();
        let mut events = Vec::new();
        for piece in [&b"data: "[..], &long, b"\n\n", b"data: ok\n\n"] {
            parser.feed(piece, |e| events.push(e));
            assert!(parser.line.capacity() + parser.data.capacity() < MAX_EVENT * 5);
        }
        assert_eq!(events.len(), 2);
        assert!(events[0].truncated && events[0].data.len() <= MAX_EVENT);
        assert_eq!((events[1].data.as_str(), events[1].truncated), ("ok", false));
    }

    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let token = prop_oneof![
            Just(b"data: ".to_vec()),
            Just(b"event: ".to_vec()),
            Just(b"\n".to_vec()),
            Just(b"\r".to_vec()),
            Just(b"\r\n".to_vec()),
            Just(b":".to_vec()),
            Just("ä€😀".as_bytes().to_vec()),
            Just(b"\xEF\xBB\xBF".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..6),
        ];
        proptest::collection::vec(token, 0..40).prop_map(|t| t.concat())
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_events(
            bytes in stream(),
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
        ) {
            let mut at: Vec<usize> = cuts.iter().map(|i| i.index(bytes.len() + 1)).collect();
            at.sort_unstable();
            at.push(bytes.len());
            let mut pieces = Vec::new();
            let mut from = 0;
            for to in at {
                pieces.push(&bytes[from..to]);
                from = to;
            }
            prop_assert_eq!(parse(&pieces), parse(&[&bytes]));
        }
    }
}
