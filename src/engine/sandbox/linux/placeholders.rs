//! Something empty in the place of every protected path that does not exist, for as long as a
//! session runs.
//!
//! What was made is written down beside lcc's state before it gets its name, so that the next
//! start removes what a killed lcc left. Sessions in one project share what any of them made; the
//! last one removes it. Nothing is removed that has become another file or is no longer empty.

use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder, File},
    io,
    os::{fd::OwnedFd, unix::fs::DirBuilderExt},
    path::{Path, PathBuf},
};

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

use super::{beneath, points::stop_at};
use crate::engine::sandbox::{policy::protected::Placeholder, sys as sandbox_sys};

const TURN: &str = "turn";
const JOURNAL: &str = "journal.json";
const SESSION: &str = "session";
/// What the name of something made begins with until it is written down.
const TEMPORARY: &str = ".lcc-";

/// What the sessions of one project made.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Journal {
    project: PathBuf,
    made: Vec<Made>,
}

/// One placeholder.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Made {
    /// The folder it lies in.
    folder: PathBuf,
    /// Its name there.
    name: String,
    /// The name it was made under.
    temporary: String,
    /// What it is, once known.
    mark: Option<Mark>,
    /// The content of a file.
    file: Option<String>,
}

/// Tells a placeholder from whatever the user puts in its place. The number of the file system is
/// no part of it: it may change when the machine starts again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    inode: u64,
    /// Seconds and nanoseconds of the last change of its content.
    changed: (i64, i64),
}

/// One session's part in a project's placeholders; dropped when nothing of the session is left.
#[derive(Debug)]
pub struct Placeholders {
    all: PathBuf,
    folder: PathBuf,
    own: PathBuf,
    _in_use: File,
}

/// The right to change placeholders; one lcc at a time has it.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "held for its lock")] File);

impl Placeholders {
    /// Joins the sessions of a project, and removes what dead sessions left, here and elsewhere.
    ///
    /// # Errors
    /// When lcc's state folder cannot be written.
    pub fn join(state: &Path, project: &Path) -> io::Result<(Self, Turn)> {
        let all = state.join("placeholders");
        DirBuilder::new().recursive(true).mode(0o700).create(&all)?;
        let turn = take_turn(&all)?;
        let mut folder = None;
        for entry in fs::read_dir(&all)?.flatten().filter(|entry| entry.path().is_dir()) {
            let path = entry.path();
            let Some(journal) = read(&path) else {
                // Killed before anything was made.
                let _left_over = fs::remove_dir_all(&path);
                continue;
            };
            if sessions(&path, None) == 0 {
                clear(&path, &journal);
            } else if journal.project == project {
                folder = Some(path);
            }
        }
        let folder = match folder {
            Some(folder) => folder,
            None => {
                let folder = all.join(uuid::Uuid::new_v4().to_string());
                DirBuilder::new().mode(0o700).create(&folder)?;
                write(&folder, &Journal { project: project.to_owned(), made: Vec::new() })?;
                folder
            }
        };
        let own = folder.join(format!("{}.{SESSION}", uuid::Uuid::new_v4()));
        let in_use = File::create(&own)?;
        in_use.lock()?;
        Ok((Self { all, folder, own, _in_use: in_use }, turn))
    }

    /// Makes what is missing, for `owner` where that is another user than this process's.
    ///
    /// # Errors
    /// When a folder cannot be written; what was made until then goes when `self` is dropped.
    pub fn make(
        &self,
        _turn: &Turn,
        missing: &[Placeholder],
        owner: Option<(u32, u32)>,
    ) -> io::Result<()> {
        if missing.is_empty() {
            return Ok(());
        }
        let mut journal = read(&self.folder).ok_or_else(|| io::Error::other("no journal"))?;
        let first = journal.made.len();
        journal.made.extend(missing.iter().filter_map(|wanted| {
            Some(Made {
                folder: wanted.path.parent()?.to_owned(),
                name: wanted.path.file_name()?.to_str()?.to_owned(),
                temporary: format!("{TEMPORARY}{}", uuid::Uuid::new_v4()),
                mark: None,
                file: wanted.file.map(str::to_owned),
            })
        }));
        write(&self.folder, &journal)?;
        stop_at("placeholders-planned");
        for made in journal.made.iter_mut().skip(first) {
            let folder = beneath::folder(&made.folder)?;
            let temporary = made.temporary.as_ref();
            beneath::make(&folder, temporary, made.file.as_deref())?;
            if let Some(owner) = owner {
                beneath::give(&folder, temporary, owner)?;
            }
            made.mark = mark(&folder, &made.temporary)?;
        }
        stop_at("placeholders-made");
        write(&self.folder, &journal)?;
        stop_at("placeholders-recorded");
        for made in journal.made.iter().skip(first) {
            let folder = beneath::folder(&made.folder)?;
            match beneath::rename_new(&folder, made.temporary.as_ref(), made.name.as_ref()) {
                // Somebody else was faster; the next look finds what they made.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    remove_if(&folder, &made.temporary, made)?;
                }
                other => other?,
            }
        }
        stop_at("placeholders-named");
        Ok(())
    }
}

