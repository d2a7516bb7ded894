//! Pure finder of reasoning that a model writes into ordinary text (`<think>` and its kin).
//!
//! Only a tag at the start of a line counts, so that an answer which talks about the tag in the
//! middle of a sentence is no leak; a closing tag also counts at a line's end, where models that
//! reason without a last line break put it. A lone closing tag means that the template opened the
//! reasoning inside the prompt: then all of the block's text before it was reasoning.

/// What opens reasoning, in lower case: tags of many templates, and the analysis channel of
/// gpt-oss (harmony).
const OPEN: [&str; 8] = [
    "<think>",
    "<thinking>",
    "<thought>",
    "<reasoning>",
    "<mm:think>",
    "<seed:think>",
    "<|channel|>analysis<|message|>",
    "<|channel>thought",
];

/// What ends it.
const CLOSE: [&str; 8] = [
    "</think>",
    "</thinking>",
    "</thought>",
    "</reasoning>",
    "</mm:think>",
    "</seed:think>",
    "<|channel|>final<|message|>",
    "<channel|>",
];

/// Marks of harmony between two channels, which are neither text nor reasoning.
const BETWEEN: [&str; 2] = ["<|end|>", "<|start|>assistant"];

/// The longest text that can still become a tag.
const LONGEST: usize = 30;
/// Bytes of a block's text that are kept in case a lone closing tag follows.
const MAX_KEPT: usize = 1 << 20;

/// Bytes of one piece of text, by what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Split {
    /// Text for the user.
    pub text: u64,
    /// Reasoning and its tags.
    pub leaked: u64,
    /// Bytes told as text earlier that a lone closing tag now shows to have been reasoning.
    pub turned: u64,
}

