//! Escape attempts of the reduced tier, made by a copy of the inner stage behind the program's own
//! restrictions, with lcc's broker answering.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
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

use super::{
    inner::{Failure, OrFail, restrict},
    wire::{Orders, Probed, Said},
};
use crate::engine::sandbox::{
    linux::channel,
    sys::{self, Attempt},
};

/// Stopped with this error, or went through with this to show.
type Outcome = Result<String, String>;

type Probe = fn(&Orders) -> Outcome;

/// How long a connection attempt may take; the broker answers in microseconds.
const PATIENCE: Duration = Duration::from_secs(2);

const PROBES: [(&str, Probe); 35] = [
    ("read a secret file outside", |o| file(File::open(&o.targets.secret))),
    ("change a file outside", |o| file(OpenOptions::new().append(true).open(&o.targets.secret))),
    ("create a file outside", |o| file(File::create_new(o.targets.outside.join("new")))),
    ("list a folder outside", |o| file(fs::read_dir(&o.targets.outside))),
    ("create a file in /", |_| file(File::create_new("/lcc-probe"))),
    ("create a file in /tmp", |_| file(File::create_new("/tmp/lcc-probe"))),
    ("create a file in /dev/shm", |_| perhaps(File::create_new("/dev/shm/lcc-probe"))),
    ("create a file in /usr", |_| file(File::create_new("/usr/lcc-probe"))),
    ("create a file in /etc", |_| file(File::create_new("/etc/lcc-probe"))),
    ("plant a file in the home", |o| file(File::create_new(o.home.join(".lcc-probe")))),
    ("write kernel settings", |_| {
        perhaps(OpenOptions::new().write(true).open("/proc/sys/kernel/core_pattern"))
    }),
    ("open the kernel's log device", |_| perhaps(File::open("/dev/kmsg"))),
    ("open another terminal", |_| {
        perhaps(OpenOptions::new().read(true).write(true).open("/dev/ptmx"))
    }),
    ("set the set-user-id bit", set_user_id),
    ("make a device node", |_| calls(&[Attempt::DeviceNode])),
    ("open a file by number", |_| calls(&[Attempt::OpenByHandle])),
    ("mount a file system", |_| calls(&[Attempt::Mount])),
    ("clone the file view", |_| calls(&[Attempt::OpenTree])),
    ("make a user namespace", |_| stopped(nix::sched::unshare(CloneFlags::CLONE_NEWUSER).err())),
    ("make one by clone3", |_| calls(&[Attempt::Clone3])),
    ("connect to another port of the host", |o| refused([127, 0, 0, 1], o.targets.tcp_port)),
    ("connect to lcc's port at another address", |o| refused([127, 0, 0, 2], o.port)),
    ("send data with the connection request", fast_open),
    ("make a UDP socket", |_| made(AddressFamily::Inet, SockType::Datagram)),
    ("make a unix socket", |_| made(AddressFamily::Unix, SockType::Stream)),
    ("make a netlink socket", |_| made(AddressFamily::Netlink, SockType::Raw)),
    ("make a packet socket", |_| made(AddressFamily::Packet, SockType::Raw)),
    ("make a datagram socket pair", |_| {
        stopped(
            socketpair(AddressFamily::Unix, SockType::Datagram, None, SockFlag::SOCK_CLOEXEC).err(),
        )
    }),
    ("take connections", |_| match TcpListener::bind((Ipv4Addr::LOCALHOST, 0)) {
        Ok(_) => Err("it listens".to_owned()),
        Err(error) => stopped(error.raw_os_error().map(Errno::from_raw)),
    }),
    ("signal lcc's process", |o| match kill(Pid::from_raw(o.targets.host_pid), None) {
        Err(error @ (Errno::EPERM | Errno::ESRCH)) => Ok(error.to_string()),
        Ok(()) => Err("it can be signalled".to_owned()),
        Err(error) => Err(format!("not tried: {error}")),
    }),
    ("read lcc's environment", |o| {
        let read = fs::read(format!("/proc/{}/environ", o.targets.host_pid));
        file(read)
    }),
    ("trace or read processes", |_| calls(&[Attempt::Ptrace, Attempt::ReadProcess])),
    ("use io_uring", |_| calls(&[Attempt::IoUring])),
    ("use the session's keys or kernel debugging", |_| {
        calls(&[
            Attempt::Keyring,
            Attempt::Bpf,
            Attempt::PerfEvent,
            Attempt::UserFault,
            Attempt::KernelLog,
        ])
    }),
    ("type into the terminal", |_| calls(&[Attempt::TypeIntoTerminal])),
];

