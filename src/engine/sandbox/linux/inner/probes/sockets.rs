//! Attempts with sockets that are no TCP: local ones, raw ones and the rarer families.

use std::{
    os::{
        fd::AsRawFd,
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixStream},
    },
    path::Path,
};

use nix::{
    errno::Errno,
    sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, sendto, socketpair},
};

use super::{
    Ground, Probe,
    outcome::{call, file, with, worst},
    probe,
    sys::{self, Arg},
};
use crate::engine::sandbox::{
    linux::canary::short,
    probes::{
        Group::Network,
        Layer::{Mounts, Net, Seccomp},
        Outcome,
    },
};

const STREAM: i32 = libc::SOCK_STREAM;
const RAW: i32 = libc::SOCK_RAW;
const DATAGRAM: i32 = libc::SOCK_DGRAM;
const SMC: i32 = 43;
const XDP: i32 = 44;
const QIPCRTR: i32 = 42;

pub(super) const TABLE: &[Probe] = &[
    probe(
        Network,
        530,
        Mounts,
        "connect to a local socket outside",
        "Connects to a socket whose file lies in lcc's state folder.",
        |ground| stream(&ground.targets.unix.stream),
    ),
    probe(
        Network,
        531,
        Seccomp,
        "connect to a local socket inside",
        "Connects to a socket of the host whose file lies in a folder that can be written.",
        |ground| match &ground.targets.unix.inside {
            Some(path) => stream(path),
            None => Outcome::could_not_run("no socket was planted"),
        },
    ),
    probe(
        Network,
        532,
        Net,
        "connect to a local socket without a file",
        "Connects to an abstract socket of the host by its name.",
        |ground| {
            let name = SocketAddr::from_abstract_name(&ground.targets.unix.name);
            connected(name.and_then(|address| UnixStream::connect_addr(&address)))
        },
    ),
    probe(
        Network,
        533,
        Seccomp,
        "point a pair of sockets elsewhere",
        "Makes a pair for datagrams, undoes it and sends to a socket of the host.",
        retarget,
    ),
    probe(
        Network,
        534,
        Mounts,
        "find the sockets of services",
        "Looks for those of Docker, containerd, Podman, libvirt, D-Bus, systemd and name services.",
        |_| {
            visible(&[
                "/run/docker.sock",
                "/var/run/docker.sock",
                "/run/containerd/containerd.sock",
                "/run/podman/podman.sock",
                "/run/libvirt/libvirt-sock",
                "/run/dbus/system_bus_socket",
                "/run/systemd/private",
                "/run/systemd/resolve/io.systemd.Resolve",
                "/run/nscd/socket",
                "/run/snapd.socket",
                "/run/WSL",
            ])
        },
    )
    .strict_only(),
    probe(
        Network,
        535,
        Mounts,
        "find the sockets of the user's session",
        "Looks for those of agents, desktops, sound and terminals in `/run/user` and `/tmp`.",
        |ground| {
            let gnupg = ground.targets.places.user_home.join(".gnupg/S.gpg-agent");
            worst([
                ("folders".to_owned(), visible(&["/run/user", "/tmp/.X11-unix", "/tmp/.ICE-unix"])),
                ("gpg".to_owned(), file(std::fs::symlink_metadata(gnupg))),
                ("agents".to_owned(), agents()),
            ])
        },
    )
    .strict_only(),
    probe(
        Network,
        540,
        Seccomp,
        "make a local socket",
        "Makes unix sockets for streams, datagrams and packets.",
        |_| family(libc::AF_UNIX, &[(STREAM, 0), (DATAGRAM, 0), (libc::SOCK_SEQPACKET, 0)]),
    ),
    probe(Network, 541, Seccomp, "ping", "Makes the sockets of ICMP for ordinary users.", |_| {
        let six = family(libc::AF_INET6, &[(DATAGRAM, libc::IPPROTO_ICMPV6)]);
        worst([
            ("IPv4".to_owned(), family(libc::AF_INET, &[(DATAGRAM, libc::IPPROTO_ICMP)])),
            ("IPv6".to_owned(), six),
        ])
    }),
    probe(Network, 542, Seccomp, "write raw packets", "Makes raw sockets of IP.", |_| {
        worst([
            ("IPv4".to_owned(), family(libc::AF_INET, &[(RAW, libc::IPPROTO_ICMP)])),
            ("IPv6".to_owned(), family(libc::AF_INET6, &[(RAW, libc::IPPROTO_ICMPV6)])),
        ])
    }),
    probe(Network, 543, Seccomp, "listen to the wire", "Makes packet sockets.", |_| {
        family(libc::AF_PACKET, &[(RAW, 0), (DATAGRAM, 0)])
    }),
    probe(
        Network,
        544,
        Seccomp,
        "talk to the kernel's network",
        "Makes netlink sockets for routes, audit and devices.",
        |_| {
            let kinds = [libc::NETLINK_ROUTE, libc::NETLINK_AUDIT, libc::NETLINK_KOBJECT_UEVENT];
            family(libc::AF_NETLINK, &kinds.map(|kind| (RAW, kind)))
        },
    ),
    probe(
        Network,
        545,
        Seccomp,
        "use the kernel's ciphers",
        "Makes a socket of AF_ALG, known for its holes.",
        |ground| rare(ground, libc::AF_ALG, libc::SOCK_SEQPACKET, 0),
    ),
    probe(
        Network,
        546,
        Seccomp,
        "talk to the host of a virtual machine",
        "Makes a socket of vsock, the way from WSL2 to Windows.",
        |ground| rare(ground, libc::AF_VSOCK, STREAM, 0),
    ),
    probe(Network, 547, Seccomp, "use Bluetooth", "Makes a raw socket of Bluetooth.", |ground| {
        rare(ground, libc::AF_BLUETOOTH, RAW, 1)
    }),
    probe(
        Network,
        548,
        Seccomp,
        "use another transport over IP",
        "Makes sockets of SCTP, MPTCP, DCCP and UDP-Lite.",
        |ground| {
            worst([
                ("MPTCP".to_owned(), family(libc::AF_INET, &[(STREAM, libc::IPPROTO_MPTCP)])),
                ("SCTP".to_owned(), rare(ground, libc::AF_INET, STREAM, libc::IPPROTO_SCTP)),
                ("DCCP".to_owned(), rare(ground, libc::AF_INET, 6, libc::IPPROTO_DCCP)),
                (
                    "UDP-Lite".to_owned(),
                    family(libc::AF_INET, &[(DATAGRAM, libc::IPPROTO_UDPLITE)]),
                ),
            ])
        },
    ),
    probe(
        Network,
        549,
        Seccomp,
        "use a rare family of sockets",
        "Makes sockets of SMC, TIPC, QIPCRTR, XDP, RDS, CAN and KCM.",
        |ground| {
            worst(
                [
                    ("SMC", SMC, STREAM, 0),
                    ("TIPC", libc::AF_TIPC, STREAM, 0),
                    ("QIPCRTR", QIPCRTR, DATAGRAM, 0),
                    ("XDP", XDP, RAW, 0),
                    ("RDS", libc::AF_RDS, libc::SOCK_SEQPACKET, 0),
                    ("CAN", libc::AF_CAN, RAW, 1),
                    ("KCM", 41, DATAGRAM, 0),
                ]
                .map(|(name, family, kind, protocol)| {
                    (name.to_owned(), rare(ground, family, kind, protocol))
                }),
            )
        },
    ),
];

