//! Slot snapshots as an index: which one fits this server, which must go, which were in vain.
//!
//! Pure: the index is a value, time an argument. A snapshot is only good for the very weights,
//! window and cache type it was made with, so everything the server tells of these is its key.

use serde::{Deserialize, Serialize};

use crate::domain::{ServerKind, warm::Kept};

/// Everything of a server that its KV cache depends on, as far as it can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerMark {
    /// The program.
    pub kind: ServerKind,
    /// Its build.
    pub build: Option<String>,
    /// Path of the model file.
    pub model: Option<String>,
    /// Size of the model in bytes.
    pub model_bytes: Option<u64>,
    /// When the file was changed last, seconds since 1970; `None` when lcc cannot see the file.
    pub model_changed: Option<u64>,
    /// How its weights are stored.
    pub ftype: Option<String>,
    /// Tokens of one slot.
    pub window: Option<u64>,
    /// Options and adapters that change what is in the cache (its type, adapters, positions), where
    /// they can be seen; sorted.
    pub options: Vec<String>,
}

impl ServerMark {
    /// What keeps a snapshot of `self` from being used on `other`; `None` when nothing does.
    #[must_use]
    pub fn differs(&self, other: &Self) -> Option<String> {
        let text = |v: &Option<String>| v.clone().unwrap_or_else(|| "not told".to_owned());
        let number = |v: &Option<u64>| v.map_or_else(|| "not told".to_owned(), |n| n.to_string());
        let said = |what: &str, a: String, b: String| Some(format!("{what} was {a}, is {b}"));
        if self.kind != other.kind {
            return said("the server", self.kind.name().into(), other.kind.name().into());
        }
        if self.model != other.model {
            return said("the model file", text(&self.model), text(&other.model));
        }
        if self.model_bytes != other.model_bytes {
            let (a, b) = (number(&self.model_bytes), number(&other.model_bytes));
            return said("the model's size", a, b);
        }
        if self.model_changed != other.model_changed {
            return Some("the model file was changed".to_owned());
        }
        if self.ftype != other.ftype {
            return said("the model's type", text(&self.ftype), text(&other.ftype));
        }
        if self.window != other.window {
            return said("the window", number(&self.window), number(&other.window));
        }
        if self.options != other.options {
            let list = |o: &[String]| if o.is_empty() { "none".into() } else { o.join(" ") };
            return said("the options", list(&self.options), list(&other.options));
        }
        if self.build != other.build {
            return said("the build", text(&self.build), text(&other.build));
        }
        None
    }
}

/// One saved slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its id, also the start of its file's name.
    pub id: String,
    /// Name of the file in the server's folder.
    pub file: String,
    /// That folder, where lcc could see the file.
    pub folder: Option<String>,
    /// The server's address.
    pub url: String,
    /// What it holds.
    pub kept: Kept,
    /// Claude Code's session, of a conversation.
    pub session: Option<String>,
    /// Digest of the fixed prefix it begins with.
    pub prefix: u64,
    /// The project it was made in.
    pub project: String,
    /// The server it was made on.
    pub mark: ServerMark,
    /// Tokens.
    pub tokens: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Made, seconds since 1970.
    pub made: u64,
    /// Made or restored last, seconds since 1970.
    pub used: u64,
    /// Whether a restore was seen to spare the reading.
    #[serde(default)]
    pub proven: bool,
}

/// A server on which restoring does nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vain {
    /// The server.
    pub mark: ServerMark,
    /// What was seen.
    pub why: String,
    /// When, seconds since 1970.
    pub at: u64,
}

/// The index of all snapshots.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Shelf {
    /// The snapshots.
    pub entries: Vec<Entry>,
    /// Servers on which nothing is saved or restored any more.
    pub vain: Vec<Vain>,
}

/// What is to be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want<'a> {
    /// The start of a new session with this prefix.
    Fresh {
        /// Digest of the fixed prefix.
        prefix: u64,
    },
    /// This session's conversation.
    Session(&'a str),
}

/// What the shelf has for a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Find {
    /// This one fits.
    Fits(Box<Entry>),
    /// There is one, and why it does not fit.
    Refused {
        /// What it holds.
        what: Kept,
        /// Why, in words.
        why: String,
    },
    /// There is none.
    Nothing,
}

/// Servers remembered as vain; older ones are forgotten.
const MOST_VAIN: usize = 32;

impl Shelf {
    /// Whether restoring was seen to do nothing on this server.
    #[must_use]
    pub fn is_vain(&self, mark: &ServerMark) -> bool {
        self.vain.iter().any(|v| v.mark.differs(mark).is_none())
    }

    /// Whether a restore was seen to work on this server.
    #[must_use]
    pub fn is_proven(&self, mark: &ServerMark) -> bool {
        self.entries.iter().any(|e| e.proven && e.mark.differs(mark).is_none())
    }

