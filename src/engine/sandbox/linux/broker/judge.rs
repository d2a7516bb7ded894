//! The broker's decision as a pure function: a call and its address in, an answer out.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use crate::domain::EgressWay;

/// Longest path of a local socket that is shown.
const PATH_COLS: usize = 60;

/// What a sandboxed process may connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Border {
    /// The network is the host's: lcc opens the one allowed connection itself, to 127.0.0.1 at this
    /// port, and hands it in.
    Broker {
        /// lcc's port.
        port: u16,
    },
    /// The network is the sandbox's own, without a route: connections are only looked at.
    OwnNetwork,
}

/// A watched system call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// `connect`.
    Connect {
        /// The program's descriptor.
        socket: u32,
        /// Where to.
        to: Address,
    },
    /// `socket` of a kind that is not allowed.
    Socket {
        /// Address family.
        family: i32,
        /// Type, without flags.
        kind: i32,
    },
    /// Data with the connection request (`MSG_FASTOPEN`).
    Send {
        /// Where to.
        to: Address,
    },
    /// None of these; the filter asks for no others.
    Other(i64),
}

/// The address of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// An address and port.
    Ip(SocketAddr),
    /// A local socket: its path, or `@` and its abstract name.
    Local(String),
    /// No address: the connection is to be forgotten.
    None,
    /// Another family.
    Family(u16),
    /// The program's memory could not be read.
    Hidden,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(to) => write!(f, "{to}"),
            Self::Local(path) => write!(f, "local socket {path}"),
            Self::None => f.write_str("no address"),
            Self::Family(number) => write!(f, "address family {number}"),
            Self::Hidden => f.write_str("an address that could not be read"),
        }
    }
}

/// What to do with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Hand in a connection to lcc in the place of this descriptor.
    HandIn(u32),
    /// Let the kernel make it.
    GoOn,
    /// Let it fail.
    Fail(i32),
}

/// An attempt to leave: where to, and how.
pub type Attempt = (String, EgressWay);

/// Decides about a call; the second value is what the ledger is told.
#[must_use]
pub fn judge(border: Border, call: &Call) -> (Answer, Option<Attempt>) {
    match call {
        Call::Connect { socket, to } => connect(border, *socket, to),
        Call::Socket { family, kind } => {
            // Programs make these to ask the system something; nothing leaves the machine by them.
            let told = !matches!(*family, libc::AF_UNIX | libc::AF_NETLINK);
            let attempt = (socket_name(*family, *kind), EgressWay::Socket);
            (Answer::Fail(libc::EPERM), told.then_some(attempt))
        }
        Call::Send { to } => (Answer::Fail(libc::EPERM), Some((to.to_string(), EgressWay::Send))),
        Call::Other(number) => {
            (Answer::Fail(libc::ENOSYS), Some((format!("call {number}"), EgressWay::Send)))
        }
    }
}

fn connect(border: Border, socket: u32, to: &Address) -> (Answer, Option<Attempt>) {
    let attempt = || Some((to.to_string(), EgressWay::Connect));
    match (border, to) {
        (Border::Broker { port }, Address::Ip(SocketAddr::V4(v4)))
            if *v4.ip() == Ipv4Addr::LOCALHOST && v4.port() == port =>
        {
            (Answer::HandIn(socket), None)
        }
        (Border::Broker { .. }, Address::None) => (Answer::Fail(libc::EAFNOSUPPORT), None),
        (
            Border::Broker { .. },
            Address::Ip(_) | Address::Local(_) | Address::Family(_) | Address::Hidden,
        ) => (Answer::Fail(libc::EPERM), attempt()),
        (Border::OwnNetwork, Address::Ip(ip)) if !stays_inside(ip.ip()) => {
            (Answer::GoOn, attempt())
        }
        // Servers that the program starts itself; and what the kernel refuses anyway.
        (
            Border::OwnNetwork,
            Address::Ip(_)
            | Address::Local(_)
            | Address::Family(_)
            | Address::Hidden
            | Address::None,
        ) => (Answer::GoOn, None),
    }
}

