//! Rules for what other programs trust later: never changed, never moved, in no spelling.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{
    places::Places,
    profile::{self, path},
    rule::{Filter, Match, Rule},
};

/// Every way to change a file, each by its own name: those win over a wildcard in other rules.
/// A hard link would be a second name for it, without protection.
const CHANGE: [&str; 11] = [
    "file-write*",
    "file-write-create",
    "file-write-data",
    "file-write-unlink",
    "file-write-mode",
    "file-write-owner",
    "file-write-flags",
    "file-write-times",
    "file-write-xattr",
    "file-link",
    "file-clone",
];
/// Ways to move a folder away or to put another in its place.
const REPLACE: [&str; 6] = [
    "file-write-create",
    "file-write-unlink",
    "file-write-data",
    "file-write-mode",
    "file-write-owner",
    "file-write-flags",
];
/// Folders whose names no other name may equal in the file system's eyes: it folds letters beyond
/// ASCII too (`ſ` is `s`), so such names are refused within them.
const FOLDERS: [&str; 3] = [".git", ".claude", ".vscode"];

/// The rules for a project.
pub(super) fn rules(places: &Places) -> Vec<Rule> {
    let project = &places.project;
    let all = profile::protected_names();
    let mut keep = Vec::new();
    for name in &all {
        let full = project.join(name);
        keep.extend([path(Match::Literal, &full), path(Match::Subpath, &full)]);
    }
    let parents: BTreeSet<PathBuf> = all
        .iter()
        .flat_map(|name| name.ancestors().skip(1))
        .filter(|parent| !parent.as_os_str().is_empty())
        .map(Path::to_owned)
        .collect();
    let mut pins: Vec<Filter> = std::iter::once(project.clone())
        .chain(places.writable())
        .chain(parents.iter().map(|parent| project.join(parent)))
        .collect::<BTreeSet<_>>()
        .iter()
        .map(|folder| path(Match::Literal, folder))
        .collect();
    pins.extend(parents.iter().filter_map(|parent| {
        anywhere(parent).map(|expression| Filter::Below(project.clone(), format!("{expression}$")))
    }));

    // Repositories of git at any depth; the others also below, but not in packages that were
    // installed, which bring such files along for their own authors.
    let (git, others): (Vec<&Path>, Vec<&Path>) = all
        .iter()
        .copied()
        .partition(|name| name.starts_with(".git") || name.ends_with(".gitmodules"));
    let below = |name: &&Path| {
        anywhere(name)
            .map(|expression| Filter::Below(project.clone(), format!("{expression}(/|$)")))
    };
    let spelled: Vec<Filter> = git.iter().filter_map(below).collect();
    let packages =
        || Filter::NotAny(vec![Filter::Below(project.clone(), "/(.*/)?node_modules/".to_owned())]);
    let elsewhere: Vec<Filter> = others
        .iter()
        .filter_map(below)
        .map(|filter| Filter::All(vec![filter, packages()]))
        .collect();
    let letters: Vec<Filter> =
        std::iter::once("/(.*/)?\\.[^/]*[^ -~]".to_owned())
            .chain(FOLDERS.iter().map(|name| {
                format!("/(.*/)?{}(/[iI][nN][fF][oO])?/[^/]*[^ -~]", insensitive(name))
            }))
            .map(|expression| Filter::Below(project.clone(), expression))
            .collect();
    vec![
        Rule::deny("what other programs trust", &CHANGE, keep),
        Rule::deny("the same in other spellings, and of repositories below", &CHANGE, spelled),
        Rule::deny("the same for folders below, but for installed packages", &CHANGE, elsewhere),
        Rule::deny(
            "names that the file system takes for one of these",
            &["file-write-create", "file-write-unlink"],
            letters,
        ),
        Rule::deny("the folders above them stay where they are", &REPLACE, pins),
        Rule::deny("no rights of other users", &["file-write-setugid"], Vec::new()),
        Rule::deny("no second name for a file", &["file-link"], Vec::new()),
    ]
}

/// An expression for a path anywhere below a folder, whatever the case of its letters. `None`: its
/// first name is an everyday one, which is protected at the top alone.
fn anywhere(path: &Path) -> Option<String> {
    let text = path.to_str().filter(|text| text.starts_with('.'))?;
    Some(format!("/(.*/)?{}", insensitive(text)))
}

/// An expression for these characters in either case.
fn insensitive(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' => {
                format!("[{}{}]", c.to_ascii_lowercase(), c.to_ascii_uppercase())
            }
            '0'..='9' | '/' | '-' | '_' => c.to_string(),
            other => format!("\\{other}"),
        })
        .collect()
}
