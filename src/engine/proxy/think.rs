//! Pure finder of reasoning that a model writes into ordinary text (`<think>` and its kin).
//!
//! Only a tag at the start of a line counts, so that an answer which talks about the tag in the
//! middle of a sentence is no leak. A lone closing tag means that the template opened the
//! reasoning inside the prompt: then all of the block's text before it was reasoning.

const NAMES: [&str; 4] = ["think", "thinking", "thought", "reasoning"];
/// The longest text that can still become a tag: `</reasoning>`.
const LONGEST: usize = 12;

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

/// The state between two pieces of one text block.
#[derive(Debug)]
pub struct ThinkFinder {
    inside: bool,
    line_start: bool,
    seen_tag: bool,
    text_so_far: u64,
    held: String,
}

impl Default for ThinkFinder {
    fn default() -> Self {
        Self::new()
    }
}

enum Tag {
    Open(usize),
    Close(usize),
    Undecided,
    None,
}

/// What `text`, which starts with `<`, begins with.
fn tag(text: &str) -> Tag {
    let head: String = text.chars().take(LONGEST).collect::<String>().to_ascii_lowercase();
    for name in NAMES {
        let open = format!("<{name}>");
        let close = format!("</{name}>");
        if head.starts_with(&open) {
            return Tag::Open(open.len());
        }
        if head.starts_with(&close) {
            return Tag::Close(close.len());
        }
        if open.starts_with(&head) || close.starts_with(&head) {
            return Tag::Undecided;
        }
    }
    Tag::None
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
            held: String::new(),
        }
    }

    /// Takes the next text of the block.
    pub fn feed(&mut self, piece: &str) -> Split {
        let mut split = Split::default();
        if self.held.is_empty() && !piece.contains('<') {
            self.plain(piece, &mut split);
            return split;
        }
        let mut text = std::mem::take(&mut self.held);
        text.push_str(piece);
        let mut rest = text.as_str();
        while let Some((before, from)) = rest.find('<').and_then(|at| rest.split_at_checked(at)) {
            self.plain(before, &mut split);
            // Inside, the end may come anywhere; outside, only the start of a line counts.
            let found = if self.inside || self.line_start { tag(from) } else { Tag::None };
            let length = match found {
                Tag::Undecided => {
                    from.clone_into(&mut self.held);
                    return split;
                }
                Tag::Open(length) => {
                    self.inside = true;
                    self.mark(length, &mut split);
                    length
                }
                Tag::Close(length) => {
                    if !self.inside && !self.seen_tag {
                        split.turned += self.text_so_far;
                        self.text_so_far = 0;
                    }
                    self.inside = false;
                    self.mark(length, &mut split);
                    length
                }
                Tag::None => {
                    self.plain("<", &mut split);
                    1
                }
            };
            rest = from.get(length..).unwrap_or_default();
        }
        self.plain(rest, &mut split);
        split
    }

    /// The block is over: what was held back as the possible start of a tag is none.
    pub fn finish(&mut self) -> Split {
        let mut split = Split::default();
        let held = std::mem::take(&mut self.held);
        self.plain(&held, &mut split);
        *self = Self::new();
        split
    }

    const fn mark(&mut self, length: usize, split: &mut Split) {
        self.seen_tag = true;
        self.line_start = true;
        split.leaked += length as u64;
    }

    fn plain(&mut self, text: &str, split: &mut Split) {
        if self.inside {
            split.leaked += text.len() as u64;
        } else {
            split.text += text.len() as u64;
            self.text_so_far += text.len() as u64;
        }
        for c in text.chars() {
            self.line_start = c == '\n' || (self.line_start && c.is_whitespace());
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
                Just("word "), Just("ä"), Just("<thinking>"), Just(">"), Just("</reasoning>"),
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