/// Runs every probe in a forked copy that restricts itself as the program will be.
pub(super) fn run(orders: &Orders, channel: &OwnedFd) -> Result<Vec<Probed>, Failure> {
    let (reader, writer) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).or_fail("probes")?;
    let child = sys::fork(move || i32::from(in_copy(orders, channel, writer).is_err()))
        .or_fail("probes")?;
    let mut text = String::new();
    File::from(reader).read_to_string(&mut text).or_fail("probes")?;
    waitpid(child, None).or_fail("probes")?;
    let results: Result<Vec<Probed>, (String, String)> =
        serde_json::from_str(&text).or_fail("probes")?;
    let results = results.map_err(|(stage, detail)| Failure {
        stage: "restrictions",
        detail: format!("{stage}: {detail}"),
    })?;
    if results.len() != PROBES.len() {
        return Err(Failure { stage: "probes", detail: "not all probes ran".to_owned() });
    }
    Ok(results)
}

fn in_copy(orders: &Orders, channel: &OwnedFd, writer: OwnedFd) -> io::Result<()> {
    let attempt = || -> Result<Vec<Probed>, Failure> {
        let listener = restrict(orders)?;
        channel::send(channel, &Said::Watched, Some(listener.as_raw_fd())).or_fail("handshake")?;
        drop(listener);
        // Where the broker lets nothing pass, refusals prove nothing.
        open_to(orders.port).map_err(|detail| Failure { stage: "broker", detail })?;
        let tried = PROBES.iter();
        Ok(tried
            .map(|(name, probe)| Probed { name: (*name).to_owned(), outcome: probe(orders) })
            .collect())
    };
    let results = attempt().map_err(|failure| (failure.stage.to_owned(), failure.detail));
    File::from(writer).write_all(&serde_json::to_vec(&results)?)
}

/// An attempt on a file: only these errors are the sandbox's doing.
fn file<T>(attempt: io::Result<T>) -> Outcome {
    let Err(error) = attempt else { return Err("it went through".to_owned()) };
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Ok(error.to_string()),
        _ => Err(format!("not tried: {error}")),
    }
}

/// The same for what not every machine has: a container may lack it altogether.
fn perhaps<T>(attempt: io::Result<T>) -> Outcome {
    match attempt {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(error.to_string()),
        other => file(other),
    }
}

/// A call: the filters answer with these two errors, the kernel itself with others.
fn stopped(error: Option<Errno>) -> Outcome {
    match error {
        None => Err("it went through".to_owned()),
        Some(error @ (Errno::EPERM | Errno::ENOSYS)) => Ok(error.to_string()),
        Some(error) => Err(format!("not stopped by a filter: {error}")),
    }
}

fn calls(attempts: &[Attempt]) -> Outcome {
    let mut details = Vec::new();
    for attempt in attempts {
        let detail = stopped(sys::attempt(*attempt, 0).map(Errno::from_raw))
            .map_err(|detail| format!("{attempt:?}: {detail}"))?;
        details.push(detail);
    }
    Ok(details.join(", "))
}

fn made(family: AddressFamily, kind: SockType) -> Outcome {
    stopped(socket(family, kind, SockFlag::SOCK_CLOEXEC, None).err())
}

fn open_to(port: u16) -> Result<(), String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match TcpStream::connect_timeout(&address, PATIENCE) {
        Ok(stream) if stream.peer_addr().is_ok_and(|peer| peer == address) => Ok(()),
        Ok(_) => Err("the connection handed in does not lead to lcc".to_owned()),
        Err(error) => Err(format!("lcc itself cannot be reached: {error}")),
    }
}

fn refused(address: [u8; 4], port: u16) -> Outcome {
    match TcpStream::connect_timeout(&SocketAddr::from((address, port)), PATIENCE) {
        Ok(_) => Err("it connected".to_owned()),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(error.to_string()),
        Err(error) => Err(format!("not stopped by the broker: {error}")),
    }
}

fn fast_open(orders: &Orders) -> Outcome {
    let tcp = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)
        .map_err(|error| format!("not tried: {error}"))?;
    match sys::fast_open(&tcp, orders.targets.tcp_port) {
        Ok(()) => Err("data was sent".to_owned()),
        Err(error) => stopped(error.raw_os_error().map(Errno::from_raw)),
    }
}

fn set_user_id(orders: &Orders) -> Outcome {
    let path = orders.home.join(".cache/lcc-probe");
    let made = File::create(&path).map_err(|error| format!("not tried: {error}"))?;
    let outcome = file(made.set_permissions(fs::Permissions::from_mode(0o4700)));
    let bits = made.metadata().map(|about| about.mode() & 0o6000);
    let _best_effort = fs::remove_file(Path::new(&path));
    if bits.is_ok_and(|bits| bits == 0) { outcome } else { Err("the bit is set".to_owned()) }
}
