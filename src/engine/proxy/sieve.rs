//! Pure sieve on an Anthropic stream: what must not reach Claude Code is taken out, every other
//! byte passes as it came.
//!
//! With thinking off, blocks of thinking and reasoning at the start of a text block are left out
//! and the blocks after them move up; in the conversation they would cost window at every
//! further request. Past the limit, while nothing else has passed, [`Flow::Stop`] asks for
//! another try: the client has seen a `message_start` at most, and that of the second answer is
//! left out. A server's words for a prompt that is too long become the known ones.
//!
//! Events pass one by one, whole. Those that cannot matter are told by a search in their bytes.

mod cut;
mod text;
mod whole;

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use serde::Deserialize;

pub use self::whole::{only_thinking, strip};
use self::{
    cut::Cutter,
    text::{Opening, TextBlock},
};
use super::rules::{json::with_field, overflow};

/// What the proxy is to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Go,
    /// End this answer and ask again; so many tokens were thought, estimated.
    Stop(u64),
}

/// What a sieve takes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mesh {
    /// Thinking is off and what comes all the same is left out.
    pub thinking: bool,
    /// Tokens of thinking after which to stop; 0: never.
    pub limit: u64,
    /// Too-long errors get the known words.
    pub overflow: bool,
}

/// The state of one answer to the client, over one or two answers of the server.
#[derive(Debug)]
pub struct Sieve {
    mesh: Mesh,
    cutter: Cutter,
    /// `message_start` has passed.
    started: bool,
    /// Something of the answer's content has passed.
    opened: bool,
    /// It is the second try.
    again: bool,
    /// Inside a block that is left out.
    dropping: bool,
    /// Inside a text block that has not shown yet what it is, or that holds reasoning.
    text: Option<TextBlock>,
    /// Blocks left out so far.
    dropped: u64,
    /// Bytes of thinking left out so far.
    thought: u64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Data<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
    index: Option<u64>,
    #[serde(borrow)]
    content_block: Option<Part<'a>>,
    #[serde(borrow)]
    delta: Option<Part<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Part<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    thinking: Option<Cow<'a, str>>,
}

impl Sieve {
    /// A sieve at the start of an answer.
    #[must_use]
    pub fn new(mesh: Mesh) -> Self {
        Self {
            mesh,
            cutter: Cutter::default(),
            started: false,
            opened: false,
            again: false,
            dropping: false,
            text: None,
            dropped: 0,
            thought: 0,
        }
    }

    /// Takes bytes as they came and gives those that pass. After [`Flow::Stop`] nothing more of
    /// this answer may be fed; [`Sieve::again`] goes on with the next.
    pub fn feed(&mut self, bytes: &Bytes) -> (Bytes, Flow) {
        // Nothing cut, nothing changed: the piece passes as it is, without a copy.
        let whole = self.cutter.is_empty();
        let (mut out, mut changed) = (BytesMut::new(), false);
        let mut flow = Flow::Go;
        let mut cutter = std::mem::take(&mut self.cutter);
        cutter.feed(bytes);
        while let Some(event) = cutter.next() {
            changed |= self.event(&event, &mut out);
            if let Some(tokens) = self.over_limit() {
                flow = Flow::Stop(tokens);
                break;
            }
        }
        let rest = cutter.is_empty();
        self.cutter = cutter;
        if whole && rest && !changed && flow == Flow::Go {
            return (bytes.clone(), flow);
        }
        (out.freeze(), flow)
    }

    /// The server's answer is over or broke off: what was held back and may pass.
    pub fn finish(&mut self) -> Bytes {
        let mut out = BytesMut::new();
        if let Some(text) = self.text.take() {
            text.release(&mut out, self.dropped);
        }
        let rest = self.cutter.take();
        if !self.dropping {
            out.extend_from_slice(&rest);
        }
        out.freeze()
    }

    /// The first answer was given up; the second one follows.
    pub fn again(&mut self) {
        self.again = true;
        self.cutter = Cutter::default();
        self.dropping = false;
        self.text = None;
        self.dropped = 0;
    }

    fn over_limit(&self) -> Option<u64> {
        // Local models take about four bytes a token, in every script.
        let tokens = self.thought / 4;
        let limited = self.mesh.limit > 0 && tokens > self.mesh.limit;
        (limited && !self.opened && !self.again).then_some(tokens)
    }

