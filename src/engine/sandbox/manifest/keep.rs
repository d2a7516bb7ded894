//! Keeps a manifest while a session runs, and the review after it; nothing of it leaves the state
//! folder.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    Manifest, Texts,
    compare::{Change, What, compare},
    scan::{Budget, scan},
};
use crate::domain::Tier;

/// A file larger than this was not written here.
const LARGEST: u64 = 64 << 20;
const START: &str = "trust-";

/// A project as it was when a session began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Before {
    session: String,
    tier: Tier,
    manifest: Manifest,
    texts: Texts,
}

/// What a session left for other programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// lcc's id of the session.
    pub session: String,
    /// Whether the session was cut off: then changes made since by others are in it, too.
    pub cut_off: bool,
    /// Whether the project was too large to be looked at whole.
    pub partly: bool,
    /// The changes.
    pub changes: Vec<Change>,
    /// Files with several names at the start, in a sentence.
    pub linked: Option<String>,
}

impl Review {
    /// The changes that the sandbox should have made impossible.
    pub fn broken(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.held)
    }

    /// The one line for the end of a session; `None` when there is nothing to look at.
    #[must_use]
    pub fn summary(&self) -> Option<String> {
        let repositories =
            self.changes.iter().filter(|change| change.what == What::Repository).count();
        let files = self.changes.len() - repositories;
        let counted = |n: usize, one: &str, more: &str| match n {
            0 => None,
            1 => Some(format!("1 {one}")),
            n => Some(format!("{n} {more}")),
        };
        let all: Vec<String> = [
            counted(
                files,
                "file that other tools run was changed",
                "files that other tools run were changed",
            ),
            counted(repositories, "git repository is new", "git repositories are new"),
        ]
        .into_iter()
        .flatten()
        .collect();
        if all.is_empty() {
            return None;
        }
        Some(format!("{}: lcc report --last", all.join(", ")))
    }

    /// What to shout when something changed that was held; `None` when all held.
    #[must_use]
    pub fn alarm(&self) -> Option<String> {
        let names: Vec<String> =
            self.broken().map(|change| super::diff::plain(&change.path)).collect();
        if names.is_empty() {
            return None;
        }
        Some(format!(
            "{} changed although the sandbox keeps {} read-only: somebody changed {} from outside \
             while the session ran, or the sandbox did not hold. Look at it before you use git or \
             an editor here: lcc report --last",
            names.join(", "),
            if names.len() == 1 { "it" } else { "them" },
            if names.len() == 1 { "it" } else { "them" },
        ))
    }
}

/// A session under watch. Dropped without [`Watch::end`], it leaves its manifest to the next one.
#[derive(Debug)]
pub struct Watch {
    before: Before,
    project: PathBuf,
    folder: PathBuf,
    place: PathBuf,
    /// Locked as long as the session lives.
    _mine: File,
}

impl Watch {
    /// Looks at the project before anything of the session runs. Gives the reviews of sessions of
    /// this project that were cut off, too.
    ///
    /// # Errors
    /// What the system says of the project or of `folder`, the project's private folder.
    pub fn begin(
        project: &Path,
        folder: &Path,
        session: &str,
        tier: Tier,
    ) -> io::Result<(Self, Vec<Review>)> {
        let (manifest, texts) = scan(project, Budget::default())?;
        let cut_off = abandoned(folder, (&manifest, &texts));
        let before = Before { session: session.to_owned(), tier, manifest, texts };
        let place = folder.join(format!("{START}{session}.json"));
        fs::create_dir_all(folder)?;
        let mut options = OpenOptions::new();
        let mut mine = options.write(true).create(true).truncate(true).mode(0o600).open(&place)?;
        mine.lock()?;
        mine.write_all(&serde_json::to_vec(&before)?)?;
        let watch = Self {
            before,
            project: project.to_owned(),
            folder: folder.to_owned(),
            place,
            _mine: mine,
        };
        for review in &cut_off {
            write(&review_place(folder), review)?;
        }
        Ok((watch, cut_off))
    }

    /// The project as it was.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.before.manifest
    }

    /// What changed by now although the sandbox keeps it as it is; for a look in between.
    ///
    /// # Errors
    /// When the project cannot be looked at.
    pub fn changed_meanwhile(&self) -> io::Result<Vec<Change>> {
        Ok(self.review()?.changes.into_iter().filter(|change| change.held).collect())
    }

    fn review(&self) -> io::Result<Review> {
        let (manifest, texts) = scan(&self.project, Budget::default())?;
        Ok(judge(&self.before, (&manifest, &texts), false))
    }

    /// Ends the watch over a session in which nothing ran.
    pub fn forget(self) {
        let _already_gone = fs::remove_file(&self.place);
    }

    /// Looks again after everything of the session has ended, and keeps the review.
    ///
    /// # Errors
    /// What the system says; the manifest then stays for the next session.
    pub fn end(self) -> io::Result<Review> {
        let review = self.review()?;
        write(&review_place(&self.folder), &review)?;
        fs::remove_file(&self.place)?;
        Ok(review)
    }
}

fn judge(before: &Before, after: (&Manifest, &Texts), cut_off: bool) -> Review {
    let held = before.tier == Tier::Strict;
    Review {
        session: before.session.clone(),
        cut_off,
        partly: before.manifest.cut || after.0.cut,
        changes: compare((&before.manifest, &before.texts), after, held),
        linked: before.manifest.linked.note(before.manifest.cut),
    }
}

/// Reviews of sessions that ended without one: nobody holds their file any more.
fn abandoned(folder: &Path, now: (&Manifest, &Texts)) -> Vec<Review> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with(START) && name.ends_with(".json")
        })
        .filter_map(|entry| {
            let path = entry.path();
            let file = File::open(&path).ok()?;
            file.try_lock().ok()?;
            let whole =
                file.metadata().is_ok_and(|about| about.is_file() && about.len() <= LARGEST);
            let before: Option<Before> =
                whole.then(|| serde_json::from_reader(io::BufReader::new(&file)).ok()).flatten();
            let _already_gone = fs::remove_file(&path);
            Some(judge(&before?, now, true))
        })
        .filter(|review| !review.changes.is_empty())
        .collect()
}

/// Where the last session's review lies: beside the private home, out of the sandbox's sight.
#[must_use]
pub fn review_place(folder: &Path) -> PathBuf {
    folder.join("review.json")
}

/// The review of the last session; `None` when there is none that can be read.
#[must_use]
pub fn recall(folder: &Path) -> Option<Review> {
    let path = review_place(folder);
    if !fs::symlink_metadata(&path).is_ok_and(|about| about.is_file() && about.len() <= LARGEST) {
        return None;
    }
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Written beside and renamed, so that it is whole or old.
fn write(path: &Path, review: &Review) -> io::Result<()> {
    let beside = path.with_extension(format!("{}.part", std::process::id()));
    let text = serde_json::to_vec_pretty(review)?;
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside);
    let written = file.and_then(|mut file| file.write_all(&text));
    written.and_then(|()| fs::rename(&beside, path)).inspect_err(|_| {
        // Half a file helps nobody.
        let _gone = fs::remove_file(&beside);
    })
}
