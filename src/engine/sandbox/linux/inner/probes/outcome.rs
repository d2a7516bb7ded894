//! Judges what an attempt met: which errors are a layer's doing and which prove nothing.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read},
    path::Path,
};

use nix::{
    errno::Errno,
    unistd::{AccessFlags, access},
};

use crate::engine::sandbox::probes::Outcome;

/// The longest detail that is passed on, in characters.
const LONGEST: usize = 160;

/// An attempt on a file. The errors are those of a place that is not there, not ours or read-only.
pub(super) fn file<T>(attempt: io::Result<T>) -> Outcome {
    match attempt {
        Ok(_) => Outcome::open("it went through"),
        Err(error) => stopped_file(&error),
    }
}

fn stopped_file(error: &io::Error) -> Outcome {
    let number = error.raw_os_error().map(Errno::from_raw);
    match number {
        Some(
            Errno::ENOENT
            | Errno::ENOTDIR
            | Errno::EACCES
            | Errno::EPERM
            | Errno::EROFS
            | Errno::EXDEV
            | Errno::EBUSY
            | Errno::EISDIR
            | Errno::ELOOP,
        ) => with(number, error.to_string()),
        Some(_) | None => Outcome::could_not_run(error.to_string()),
    }
}

/// A call into the kernel: filters and missing rights answer with these errors. Any other means
/// that the kernel had begun to look at what was asked of it.
pub(super) fn call<T>(attempt: Result<T, Errno>) -> Outcome {
    match attempt {
        Ok(got) => {
            // A descriptor is closed before the next attempt is made.
            drop(got);
            Outcome::open("it went through")
        }
        Err(error @ (Errno::EPERM | Errno::EACCES | Errno::ENOSYS)) => {
            with(Some(error), error.desc())
        }
        Err(error) => Outcome::open(format!("the kernel took it up: {}", error.desc())),
    }
}

/// A call for a namespace: `ENOSPC` says that none more may be made.
pub(super) fn of_namespace<T>(attempt: Result<T, Errno>) -> Outcome {
    match attempt {
        Err(Errno::ENOSPC) => with(Some(Errno::ENOSPC), "no further namespace may be made"),
        other => call(other),
    }
}

/// A call that names a process: `ESRCH` says that there is none of that number.
pub(super) fn of_process<T>(attempt: Result<T, Errno>) -> Outcome {
    match attempt {
        Err(Errno::ESRCH) => with(Some(Errno::ESRCH), Errno::ESRCH.desc()),
        other => call(other),
    }
}

/// Several tries of one attempt: open if one is, unproved if one is, else stopped as the first.
pub(super) fn worst(outcomes: impl IntoIterator<Item = (String, Outcome)>) -> Outcome {
    let mut stopped = None;
    let mut unproved = None;
    let mut count = 0;
    for (what, outcome) in outcomes {
        count += 1;
        match outcome {
            Outcome::Open { detail } => return Outcome::open(format!("{what}: {detail}")),
            Outcome::CouldNotRun { detail } => {
                unproved.get_or_insert_with(|| Outcome::could_not_run(format!("{what}: {detail}")));
            }
            Outcome::Blocked { .. } | Outcome::Note { .. } => {
                stopped.get_or_insert(outcome);
            }
        }
    }
    match (unproved, stopped) {
        (None, Some(Outcome::Blocked { errno, detail })) if count > 1 => {
            Outcome::Blocked { errno, detail: format!("{detail}; all {count} of this kind") }
        }
        (Some(outcome), _) | (None, Some(outcome)) => outcome,
        (None, None) => Outcome::could_not_run("nothing was tried"),
    }
}

/// Stopped with an error.
pub(super) fn with(errno: Option<Errno>, detail: impl Into<String>) -> Outcome {
    Outcome::Blocked { errno: errno.map(|errno| errno as i32), detail: detail.into() }
}

/// Reads a file in search of the secret. Another file of that name is no escape.
pub(super) fn secret(path: &Path, text: &str) -> Outcome {
    let mut content = vec![0u8; 64 * 1024];
    match File::open(path).and_then(|mut file| file.read(&mut content)) {
        Ok(read) => {
            content.truncate(read);
            if content.windows(text.len()).any(|part| part == text.as_bytes()) {
                Outcome::open(format!("{} shows the secret", path.display()))
            } else {
                Outcome::blocked("another file of that name, without the secret")
            }
        }
        // A process of ours by that number that has ended, or memory that is not mapped.
        Err(error) if error.raw_os_error() == Some(libc::EIO) => {
            with(Some(Errno::EIO), error.to_string())
        }
        Err(error) => stopped_file(&error),
    }
}