    /// Whether this event was changed, left out or held back.
    fn event(&mut self, raw: &[u8], out: &mut BytesMut) -> bool {
        let quiet = self.opened && !self.dropping && self.text.is_none() && self.dropped == 0;
        let telling: [&[u8]; 3] = [b"content_block_start", b"thinking", b"error"];
        if quiet && !telling.iter().any(|word| holds(raw, word)) {
            out.extend_from_slice(raw);
            return false;
        }
        let Some(data) = cut::data(raw) else {
            out.extend_from_slice(raw);
            return false;
        };
        let read: Data<'_> = serde_json::from_str(&data).unwrap_or_default();
        match read.kind.as_deref().unwrap_or_default() {
            "message_start" if self.again && self.started => true,
            "message_start" => {
                self.started = true;
                out.extend_from_slice(raw);
                false
            }
            "content_block_start" => self.block_start(raw, &data, &read, out),
            "content_block_delta" => self.block_delta(raw, &data, &read, out),
            "content_block_stop" => self.block_stop(raw, &data, &read, out),
            "ping" => {
                out.extend_from_slice(raw);
                false
            }
            _ => {
                if self.mesh.overflow
                    && let Some(known) = known_overflow(raw, &data)
                {
                    out.extend_from_slice(known.as_bytes());
                    return true;
                }
                out.extend_from_slice(raw);
                false
            }
        }
    }

    fn block_start(&mut self, raw: &[u8], data: &str, read: &Data<'_>, out: &mut BytesMut) -> bool {
        self.text = None;
        let kind = read.content_block.as_ref().and_then(|b| b.kind.as_deref()).unwrap_or_default();
        if self.mesh.thinking && matches!(kind, "thinking" | "redacted_thinking") {
            self.dropping = true;
            return true;
        }
        self.dropping = false;
        if self.mesh.thinking && kind == "text" {
            self.text = Some(TextBlock::new(raw, read.index.unwrap_or(0)));
            return true;
        }
        self.opened = true;
        self.moved(raw, data, read, out)
    }

    fn block_delta(&mut self, raw: &[u8], data: &str, read: &Data<'_>, out: &mut BytesMut) -> bool {
        let delta = read.delta.as_ref();
        let kind = delta.and_then(|d| d.kind.as_deref()).unwrap_or_default();
        let thinking = delta.and_then(|d| d.thinking.as_deref());
        // Some servers put thinking into a block that they began as text.
        if self.dropping || (self.mesh.thinking && kind == "thinking_delta") {
            self.thought += thinking.map_or(0, str::len) as u64;
            return true;
        }
        let Some(block) = &mut self.text else {
            self.opened = true;
            return self.moved(raw, data, read, out);
        };
        let text = delta.and_then(|d| d.text.as_deref()).unwrap_or_default();
        match block.delta(raw, text, self.dropped, out) {
            Opening::Held(thought) => self.thought += thought,
            Opening::Passing(thought) => {
                self.thought += thought;
                self.opened = true;
            }
            Opening::Plain => {
                self.opened = true;
                self.text = None;
            }
        }
        true
    }

    fn block_stop(&mut self, raw: &[u8], data: &str, read: &Data<'_>, out: &mut BytesMut) -> bool {
        if std::mem::take(&mut self.dropping) {
            self.dropped += 1;
            return true;
        }
        if let Some(block) = self.text.take() {
            if block.holds_only_thinking() {
                self.dropped += 1;
                return true;
            }
            block.release(out, self.dropped);
            self.opened = true;
        }
        self.moved(raw, data, read, out)
    }

    /// Passes an event of a block, with the index it has without those that were left out.
    fn moved(&self, raw: &[u8], data: &str, read: &Data<'_>, out: &mut BytesMut) -> bool {
        out.extend_from_slice(&renumbered(raw, data, read.index, self.dropped));
        self.dropped > 0
    }
}

/// The event with its index lowered by `dropped`.
fn renumbered<'a>(raw: &'a [u8], data: &str, index: Option<u64>, dropped: u64) -> Cow<'a, [u8]> {
    let (1.., Some(index)) = (dropped, index) else { return Cow::Borrowed(raw) };
    let place = index.saturating_sub(dropped).to_string();
    match with_field(data, "index", &place) {
        Some(changed) => Cow::Owned(cut::frame(raw, &changed).into_bytes()),
        None => Cow::Borrowed(raw),
    }
}

/// The event with the known words, when it is an error that says the prompt is too long.
fn known_overflow(raw: &[u8], data: &str) -> Option<String> {
    let named = cut::name(raw).as_deref() == Some("error") || data.contains("\"error\"");
    let known = named.then(|| overflow::in_stream(data))??;
    Some(format!("event: error\ndata: {known}\n\n"))
}

/// Whether `word` is somewhere in `bytes`.
fn holds(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|part| part == word)
}

#[cfg(test)]
mod tests;
