//! Server-sent events of an OpenAI-speaking server, cut anywhere, as whole lines' worth of meaning.

/// Bytes of one line or event that are held at most; no honest chunk comes near.
const LONGEST: usize = 32 * 1024 * 1024;

/// What a server sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// An event's `data`.
    Data(String),
    /// An `error:` line, as old llama.cpp servers send it in place of a chunk.
    Error(String),
    /// A comment, without its colon.
    Comment(String),
    /// More than [`LONGEST`] bytes without an end; the rest is not read.
    TooLong,
}

/// Puts bytes together to events.
#[derive(Debug, Default)]
pub(super) struct Lines {
    line: Vec<u8>,
    data: Option<String>,
    after_cr: bool,
    full: bool,
}

impl Lines {
    /// Takes bytes as they came and gives what they complete.
    pub(super) fn feed(&mut self, bytes: &[u8], mut out: impl FnMut(Item)) {
        for &byte in bytes {
            if self.full {
                return;
            }
            match byte {
                // The second half of CR LF.
                b'\n' if std::mem::take(&mut self.after_cr) => {}
                b'\n' | b'\r' => {
                    self.after_cr = byte == b'\r';
                    self.end_line(&mut out);
                }
                _ => {
                    self.after_cr = false;
                    self.line.push(byte);
                }
            }
            if self.line.len() + self.data.as_ref().map_or(0, String::len) > LONGEST {
                self.full = true;
                out(Item::TooLong);
            }
        }
    }

    /// The stream is over: gives what its last line held, even without a blank line after it.
    pub(super) fn end(&mut self, mut out: impl FnMut(Item)) {
        if self.full {
            return;
        }
        if !self.line.is_empty() {
            self.end_line(&mut out);
        }
        if let Some(data) = self.data.take() {
            out(Item::Data(data));
        }
    }

    fn end_line(&mut self, out: &mut impl FnMut(Item)) {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        if line.is_empty() {
            if let Some(data) = self.data.take() {
                out(Item::Data(data));
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" => out(Item::Comment(value.to_owned())),
            "error" => out(Item::Error(value.to_owned())),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<Item> {
        let mut lines = Lines::default();
        let mut out = Vec::new();
        for piece in pieces {
            lines.feed(piece, |item| out.push(item));
        }
        lines.end(|item| out.push(item));
        out
    }

    #[test]
    fn fields_comments_and_ends_of_lines() {
        let data = |text: &str| Item::Data(text.to_owned());
        let comment = |text: &str| Item::Comment(text.to_owned());
        for (text, items) in [
            ("data: a\n\ndata:b\r\n\r\n", vec![data("a"), data("b")]),
            (": keepalive 1/2\n\n:\n\n", vec![comment("keepalive 1/2"), comment("")]),
            ("data: a\ndata: b\n\n", vec![data("a\nb")]),
            ("event: x\nid: 1\ndata: a\r\r", vec![data("a")]),
            ("error: {}\n\n", vec![Item::Error("{}".to_owned())]),
            ("data: no end", vec![data("no end")]),
            ("\n\n", vec![]),
        ] {
            assert_eq!(read(&[text.as_bytes()]), items, "{text:?}");
        }
    }

    #[test]
    fn a_line_without_end_is_given_up_once() {
        let mut lines = Lines::default();
        let mut out = Vec::new();
        let piece = vec![b'x'; 1024 * 1024];
        for _ in 0..40 {
            lines.feed(&piece, |item| out.push(item));
        }
        lines.end(|item| out.push(item));
        assert_eq!(out, vec![Item::TooLong]);
        assert!(lines.line.len() <= LONGEST + 1);
    }

    proptest! {
        #[test]
        fn any_cut_of_the_bytes_reads_the_same(
            text in "(data: ?[aé:]{0,5}|: k|error: x|\r|\n|\r\n){0,20}",
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let bytes = text.as_bytes();
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            at.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for to in at {
                pieces.push(&bytes[from..to]);
                from = to;
            }
            pieces.push(&bytes[from..]);
            prop_assert_eq!(read(&pieces), read(&[bytes]));
        }
    }
}
