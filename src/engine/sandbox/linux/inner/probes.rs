//! Escape attempts, made by a copy of the inner stage behind the final restrictions.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::{MetadataExt, PermissionsExt},
    },
    path::Path,
    time::Duration,
};

use nix::{
    errno::Errno,
    sched::CloneFlags,
    sys::{
        signal::kill,
        socket::{AddressFamily, SockFlag, SockType, socket, socketpair},
        wait::waitpid,
    },
    unistd::Pid,
};
use seccompiler::BpfProgram;

use super::{Failure, OrFail, checks};
use crate::engine::sandbox::{
    linux::wire::{Landlock, Orders, ProbeResult, Verdict},
    sys::{self, Attempt},
};

/// How an attempt ended: stopped with this error, or went through with this to show.
type Outcome = Result<Stopped, String>;

/// What stopped an attempt.
struct Stopped(String);

type Probe = fn(&Orders) -> Outcome;

const PROBES: [(&str, Probe); 32] = [
    ("read a secret file outside", |orders| file(File::open(&orders.targets.secret))),
    ("read it through /proc/1/root", through_init),
    ("change a file outside", |orders| {
        file(OpenOptions::new().append(true).open(&orders.targets.secret))
    }),
    ("create a file outside", |orders| file(File::create_new(orders.targets.outside.join("new")))),
    ("create a file in /", |_| file(File::create_new("/lcc-probe"))),
    ("create a file in /usr", |_| file(File::create_new("/usr/lcc-probe"))),
    ("create a file in /etc", |_| file(File::create_new("/etc/lcc-probe"))),
    ("replace the programs of the sandbox", |_| file(File::create_new("/run/lcc/bin/lcc-probe"))),
    ("write protected files of the project", protected),
    ("rename folders above them", pins),
    ("write kernel settings", |_| {
        file(OpenOptions::new().write(true).open("/proc/sys/kernel/core_pattern"))
    }),
    ("set the set-user-id bit", set_user_id),
    ("make a device node", |_| calls(&[Attempt::DeviceNode])),
    ("open a file by number", |_| calls(&[Attempt::OpenByHandle])),
    ("mount a file system", |_| calls(&[Attempt::Mount])),
    ("clone the file view", |_| calls(&[Attempt::OpenTree])),
    ("make a user namespace", |_| stopped(nix::sched::unshare(CloneFlags::CLONE_NEWUSER).err())),
    ("make one by clone3", |_| calls(&[Attempt::Clone3])),
    ("connect to the host's loopback", connect),
    ("send data with the connection request", fast_open),
    ("make a UDP socket", |_| made(AddressFamily::Inet, SockType::Datagram)),
    ("make a unix socket", |_| made(AddressFamily::Unix, SockType::Stream)),
    ("make a netlink socket", |_| made(AddressFamily::Netlink, SockType::Raw)),
    ("make a packet socket", |_| made(AddressFamily::Packet, SockType::Raw)),
    ("make a vsock socket", |_| made(AddressFamily::Vsock, SockType::Stream)),
    ("make a datagram socket pair", |_| {
        stopped(
            socketpair(AddressFamily::Unix, SockType::Datagram, None, SockFlag::SOCK_CLOEXEC).err(),
        )
    }),
    ("see or signal lcc's process", host_process),
    ("trace or read processes", |_| calls(&[Attempt::Ptrace, Attempt::ReadProcess])),
    ("use io_uring", |_| calls(&[Attempt::IoUring])),
    ("use the session's keys", |_| calls(&[Attempt::Keyring])),
    ("use kernel debugging", |_| {
        calls(&[Attempt::Bpf, Attempt::PerfEvent, Attempt::UserFault, Attempt::KernelLog])
    }),
    ("type into the terminal", |_| calls(&[Attempt::TypeIntoTerminal])),
];

