//! Attempts to reach something by the network, or to be reached.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    os::fd::AsRawFd,
    time::Duration,
};

use nix::{
    errno::Errno,
    sys::socket::{AddressFamily, SockFlag, SockType, socket},
};

use super::{
    Ground, Probe,
    outcome::{call, file, with, worst},
    probe, sys,
};
use crate::engine::sandbox::probes::{
    Group::Network,
    Layer::{Mounts, Net, Seccomp},
    Outcome,
};

/// How long a connection may take; on one machine it takes microseconds.
const PATIENCE: Duration = Duration::from_millis(500);
/// A question for the address of `lcc.invalid`, as name servers are asked.
const QUESTION: &[u8] =
    b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03lcc\x07invalid\x00\x00\x01\x00\x01";

pub(super) const TABLE: &[Probe] = &[
    probe(
        Network,
        501,
        Net,
        "connect to the host's 127.0.0.1",
        "Connects to a port on which the host listens.",
        |ground| connect(ground.targets.tcp.first),
    ),
    probe(
        Network,
        502,
        Net,
        "connect to another address of the host",
        "Connects to a port of a second loopback address.",
        |ground| connect(ground.targets.tcp.second),
    ),
    probe(
        Network,
        503,
        Net,
        "connect to the host's ::1",
        "Connects to a port on which the host listens, by IPv6.",
        |ground| {
            ground.targets.tcp.six.map_or_else(|| Outcome::note("the host has no ::1"), connect)
        },
    ),
    probe(
        Network,
        504,
        Net,
        "connect to 127.0.0.1 by IPv6",
        "Connects to the mapped address ::ffff:127.0.0.1.",
        |ground| {
            let mapped = Ipv4Addr::LOCALHOST.to_ipv6_mapped();
            connect(SocketAddr::from((mapped, ground.targets.tcp.first.port())))
        },
    ),
    probe(
        Network,
        505,
        Net,
        "connect to the host's 0.0.0.0",
        "Connects to the address that stands for this machine.",
        |ground| {
            let port = ground.targets.tcp.first.port();
            worst([
                ("0.0.0.0".to_owned(), connect(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))),
                (
                    "[::]".to_owned(),
                    ground.targets.tcp.six.map_or_else(
                        || Outcome::note("the host has no ::1"),
                        |six| connect(SocketAddr::from((Ipv6Addr::UNSPECIFIED, six.port()))),
                    ),
                ),
            ])
        },
    ),
    probe(
        Network,
        506,
        Net,
        "send data with the connection request",
        "Calls sendto with MSG_FASTOPEN, which some filters of connect do not see.",
        |ground| fast_open(ground, false),
    ),
    probe(
        Network,
        507,
        Net,
        "send data with a delayed connection request",
        "Connects with TCP_FASTOPEN_CONNECT, which sends nothing until there is data.",
        |ground| fast_open(ground, true),
    ),
    probe(
        Network,
        508,
        Net,
        "listen where the host listens",
        "Takes a port that the host holds, which works in a network of its own alone.",
        |ground| {
            let address = ground.targets.tcp.first;
            match TcpListener::bind(address) {
                Ok(_) => Outcome::blocked("this network is not the host's"),
                Err(error) if error.raw_os_error() == Some(libc::EADDRINUSE) => {
                    Outcome::open("this is the host's network")
                }
                Err(error) => file::<()>(Err(error)),
            }
        },
    ),
    probe(
        Network,
        509,
        Net,
        "find a way off the machine",
        "Looks for a route, or an interface other than loopback that is up.",
        ways_out,
    )
    .strict_only(),
    probe(
        Network,
        510,
        Seccomp,
        "send a UDP datagram",
        "Sends to a port of 127.0.0.1 where the host waits for it.",
        |ground| datagram(ground.targets.udp, b"x"),
    ),
    probe(
        Network,
        511,
        Seccomp,
        "send a UDP datagram by IPv6",
        "Makes a datagram socket of IPv6 and sends to the mapped address.",
        |ground| {
            let mapped = Ipv4Addr::LOCALHOST.to_ipv6_mapped();
            datagram(SocketAddr::from((mapped, ground.targets.udp.port())), b"x")
        },
    ),
    probe(
        Network,
        512,
        Seccomp,
        "ask a name server",
        "Sends a question for a name to a port of another loopback address.",
        |ground| datagram(ground.targets.dns, QUESTION),
    ),
    probe(Network, 513, Mounts, "find the name servers", "Reads `/etc/resolv.conf`.", |_| {
        match fs::read_to_string("/etc/resolv.conf") {
            Ok(text) if text.lines().any(|line| line.trim_start().starts_with("nameserver")) => {
                Outcome::open("it names them")
            }
            Ok(_) => Outcome::blocked("it names none"),
            Err(error) => file::<()>(Err(error)),
        }
    })
    .strict_only(),
];

