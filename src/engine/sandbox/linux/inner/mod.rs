//! The inner stage: runs inside the sandbox before the program and proves that it holds.

mod checks;
pub(super) mod landlock;
pub(super) mod mountinfo;
mod probes;
pub(super) mod seccomp;

use std::{
    ffi::{CString, OsString},
    fs::File,
    io::{self, Read},
    net::{Ipv4Addr, TcpListener},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::ffi::OsStringExt,
    },
    process::ExitCode,
    time::{Duration, Instant},
};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use seccompiler::BpfProgram;

pub use probes::{Aim, Battery, CONTROL, cases, control, survivor};
pub(super) use probes::{close_all_but, forked};

use super::{
    broker::{filter, sys::install},
    channel,
    wire::{Orders, Said, Told},
};
use crate::engine::sandbox::{
    policy::{Limit, rlimits::Resource as Limited},
    sys,
};

/// The exit code of a start that failed inside.
const FAILED: u8 = 125;
/// How long lcc may take to answer; it judges in microseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// A step that failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// Which step.
    pub(super) stage: &'static str,
    /// What was seen.
    pub(super) detail: String,
}

/// Names the step of whatever failed.
pub(super) trait OrFail<T> {
    fn or_fail(self, stage: &'static str) -> Result<T, Failure>;
}

impl<T, E: std::fmt::Display> OrFail<T> for Result<T, E> {
    fn or_fail(self, stage: &'static str) -> Result<T, Failure> {
        self.map_err(|error| Failure { stage, detail: error.to_string() })
    }
}

/// Runs the inner stage: `CHANNEL ORDERS -- PROGRAM ARGS…`, the first two being descriptor numbers.
///
/// Call it before anything else of the program: it must be the only thread. It returns when a step
/// failed; otherwise the program takes its place.
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
    if let Err(failure) = run(&channel, orders, command) {
        let said = Said::Failed { stage: failure.stage.to_owned(), detail: failure.detail };
        // lcc is gone where this cannot be sent, and the sandbox goes with it.
        let _gone = channel::send(&channel, &said, None);
    }
    ExitCode::from(FAILED)
}

fn run(channel: &OwnedFd, orders: i32, command: Vec<OsString>) -> Result<(), Failure> {
    let mut text = String::new();
    File::from(sys::adopt(orders).or_fail("orders")?)
        .read_to_string(&mut text)
        .or_fail("orders")?;
    let orders: Orders = serde_json::from_str(&text).or_fail("orders")?;
    let stderr = sys::adopt(orders.stderr).or_fail("orders")?;
    let netns = checks::all(&orders, &[channel.as_raw_fd(), stderr.as_raw_fd()])?;

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, orders.port)).or_fail("socket")?;
    channel::send(channel, &Said::Ready { netns }, Some(listener.as_raw_fd()))
        .or_fail("handshake")?;
    drop(listener);

    expect(channel, Told::Probe)?;
    limits(&orders.limits).or_fail("limits")?;
    let filters = seccomp::programs().or_fail("seccomp")?;
    let (probes, landlock) = probes::run(&orders, &filters)?;
    channel::send(channel, &Said::Report { probes, landlock }, None).or_fail("handshake")?;

    expect(channel, Told::Start)?;
    nix::unistd::dup2_stderr(&stderr).or_fail("streams")?;
    drop(stderr);
    sys::restore_keyboard_signals();
    confine_program(&orders, &filters, channel)?;
    let words = command
        .into_iter()
        .map(|word| CString::new(word.into_vec()))
        .collect::<Result<Vec<_>, _>>()
        .or_fail("program")?;
    let program = words.first().ok_or("no program was named").or_fail("program")?;
    let Err(error) = nix::unistd::execvp(program, &words);
    Err(Failure { stage: "program", detail: io::Error::from(error).to_string() })
}

/// The final restrictions. The probes run behind the same ones, but that the refusals of sockets
/// are the kernel's own there: here lcc answers with the same, and counts them.
fn confine_program(
    orders: &Orders,
    filters: &[BpfProgram],
    channel: &OwnedFd,
) -> Result<(), Failure> {
    // Until the exec only the channel stays, to say what failed.
    sys::close_range(3, true).or_fail("descriptors")?;
    let watch = filter::program().or_fail("seccomp")?;
    // The watch goes first, while making filters is allowed; none of what follows asks it. Where
    // there can be no listener the kernel refuses by itself, uncounted.
    let listener = install(&watch).ok();
    let beside = seccomp::programs_beside_watch().or_fail("seccomp")?;
    restrict(orders, if listener.is_some() { &beside } else { filters })?;
    let number = listener.as_ref().map(AsRawFd::as_raw_fd);
    channel::send(channel, &Said::Watched, number).or_fail("handshake")
}

/// Landlock, then the filters.
fn restrict(orders: &Orders, filters: &[BpfProgram]) -> Result<super::wire::Landlock, Failure> {
    let landlock = landlock::enforce(orders).or_fail("Landlock")?;
    if !super::weak::is(orders.weakness, super::weak::Weakness::Seccomp) {
        seccomp::enforce(filters).or_fail("seccomp")?;
    }
    Ok(landlock)
}

fn expect(channel: &OwnedFd, wanted: Told) -> Result<(), Failure> {
    let told = channel::receive::<Told>(channel, Instant::now() + PATIENCE).or_fail("handshake")?;
    if told.message == wanted {
        Ok(())
    } else {
        Err(Failure { stage: "handshake", detail: format!("lcc said {:?}", told.message) })
    }
}

/// Sets the limits; the caller's own lower ones stay.
fn limits(all: &[Limit]) -> nix::Result<()> {
    for limit in all {
        let resource = match limit.resource {
            Limited::Core => Resource::RLIMIT_CORE,
            Limited::FileSize => Resource::RLIMIT_FSIZE,
            Limited::LockedMemory => Resource::RLIMIT_MEMLOCK,
            Limited::MessageQueues => Resource::RLIMIT_MSGQUEUE,
            Limited::OpenFiles => Resource::RLIMIT_NOFILE,
            Limited::Processes => Resource::RLIMIT_NPROC,
            Limited::RealTime => Resource::RLIMIT_RTPRIO,
        };
        let (soft, hard) = getrlimit(resource)?;
        setrlimit(resource, soft.min(limit.most), hard.min(limit.most))?;
    }
    Ok(())
}