/// Whether an address is the machine's own: loopback, or none at all, which the kernel takes for it.
fn stays_inside(ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    ip.is_loopback() || ip.is_unspecified()
}

fn socket_name(family: i32, kind: i32) -> String {
    let family = match family {
        libc::AF_UNIX => "local",
        libc::AF_INET => "IPv4",
        libc::AF_INET6 => "IPv6",
        libc::AF_NETLINK => "netlink",
        libc::AF_PACKET => "packet",
        libc::AF_VSOCK => "vsock",
        libc::AF_BLUETOOTH => "bluetooth",
        libc::AF_ALG => "crypto",
        libc::AF_CAN => "CAN",
        libc::AF_XDP => "XDP",
        libc::AF_TIPC => "TIPC",
        other => return format!("socket of family {other}"),
    };
    match kind {
        libc::SOCK_DGRAM if family.starts_with("IPv") => {
            format!("{family} datagram socket (UDP, name look-up)")
        }
        libc::SOCK_DGRAM => format!("{family} datagram socket"),
        libc::SOCK_RAW => format!("{family} raw socket"),
        libc::SOCK_STREAM => format!("{family} stream socket"),
        other => format!("{family} socket of type {other}"),
    }
}

/// Reads an address as `connect` gets it.
#[must_use]
pub fn parse(bytes: &[u8]) -> Address {
    let Some((family, rest)) = bytes.split_first_chunk::<2>() else { return Address::Hidden };
    let family = u16::from_ne_bytes(*family);
    let port = || Some(u16::from_be_bytes(*rest.first_chunk::<2>()?));
    let four = || Some(Ipv4Addr::from(*rest.get(2..)?.first_chunk::<4>()?));
    let six = || Some(Ipv6Addr::from(*rest.get(6..)?.first_chunk::<16>()?));
    let ip = |ip: Option<IpAddr>| {
        ip.zip(port()).map_or(Address::Hidden, |(ip, port)| Address::Ip((ip, port).into()))
    };
    match i32::from(family) {
        libc::AF_UNSPEC => Address::None,
        libc::AF_INET => ip(four().map(IpAddr::V4)),
        libc::AF_INET6 => ip(six().map(IpAddr::V6)),
        libc::AF_UNIX => Address::Local(local_name(rest)),
        _ => Address::Family(family),
    }
}

fn local_name(path: &[u8]) -> String {
    let (mark, path) = match path.split_first() {
        Some((0, name)) => ("@", name),
        Some(_) | None => ("", path),
    };
    let end = path.iter().position(|byte| *byte == 0).unwrap_or(path.len());
    let name = String::from_utf8_lossy(path.get(..end).unwrap_or_default());
    format!("{mark}{}", clean(&name, PATH_COLS))
}

