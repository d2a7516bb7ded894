//! The private state folder of Claude Code, seeded so that it starts without a question.
//!
//! The folder is writable from inside the sandbox, so what lies in it is not trusted: it is
//! opened without following links, sized before it is read, and replaced as a whole.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use nix::{
    fcntl::{AT_FDCWD, OFlag, openat, renameat},
    sys::stat::{Mode, mkdirat},
};
use serde_json::{Map, Value, json};
use thiserror::Error;

/// Largest `.claude.json` that is read back; a larger one is started anew.
const MAX_STATE_BYTES: u64 = 16 * 1024 * 1024;

/// The colours Claude Code draws with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Light text on a dark ground.
    Dark,
    /// Dark text on a light ground.
    Light,
    /// The sixteen colours of the terminal, on a dark ground.
    DarkAnsi,
    /// The sixteen colours of the terminal, on a light ground.
    LightAnsi,
}

impl Look {
    /// The theme's name in Claude Code's own settings.
    const fn theme(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::DarkAnsi => "dark-ansi",
            Self::LightAnsi => "light-ansi",
        }
    }
}

/// Why the state folder could not be prepared.
#[derive(Debug, Error)]
#[error("{path}: {reason}. Remove it, or choose another folder with LCC_STATE_DIR")]
pub struct StateError {
    /// The file or folder.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Prepares `home` (created when missing, mode 0700) for Claude Code working in `project`.
///
/// Onboarding done, the project trusted, bypass mode accepted; everything else Claude Code wrote
/// there before is kept. A file that is damaged, a link or too large is set aside as
/// `.claude.json.damaged`.
///
/// # Errors
/// [`StateError`] names the file and what the system said.
pub fn seed(home: &Path, project: &Path, look: Look) -> Result<(), StateError> {
    let fail =
        |path: PathBuf, reason: String| StateError { path: path.display().to_string(), reason };
    let config = home.join(".claude");
    let io = |path: &Path| {
        let path = path.to_owned();
        move |e: nix::Error| fail(path, e.desc().to_owned())
    };
    std::fs::create_dir_all(home).map_err(|e| fail(home.to_owned(), e.to_string()))?;
    let home_dir = open_dir(None, home).map_err(io(home))?;
    nix::sys::stat::fchmod(&home_dir, Mode::S_IRWXU).map_err(io(home))?;
    match mkdirat(&home_dir, ".claude", Mode::S_IRWXU) {
        Ok(()) | Err(nix::Error::EEXIST) => {}
        Err(e) => return Err(io(&config)(e)),
    }
    let dir = open_dir(Some(&home_dir), Path::new(".claude")).map_err(io(&config))?;

    let file = config.join(".claude.json");
    let mut state = match read_state(&dir) {
        Found::Nothing => Map::new(),
        Found::State(map) => map,
        Found::Damaged => {
            renameat(&dir, ".claude.json", &dir, ".claude.json.damaged").map_err(io(&file))?;
            Map::new()
        }
    };
    fill(&mut state, project, look);
    let text = serde_json::to_vec_pretty(&Value::Object(state))
        .map_err(|e| fail(file.clone(), e.to_string()))?;
    write_whole(&dir, &text).map_err(|e| fail(file, e.to_string()))
}

/// Opens a folder without following a link at its last component.
fn open_dir(at: Option<&OwnedFd>, path: &Path) -> nix::Result<OwnedFd> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_RDONLY;
    match at {
        Some(dir) => openat(dir, path, flags, Mode::empty()),
        None => openat(AT_FDCWD, path, flags, Mode::empty()),
    }
}

enum Found {
    Nothing,
    State(Map<String, Value>),
    Damaged,
}

fn read_state(dir: &OwnedFd) -> Found {
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let fd = match openat(dir, ".claude.json", flags, Mode::empty()) {
        Ok(fd) => fd,
        Err(nix::Error::ENOENT) => return Found::Nothing,
        Err(_) => return Found::Damaged,
    };
    let file = File::from(fd);
    if !file.metadata().is_ok_and(|m| m.is_file() && m.len() <= MAX_STATE_BYTES) {
        return Found::Damaged;
    }
    let mut text = Vec::new();
    if file.take(MAX_STATE_BYTES).read_to_end(&mut text).is_err() {
        return Found::Damaged;
    }
    match serde_json::from_slice(&text) {
        Ok(Value::Object(map)) => Found::State(map),
        Ok(_) | Err(_) => Found::Damaged,
    }
}

