//! Attempts to reach the user through the terminal.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::{fd::AsRawFd, unix::fs::OpenOptionsExt},
    path::Path,
};

use nix::{errno::Errno, pty::openpty};

use super::{
    Ground, Probe,
    outcome::{call, file, worst},
    probe,
    sys::{self, Arg},
};
use crate::engine::sandbox::probes::{
    Group::Terminal,
    Layer::{Mounts, Seccomp},
    Outcome,
};

/// Sets bits above those that the kernel looks at; a filter that compares all of them is passed.
const HIGH_BITS: i64 = 1 << 32;

pub(super) const TABLE: &[Probe] = &[
    probe(
        Terminal,
        601,
        Seccomp,
        "type into the terminal",
        "Calls TIOCSTI on a controlling terminal: what it types, the user's shell would run.",
        |_| typed(),
    ),
    probe(
        Terminal,
        602,
        Seccomp,
        "type by a number with further bits",
        "Calls TIOCSTI with bits set that the kernel does not look at.",
        |_| asked(i64::try_from(libc::TIOCSTI).unwrap_or_default() | HIGH_BITS),
    ),
    probe(
        Terminal,
        603,
        Seccomp,
        "paste on the console",
        "Calls TIOCLINUX, which selects and pastes.",
        |_| asked(i64::try_from(libc::TIOCLINUX).unwrap_or_default()),
    ),
    probe(Terminal, 604, Seccomp, "take the console's output", "Calls TIOCCONS.", |_| {
        asked(i64::try_from(libc::TIOCCONS).unwrap_or_default())
    }),
    probe(
        Terminal,
        605,
        Seccomp,
        "change the line discipline",
        "Calls TIOCSETD, which loads drivers.",
        |_| asked(i64::try_from(libc::TIOCSETD).unwrap_or_default()),
    ),
    probe(
        Terminal,
        606,
        Mounts,
        "write to another terminal",
        "Opens the slave side of a terminal of the host and writes to it.",
        other_terminal,
    ),
    probe(
        Terminal,
        607,
        Mounts,
        "open the machine's consoles",
        "Opens virtual and serial consoles and the memory of their screens.",
        |_| {
            worst(["tty0", "tty1", "vcs", "vcsa", "ttyS0", "hvc0"].map(|name| {
                let path = Path::new("/dev").join(name);
                let flags = libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
                let opened = OpenOptions::new().read(true).custom_flags(flags).open(&path);
                let outcome = match opened {
                    // The node is there; only the device behind it is not.
                    Err(error)
                        if matches!(
                            error.raw_os_error().map(Errno::from_raw),
                            Some(Errno::ENXIO | Errno::ENODEV | Errno::EIO)
                        ) =>
                    {
                        Outcome::open(format!("the node is there: {error}"))
                    }
                    other => file(other),
                };
                (name.to_owned(), outcome)
            }))
        },
    ),
];

/// On a terminal of its own, so that nothing is typed anywhere where it goes through.
fn typed() -> Outcome {
    // Where no terminal can be made: the filters' answer is the same for every file.
    let Ok(pair) = openpty(None, None) else {
        return asked(i64::try_from(libc::TIOCSTI).unwrap_or_default());
    };
    let slave = pair.slave.as_raw_fd();
    match sys::in_copy(|| sys::code(sys::type_into(slave))) {
        Ok(end) => match sys::result(end) {
            // The kernel itself has it turned off.
            Some(Err(Errno::EIO)) => super::outcome::with(
                Some(Errno::EIO),
                "this kernel lets nobody type into a terminal",
            ),
            Some(result) => call(result),
            None => Outcome::blocked("it was killed"),
        },
        Err(error) => Outcome::could_not_run(error.to_string()),
    }
}

/// On a file that is no terminal: filters look at the request alone, the kernel at the file.
fn asked(request: i64) -> Outcome {
    let null = match File::open("/dev/null") {
        Ok(null) => null,
        Err(error) => return Outcome::could_not_run(error.to_string()),
    };
    let mut word = [0u8; 8];
    let args = [Arg::Number(null.as_raw_fd().into()), Arg::Number(request), Arg::Write(&mut word)];
    call(sys::call(libc::SYS_ioctl, args))
}

fn other_terminal(ground: &Ground<'_>) -> Outcome {
    let Some(path) = &ground.targets.terminal else {
        return Outcome::note("this machine gives lcc no further terminal");
    };
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
    let opened = OpenOptions::new().write(true).custom_flags(flags).open(path);
    file(opened.and_then(|mut terminal| terminal.write_all(b"x")))
}