    /// The best snapshot for a wish on the server `mark` at `url`, whose folder is `folder` if that
    /// is known. For a new session a fixed prefix wins over a conversation that begins with it.
    #[must_use]
    pub fn find(&self, want: Want<'_>, mark: &ServerMark, url: &str, folder: Option<&str>) -> Find {
        let wanted = |e: &&Entry| match want {
            Want::Fresh { prefix } => e.prefix == prefix,
            Want::Session(id) => e.kept == Kept::Conversation && e.session.as_deref() == Some(id),
        };
        let here = |e: &&Entry| match (e.folder.as_deref(), folder) {
            (Some(a), Some(b)) => a == b,
            (Some(_) | None, Some(_) | None) => e.url == url,
        };
        let mut all: Vec<&Entry> = self.entries.iter().filter(wanted).filter(here).collect();
        all.sort_by_key(|e| (e.kept, std::cmp::Reverse(e.made)));
        if let Some(fits) = all.iter().find(|e| e.mark.differs(mark).is_none()) {
            if let Some(vain) = self.vain.iter().find(|v| v.mark.differs(mark).is_none()) {
                return Find::Refused { what: fits.kept, why: vain.why.clone() };
            }
            return Find::Fits(Box::new((*fits).clone()));
        }
        let first = all.first().and_then(|e| Some((e.kept, e.mark.differs(mark)?)));
        first.map_or(Find::Nothing, |(what, why)| Find::Refused { what, why })
    }

    /// Takes a snapshot in; one of the same id goes, and is given back when its file is another.
    pub fn put(&mut self, entry: Entry) -> Option<Entry> {
        let old = self.take(&entry.id);
        let file = entry.file.clone();
        self.entries.push(entry);
        old.filter(|old| old.file != file)
    }

    /// Takes the snapshot with this id out.
    pub fn take(&mut self, id: &str) -> Option<Entry> {
        let at = self.entries.iter().position(|e| e.id == id)?;
        Some(self.entries.remove(at))
    }

    /// The snapshot with this id was used at `now`; `proven`: and it spared the reading.
    pub fn touch(&mut self, id: &str, now: u64, proven: bool) {
        if let Some(entry) = self.entries.iter_mut().find(|e| e.id == id) {
            entry.used = entry.used.max(now);
            entry.proven |= proven;
        }
    }

    /// Restoring does nothing on this server: its snapshots go, and none is made any more.
    pub fn condemn(&mut self, mark: &ServerMark, why: &str, now: u64) -> Vec<Entry> {
        let (gone, kept) = std::mem::take(&mut self.entries)
            .into_iter()
            .partition(|e: &Entry| e.mark.differs(mark).is_none());
        self.entries = kept;
        if !self.is_vain(mark) {
            self.vain.push(Vain { mark: mark.clone(), why: why.to_owned(), at: now });
            let over = self.vain.len().saturating_sub(MOST_VAIN);
            self.vain.drain(..over);
        }
        gone
    }

    /// Bytes of all snapshots.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.entries.iter().fold(0, |all, e| all.saturating_add(e.bytes))
    }

    /// Takes out what was not used for longest until at most `limit` bytes are left.
    pub fn shrink(&mut self, limit: u64) -> Vec<Entry> {
        let mut gone = Vec::new();
        while self.bytes() > limit {
            let oldest = self.entries.iter().enumerate().min_by_key(|(_, e)| (e.used, e.made));
            let Some((at, _)) = oldest else { break };
            gone.push(self.entries.remove(at));
        }
        gone
    }
}

/// What a request after a restore shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The restored tokens were there.
    Good,
    /// They were not.
    Vain,
}

/// Judges a restore of `restored` tokens by the next request: of its prompt's `shared` tokens that
/// the snapshot holds too, the server reused `cached`. Half is far from both: a good restore spares
/// all but the last batch, a vain one spares nothing.
#[must_use]
pub const fn verdict(restored: u64, shared: u64, cached: u64) -> Verdict {
    let could = if shared < restored { shared } else { restored };
    if cached.saturating_mul(2) < could { Verdict::Vain } else { Verdict::Good }
}

/// When a conversation's slot is worth saving again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Seconds between two saves at the least.
    pub every_s: u64,
    /// Bytes that all snapshots may have.
    pub limit: u64,
}

/// The last save of a conversation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LastSave {
    /// Seconds since 1970.
    pub at: u64,
    /// Tokens.
    pub tokens: u64,
    /// Bytes.
    pub bytes: u64,
    /// Seconds it took.
    pub seconds: f64,
}

/// A save that holds the server up longer than this is left for the session's end.
const LONG_SAVE_S: f64 = 1.0;
/// Tokens that make another save worth it: about a quarter of a minute of reading on a slow machine.
const WORTH: u64 = 1_024;

impl Pace {
    /// Whether a slot of `tokens` tokens is to be saved at `now`; `leaving`: the session ends.
    #[must_use]
    pub fn due(&self, last: Option<LastSave>, tokens: u64, now: u64, leaving: bool) -> bool {
        if self.limit == 0 || tokens == 0 {
            return false;
        }
        let Some(last) = last else { return true };
        if last.tokens > 0 {
            let expected = u128::from(last.bytes) * u128::from(tokens) / u128::from(last.tokens);
            if expected > u128::from(self.limit) {
                return false;
            }
        }
        let changed = tokens.abs_diff(last.tokens);
        if leaving {
            return changed > 0;
        }
        changed >= WORTH.min(last.tokens / 4)
            && now.saturating_sub(last.at) >= self.every_s
            && last.seconds <= LONG_SAVE_S
    }
}

#[cfg(test)]
#[path = "warm_tests.rs"]
mod tests;