/// Creates a file and removes it again.
pub(super) fn create(path: &Path) -> Outcome {
    let made = File::create_new(path);
    if made.is_ok() {
        // It was ours a moment ago; what cannot be removed shows in the outcome anyway.
        let _best_effort = fs::remove_file(path);
    }
    file(made)
}

/// Opens an existing file for writing and leaves it as it is.
pub(super) fn change(path: &Path) -> Outcome {
    match OpenOptions::new().append(true).open(path) {
        // The kernel sees first that it runs; asked for the right alone it tells of the mount.
        Err(error) if error.raw_os_error() == Some(libc::ETXTBSY) => {
            match access(path, AccessFlags::W_OK) {
                Ok(()) => Outcome::open("only its running protects it"),
                Err(error) => file::<()>(Err(error.into())),
            }
        }
        other => file(other),
    }
}

/// The outcome with a detail that fits a message and a line.
pub(super) fn short(outcome: Outcome) -> Outcome {
    let cut = |detail: String| {
        let mut plain: String = detail
            .chars()
            .map(|sign| if sign.is_control() { ' ' } else { sign })
            .take(LONGEST)
            .collect();
        plain.truncate(plain.trim_end().len());
        plain
    };
    match outcome {
        Outcome::Blocked { errno, detail } => Outcome::Blocked { errno, detail: cut(detail) },
        Outcome::Open { detail } => Outcome::Open { detail: cut(detail) },
        Outcome::CouldNotRun { detail } => Outcome::CouldNotRun { detail: cut(detail) },
        Outcome::Note { detail } => Outcome::Note { detail: cut(detail) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_layer_answers_is_told_from_what_the_kernel_answers() {
        for error in [Errno::EPERM, Errno::ENOSYS, Errno::EACCES] {
            assert_eq!(call::<()>(Err(error)).word(), "blocked");
        }
        for error in [Errno::EINVAL, Errno::EFAULT, Errno::EBADF, Errno::ESRCH] {
            assert_eq!(call::<()>(Err(error)).word(), "OPEN");
        }
        assert_eq!(call(Ok(())).word(), "OPEN");
        assert_eq!(of_process::<()>(Err(Errno::ESRCH)).word(), "blocked");
        for number in [libc::ENOENT, libc::EROFS, libc::EACCES, libc::EBUSY] {
            assert_eq!(file::<()>(Err(io::Error::from_raw_os_error(number))).word(), "blocked");
        }
        for number in [libc::ENOSPC, libc::EMFILE, libc::EINVAL, libc::EEXIST] {
            assert_eq!(file::<()>(Err(io::Error::from_raw_os_error(number))).word(), "UNPROVED");
        }
        assert_eq!(file(Ok(())).word(), "OPEN");
    }

    #[test]
    fn one_open_try_opens_the_whole() {
        let blocked = || ("a".to_owned(), with(Some(Errno::EPERM), "no"));
        let open = ("b".to_owned(), Outcome::open("yes"));
        let unknown = ("c".to_owned(), Outcome::could_not_run("?"));
        assert_eq!(worst([blocked(), unknown.clone(), open]).word(), "OPEN");
        assert_eq!(worst([unknown, blocked()]).word(), "UNPROVED");
        let all = worst([blocked(), blocked()]);
        assert_eq!(all, with(Some(Errno::EPERM), "no; all 2 of this kind"));
        assert_eq!(worst([]).word(), "UNPROVED");
    }

    #[test]
    fn a_file_with_the_secret_is_told_from_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, "abc").unwrap();
        assert_eq!(secret(&path, "b").word(), "OPEN");
        assert_eq!(secret(&path, "d").word(), "blocked");
        assert_eq!(secret(&folder.path().join("g"), "d").word(), "blocked");
        assert_eq!(change(&path).word(), "OPEN");
        assert_eq!(create(&folder.path().join("h")).word(), "OPEN");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn details_fit_a_line() {
        let Outcome::Open { detail } = short(Outcome::open(format!("a\n{}", "b".repeat(500))))
        else {
            panic!("the outcome changed");
        };
        assert!(detail.starts_with("a b") && detail.chars().count() == LONGEST);
    }
}