/// A stretch of text, by what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stretch<'a> {
    /// For the user.
    Text(&'a str),
    /// Reasoning.
    Thinking(&'a str),
    /// A tag.
    Tag(&'a str),
    /// All that the block told as text before was reasoning: this text, as far as it was kept,
    /// and so many bytes.
    Turned(&'a str, u64),
}

/// The state between two pieces of one text block.
#[derive(Debug)]
pub struct ThinkFinder {
    inside: bool,
    line_start: bool,
    seen_tag: bool,
    text_so_far: u64,
    before: String,
    held: String,
}

impl Default for ThinkFinder {
    fn default() -> Self {
        Self::new()
    }
}

/// What a text that starts with `<` begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// An opening tag of so many bytes.
    Open(usize),
    /// A closing one.
    Close(usize),
    /// A mark between two channels.
    Between(usize),
    /// It may still become a tag.
    Undecided,
    /// None.
    None,
}

/// What `text`, which starts with `<`, begins with.
#[must_use]
pub fn tag(text: &str) -> Tag {
    let head: String = text.chars().take(LONGEST).collect::<String>().to_ascii_lowercase();
    let starts = |names: &[&str]| names.iter().find(|n| head.starts_with(**n)).map(|n| n.len());
    if let Some(length) = starts(&OPEN) {
        return Tag::Open(length);
    }
    if let Some(length) = starts(&CLOSE) {
        return Tag::Close(length);
    }
    if let Some(length) = starts(&BETWEEN) {
        return Tag::Between(length);
    }
    let mut all = OPEN.iter().chain(&CLOSE).chain(&BETWEEN);
    if all.any(|name| name.starts_with(&head)) { Tag::Undecided } else { Tag::None }
}

/// The same in the middle of a line, where only a closing tag counts that ends the line.
fn ends_line(text: &str) -> Tag {
    match tag(text) {
        Tag::Close(length) => match text.get(length..).and_then(|after| after.chars().next()) {
            Some('\n' | '\r') => Tag::Close(length),
            Some(_) => Tag::None,
            None => Tag::Undecided,
        },
        Tag::Undecided => Tag::Undecided,
        Tag::Open(_) | Tag::Between(_) | Tag::None => Tag::None,
    }
}

impl ThinkFinder {
    /// A finder at the start of a text block.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            inside: false,
            line_start: true,
            seen_tag: false,
            text_so_far: 0,
            before: String::new(),
            held: String::new(),
        }
    }

    /// Takes the next text of the block.
    pub fn feed(&mut self, piece: &str) -> Split {
        let mut split = Split::default();
        self.feed_into(piece, |stretch| split.add(stretch));
        split
    }

    /// Takes the next text of the block and hands out what it is made of.
    pub fn feed_into(&mut self, piece: &str, mut out: impl FnMut(Stretch<'_>)) {
        if self.held.is_empty() && !piece.contains('<') {
            self.plain(piece, &mut out);
            return;
        }
        let mut text = std::mem::take(&mut self.held);
        text.push_str(piece);
        let mut rest = text.as_str();
        while let Some((before, from)) = rest.find('<').and_then(|at| rest.split_at_checked(at)) {
            self.plain(before, &mut out);
            // Inside, the end may come anywhere; outside, only the start of a line counts.
            let found = if self.inside || self.line_start {
                tag(from)
            } else if self.seen_tag {
                Tag::None
            } else {
                ends_line(from)
            };
            let length = match found {
                Tag::Undecided => {
                    from.clone_into(&mut self.held);
                    return;
                }
                Tag::Open(length) | Tag::Close(length) | Tag::Between(length) => length,
                Tag::None => 1,
            };
            let (mark, after) = from.split_at_checked(length).unwrap_or((from, ""));
            match found {
                Tag::Open(_) => {
                    self.inside = true;
                    self.mark(mark, &mut out);
                }
                Tag::Close(_) => {
                    if !self.inside && !self.seen_tag && self.text_so_far > 0 {
                        out(Stretch::Turned(&self.before, self.text_so_far));
                        self.text_so_far = 0;
                    }
                    self.inside = false;
                    self.mark(mark, &mut out);
                }
                Tag::Between(_) => {
                    self.inside = false;
                    self.mark(mark, &mut out);
                }
                Tag::Undecided | Tag::None => self.plain(mark, &mut out),
            }
            rest = after;
        }
        self.plain(rest, &mut out);
    }

    /// The block is over: what was held back as the possible start of a tag is none.
    pub fn finish(&mut self) -> Split {
        let mut split = Split::default();
        self.finish_into(|stretch| split.add(stretch));
        split
    }

    /// The same, handing out what was held back.
    pub fn finish_into(&mut self, mut out: impl FnMut(Stretch<'_>)) {
        let held = std::mem::take(&mut self.held);
        self.plain(&held, &mut out);
        *self = Self::new();
    }

    fn mark(&mut self, tag: &str, out: &mut impl FnMut(Stretch<'_>)) {
        self.seen_tag = true;
        self.line_start = true;
        self.before = String::new();
        out(Stretch::Tag(tag));
    }

    fn plain(&mut self, text: &str, out: &mut impl FnMut(Stretch<'_>)) {
        if text.is_empty() {
            return;
        }
        if self.inside {
            out(Stretch::Thinking(text));
        } else {
            if !self.seen_tag {
                self.text_so_far += text.len() as u64;
                if self.before.len() < MAX_KEPT {
                    self.before.push_str(text);
                }
            }
            out(Stretch::Text(text));
        }
        for c in text.chars() {
            self.line_start = c == '\n' || (self.line_start && c.is_whitespace());
        }
    }
}

impl Split {
    /// Counts a stretch.
    pub const fn add(&mut self, stretch: Stretch<'_>) {
        match stretch {
            Stretch::Text(text) => self.text += text.len() as u64,
            Stretch::Thinking(text) | Stretch::Tag(text) => self.leaked += text.len() as u64,
            Stretch::Turned(_, bytes) => self.turned += bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(pieces: &[&str]) -> (u64, u64) {
        let mut finder = ThinkFinder::new();
        let mut sum = Split::default();
        let mut add = |s: Split| {
            sum.text += s.text;
            sum.leaked += s.leaked;
            sum.turned += s.turned;
        };
        for piece in pieces {
            add(finder.feed(piece));
        }
        add(finder.finish());
        (sum.text - sum.turned, sum.leaked + sum.turned)
    }

    #[test]
    fn tags_are_found_where_models_write_them() {
        let table: &[(&str, u64, u64)] = &[
            ("plain", 5, 0),
            ("<think>abc</think>de", 2, 18),
            ("\n <THINK>abc</Think>\nde", 5, 18),
            ("<thinking>a</thinking>", 0, 22),
            ("hm, so\n</think>\nYes.", 5, 15),
            ("the tag <think> is known", 24, 0),
            ("a < b\n<b>bold</b>", 17, 0),
            ("<think>never closed", 0, 19),
            ("<thin", 5, 0),
            ("<think>a</think>b\n</think>c", 3, 24),
            ("so, hm.</think>\n\nYes.", 6, 15),
            ("the end tag is </think>, so", 27, 0),
            ("the end tag is </think>", 23, 0),
            ("<mm:think>abc</mm:think>de", 2, 24),
            ("so, hm\n</mm:think>\nYes.", 5, 18),
            (
                "<|channel|>analysis<|message|>abc<|end|><|start|>assistant<|channel|>final<|message|>de",
                2,
                85,
            ),
        ];
        for (text, plain, leaked) in table {
            assert_eq!(whole(&[text]), (*plain, *leaked), "{text:?}");
        }
    }

    #[test]
    fn a_tag_over_three_pieces() {
        assert_eq!(whole(&["<th", "in", "k>abc</thi", "nk>de"]), (2, 18));
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_and_no_byte_is_lost(
            parts in proptest::collection::vec(prop_oneof![
                Just("<think>"), Just("</think>"), Just("<"), Just("</"), Just("th"), Just("\n"),
                Just("word "), Just("ä"), Just("<thinking>"), Just(">"), Just("</reasoning>"), Just("</mm:think>"),
                Just("<|channel|>analysis<|message|>"), Just("<|end|>"), Just("<|"),
            ], 0..20),
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..8),
        ) {
            let text = parts.concat();
            let mut at: Vec<usize> = cuts.iter().map(|i| i.index(text.len() + 1))
                .filter(|i| text.is_char_boundary(*i)).collect();
            at.sort_unstable();
            at.push(text.len());
            let mut pieces = Vec::new();
            let mut from = 0;
            for to in at {
                pieces.push(text.get(from..to).unwrap());
                from = to;
            }
            let (plain, leaked) = whole(&[&text]);
            prop_assert_eq!(whole(&pieces), (plain, leaked));
            prop_assert_eq!(plain + leaked, text.len() as u64);
        }
    }
}
