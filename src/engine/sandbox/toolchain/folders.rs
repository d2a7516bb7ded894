//! Folders that the user adds: `--add-dir DIR`, to be read, or `DIR:rw`.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::engine::sandbox::{
    manifest::rules::BLOCKED,
    policy::{Content, Extra, Kind, Refusal},
};

/// One added folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddDir {
    /// The folder as it was named.
    pub path: PathBuf,
    /// Whether it may be written.
    pub writable: bool,
}

impl FromStr for AddDir {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (path, writable) = match text.strip_suffix(":rw") {
            Some(path) => (path, true),
            None => (text.strip_suffix(":ro").unwrap_or(text), false),
        };
        if path.is_empty() {
            return Err("expected a folder, or a folder and :rw, e.g. ../data:rw".to_owned());
        }
        Ok(Self { path: path.into(), writable })
    }
}

impl fmt::Display for AddDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.path.display(), if self.writable { ":rw" } else { "" })
    }
}

/// The mounts of one added folder. In a writable one the files that other programs trust stay
/// read-only, and no folder above them can be renamed; `found` tells what stands in those places.
///
/// # Errors
/// A [`Refusal`] when a link or a special file stands in a protected place.
pub fn mounts(
    folder: &Path,
    writable: bool,
    found: &BTreeMap<PathBuf, Kind>,
) -> Result<Vec<Extra>, Refusal> {
    if !writable {
        return Ok(vec![Extra::read_only(folder)]);
    }
    let own = |path: &Path| Extra {
        target: path.to_owned(),
        content: Content::Writable(path.to_owned()),
    };
    let mut mounts: BTreeMap<PathBuf, Extra> = BTreeMap::new();
    mounts.insert(folder.to_owned(), own(folder));
    for path in BLOCKED.iter().map(Path::new) {
        let full = folder.join(path);
        match found.get(path) {
            None => continue,
            Some(Kind::File | Kind::Folder) => {}
            Some(Kind::Link | Kind::Special) => {
                return Err(Refusal::new(
                    &full,
                    "a link or a special file stands where a file that other programs trust \
                     belongs",
                    "add the folder without :rw, or put a real file there",
                ));
            }
        }
        for parent in full.ancestors().skip(1).take_while(|part| *part != folder) {
            mounts.entry(parent.to_owned()).or_insert_with(|| own(parent));
        }
        mounts.insert(full.clone(), Extra::read_only(full));
    }
    Ok(mounts.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_only_unless_said() {
        let of = |text: &str| text.parse::<AddDir>();
        assert_eq!(of("../a"), Ok(AddDir { path: "../a".into(), writable: false }));
        assert_eq!(of("/a b:ro"), Ok(AddDir { path: "/a b".into(), writable: false }));
        assert_eq!(of("/a:rw").unwrap().to_string(), "/a:rw");
        assert!(of(":rw").is_err() && of("").is_err());
    }

    #[test]
    fn git_in_a_writable_folder_keeps_its_settings() {
        let found: BTreeMap<PathBuf, Kind> =
            [(".git", Kind::Folder), (".git/config", Kind::File), (".git/hooks", Kind::Folder)]
                .map(|(path, kind)| (path.into(), kind))
                .into();
        let made = mounts(Path::new("/d"), true, &found).unwrap();
        let all: Vec<(&str, bool)> =
            made.iter().map(|e| (e.target.to_str().unwrap(), e.is_writable())).collect();
        let wanted =
            [("/d", true), ("/d/.git", true), ("/d/.git/config", false), ("/d/.git/hooks", false)];
        assert_eq!(all, wanted);
        assert_eq!(mounts(Path::new("/d"), false, &found).unwrap().len(), 1);
        let linked = BTreeMap::from([(PathBuf::from(".git/hooks"), Kind::Link)]);
        assert!(mounts(Path::new("/d"), true, &linked).is_err());
    }
}