/// Runs every probe in a forked copy that restricts itself as the program will be.
pub(super) fn run(
    orders: &Orders,
    filters: &[BpfProgram],
) -> Result<(Vec<ProbeResult>, Landlock), Failure> {
    let (reader, writer) = nix::unistd::pipe().or_fail("probes")?;
    let child =
        sys::fork(|| i32::from(in_copy(orders, filters, &writer).is_err())).or_fail("probes")?;
    drop(writer);
    let mut text = String::new();
    File::from(reader).read_to_string(&mut text).or_fail("probes")?;
    waitpid(child, None).or_fail("probes")?;
    let (mut results, landlock): (Vec<ProbeResult>, Option<Landlock>) =
        serde_json::from_str(&text).or_fail("probes")?;
    let Some(landlock) = landlock else {
        let detail = results.pop().map_or_else(String::new, |result| result.detail);
        return Err(Failure { stage: "restrictions", detail });
    };
    if results.len() != PROBES.len() + 1 {
        return Err(Failure { stage: "probes", detail: "not all probes ran".to_owned() });
    }
    Ok((results, landlock))
}

fn in_copy(orders: &Orders, filters: &[BpfProgram], writer: &OwnedFd) -> io::Result<()> {
    // The pipe becomes descriptor 3 in effect: everything else above 2 is closed below.
    let mut writer = File::from(writer.try_clone()?);
    let (results, landlock) = match confine(orders, filters, &writer) {
        Ok(landlock) => {
            let mut results: Vec<ProbeResult> =
                PROBES.iter().map(|(name, probe)| result(name, probe(orders))).collect();
            results.push(result("find inherited descriptors", descriptors(writer.as_raw_fd())));
            (results, Some(landlock))
        }
        Err(failure) => {
            let name = failure.stage.to_owned();
            let detail = format!("{}: {}", failure.stage, failure.detail);
            (vec![ProbeResult { name, verdict: Verdict::Failed, detail }], None)
        }
    };
    writer.write_all(&serde_json::to_vec(&(results, landlock))?)
}

/// The program's own restrictions, but for the pipe, which stays open to carry the result.
fn confine(orders: &Orders, filters: &[BpfProgram], keep: &File) -> Result<Landlock, Failure> {
    let keep = keep.as_raw_fd();
    for fd in checks::open_descriptors()?.into_iter().filter(|fd| *fd > 2 && *fd != keep) {
        // This copy never uses the others again; dropping the owner closes it.
        drop(sys::adopt(fd).or_fail("descriptors")?);
    }
    super::restrict(orders, filters)
}

fn result(name: &str, outcome: Outcome) -> ProbeResult {
    let (verdict, detail) = match outcome {
        Ok(Stopped(detail)) => (Verdict::Blocked, detail),
        Err(detail) => (Verdict::Open, detail),
    };
    ProbeResult { name: name.to_owned(), verdict, detail }
}

/// An attempt on a file: only these errors are the sandbox's doing.
fn file<T>(attempt: io::Result<T>) -> Outcome {
    let Err(error) = attempt else { return Err("it went through".to_owned()) };
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Ok(Stopped(error.to_string()))
        }
        _ => Err(format!("not tried: {error}")),
    }
}

/// A call: the filters answer with these two errors, the kernel itself with others.
fn stopped(error: Option<Errno>) -> Outcome {
    match error {
        None => Err("it went through".to_owned()),
        Some(error @ (Errno::EPERM | Errno::ENOSYS)) => Ok(Stopped(error.to_string())),
        Some(error) => Err(format!("not stopped by a filter: {error}")),
    }
}

fn calls(attempts: &[Attempt]) -> Outcome {
    let mut details = Vec::new();
    for attempt in attempts {
        let Stopped(detail) = stopped(sys::attempt(*attempt, 0).map(Errno::from_raw))
            .map_err(|detail| format!("{attempt:?}: {detail}"))?;
        details.push(detail);
    }
    Ok(Stopped(details.join(", ")))
}

fn made(family: AddressFamily, kind: SockType) -> Outcome {
    stopped(socket(family, kind, SockFlag::SOCK_CLOEXEC, None).err())
}

