//! A tokenizer without a vocabulary: text is cut by rules that look at one character at a time.
//!
//! A token is at most one leading blank and a short run of letters, of digits, of marks or of
//! white space. Whether a character joins the open token depends on that token and on the
//! character alone, so text that is appended can make the last token grow and changes nothing
//! before it: the tokens of a prefix, all but the last, are a prefix of the tokens. The prompt
//! renderer puts a [`Mark`](super::render::Mark) at the end of every part, which closes the last
//! token; so whole parts compare token by token.
//!
//! The runs are chosen so that English, code and JSON come to between 3.5 and 4 bytes a token.

/// A token's number. Numbers below [`FIRST_TEXT`] are marks of the renderer.
pub type Token = u32;

/// The smallest number of a token made of text.
pub const FIRST_TEXT: Token = 256;

/// The kinds of run a token can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    Letters,
    Digits,
    Blanks,
    Marks,
}

impl Run {
    fn of(c: char) -> Self {
        if c.is_alphabetic() {
            Self::Letters
        } else if c.is_numeric() {
            Self::Digits
        } else if c.is_whitespace() {
            Self::Blanks
        } else {
            Self::Marks
        }
    }

    /// Most bytes of one token that are of this kind. A character longer than that stands alone.
    const fn most(self) -> usize {
        match self {
            Self::Letters => 6,
            Self::Blanks => 8,
            Self::Digits | Self::Marks => 3,
        }
    }
}

/// The token that is being cut.
struct Open {
    run: Run,
    bytes: usize,
    is_one_blank: bool,
}

impl Open {
    fn new(c: char) -> Self {
        Self { run: Run::of(c), bytes: c.len_utf8(), is_one_blank: c == ' ' }
    }

    /// Whether `c` joins; the only decision of the tokenizer.
    fn takes(&mut self, c: char) -> bool {
        let run = Run::of(c);
        if self.is_one_blank && run != Run::Blanks {
            self.run = run;
            self.is_one_blank = false;
            self.bytes = c.len_utf8();
            return true;
        }
        let joins = run == self.run && self.bytes + c.len_utf8() <= run.most();
        if joins {
            self.bytes += c.len_utf8();
            self.is_one_blank = false;
        }
        joins
    }
}

/// Cuts `text` into the texts of its tokens. Their concatenation is `text`; none is empty.
#[must_use]
pub fn pieces(text: &str) -> Vec<&str> {
    let mut out = Vec::with_capacity(text.len() / 3);
    let mut chars = text.char_indices();
    let Some((_, first)) = chars.next() else { return out };
    let mut open = Open::new(first);
    let mut rest = text;
    let mut start = 0;
    for (at, c) in chars {
        if !open.takes(c) {
            let (piece, tail) = rest.split_at(at - start);
            out.push(piece);
            rest = tail;
            start = at;
            open = Open::new(c);
        }
    }
    out.push(rest);
    out
}

/// The number of a token's text: FNV-1a of its bytes, folded into `FIRST_TEXT ..= i32::MAX`.
#[must_use]
pub fn number(piece: &str) -> Token {
    let hash = piece
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    FIRST_TEXT + hash % (i32::MAX.unsigned_abs() - FIRST_TEXT)
}

/// The tokens of `text`.
#[must_use]
pub fn tokens(text: &str) -> Vec<Token> {
    pieces(text).into_iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cuts_as_the_rules_say() {
        for (text, expected) in [
            ("", vec![]),
            ("hello world", vec!["hello", " world"]),
            ("  x", vec!["  ", "x"]),
            ("tokenizer 12345", vec!["tokeni", "zer", " 123", "45"]),
            ("{\"a\":1}", vec!["{\"", "a", "\":", "1", "}"]),
            ("a\n\tb", vec!["a", "\n\t", "b"]),
            ("é漢字", vec!["é漢", "字"]),
            ("🦀🦀", vec!["🦀", "🦀"]),
        ] {
            assert_eq!(pieces(text), expected, "{text:?}");
        }
    }

    #[test]
    fn prose_code_and_json_weigh_three_to_five_bytes_a_token() {
        let prose = "Read the file before you overwrite it; the edit fails otherwise. \
                     Use absolute paths, and quote those that contain spaces.";
        let json = r#"{"type":"object","properties":{"file_path":{"type":"string","description":"The absolute path to the file to read"}},"required":["file_path"]}"#;
        for text in [prose, json, include_str!("tokenize.rs")] {
            let mean = text.len() as f64 / pieces(text).len() as f64;
            assert!((3.0..5.0).contains(&mean), "{mean}");
        }
    }

    proptest! {
        #[test]
        fn pieces_are_the_text(text in "\\PC{0,200}|[ a-z0-9{}\"\\n]{0,200}") {
            let cut = pieces(&text);
            prop_assert_eq!(&cut.concat(), &text);
            prop_assert!(cut.iter().all(|piece| !piece.is_empty()));
        }

        #[test]
        fn appended_text_changes_at_most_the_last_token(
            text in "[ a-zA-Z0-9é漢{}\":,\\n]{0,120}", more in "[ a-z0-9漢{}\"\\n]{0,60}",
        ) {
            let short = tokens(&text);
            let long = tokens(&(text + &more));
            let stable = short.len().saturating_sub(1);
            prop_assert_eq!(&long[..stable], &short[..stable]);
        }

        #[test]
        fn numbers_never_meet_the_marks(piece in "\\PC{1,8}") {
            prop_assert!((FIRST_TEXT..=i32::MAX.unsigned_abs()).contains(&number(&piece)));
        }
    }
}
