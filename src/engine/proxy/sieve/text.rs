//! A text block of which it is not clear yet whether it begins with reasoning.

use bytes::BytesMut;
use serde_json::json;

use super::{cut, renumbered};
use crate::engine::proxy::think::{Stretch, Tag, ThinkFinder, tag};

/// What a delta made of the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    /// Held back; so many bytes of it were reasoning.
    Held(u64),
    /// Text after reasoning has passed; so many bytes were reasoning.
    Passing(u64),
    /// It is ordinary text: everything has passed and nothing need be looked at any more.
    Plain,
}

/// The block from its start.
#[derive(Debug)]
pub(super) struct TextBlock {
    index: u64,
    /// Events held back, from `content_block_start` on.
    held: Vec<Vec<u8>>,
    /// The text so far, while undecided.
    text: String,
    /// Set when the block began with an opening tag.
    finder: Option<ThinkFinder>,
    /// Text after the reasoning has passed.
    passed: bool,
}

impl TextBlock {
    pub(super) fn new(start: &[u8], index: u64) -> Self {
        Self { index, held: vec![start.to_vec()], text: String::new(), finder: None, passed: false }
    }

    pub(super) fn delta(
        &mut self,
        raw: &[u8],
        text: &str,
        dropped: u64,
        out: &mut BytesMut,
    ) -> Opening {
        if self.finder.is_some() {
            return self.sift(text, dropped, out);
        }
        self.text.push_str(text);
        self.held.push(raw.to_vec());
        let begun = self.text.trim_start();
        let undecided =
            begun.is_empty() || (begun.starts_with('<') && tag(begun) == Tag::Undecided);
        if undecided {
            return Opening::Held(0);
        }
        if begun.starts_with('<') && matches!(tag(begun), Tag::Open(_)) {
            self.held.truncate(1);
            self.finder = Some(ThinkFinder::new());
            let text = std::mem::take(&mut self.text);
            return self.sift(&text, dropped, out);
        }
        self.pass_held(dropped, out);
        Opening::Plain
    }

    /// Whether nothing of the block is for the user.
    pub(super) const fn holds_only_thinking(&self) -> bool {
        self.finder.is_some() && !self.passed
    }

    /// The block is over: passes what was held back and is text.
    pub(super) fn release(mut self, out: &mut BytesMut, dropped: u64) {
        if self.finder.is_none() {
            self.pass_held(dropped, out);
        } else if let Some(mut finder) = self.finder.take() {
            let mut rest = String::new();
            finder.finish_into(|stretch| {
                if let Stretch::Text(text) = stretch {
                    rest.push_str(text);
                }
            });
            if self.passed && !rest.is_empty() {
                self.pass_text(&rest, dropped, out);
            }
        }
    }

    fn sift(&mut self, text: &str, dropped: u64, out: &mut BytesMut) -> Opening {
        let (mut visible, mut thought) = (String::new(), 0);
        if let Some(finder) = &mut self.finder {
            finder.feed_into(text, |stretch| match stretch {
                Stretch::Text(text) => visible.push_str(text),
                Stretch::Thinking(text) => thought += text.len() as u64,
                Stretch::Tag(_) | Stretch::Turned(..) => {}
            });
        }
        // The blank lines between reasoning and answer belong to neither.
        let visible = if self.passed { &visible } else { visible.trim_start() };
        if visible.is_empty() {
            return if self.passed { Opening::Passing(thought) } else { Opening::Held(thought) };
        }
        if !std::mem::replace(&mut self.passed, true) {
            self.pass_held(dropped, out);
        }
        self.pass_text(visible, dropped, out);
        Opening::Passing(thought)
    }

    fn pass_held(&mut self, dropped: u64, out: &mut BytesMut) {
        for raw in self.held.drain(..) {
            let data = cut::data(&raw).unwrap_or_default();
            out.extend_from_slice(&renumbered(&raw, &data, Some(self.index), dropped));
        }
    }

    fn pass_text(&self, text: &str, dropped: u64, out: &mut BytesMut) {
        let index = self.index.saturating_sub(dropped);
        let delta = json!({"type": "text_delta", "text": text});
        let data = json!({"type": "content_block_delta", "index": index, "delta": delta});
        let frame = format!("event: content_block_delta\ndata: {data}\n\n");
        out.extend_from_slice(frame.as_bytes());
    }
}