pub(super) fn connect(address: SocketAddr) -> Outcome {
    match TcpStream::connect_timeout(&address, PATIENCE) {
        Ok(_) => Outcome::open("it connected"),
        Err(error) => match error.raw_os_error().map(Errno::from_raw) {
            number @ Some(
                Errno::ECONNREFUSED
                | Errno::ENETUNREACH
                | Errno::EHOSTUNREACH
                | Errno::EADDRNOTAVAIL
                | Errno::EAFNOSUPPORT
                | Errno::EPERM
                | Errno::EACCES,
            ) => with(number, error.to_string()),
            Some(_) | None => Outcome::could_not_run(error.to_string()),
        },
    }
}

/// "In progress" would be harmless in a network of its own; the host's canary decides.
fn fast_open(ground: &Ground<'_>, with_connect: bool) -> Outcome {
    let made = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None);
    let tcp = match made {
        Ok(tcp) => tcp,
        Err(error) => return call::<()>(Err(error)),
    };
    match sys::fast_open(tcp.as_raw_fd(), ground.targets.tcp.first.port(), with_connect) {
        Ok(()) => Outcome::open("data was sent"),
        Err(error) => with(Some(error), error.desc()),
    }
}

fn datagram(to: SocketAddr, content: &[u8]) -> Outcome {
    let any: IpAddr =
        if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let udp = match UdpSocket::bind((any, 0)) {
        Ok(udp) => udp,
        Err(error) => {
            return super::sockets::made::<()>(Err(Errno::from_raw(
                error.raw_os_error().unwrap_or(libc::EIO),
            )));
        }
    };
    match udp.send_to(content, to) {
        Ok(_) => Outcome::open("it was sent"),
        Err(error) => Outcome::open(format!("only the address stopped it: {error}")),
    }
}

fn ways_out(_: &Ground<'_>) -> Outcome {
    let routes = match fs::read_to_string("/proc/self/net/route") {
        Ok(text) => text.lines().skip(1).count(),
        Err(error) => return file::<()>(Err(error)),
    };
    // A stub such as `sit0` appears in every network where its module is loaded; it is not up.
    const UP: u64 = 1;
    let interfaces = fs::read_to_string("/proc/self/net/dev").unwrap_or_default();
    let up: Vec<&str> = interfaces
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name.trim())
        .filter(|name| *name != "lo")
        .filter(|name| {
            let flags = fs::read_to_string(format!("/sys/class/net/{name}/flags"));
            let flags = flags.ok().and_then(|text| {
                u64::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok()
            });
            // Without /sys only routes can tell.
            flags.is_some_and(|flags| flags & UP != 0)
        })
        .collect();
    let six = fs::read_to_string("/proc/self/net/ipv6_route").unwrap_or_default();
    let beyond = six.lines().filter(|line| !line.trim_end().ends_with(" lo")).count();
    if routes + beyond > 0 || !up.is_empty() {
        Outcome::open(format!("{} routes, interfaces: {}", routes + beyond, up.join(", ")))
    } else {
        Outcome::blocked("there is the loopback interface alone, and no route")
    }
}
