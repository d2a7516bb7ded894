//! What a session leaves behind for other programs: files that git, editors, shells and build
//! tools trust, looked at before and after.

pub mod compare;
pub mod diff;
pub mod keep;
pub mod look;
pub mod rules;
pub mod scan;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use super::policy::Kind;

/// One file that others trust.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is, without following a link.
    pub kind: Kind,
    /// Its permission bits.
    pub mode: u32,
    /// Its bytes.
    pub size: u64,
    /// Its content: SHA-256 in hexadecimal, of a link its target, of a file too large to read the
    /// inode with its last change. Empty for what cannot be read.
    pub content: String,
}

/// Regular files with more than one name: writing through one changes them all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    /// How many were seen.
    pub count: usize,
    /// How many of them in `node_modules`.
    pub in_modules: usize,
    /// The first few outside `node_modules`, by name.
    pub first: Vec<PathBuf>,
}

/// A project as it was at one moment; every path is relative to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The files that others trust.
    pub files: BTreeMap<PathBuf, Entry>,
    /// Folders that hold a repository of git's: with a `.git`, or bare.
    pub repositories: BTreeSet<PathBuf>,
    /// Files with several names.
    pub linked: Linked,
    /// Names that were looked at.
    pub seen: usize,
    /// Whether the project was too large to be looked at whole.
    pub cut: bool,
}

/// The text of small files, for showing what changed.
pub type Texts = BTreeMap<PathBuf, String>;

impl Linked {
    /// What the user should know; `None` when there are none.
    #[must_use]
    pub fn note(&self, cut: bool) -> Option<String> {
        if self.count == 0 {
            return None;
        }
        let least = if cut { "at least " } else { "" };
        let outside = self.count - self.in_modules;
        let mut names: Vec<String> = self.first.iter().map(|path| diff::plain(path)).collect();
        if outside > names.len() {
            names.push(format!("{} more", outside - names.len()));
        }
        if self.in_modules > 0 {
            names.push(format!("{} in node_modules", self.in_modules));
        }
        Some(format!(
            "{least}{} files have several names (hard links): writing to one of them changes it \
             everywhere, also outside the project; no sandbox can stop that. {}",
            self.count,
            names.join(", ")
        ))
    }
}
