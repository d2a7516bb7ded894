//! Puts text, thinking and tool calls that may come interleaved into blocks, one after the other.

use std::collections::VecDeque;

use super::event::{Block, Delta, Event};

/// One piece of a tool call as OpenAI's deltas carry it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CallPiece<'a> {
    /// Which call it belongs to; some servers leave it out.
    pub index: Option<u64>,
    /// The call's id, in its first piece or in all of them.
    pub id: &'a str,
    /// The tool's name: whole, in pieces, or repeated.
    pub name: &'a str,
    /// A piece of the arguments' JSON.
    pub arguments: &'a str,
}

/// Anthropic's blocks come strictly one after the other, OpenAI's deltas need not. The front block
/// is streamed; what belongs behind it waits until it is complete.
#[derive(Debug)]
pub(super) struct Blocks {
    seed: String,
    /// Not finished yet, in order; the first one is open or about to open.
    waiting: VecDeque<Item>,
    /// The open block's place, once the front has been started.
    open: Option<usize>,
    /// Places given out so far.
    count: usize,
    /// Every call's key and id, in order of appearance.
    calls: Vec<Known>,
    /// Ids that were given to started calls.
    given: Vec<String>,
    /// Ids of calls in the conversation before this answer.
    taken: Vec<String>,
}

#[derive(Debug)]
struct Known {
    index: Option<u64>,
    id: String,
}

#[derive(Debug)]
enum Item {
    Text(String),
    Thinking(String),
    Call { key: usize, name: String, fresh: String, end: JsonEnd },
}

impl Blocks {
    /// Without blocks; `seed` makes ids for calls that come without one.
    pub(super) fn new(seed: &str) -> Self {
        Self {
            seed: seed.to_owned(),
            waiting: VecDeque::new(),
            open: None,
            count: 0,
            calls: Vec::new(),
            given: Vec::new(),
            taken: Vec::new(),
        }
    }

    /// Ids that the conversation has in it already.
    pub(super) fn take(&mut self, ids: Vec<String>) {
        self.taken = ids;
    }

    /// Whether a tool was called.
    pub(super) fn any_call(&self) -> bool {
        !self.calls.is_empty()
    }

    /// Text for the user.
    pub(super) fn text(&mut self, piece: &str, out: &mut Vec<Event>) {
        match self.waiting.back_mut() {
            Some(Item::Text(text)) => text.push_str(piece),
            Some(Item::Thinking(_) | Item::Call { .. }) | None => {
                self.waiting.push_back(Item::Text(piece.to_owned()));
            }
        }
        self.advance(false, out);
    }

    /// Thinking.
    pub(super) fn thinking(&mut self, piece: &str, out: &mut Vec<Event>) {
        match self.waiting.back_mut() {
            Some(Item::Thinking(text)) => text.push_str(piece),
            Some(Item::Text(_) | Item::Call { .. }) | None => {
                self.waiting.push_back(Item::Thinking(piece.to_owned()));
            }
        }
        self.advance(false, out);
    }

    /// A piece of a tool call.
    pub(super) fn call(&mut self, piece: CallPiece<'_>, out: &mut Vec<Event>) {
        let key = self.key(&piece);
        if let Some(known) = self.calls.get_mut(key)
            && known.id.is_empty()
        {
            piece.id.clone_into(&mut known.id);
        }
        let place = self
            .waiting
            .iter()
            .position(|item| matches!(item, Item::Call { key: other, .. } if *other == key));
        // A call that was closed already has complete arguments: what comes after them is noise.
        if let Some(Item::Call { name, fresh, end, .. }) =
            place.and_then(|place| self.waiting.get_mut(place))
        {
            // Some servers repeat the name with every piece; once arguments flow, it stands.
            if !end.begun() && name != piece.name {
                name.push_str(piece.name);
            }
            end.feed(piece.arguments);
            fresh.push_str(piece.arguments);
        }
        self.advance(false, out);
    }

    /// Closes everything.
    pub(super) fn finish(&mut self, out: &mut Vec<Event>) {
        self.advance(true, out);
    }

