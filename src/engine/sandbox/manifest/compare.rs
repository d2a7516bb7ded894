//! What changed between two manifests, judged; pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{Entry, Manifest, Texts, diff, rules};
use crate::engine::sandbox::policy::Kind;

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It is new.
    Created,
    /// Its content is another.
    Changed,
    /// Only its permissions are others.
    Mode,
    /// It is something else now: a link where a file was.
    Replaced,
    /// A whole folder of programs is new: a virtual environment, or a package manager's.
    Folder,
    /// It is gone.
    Removed,
    /// A repository of git's that was not there: git runs what its settings say.
    Repository,
}

/// One change that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The file, relative to the project.
    pub path: PathBuf,
    /// What happened to it.
    pub what: What,
    /// Who trusts it.
    pub reader: String,
    /// Whether the sandbox kept it read-only: then it cannot have changed from inside.
    pub held: bool,
    /// The change as a unified diff, where both sides are text.
    pub diff: Option<String>,
}

/// Everything that changed, what should have been held first.
///
/// `held` says whether protected paths were read-only.
#[must_use]
pub fn compare(before: (&Manifest, &Texts), after: (&Manifest, &Texts), held: bool) -> Vec<Change> {
    let (old, old_texts) = before;
    let (new, new_texts) = after;
    let mut changes = Vec::new();
    for repository in new.repositories.difference(&old.repositories) {
        let path = if repository.as_os_str().is_empty() {
            PathBuf::from(".git")
        } else {
            repository.clone()
        };
        let reader = "git, which runs what its settings say".to_owned();
        changes.push(Change { path, what: What::Repository, reader, held: false, diff: None });
    }
    let paths: BTreeSet<&PathBuf> = old.files.keys().chain(new.files.keys()).collect();
    for path in paths {
        let (was, is) = (old.files.get(path), new.files.get(path));
        let what = match (was, is) {
            // Beyond what a cut walk saw nothing is known.
            (None, Some(_)) if old.cut => continue,
            (Some(_), None) if new.cut => continue,
            (None, Some(entry)) if is_placeholder(path, entry, new_texts) => continue,
            (None, Some(_)) => What::Created,
            (Some(entry), None) if is_placeholder(path, entry, old_texts) => continue,
            (Some(_), None) => What::Removed,
            (Some(was), Some(is)) if was.kind != is.kind => What::Replaced,
            (Some(was), Some(is)) if was.content != is.content || was.size != is.size => {
                What::Changed
            }
            (Some(was), Some(is)) if was.mode != is.mode => What::Mode,
            (Some(_), Some(_)) | (None, None) => continue,
        };
        changes.push(Change {
            path: path.clone(),
            what,
            reader: reader(path).to_owned(),
            held: held && rules::is_blocked(path),
            diff: shown(path, what, (was, old_texts), (is, new_texts)),
        });
    }
    let mut changes = folded(changes, old);
    changes.sort_by_key(|change| !change.held);
    changes
}

/// New folders of programs as one change each, with the names in place of the diff.
fn folded(changes: Vec<Change>, old: &Manifest) -> Vec<Change> {
    let created = |change: &Change| change.what == What::Created && !change.held;
    let environments: BTreeSet<PathBuf> = changes
        .iter()
        .filter(|change| created(change) && change.path.ends_with("pyvenv.cfg"))
        .filter_map(|change| change.path.parent().map(Path::to_owned))
        .collect();
    let folder = |change: &Change| -> Option<PathBuf> {
        let above = change.path.ancestors().skip(1);
        let mut environment = above.filter(|above| environments.contains(*above));
        let bin = change.path.parent().filter(|parent| {
            parent.ends_with("node_modules/.bin")
                && !old.files.keys().any(|file| file.starts_with(parent))
        });
        environment.next().or(bin).filter(|_| created(change)).map(Path::to_owned)
    };
    let mut kept = Vec::new();
    let mut folders: BTreeMap<PathBuf, (String, String)> = BTreeMap::new();
    for change in changes {
        match folder(&change) {
            Some(path) => {
                let name = change.path.strip_prefix(&path).unwrap_or(&change.path);
                let (_, names) =
                    folders.entry(path.clone()).or_insert_with(|| (change.reader, String::new()));
                names.push_str(&format!("+ {}\n", diff::plain(name)));
            }
            None => kept.push(change),
        }
    }
    kept.extend(folders.into_iter().map(|(path, (reader, names))| Change {
        path,
        what: What::Folder,
        reader,
        held: false,
        diff: Some(names),
    }));
    kept.sort_by(|a, b| a.path.cmp(&b.path));
    kept
}

fn reader(path: &Path) -> &'static str {
    let in_git = path.iter().any(|part| part == ".git");
    match rules::reader(path) {
        Some(who) => who,
        None if in_git => "git",
        None if path.iter().any(|part| part == "bin" || part == "lib") => "Python or its tools",
        None => "git",
    }
}

/// lcc's own marks in protected places, which come before a session and go after it.
fn is_placeholder(path: &Path, entry: &Entry, texts: &Texts) -> bool {
    let empty = entry.kind == Kind::File && entry.size == 0;
    let here = texts.get(path).is_some_and(|text| text.trim_end() == ".");
    rules::is_blocked(path) && (empty || (path.ends_with("commondir") && here))
}

fn shown(
    path: &Path,
    what: What,
    (was, old): (Option<&Entry>, &Texts),
    (is, new): (Option<&Entry>, &Texts),
) -> Option<String> {
    let text = |entry: Option<&Entry>, texts: &Texts| match entry {
        None => Some(String::new()),
        Some(Entry { kind: Kind::Link, content, .. }) => Some(format!("link to {content}\n")),
        Some(_) => texts.get(path).cloned(),
    };
    match what {
        What::Created | What::Changed | What::Replaced | What::Removed => {
            Some(diff::unified(path, &text(was, old)?, &text(is, new)?))
        }
        What::Mode => {
            let mode = |entry: Option<&Entry>| entry.map_or(0, |entry| entry.mode);
            Some(format!("mode {:04o} -> {:04o}\n", mode(was), mode(is)))
        }
        What::Repository | What::Folder => None,
    }
}