/// A socket that was asked for. A kernel without the family has nothing to open.
pub(super) fn made<T>(result: Result<T, Errno>) -> Outcome {
    match result {
        Err(
            error @ (Errno::EAFNOSUPPORT
            | Errno::EPROTONOSUPPORT
            | Errno::ESOCKTNOSUPPORT
            | Errno::EPROTOTYPE),
        ) => with(Some(error), format!("this kernel has none: {}", error.desc())),
        other => call(other),
    }
}

fn family(family: i32, kinds: &[(i32, i32)]) -> Outcome {
    worst(kinds.iter().map(|(kind, protocol)| {
        let args = [
            Arg::Number(family.into()),
            Arg::Number((kind | libc::SOCK_CLOEXEC).into()),
            Arg::Number((*protocol).into()),
        ];
        (format!("kind {kind}, protocol {protocol}"), made(sys::opens(libc::SYS_socket, args)))
    }))
}

/// A socket whose family the kernel may have to load first: without a sandbox it is not asked for.
fn rare(ground: &Ground<'_>, number: i32, kind: i32, protocol: i32) -> Outcome {
    if ground.aim.sandboxed {
        family(number, &[(kind, protocol)])
    } else {
        Outcome::could_not_run("it could load a part of the kernel")
    }
}

fn stream(path: &Path) -> Outcome {
    let way = match short(path) {
        Ok(way) => way,
        Err(error) => return file::<()>(Err(error)),
    };
    connected(UnixStream::connect(way.path()))
}

fn connected(result: std::io::Result<UnixStream>) -> Outcome {
    match result {
        Ok(_) => Outcome::open("it connected"),
        Err(error) => match error.raw_os_error().map(Errno::from_raw) {
            number @ Some(Errno::ECONNREFUSED) => with(number, error.to_string()),
            Some(_) | None => file::<()>(Err(error)),
        },
    }
}

fn retarget(ground: &Ground<'_>) -> Outcome {
    let pair = socketpair(AddressFamily::Unix, SockType::Datagram, None, SockFlag::SOCK_CLOEXEC);
    let (one, _other) = match pair {
        Ok(pair) => pair,
        Err(error) => return call::<()>(Err(error)),
    };
    // An address of no family undoes a connection.
    let nobody = [0u8; 16];
    let args = [Arg::Number(one.as_raw_fd().into()), Arg::Read(&nobody), Arg::Number(16)];
    if let Err(error) = sys::call(libc::SYS_connect, args) {
        return call::<()>(Err(error));
    }
    let sent = short(&ground.targets.unix.datagram)
        .map_err(|error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw));
    let sent = sent.and_then(|way| {
        let address = UnixAddr::new(&way.path())?;
        sendto(one.as_raw_fd(), b"x", &address, MsgFlags::MSG_DONTWAIT)
    });
    match sent {
        Ok(_) => Outcome::open("a datagram was sent"),
        Err(error) => Outcome::open(format!("only the address stopped it: {}", error.desc())),
    }
}

fn visible(paths: &[&str]) -> Outcome {
    worst(paths.iter().map(|path| ((*path).to_owned(), file(std::fs::symlink_metadata(path)))))
}

/// Sockets that the environment names.
fn agents() -> Outcome {
    let named = ["SSH_AUTH_SOCK", "GPG_AGENT_INFO", "DBUS_SESSION_BUS_ADDRESS", "WAYLAND_DISPLAY"]
        .into_iter()
        .find(|name| std::env::var_os(name).is_some());
    named.map_or_else(
        || Outcome::blocked("the environment names none"),
        |name| Outcome::open(format!("{name} is in the environment")),
    )
}
