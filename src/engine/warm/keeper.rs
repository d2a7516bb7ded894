//! Saves and restores slots by the index: which file, under which key, and what must go for it.

use std::{path::PathBuf, time::Instant};

use super::{
    files::now,
    index::{Index, PREFIX, locate, remove},
    mark::Marked,
    slots::{Moved, SlotError, Slots, for_restore, holding},
};
use crate::{
    domain::{Kept, Warm, units},
    engine::window::warm::{Entry, Find, ServerMark, Want},
};

/// The snapshots of one server.
#[derive(Debug, Clone)]
pub struct Keeper {
    /// The way to it.
    pub slots: Slots,
    /// The index.
    pub index: Index,
    /// What its cache depends on.
    pub marked: Marked,
    /// The project that this session works on.
    pub project: String,
    /// Bytes that all snapshots may have.
    pub limit: u64,
}

/// What a slot is saved as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// What it holds.
    pub kept: Kept,
    /// Claude Code's session.
    pub session: Option<String>,
    /// Digest of the fixed prefix.
    pub prefix: u64,
    /// Tokens that were sent and written: the slot must hold so many.
    pub tokens: u64,
}

/// How an attempt to save or restore ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Attempt<T> {
    /// It worked.
    Done(T),
    /// There was nothing to do it with, now.
    Nothing,
    /// A snapshot is there, but must not be used.
    Refused(Warm),
    /// This server never can; its words.
    Never(String),
}

impl Keeper {
    fn mark(&self) -> &ServerMark {
        &self.marked.mark
    }

    fn url(&self) -> &str {
        self.slots.upstream.base()
    }

    /// Folders this server may write to.
    fn folders(&self) -> Vec<PathBuf> {
        self.marked.folder.iter().cloned().chain([self.index.own_folder()]).collect()
    }

    /// Whether restoring was seen to do nothing here.
    #[must_use]
    pub fn is_vain(&self) -> bool {
        self.index.read().is_vain(self.mark())
    }

