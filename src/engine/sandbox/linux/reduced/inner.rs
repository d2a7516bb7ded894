//! The inner stage of the reduced tier: gives up what it has, lets the probes try, starts the
//! program and stays above it.

use std::{
    ffi::{CString, OsString},
    fs::{self, File},
    io::{self, Read, Write},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::ffi::OsStringExt,
    },
    process::ExitCode,
    time::{Duration, Instant},
};

use nix::{
    sys::{
        prctl,
        resource::{Resource, getrlimit, setrlimit},
        signal::Signal,
    },
    unistd::Pid,
};

use super::{
    keeper::{self, Ear},
    landlock, probes,
    sys::drop_capabilities,
    wire::{Orders, Said, Told},
};
use crate::engine::sandbox::{
    linux::{
        broker::{self, filter},
        channel,
        inner::{Failure, OrFail, seccomp},
    },
    sys,
};

/// The exit code of a start that failed inside.
const FAILED: u8 = 125;
/// How long lcc may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// The out-of-memory killer takes the program before the user's own programs.
const KILL_FIRST: &str = "500";

/// Runs the stage: `CHANNEL ORDERS -- PROGRAM ARGS…`, the first two being descriptor numbers.
///
/// Call it before anything else of the program: it must be the only thread. It ends with the
/// program's exit code, or 125 when a step failed.
#[must_use]
pub fn main(args: Vec<OsString>) -> ExitCode {
    let mut args = args.into_iter();
    let mut number = || args.next().and_then(|word| word.to_str()?.parse().ok());
    let (Some(channel), Some(orders)) = (number(), number()) else {
        eprintln!("lcc: this is the inner stage of the sandbox, started by lcc itself");
        return ExitCode::from(FAILED);
    };
    let command: Vec<OsString> = args.skip_while(|word| word == "--").collect();
    let channel = match sys::adopt(channel) {
        Ok(channel) => channel,
        Err(error) => {
            eprintln!("lcc: {error}");
            return ExitCode::from(FAILED);
        }
    };
    match run(&channel, orders, command) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            let said = Said::Failed { stage: failure.stage.to_owned(), detail: failure.detail };
            // lcc is gone where this cannot be sent.
            let _gone = channel::send(&channel, &said, None);
            ExitCode::from(FAILED)
        }
    }
}

fn run(channel: &OwnedFd, orders: i32, command: Vec<OsString>) -> Result<u8, Failure> {
    let mut text = String::new();
    File::from(sys::adopt(orders).or_fail("orders")?)
        .read_to_string(&mut text)
        .or_fail("orders")?;
    let orders: Orders = serde_json::from_str(&text).or_fail("orders")?;
    let words = command
        .into_iter()
        .map(|word| CString::new(word.into_vec()))
        .collect::<Result<Vec<_>, _>>()
        .or_fail("program")?;
    prctl::set_no_new_privs().or_fail("privileges")?;
    drop_capabilities().or_fail("privileges")?;
    prctl::set_child_subreaper(true).or_fail("processes")?;
    // From here on the channel goes to forked copies only, and to no program.
    sys::close_range(3, true).or_fail("descriptors")?;
    check(channel, &orders)?;
    channel::send(channel, &Said::Ready, None).or_fail("handshake")?;

    expect(channel, Told::Probe)?;
    limits().or_fail("limits")?;
    let probes = probes::run(&orders, channel)?;
    channel::send(channel, &Said::Report { probes }, None).or_fail("handshake")?;

    expect(channel, Told::Start)?;
    let ear = Ear::open().or_fail("processes")?;
    let program = start(channel, &orders, &words)?;
    channel::send(channel, &Said::Started, None).or_fail("handshake")?;
    Ok(keeper::keep(program, &ear, channel))
}

/// No capability in any set that counts, no new privileges, no stray descriptor, one thread.
fn check(channel: &OwnedFd, orders: &Orders) -> Result<(), Failure> {
    let status = fs::read_to_string("/proc/self/status").or_fail("privileges")?;
    privileges(&status).map_err(|detail| Failure { stage: "privileges", detail })?;
    let listed: Vec<i32> = fs::read_dir("/proc/self/fd")
        .or_fail("descriptors")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    let extra: Vec<i32> = listed
        .into_iter()
        .filter(|fd| *fd > 2 && *fd != channel.as_raw_fd())
        .filter(|fd| fs::symlink_metadata(format!("/proc/self/fd/{fd}")).is_ok())
        .collect();
    if !extra.is_empty() {
        return Err(Failure { stage: "descriptors", detail: format!("inherited: {extra:?}") });
    }
    if std::env::current_dir().or_fail("folder")? != orders.project {
        let detail = "the working folder is not the project".to_owned();
        return Err(Failure { stage: "folder", detail });
    }
    Ok(())
}

/// An ordinary user's bounding set stays full: without new privileges it gives nothing.
fn privileges(status: &str) -> Result<(), String> {
    let field = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map(str::trim)
            .ok_or_else(|| format!("{name} is not in /proc/self/status"))
    };
    let root = field("Uid")?.split_whitespace().any(|number| number == "0");
    let bounding = if root { Some("CapBnd") } else { None };
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"].into_iter().chain(bounding) {
        let bits = field(set)?;
        if bits.is_empty() || bits.chars().any(|digit| digit != '0') {
            return Err(format!("{set} is {bits}"));
        }
    }
    if field("NoNewPrivs")? != "1" {
        return Err("new privileges are possible".to_owned());
    }
    if field("Threads")? != "1" {
        return Err("the inner stage has several threads".to_owned());
    }
    Ok(())
}