/// Sets what a start without questions needs, and leaves the rest as it was.
fn fill(state: &mut Map<String, Value>, project: &Path, look: Look) {
    state.insert("hasCompletedOnboarding".into(), Value::Bool(true));
    state.insert("bypassPermissionsModeAccepted".into(), Value::Bool(true));
    state.insert("theme".into(), look.theme().into());
    state.insert("autoUpdates".into(), Value::Bool(false));
    // Notices of 2.1.330 that wait for a key, each shown until its mark is there: the offer of the
    // full-screen renderer (three times) and the one about auto mode.
    state.insert("fullscreenUpsellSeenCount".into(), 3.into());
    state.insert("hasSeenAutoDefaultNotice".into(), Value::Bool(true));
    let projects = state.entry("projects").or_insert_with(|| json!({}));
    if !projects.is_object() {
        *projects = json!({});
    }
    let key = project.display().to_string();
    if let Some(projects) = projects.as_object_mut() {
        let entry = projects.entry(key).or_insert_with(|| json!({}));
        if !entry.is_object() {
            *entry = json!({});
        }
        if let Some(entry) = entry.as_object_mut() {
            entry.insert("hasTrustDialogAccepted".into(), Value::Bool(true));
            entry.insert("hasCompletedProjectOnboarding".into(), Value::Bool(true));
        }
    }
}

/// Writes beside and renames, so that a crash leaves the old file or the new one.
fn write_whole(dir: &OwnedFd, text: &[u8]) -> std::io::Result<()> {
    let name = format!(".claude.json.{}", uuid::Uuid::new_v4().simple());
    let flags =
        OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let fd = openat(dir, name.as_str(), flags, Mode::S_IRUSR | Mode::S_IWUSR)?;
    let mut file = File::from(fd);
    file.write_all(text)?;
    file.sync_all()?;
    renameat(dir, name.as_str(), dir, ".claude.json")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(home: &Path) -> Value {
        serde_json::from_str(&std::fs::read_to_string(home.join(".claude/.claude.json")).unwrap())
            .unwrap()
    }

    #[test]
    fn a_fresh_folder_starts_without_questions() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        seed(&home, Path::new("/p"), Look::Dark).unwrap();
        let state = read(&home);
        assert_eq!(state["hasCompletedOnboarding"], true);
        assert_eq!(state["projects"]["/p"]["hasTrustDialogAccepted"], true);
        assert_eq!(state["theme"], "dark");
    }

    #[test]
    fn what_claude_code_wrote_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        seed(&home, Path::new("/p"), Look::Dark).unwrap();
        let file = home.join(".claude/.claude.json");
        let mut state = read(&home);
        state["numStartups"] = 7.into();
        state["projects"]["/p"]["history"] = json!(["hello"]);
        std::fs::write(&file, state.to_string()).unwrap();
        seed(&home, Path::new("/q"), Look::Light).unwrap();
        let state = read(&home);
        assert_eq!(state["numStartups"], 7);
        assert_eq!(state["projects"]["/p"]["history"][0], "hello");
        assert_eq!(state["projects"]["/q"]["hasTrustDialogAccepted"], true);
        assert_eq!(state["theme"], "light");
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_not_lost() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        std::fs::create_dir_all(home.join(".claude")).unwrap();
        std::fs::write(home.join(".claude/.claude.json"), "{\"half").unwrap();
        seed(&home, Path::new("/p"), Look::Dark).unwrap();
        assert_eq!(read(&home)["theme"], "dark");
        let kept = std::fs::read_to_string(home.join(".claude/.claude.json.damaged")).unwrap();
        assert_eq!(kept, "{\"half");
    }

    #[test]
    fn links_planted_from_inside_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        let secret = dir.path().join("secret.json");
        std::fs::write(&secret, "{\"token\":\"s\"}").unwrap();
        std::fs::create_dir_all(home.join(".claude")).unwrap();
        std::os::unix::fs::symlink(&secret, home.join(".claude/.claude.json")).unwrap();
        seed(&home, Path::new("/p"), Look::Dark).unwrap();
        assert!(read(&home).get("token").is_none());
        assert_eq!(std::fs::read_to_string(&secret).unwrap(), "{\"token\":\"s\"}");

        let other = dir.path().join("other");
        std::fs::create_dir(&other).unwrap();
        let home2 = dir.path().join("home2");
        std::fs::create_dir(&home2).unwrap();
        std::os::unix::fs::symlink(&other, home2.join(".claude")).unwrap();
        assert!(seed(&home2, Path::new("/p"), Look::Dark).is_err());
        assert_eq!(std::fs::read_dir(&other).unwrap().count(), 0);
    }
}