impl Placeholders {
    /// What this session's bubblewrap is to be called in the list of processes.
    #[must_use]
    pub fn process_name(&self) -> String {
        name_of(&self.own).unwrap_or_default()
    }

    /// The placeholders of the project's sessions that stand as they were made.
    #[must_use]
    pub fn standing(&self) -> BTreeSet<PathBuf> {
        let made = read(&self.folder).map(|journal| journal.made).unwrap_or_default();
        let stands = |made: &&Made| {
            let folder = beneath::folder(&made.folder).ok();
            let mark = folder.and_then(|folder| mark(&folder, &made.name).ok().flatten());
            mark.is_some() && mark == made.mark
        };
        made.iter().filter(stands).map(|made| made.folder.join(&made.name)).collect()
    }
}

impl Drop for Placeholders {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next start.
        let Ok(_turn) = take_turn(&self.all) else { return };
        let others = sessions(&self.folder, Some(&self.own));
        let _gone = fs::remove_file(&self.own);
        if let (0, Some(journal)) = (others, read(&self.folder)) {
            clear(&self.folder, &journal);
        }
    }
}

fn take_turn(all: &Path) -> io::Result<Turn> {
    let turn = File::create(all.join(TURN))?;
    turn.lock()?;
    Ok(Turn(turn))
}

fn read(folder: &Path) -> Option<Journal> {
    serde_json::from_slice(&fs::read(folder.join(JOURNAL)).ok()?).ok()
}

fn write(folder: &Path, journal: &Journal) -> io::Result<()> {
    let new = folder.join("journal.new");
    fs::write(&new, serde_json::to_vec(journal)?)?;
    fs::rename(new, folder.join(JOURNAL))
}

/// How many sessions live besides `own`; the marks of dead ones are removed.
fn sessions(folder: &Path, own: Option<&Path>) -> usize {
    let mut living = 0;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|end| end != SESSION) || own == Some(&path) {
            continue;
        }
        match File::open(&path) {
            Ok(file) if file.try_lock().is_ok() => {
                if let Some(name) = name_of(&path) {
                    end_rest(&name);
                }
                let _gone = fs::remove_file(&path);
            }
            // In doubt it lives: what stays is removed later, what goes too early is a hole.
            Ok(_) | Err(_) => living += 1,
        }
    }
    living
}

/// The name of a session's bubblewrap, by which the next start knows it.
fn name_of(session: &Path) -> Option<String> {
    Some(format!("lcc-bwrap-{}", session.file_stem()?.to_str()?))
}

/// Ends what is left of a killed session's bubblewrap. One that loses its parent in the instant
/// between making its namespaces and asking to die with it waits for ever, with nothing in it.
fn end_rest(name: &str) {
    let bears = |pid: i32| {
        fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| line.split(|byte| *byte == 0).next() == Some(name.as_bytes()))
    };
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok()) {
        // Asked again through the handle: the number may have been given to another meanwhile.
        if bears(pid)
            && let Ok(process) = sandbox_sys::pidfd(pid)
            && bears(pid)
        {
            let _ended_meanwhile = sandbox_sys::pidfd_signal(&process, Signal::SIGKILL);
        }
    }
}

/// Removes what a project's sessions made, as far as it is still theirs, and the record of it.
fn clear(folder: &Path, journal: &Journal) {
    // Youngest first: one may lie in another.
    for made in journal.made.iter().rev() {
        let Ok(place) = beneath::folder(&made.folder) else { continue };
        for name in [&made.temporary, &made.name] {
            let _kept_by_its_user = remove_if(&place, name, made);
        }
    }
    let _left_over = fs::remove_dir_all(folder);
}

/// Removes one placeholder under this name if it is what was made and still as empty.
fn remove_if(folder: &OwnedFd, name: &str, made: &Made) -> io::Result<()> {
    // The temporary name is nobody else's; under the other one only the very same thing is ours.
    if name != made.temporary && (made.mark.is_none() || mark(folder, name)? != made.mark) {
        return Ok(());
    }
    if let Some(content) = &made.file
        && beneath::read(folder, Path::new(name), 64)
            .is_ok_and(|found| !content.as_bytes().starts_with(&found))
    {
        return Ok(());
    }
    beneath::remove(folder, name.as_ref(), made.file.is_none())
}

fn mark(folder: &OwnedFd, name: &str) -> io::Result<Option<Mark>> {
    let about = match beneath::stat(folder, name.as_ref()) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    #[allow(clippy::unnecessary_cast, clippy::useless_conversion)]
    let (inode, changed) =
        (about.st_ino as u64, (about.st_mtime as i64, about.st_mtime_nsec as i64));
    Ok(Some(Mark { inode, changed }))
}