/// Landlock, the filters, and last the one whose calls lcc answers; its listener.
pub(super) fn restrict(orders: &Orders) -> Result<OwnedFd, Failure> {
    let filters = seccomp::programs_beside_watch().or_fail("seccomp")?;
    let servers = filter::no_servers().or_fail("seccomp")?;
    let watch = filter::program().or_fail("seccomp")?;
    landlock::enforce(orders).or_fail("Landlock")?;
    // The watch goes first: nothing that follows asks it, and a listener can be made only once.
    let listener = broker::sys::install(&watch).or_fail("seccomp")?;
    seccomp::enforce(&[servers]).or_fail("seccomp")?;
    seccomp::enforce(&filters).or_fail("seccomp")?;
    Ok(listener)
}

/// Forks the program and waits until it has taken the copy's place.
fn start(channel: &OwnedFd, orders: &Orders, words: &[CString]) -> Result<Pid, Failure> {
    let (said, say) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).or_fail("program")?;
    // The copy that stays drops its end of the pipe with the closure.
    let program = sys::fork(move || {
        let failure = become_program(channel, orders, words);
        let text = format!("{}\n{}", failure.stage, failure.detail);
        let _gone = File::from(say).write_all(text.as_bytes());
        i32::from(FAILED)
    })
    .or_fail("program")?;
    let mut text = String::new();
    File::from(said).read_to_string(&mut text).or_fail("program")?;
    let Some((stage, detail)) = text.split_once('\n') else { return Ok(program) };
    // The stage comes from this program's own short list.
    let stage = ["program", "Landlock", "seccomp", "handshake"]
        .into_iter()
        .find(|known| *known == stage)
        .unwrap_or("start of the program");
    Err(Failure { stage, detail: detail.to_owned() })
}

fn become_program(channel: &OwnedFd, orders: &Orders, words: &[CString]) -> Failure {
    let result = || -> Result<std::convert::Infallible, Failure> {
        prctl::set_pdeathsig(Signal::SIGKILL).or_fail("program")?;
        // Best effort: some containers do not let even this be raised.
        let _not_allowed = fs::write("/proc/self/oom_score_adj", KILL_FIRST);
        let program = words.first().ok_or("no program was named").or_fail("program")?;
        let listener = restrict(orders)?;
        channel::send(channel, &Said::Watched, Some(listener.as_raw_fd())).or_fail("handshake")?;
        drop(listener);
        sys::restore_keyboard_signals();
        Ear::close().or_fail("program")?;
        let Err(error) = nix::unistd::execvp(program, words);
        Err(Failure { stage: "program", detail: io::Error::from(error).to_string() })
    };
    match result() {
        Err(failure) => failure,
        Ok(never) => match never {},
    }
}

fn expect(channel: &OwnedFd, wanted: Told) -> Result<(), Failure> {
    let told = channel::receive::<Told>(channel, Instant::now() + PATIENCE).or_fail("handshake")?;
    if told.message == wanted {
        Ok(())
    } else {
        Err(Failure { stage: "handshake", detail: format!("lcc said {:?}", told.message) })
    }
}

/// Limits that keep an accident small; the caller's own lower ones stay. Processes are counted by
/// lcc here: the kernel would count all of the user's.
fn limits() -> nix::Result<()> {
    const FILE_SIZE: u64 = 4 << 30;
    const FILES: u64 = 65_536;
    for (resource, wanted) in [
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_FSIZE, FILE_SIZE),
        (Resource::RLIMIT_NOFILE, FILES),
    ] {
        let (soft, hard) = getrlimit(resource)?;
        setrlimit(resource, soft.min(wanted), hard.min(wanted))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "Uid:\t1000\t1000\t1000\t1000\nThreads:\t1\nCapInh:\t0000\nCapPrm:\t0000\n\
        CapEff:\t0000\nCapBnd:\t00ff\nCapAmb:\t0000\nNoNewPrivs:\t1\n";

    #[test]
    fn every_privilege_is_seen() {
        let root = USER.replace("1000\t1000", "0\t0").replace("CapBnd:\t00ff", "CapBnd:\t0000");
        assert_eq!(privileges(USER), Ok(()));
        assert_eq!(privileges(&root), Ok(()));
        for (from, to) in [
            ("CapInh:\t0000", "CapInh:\t0001"),
            ("CapPrm:\t0000", "CapPrm:\t8000"),
            ("CapEff:\t0000", "CapEff:\t0400"),
            ("CapAmb:\t0000", "CapAmb:\t"),
            ("NoNewPrivs:\t1", "NoNewPrivs:\t0"),
            ("Threads:\t1", "Threads:\t2"),
            ("Uid", "Xid"),
        ] {
            assert!(privileges(&USER.replace(from, to)).is_err(), "{to} passed");
        }
        assert!(privileges(&root.replace("CapBnd:\t0000", "CapBnd:\t00ff")).is_err());
    }
}