/// A word of a foreign program, short and without control characters.
#[must_use]
pub fn clean(word: &str, most: usize) -> String {
    word.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(most).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PORT: u16 = 4321;

    fn four(a: [u8; 4], port: u16) -> Vec<u8> {
        let mut bytes = (libc::AF_INET as u16).to_ne_bytes().to_vec();
        bytes.extend(port.to_be_bytes());
        bytes.extend(a);
        bytes.extend([0; 8]);
        bytes
    }

    fn six(address: &str, port: u16) -> Vec<u8> {
        let mut bytes = (libc::AF_INET6 as u16).to_ne_bytes().to_vec();
        bytes.extend(port.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(address.parse::<Ipv6Addr>().unwrap().octets());
        bytes.extend([0; 4]);
        bytes
    }

    fn local(path: &[u8]) -> Vec<u8> {
        let mut bytes = (libc::AF_UNIX as u16).to_ne_bytes().to_vec();
        bytes.extend(path);
        bytes
    }

    fn call(bytes: &[u8]) -> Call {
        Call::Connect { socket: 7, to: parse(bytes) }
    }

    #[test]
    fn one_address_and_port_are_handed_in_and_nothing_else() {
        let broker = Border::Broker { port: PORT };
        assert_eq!(judge(broker, &call(&four([127, 0, 0, 1], PORT))), (Answer::HandIn(7), None));
        for (bytes, shown) in [
            (four([127, 0, 0, 1], PORT + 1), "127.0.0.1:4322"),
            (four([127, 0, 0, 2], PORT), "127.0.0.2:4321"),
            (four([0, 0, 0, 0], PORT), "0.0.0.0:4321"),
            (six("::1", PORT), "[::1]:4321"),
            (six("::ffff:127.0.0.1", PORT), "[::ffff:127.0.0.1]:4321"),
            (local(b"/run/docker.sock\0rest"), "local socket /run/docker.sock"),
            (local(b"\0hidden\x1b"), "local socket @hidden\u{fffd}"),
            (vec![16, 0, 0, 0], "address family 16"),
            (vec![2], "an address that could not be read"),
            (four([127, 0, 0, 1], PORT)[..5].to_vec(), "an address that could not be read"),
        ] {
            let told = Some((shown.to_owned(), EgressWay::Connect));
            assert_eq!(judge(broker, &call(&bytes)), (Answer::Fail(libc::EPERM), told));
        }
        let forget = (Answer::Fail(libc::EAFNOSUPPORT), None);
        assert_eq!(judge(broker, &call(&[0, 0])), forget);
    }

    #[test]
    fn in_a_network_of_its_own_calls_go_on_and_only_those_outwards_count() {
        for (bytes, counts) in [
            (four([127, 0, 0, 1], 80), false),
            (four([127, 9, 9, 9], 80), false),
            (four([0, 0, 0, 0], 80), false),
            (six("::1", 80), false),
            (six("::ffff:127.0.0.1", 80), false),
            (local(b"/x"), false),
            (four([192, 0, 2, 1], 443), true),
            (six("2001:db8::1", 443), true),
            (six("::ffff:192.0.2.1", 443), true),
        ] {
            let (answer, told) = judge(Border::OwnNetwork, &call(&bytes));
            assert_eq!((answer, told.is_some()), (Answer::GoOn, counts), "{bytes:?}");
        }
    }

    #[test]
    fn sockets_that_are_not_allowed_fail_everywhere() {
        for border in [Border::OwnNetwork, Border::Broker { port: PORT }] {
            for (family, kind, told) in [
                (libc::AF_INET, libc::SOCK_DGRAM, true),
                (libc::AF_INET6, libc::SOCK_RAW, true),
                (libc::AF_VSOCK, libc::SOCK_STREAM, true),
                (libc::AF_UNIX, libc::SOCK_STREAM, false),
                (libc::AF_NETLINK, libc::SOCK_RAW, false),
                (99, 1, true),
            ] {
                let (answer, attempt) = judge(border, &Call::Socket { family, kind });
                assert_eq!(answer, Answer::Fail(libc::EPERM));
                assert_eq!(attempt.is_some(), told, "{family}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_but_lccs_address_are_handed_in(bytes in prop::collection::vec(any::<u8>(), 0..130)) {
            let (answer, _) = judge(Border::Broker { port: PORT }, &call(&bytes));
            let own = four([127, 0, 0, 1], PORT);
            let is_own = bytes.len() >= 8 && bytes[..8] == own[..8];
            prop_assert_eq!(answer == Answer::HandIn(7), is_own);
            prop_assert!(answer != Answer::GoOn);
        }

        #[test]
        fn what_is_shown_is_short_and_plain(path in prop::collection::vec(any::<u8>(), 0..120)) {
            let shown = parse(&local(&path)).to_string();
            prop_assert!(shown.chars().count() <= PATH_COLS + 20);
            prop_assert!(!shown.chars().any(char::is_control));
        }
    }
}