    /// Whether a restore was seen to work here.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.index.read().is_proven(self.mark())
    }

    /// Whether there is a snapshot of this fixed prefix alone.
    #[must_use]
    pub fn has_fixed(&self, prefix: u64) -> bool {
        match self.find(Want::Fresh { prefix }) {
            Find::Fits(entry) => entry.kept == Kept::Fixed,
            Find::Refused { .. } | Find::Nothing => false,
        }
    }

    fn find(&self, want: Want<'_>) -> Find {
        let folder = self.marked.folder.as_ref().map(|f| f.to_string_lossy().into_owned());
        self.index.read().find(want, self.mark(), self.url(), folder.as_deref())
    }

    /// Fills a slot with what fits a wish.
    pub async fn restore(&self, want: Want<'_>) -> Attempt<(Entry, Warm)> {
        let entry = match self.find(want) {
            Find::Fits(entry) => *entry,
            Find::Refused { what, why } => return Attempt::Refused(Warm::Refused { what, why }),
            Find::Nothing => return Attempt::Nothing,
        };
        let slot = self.slots.look().await.as_deref().and_then(for_restore);
        let Some(slot) = slot else { return Attempt::Nothing };
        let started = Instant::now();
        match self.slots.restore(slot, &entry.file).await {
            Ok(moved) if moved.tokens > 0 => {
                let restored = Warm::Restored {
                    what: entry.kept,
                    id: entry.id.clone(),
                    tokens: moved.tokens,
                    seconds: started.elapsed().as_secs_f64(),
                };
                self.touch(&entry.id, false);
                Attempt::Done((Entry { tokens: moved.tokens, ..entry }, restored))
            }
            Err(SlotError::Unsupported(why)) => Attempt::Never(why),
            Err(SlotError::NoAnswer(why)) => {
                Attempt::Refused(Warm::Refused { what: entry.kept, why })
            }
            // The file is not what it was: it never will be again.
            Ok(_) => self.dropped(&entry, "its file is empty".to_owned()),
            Err(SlotError::Refused(why)) => self.dropped(&entry, why),
        }
    }

    fn dropped(&self, entry: &Entry, why: String) -> Attempt<(Entry, Warm)> {
        let gone = self.index.change(|shelf| shelf.take(&entry.id));
        self.clear(gone.ok().flatten());
        Attempt::Refused(Warm::Refused { what: entry.kept, why })
    }

    /// A restored snapshot was used; `proven`: and spared the reading.
    pub fn touch(&self, id: &str, proven: bool) {
        if let Err(e) = self.index.change(|shelf| shelf.touch(id, now(), proven)) {
            tracing::warn!("the index of snapshots: {e}");
        }
    }

    /// Restoring does nothing here: what was saved goes, and nothing more is saved.
    pub fn condemn(&self, why: &str) {
        match self.index.change(|shelf| shelf.condemn(self.mark(), why, now())) {
            Ok(gone) => self.clear(gone),
            Err(e) => tracing::warn!("the index of snapshots: {e}"),
        }
    }

    /// Saves the slot that holds what the label says.
    pub async fn save(&self, label: &Label) -> Attempt<(Entry, Warm)> {
        if self.is_vain() {
            return Attempt::Nothing;
        }
        let slots = self.slots.look().await;
        let Some(slot) = slots.and_then(|slots| holding(&slots, label.tokens)) else {
            return Attempt::Nothing;
        };
        let id = self.id(label);
        let before = self.index.read().entries.into_iter().find(|e| e.id == id);
        // Never over the file that is good until the new one is.
        let first = format!("{PREFIX}{id}-0.bin");
        let file = match before {
            Some(before) if before.file == first => format!("{PREFIX}{id}-1.bin"),
            Some(_) | None => first,
        };
        let started = Instant::now();
        let moved = match self.slots.save(slot, &file).await {
            Ok(moved) => moved,
            Err(SlotError::Unsupported(why)) => return Attempt::Never(why),
            Err(SlotError::Refused(why) | SlotError::NoAnswer(why)) => {
                return Attempt::Refused(Warm::Refused { what: label.kept, why });
            }
        };
        let seconds = started.elapsed().as_secs_f64();
        let folders = self.folders();
        let at = now();
        let entry = Entry {
            folder: locate(&folders, &file, moved.bytes),
            file,
            url: self.url().to_owned(),
            kept: label.kept,
            session: label.session.clone(),
            prefix: label.prefix,
            project: self.project.clone(),
            mark: self.mark().clone(),
            tokens: moved.tokens,
            bytes: moved.bytes,
            made: at,
            used: at,
            proven: false,
            id: id.clone(),
        };
        // Another prompt came into the slot between the look and the save.
        if moved.tokens.saturating_mul(2) < label.tokens {
            self.clear([entry]);
            return Attempt::Nothing;
        }
        let put = self.index.change(|shelf| {
            let proven = shelf.entries.iter().any(|e| e.id == id && e.proven);
            let old = shelf.put(Entry { proven, ..entry.clone() });
            let mut gone = shelf.shrink(self.limit);
            let kept = !gone.iter().any(|e| e.id == id);
            gone.extend(old);
            (gone, kept)
        });
        match put {
            Ok((gone, kept)) => {
                self.clear(gone);
                let Moved { tokens, bytes } = moved;
                let saved = Warm::Saved { what: label.kept, id, tokens, bytes, seconds };
                if kept {
                    Attempt::Done((entry, saved))
                } else {
                    let why =
                        format!("its {} are more than snapshots.limit allows", units::bytes(bytes));
                    Attempt::Refused(Warm::Refused { what: label.kept, why })
                }
            }
            Err(e) => {
                self.clear([entry]);
                let why = format!("the index of snapshots cannot be written: {e}");
                Attempt::Refused(Warm::Refused { what: label.kept, why })
            }
        }
    }

    /// One id for each thing on each server, so that a newer save takes the place of an older.
    fn id(&self, label: &Label) -> String {
        let prefix = label.prefix.to_string();
        let of = match label.kept {
            Kept::Fixed => prefix.as_str(),
            Kept::Conversation => label.session.as_deref().unwrap_or_default(),
        };
        let mark = serde_json::to_string(self.mark()).unwrap_or_default();
        let all = [self.url(), mark.as_str(), of].join("\u{1f}");
        let digest = all.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |digest, byte| {
            (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let kind = match label.kept {
            Kept::Fixed => 'f',
            Kept::Conversation => 'c',
        };
        format!("{kind}{:010x}", digest >> 24)
    }

    fn clear(&self, gone: impl IntoIterator<Item = Entry>) {
        for entry in gone {
            if let Err(e) = remove(&entry) {
                tracing::warn!("{}: {e}; the snapshot is left there", entry.file);
            }
        }
    }
}
