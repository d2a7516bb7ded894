//! Keeps protected paths held while the program runs.
//!
//! A mount on a file ends for everybody when the file is replaced on the host, as `git push -u`
//! does with `.git/config`: the new file would be open to the program. The kernel says when a list
//! of mounts changes; lcc then mounts the new file again the same way, from a helper that enters
//! the sandbox's file view, and ends the program where that cannot be done.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sched::{CloneFlags, setns},
};

use super::{beneath, inner::mountinfo, sys as strict};
use crate::engine::sandbox::{child::Alarm, policy::Mount, sys};

/// The exit code of a helper that did not succeed.
const FAILED: u8 = 1;
/// How often in a row files may be replaced while others are being held again.
const ROUNDS: usize = 100;
/// How long a file may be gone while another takes its place.
const REPLACED: Duration = Duration::from_millis(100);

/// What has to stay mounted.
#[derive(Debug)]
pub struct Held {
    /// The program, as the host numbers it.
    pub program: i32,
    /// lcc's own program.
    pub lcc: PathBuf,
    /// Paths that are mounted read-only.
    pub read_only: Vec<PathBuf>,
    /// Folders that are mounted so that they cannot be renamed.
    pub pins: Vec<PathBuf>,
}

/// Watches from a thread of its own until the program ends.
///
/// # Errors
/// When the program's list of mounts cannot be opened.
pub fn watch(held: Held, alarm: Alarm) -> io::Result<()> {
    let path = format!("/proc/{}/mountinfo", held.program);
    let mut list = File::open(&path)?;
    let program = sys::pidfd(held.program)?;
    // The first reading is what later changes are told against.
    if let Some(why) = look(&held, &mut list) {
        alarm.end(why);
        return Ok(());
    }
    thread::Builder::new().name("lcc-mounts".to_owned()).spawn(move || {
        while changed(&list, &program) {
            if let Some(why) = look(&held, &mut list) {
                alarm.end(why);
                return;
            }
        }
    })?;
    Ok(())
}

/// Waits for a change of the list; false when the program has ended.
fn changed(list: &File, program: &OwnedFd) -> bool {
    loop {
        let mut fds = [
            PollFd::new(list.as_fd(), PollFlags::POLLPRI),
            PollFd::new(program.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut fds, PollTimeout::NONE) {
            Err(Errno::EINTR) => {}
            Err(_) => return false,
            Ok(_) => {
                let [_, program] = fds;
                return program.revents().is_some_and(|events| events.is_empty());
            }
        }
    }
}

/// Mounts again what is mounted no more; why the program must end, if that did not work.
fn look(held: &Held, list: &mut File) -> Option<String> {
    // Another round sees what changed during the one before.
    for _ in 0..ROUNDS {
        // A list that cannot be read any more is that of a program that has ended.
        let mounted = read(list).ok().filter(|mounted| !mounted.is_empty())?;
        let lost = lost(held, &mounted);
        let first = lost.first()?;
        if held.pins.contains(first) {
            return Some(told(first, "its folder was replaced"));
        }
        if let Err(error) = helped(held, &lost) {
            let what = format!("it was removed or replaced from outside the sandbox ({error})");
            return Some(told(first, &what));
        }
    }
    Some("protected files of the project change without end".to_owned())
}

fn told(path: &Path, what: &str) -> String {
    format!(
        "the sandbox was ended because {} was no longer protected: {what}; start again, and the \
         new one is protected",
        path.display()
    )
}

fn read(list: &mut File) -> io::Result<Vec<Mount>> {
    use std::io::{Read, Seek};
    let mut text = Vec::new();
    list.rewind()?;
    list.read_to_end(&mut text)?;
    mountinfo::parse(&text).map_err(io::Error::other)
}

/// What should be mounted and is not, pins first.
fn lost(held: &Held, mounted: &[Mount]) -> Vec<PathBuf> {
    let top = |path: &Path| mounted.iter().rev().find(|mount| mount.path == path);
    let pins = held.pins.iter().filter(|path| top(path).is_none());
    let open = |path: &&PathBuf| top(path).is_none_or(|mount| mount.writable);
    pins.chain(held.read_only.iter().filter(open)).cloned().collect()
}

fn helped(held: &Held, lost: &[PathBuf]) -> Result<(), String> {
    let mut command = Command::new(&held.lcc);
    command.arg("__hold").arg(held.program.to_string()).args(lost).env_clear();
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(said.trim_end().to_owned()) }
}

fn again(folder: &OwnedFd, name: &Path) -> io::Result<()> {
    strict::mount_again(&beneath::plain(folder, name)?)
}

/// Runs the helper: `PROGRAM PATH…` mounts each path onto itself, read-only, as the program sees it.
///
/// Call it before anything else of lcc: it must be the only thread to enter another user namespace.
#[must_use]
pub fn main(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    let program = args.next().and_then(|word| word.to_str()?.parse::<i32>().ok());
    let enter = |program: i32| -> io::Result<()> {
        let view = fs::File::open(format!("/proc/{program}/ns/mnt"))?;
        // The user namespace that owns the file view is not the one the program ended up in.
        setns(strict::owner_of(&view)?, CloneFlags::CLONE_NEWUSER)?;
        setns(&view, CloneFlags::CLONE_NEWNS)?;
        for path in args {
            let path = PathBuf::from(path);
            let (Some(above), Some(name)) = (path.parent(), path.file_name()) else { continue };
            let folder = beneath::folder(above)?;
            // The mount ends before the name stands for the new file: for that moment there is
            // nothing to mount on.
            let deadline = Instant::now() + REPLACED;
            while let Err(error) = again(&folder, Path::new(name)) {
                if error.kind() != io::ErrorKind::NotFound || Instant::now() >= deadline {
                    return Err(error);
                }
                thread::yield_now();
            }
        }
        Ok(())
    };
    match program.map(enter) {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => {
            eprintln!("{error}");
            ExitCode::from(FAILED)
        }
        None => ExitCode::from(FAILED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_mounted_as_it_should_be_is_lost() {
        let mount = |path: &str, writable| Mount { path: path.into(), writable };
        let held = Held {
            program: 1,
            lcc: "/lcc".into(),
            read_only: vec!["/p/.git/config".into(), "/p/.git/hooks".into()],
            pins: vec!["/p/.git".into()],
        };
        let all = [
            mount("/p", true),
            mount("/p/.git", true),
            mount("/p/.git/config", false),
            mount("/p/.git/hooks", false),
        ];
        assert_eq!(lost(&held, &all), Vec::<PathBuf>::new());
        assert_eq!(lost(&held, &all[..3]), [PathBuf::from("/p/.git/hooks")]);
        let opened = [&all[..], &[mount("/p/.git/config", true)]].concat();
        assert_eq!(lost(&held, &opened), [PathBuf::from("/p/.git/config")]);
        assert_eq!(lost(&held, &all[..1])[0], Path::new("/p/.git"));
    }
}