fn through_init(orders: &Orders) -> Outcome {
    let inside = orders.targets.secret.strip_prefix("/").unwrap_or(&orders.targets.secret);
    file(File::open(Path::new("/proc/1/root").join(inside)))
}

fn protected(orders: &Orders) -> Outcome {
    for path in &orders.protected {
        let attempt = if path.is_dir() {
            let probe = path.join("lcc-probe");
            File::create_new(&probe).inspect(|_| drop(fs::remove_file(&probe)))
        } else {
            OpenOptions::new().append(true).open(path)
        };
        file(attempt).map_err(|detail| format!("{}: {detail}", path.display()))?;
    }
    Ok(Stopped(format!("{} paths", orders.protected.len())))
}

fn pins(orders: &Orders) -> Outcome {
    for path in &orders.pins {
        let aside = path.with_extension("lcc-probe");
        match fs::rename(path, &aside) {
            Ok(()) => {
                let _best_effort = fs::rename(&aside, path);
                return Err(format!("{} was renamed", path.display()));
            }
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {}
            Err(error) => file::<()>(Err(error)).map(drop)?,
        }
    }
    Ok(Stopped(format!("{} folders", orders.pins.len())))
}

fn set_user_id(orders: &Orders) -> Outcome {
    let path = orders.home.join(".cache/lcc-probe");
    let made = File::create(&path).map_err(|error| format!("not tried: {error}"))?;
    let attempt = made.set_permissions(fs::Permissions::from_mode(0o4700));
    let outcome = file(attempt);
    let bits = made.metadata().map(|about| about.mode() & 0o6000);
    let _best_effort = fs::remove_file(&path);
    if bits.is_ok_and(|bits| bits == 0) { outcome } else { Err("the bit is set".to_owned()) }
}

fn connect(orders: &Orders) -> Outcome {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, orders.targets.tcp_port));
    match TcpStream::connect_timeout(&address, Duration::from_millis(500)) {
        Ok(_) => Err("it connected".to_owned()),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::ConnectionRefused
                    | ErrorKind::NetworkUnreachable
                    | ErrorKind::HostUnreachable
                    | ErrorKind::PermissionDenied
            ) =>
        {
            Ok(Stopped(error.to_string()))
        }
        Err(error) => Err(format!("not tried: {error}")),
    }
}

/// "In progress" would be harmless in this network; the canary on the host decides.
fn fast_open(orders: &Orders) -> Outcome {
    let tcp = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)
        .map_err(|error| format!("not tried: {error}"))?;
    match sys::fast_open(&tcp, orders.targets.tcp_port) {
        Ok(_) => Err("data was sent".to_owned()),
        Err(error) => Ok(Stopped(error.to_string())),
    }
}

fn host_process(orders: &Orders) -> Outcome {
    let own = [1, std::process::id(), nix::unistd::getppid().as_raw().unsigned_abs()];
    let strangers: Vec<u32> = checks::visible_processes()
        .map_err(|failure| format!("not tried: {}", failure.detail))?
        .into_iter()
        .filter(|pid| !own.contains(pid))
        .collect();
    if !strangers.is_empty() {
        return Err(format!("visible: {strangers:?}"));
    }
    let host = orders.targets.host_pid;
    if own.contains(&host.unsigned_abs()) {
        return Ok(Stopped("only own processes are visible".to_owned()));
    }
    match kill(Pid::from_raw(host), None) {
        Err(error @ (Errno::ESRCH | Errno::EPERM)) => Ok(Stopped(error.to_string())),
        Ok(()) => Err("it can be signalled".to_owned()),
        Err(error) => Err(format!("not tried: {error}")),
    }
}

fn descriptors(pipe: i32) -> Outcome {
    let extra: Vec<i32> = checks::open_descriptors()
        .map_err(|failure| format!("not tried: {}", failure.detail))?
        .into_iter()
        .filter(|fd| *fd > 2 && *fd != pipe)
        .collect();
    if extra.is_empty() { Ok(Stopped("none".to_owned())) } else { Err(format!("open: {extra:?}")) }
}
