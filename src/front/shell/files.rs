//! The files of the front: the user's themes, looked at again when they change, and what is kept.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use crate::{
    domain::Moment,
    front::theme::{self, Theme},
};

/// How often the folder of themes is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Name, time of change and length of each file: what is the same has not changed.
type Seen = Vec<(PathBuf, Option<SystemTime>, u64)>;

/// Where the files of the front are.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// The folder of the user's themes.
    pub themes: Option<PathBuf>,
    /// The file with the arrangement of the panes.
    pub panes: Option<PathBuf>,
}

/// Themes as they are read anew: all of them, and what is wrong with files that are none.
pub(super) type Reloaded = (Vec<Theme>, Vec<String>);

/// Looks after the files.
#[derive(Debug, Default)]
pub(super) struct Watch {
    files: Files,
    seen: Seen,
    looked: Moment,
}

impl Watch {
    /// Takes what is there now for known.
    pub(super) fn new(files: Files) -> Self {
        let seen = files.themes.as_deref().map(look).unwrap_or_default();
        Self { files, seen, looked: Moment::default() }
    }

    /// The themes, when a file of the user's has changed since the last look.
    pub(super) fn themes(&mut self, now: Moment) -> Option<Reloaded> {
        let folder = self.files.themes.as_deref()?;
        if now.since(self.looked) < LOOK_EVERY {
            return None;
        }
        self.looked = now;
        let seen = look(folder);
        if seen == self.seen {
            return None;
        }
        self.seen = seen;
        Some(match texts(folder) {
            Ok(texts) => {
                let (themes, wrong) = theme::load(&texts);
                (themes, wrong.iter().map(|error| format!("theme not taken: {error}")).collect())
            }
            Err(error) => {
                let text = format!("the themes in {} cannot be read: {error}", folder.display());
                (Vec::new(), vec![text])
            }
        })
    }

    /// Keeps the arrangement; a file is replaced only by a whole one. Who cannot keep it has
    /// lost nothing but the next start's looks: the log says so.
    pub(super) fn keep(&self, text: &str) {
        let Some(path) = &self.files.panes else { return };
        if let Err(error) = replace(path, text) {
            tracing::warn!(%error, path = %path.display(), "the panes' arrangement was not kept");
        }
    }
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let new = path.with_extension(format!("{}.new", std::process::id()));
    fs::write(&new, text)?;
    fs::rename(&new, path)
}

fn look(folder: &Path) -> Seen {
    let mut seen: Seen = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| is_theme(path))
        .map(|path| {
            let known = fs::metadata(&path);
            let (at, len) = known.map_or((None, 0), |m| (m.modified().ok(), m.len()));
            (path, at, len)
        })
        .collect();
    seen.sort();
    seen
}

fn is_theme(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml")
}

/// Path and text of every `.toml` file in a folder, by name; none when the folder is not there.
///
/// # Errors
/// When the folder or one of the files is there and cannot be read.
pub fn texts(folder: &Path) -> io::Result<Vec<(String, String)>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if is_theme(&path) {
            files.push((path.display().to_string(), fs::read_to_string(&path)?));
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_once_and_a_broken_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.toml");
        let mine = include_str!("../../../themes/dark.toml").replace("\"dark\"", "\"mine\"");
        let files = Files { themes: Some(folder.path().to_owned()), panes: None };
        let mut watch = Watch::new(files);
        let at = Moment::from_millis;
        assert!(watch.themes(at(1_000)).is_none(), "nothing has changed");
        fs::write(&file, &mine).unwrap();
        assert!(watch.themes(at(1_500)).is_none(), "not looked at so soon");
        let (themes, wrong) = watch.themes(at(2_000)).unwrap();
        assert!(themes.iter().any(|theme| theme.name() == "mine") && wrong.is_empty());
        assert!(watch.themes(at(3_000)).is_none());
        fs::write(&file, "name = \"mine\"\ncolour = 1\n").unwrap();
        let (themes, wrong) = watch.themes(at(4_000)).unwrap();
        assert!(!themes.iter().any(|theme| theme.name() == "mine"));
        assert!(wrong[0].contains("mine.toml:2: colour"), "{wrong:?}");
        fs::remove_file(&file).unwrap();
        assert!(watch.themes(at(5_000)).is_some());
    }

    #[test]
    fn what_is_kept_is_there_the_next_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/panes.json");
        let watch = Watch::new(Files { themes: None, panes: Some(path.clone()) });
        watch.keep("one");
        watch.keep("two");
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no leftovers");
    }
}
