//! Prompts of earlier sessions on disk: the fixed prefix of each kind of session, and the last
//! conversations.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use serde::{Deserialize, Serialize};

use super::{
    body::digest,
    files::{private_dir, read_plain, write_private},
};

/// A file larger than this was not written here.
const LARGEST: u64 = 64 << 20;
/// Conversations that are kept.
const TALKS: usize = 8;
/// Fixed prefixes that are kept: one a project, version, model and profile.
const PREFIXES: usize = 64;

/// A prompt that a session began or went on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// What it depends on, in words: project, version, model, profile, rules.
    pub about: String,
    /// The project.
    pub project: String,
    /// Claude Code's session it was seen in.
    pub session: Option<String>,
    /// Its tokens, when a server has counted them.
    pub tokens: Option<u64>,
    /// The body, ready to be sent: answered by one token and not streamed.
    pub body: String,
}

impl Prompt {
    /// Digest of what is rendered of it.
    #[must_use]
    pub fn digest(&self) -> u64 {
        digest(&self.body)
    }
}

/// The folder of prompts.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// The one in this folder, which is made when something is kept.
    #[must_use]
    pub const fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The fixed prefix of sessions that are `about` this.
    #[must_use]
    pub fn fixed(&self, about: &str) -> Option<Prompt> {
        // A digest may be met twice; the words settle it.
        read(&self.fixed_file(about)).filter(|prompt| prompt.about == about)
    }

    /// The last request of a session.
    #[must_use]
    pub fn talk(&self, session: &str) -> Option<Prompt> {
        read(&self.talk_file(session)?).filter(|p| p.session.as_deref() == Some(session))
    }

    /// The last conversation of a project.
    #[must_use]
    pub fn last_talk(&self, project: &str) -> Option<Prompt> {
        let mut talks = self.files("talk-");
        talks.reverse();
        talks.iter().filter_map(|path| read(path)).find(|prompt| prompt.project == project)
    }

    /// Keeps a fixed prefix; whether it is another than the one that was there.
    ///
    /// # Errors
    /// What the system said.
    pub fn keep_fixed(&self, prompt: &Prompt) -> io::Result<bool> {
        let old = self.fixed(&prompt.about);
        if old.as_ref().is_some_and(|old| old.body == prompt.body && old.tokens == prompt.tokens) {
            return Ok(false);
        }
        self.write(&self.fixed_file(&prompt.about), prompt)?;
        self.thin("fixed-", PREFIXES);
        Ok(old.is_none_or(|old| old.digest() != prompt.digest()))
    }

    /// Keeps a session's last request.
    ///
    /// # Errors
    /// What the system said.
    pub fn keep_talk(&self, prompt: &Prompt) -> io::Result<()> {
        let Some(path) = prompt.session.as_deref().and_then(|id| self.talk_file(id)) else {
            return Ok(());
        };
        self.write(&path, prompt)?;
        self.thin("talk-", TALKS);
        Ok(())
    }

    fn write(&self, path: &Path, prompt: &Prompt) -> io::Result<()> {
        private_dir(&self.folder)?;
        write_private(path, &serde_json::to_vec(prompt)?)
    }

    fn fixed_file(&self, about: &str) -> PathBuf {
        let digest = about.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |digest, byte| {
            (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        self.folder.join(format!("fixed-{digest:016x}.json"))
    }

    /// `None` for an id that is no plain word: it comes from a header.
    fn talk_file(&self, session: &str) -> Option<PathBuf> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let fits = !session.is_empty() && session.len() <= 64 && session.chars().all(plain);
        fits.then(|| self.folder.join(format!("talk-{session}.json")))
    }

    /// Files of a kind, oldest first.
    fn files(&self, start: &str) -> Vec<PathBuf> {
        let mut files: Vec<(u64, PathBuf)> = fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                name.starts_with(start) && name.ends_with(".json")
            })
            .map(|entry| {
                let changed = entry.metadata().and_then(|m| m.modified()).ok();
                let since = changed.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
                let nanos = since.map_or(0, |s| u64::try_from(s.as_nanos()).unwrap_or(u64::MAX));
                (nanos, entry.path())
            })
            .collect();
        files.sort();
        files.into_iter().map(|(_, path)| path).collect()
    }

    /// Removes the oldest files of a kind beyond `most`.
    fn thin(&self, start: &str, most: usize) {
        let files = self.files(start);
        for path in files.iter().take(files.len().saturating_sub(most)) {
            let _ = fs::remove_file(path);
        }
    }
}

fn read(path: &Path) -> Option<Prompt> {
    serde_json::from_slice(&read_plain(path, LARGEST)?).ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn prompt(about: &str, session: &str) -> Prompt {
        Prompt {
            about: about.into(),
            project: "/p".into(),
            session: Some(session.into()),
            tokens: None,
            body: r#"{"system":"s"}"#.into(),
        }
    }

    #[test]
    fn what_is_kept_is_private_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path().join("prefix"));
        assert_eq!(store.fixed("a"), None);
        assert!(store.keep_fixed(&prompt("a", "s1")).unwrap());
        assert!(!store.keep_fixed(&prompt("a", "s2")).unwrap(), "the same again");
        let other = Prompt { body: r#"{"system":"t"}"#.into(), ..prompt("a", "s2") };
        assert!(store.keep_fixed(&other).unwrap());
        assert_eq!(store.fixed("a"), Some(other));
        assert_eq!(store.fixed("b"), None);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir.path().join("prefix")), 0o700);
        assert_eq!(mode(&store.fixed_file("a")), 0o600);
    }

    #[test]
    fn the_last_conversations_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path().to_owned());
        for n in 0..TALKS + 3 {
            store.keep_talk(&prompt("a", &format!("s-{n}"))).unwrap();
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), TALKS);
        assert_eq!(store.talk("s-0"), None);
        let last = format!("s-{}", TALKS + 2);
        assert_eq!(store.talk(&last).and_then(|p| p.session), Some(last.clone()));
        assert_eq!(store.last_talk("/p").and_then(|p| p.session), Some(last));
        assert_eq!(store.last_talk("/q"), None);
    }

    #[test]
    fn an_id_that_is_a_path_goes_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path().to_owned());
        for id in ["../x", "", "a/b", "a.b", &"x".repeat(80)] {
            store.keep_talk(&prompt("a", id)).unwrap();
            assert_eq!(store.talk(id), None);
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn damage_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path().to_owned());
        fs::write(store.fixed_file("a"), "{\"about\":").unwrap();
        assert_eq!(store.fixed("a"), None);
        assert!(store.keep_fixed(&prompt("a", "s")).unwrap());
        assert!(store.fixed("a").is_some());
    }
}