    /// Finds or makes the call that a piece belongs to.
    fn key(&mut self, piece: &CallPiece<'_>) -> usize {
        let found = match piece.index {
            // Some servers number every call 0 and tell them apart by id alone.
            Some(_) => self.calls.iter().rposition(|known| {
                known.index == piece.index
                    && (piece.id.is_empty() || known.id.is_empty() || known.id == piece.id)
            }),
            None if piece.id.is_empty() => self.calls.len().checked_sub(1),
            None => self.calls.iter().rposition(|known| known.id == piece.id),
        };
        found.unwrap_or_else(|| {
            let key = self.calls.len();
            self.calls.push(Known { index: piece.index, id: piece.id.to_owned() });
            self.waiting.push_back(Item::Call {
                key,
                name: String::new(),
                fresh: String::new(),
                end: JsonEnd::default(),
            });
            key
        })
    }

    /// Streams the front block and goes on to the next ones as far as they are complete.
    fn advance(&mut self, all: bool, out: &mut Vec<Event>) {
        loop {
            let last = self.waiting.len() == 1;
            let Some(front) = self.waiting.front_mut() else { return };
            let complete = match front {
                Item::Text(_) | Item::Thinking(_) => all || !last,
                Item::Call { end, .. } => all || (!last && end.complete()),
            };
            let ready = match front {
                Item::Text(_) | Item::Thinking(_) => true,
                // The name may still grow before the arguments begin.
                Item::Call { end, .. } => complete || end.begun(),
            };
            if !ready {
                return;
            }
            let index = match self.open {
                Some(index) => index,
                None => {
                    let index = self.count;
                    self.count += 1;
                    self.open = Some(index);
                    let block = match front {
                        Item::Text(_) => Block::Text,
                        Item::Thinking(_) => Block::Thinking,
                        Item::Call { key, name, .. } => {
                            let told = self.calls.get(*key).map_or("", |known| known.id.as_str());
                            let new = !self.taken.iter().any(|id| id == told);
                            let told = if new { told } else { "" };
                            let id = unique(told, &self.seed, *key, &self.given);
                            self.given.push(id.clone());
                            // A nameless call would poison every later request with it.
                            let name = if name.is_empty() { "unknown" } else { name.as_str() };
                            Block::ToolUse { id, name: name.to_owned() }
                        }
                    };
                    out.push(Event::BlockStart { index, block });
                    index
                }
            };
            let (fresh, wrap): (_, fn(String) -> Delta) = match front {
                Item::Text(text) => (std::mem::take(text), Delta::Text),
                Item::Thinking(text) => (std::mem::take(text), Delta::Thinking),
                Item::Call { fresh, .. } => (std::mem::take(fresh), Delta::InputJson),
            };
            if !fresh.is_empty() {
                out.push(Event::BlockDelta { index, delta: wrap(fresh) });
            }
            if !complete {
                return;
            }
            if matches!(front, Item::Thinking(_)) {
                out.push(Event::BlockDelta { index, delta: Delta::Signature });
            }
            out.push(Event::BlockStop { index });
            self.open = None;
            self.waiting.pop_front();
        }
    }
}

/// An id that no other call of the answer has; results are matched by it.
pub(super) fn unique(told: &str, seed: &str, key: usize, given: &[String]) -> String {
    let mut id = if told.is_empty() { format!("toolu_{seed}_{key}") } else { told.to_owned() };
    while given.contains(&id) {
        id.push_str(&format!("_{key}"));
    }
    id
}

/// Follows JSON in pieces and tells when its object or array has been closed.
#[derive(Debug, Default)]
struct JsonEnd {
    begun: bool,
    depth: usize,
    in_string: bool,
    escaped: bool,
    complete: bool,
}

impl JsonEnd {
    const fn begun(&self) -> bool {
        self.begun
    }

    const fn complete(&self) -> bool {
        self.complete
    }

    fn feed(&mut self, piece: &str) {
        self.begun |= !piece.is_empty();
        for byte in piece.bytes() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.complete |= self.depth == 0;
                }
                _ => {}
            }
        }
    }
}
