//! The host's sockets that nothing inside may reach.

use std::{
    fs::{self, File},
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket},
    os::{
        fd::AsRawFd,
        linux::net::SocketAddrExt,
        unix::{
            fs::PermissionsExt,
            net::{SocketAddr as UnixAddr, UnixDatagram, UnixListener},
        },
    },
    path::{Path, PathBuf},
};

use super::targets::{Tcp, Unix};

const SECOND: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 77);
const THIRD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 78);

/// Sockets that wait for a touch.
#[derive(Debug)]
pub(super) struct Sockets {
    tcp: Vec<TcpListener>,
    udp: Vec<UdpSocket>,
    streams: Vec<(&'static str, UnixListener)>,
    datagram: UnixDatagram,
    addresses: (Tcp, SocketAddr, SocketAddr, Unix),
}

impl Sockets {
    /// Binds them; those with a file lie in `folder`, one in `inside`.
    pub(super) fn bind(folder: &Path, inside: &Path, name: &str) -> io::Result<Self> {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let second = TcpListener::bind((SECOND, 0))?;
        // A machine may have no IPv6.
        let six = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).ok();
        let addresses = Tcp {
            first: first.local_addr()?,
            second: second.local_addr()?,
            six: six.as_ref().map(TcpListener::local_addr).transpose()?,
        };
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let dns = UdpSocket::bind((THIRD, 0))?;
        let unix = Unix {
            stream: folder.join("stream"),
            datagram: folder.join("datagram"),
            inside: Some(inside.to_owned()),
            name: name.to_owned(),
        };
        let outside = UnixListener::bind(short(&unix.stream)?.path())?;
        let datagram = UnixDatagram::bind(short(&unix.datagram)?.path())?;
        let visible = UnixListener::bind(short(inside)?.path())?;
        fs::set_permissions(inside, fs::Permissions::from_mode(0o777))?;
        let nameless = UnixListener::bind_addr(&UnixAddr::from_abstract_name(name)?)?;
        let sockets = Self {
            addresses: (addresses, udp.local_addr()?, dns.local_addr()?, unix),
            tcp: [Some(first), Some(second), six].into_iter().flatten().collect(),
            udp: vec![udp, dns],
            streams: vec![
                ("a local socket outside", outside),
                ("a local socket within the private home", visible),
                ("a local socket without a file", nameless),
            ],
            datagram,
        };
        sockets.tcp.iter().try_for_each(|one| one.set_nonblocking(true))?;
        sockets.udp.iter().try_for_each(|one| one.set_nonblocking(true))?;
        sockets.streams.iter().try_for_each(|(_, one)| one.set_nonblocking(true))?;
        sockets.datagram.set_nonblocking(true)?;
        Ok(sockets)
    }

    /// Where they are.
    pub(super) fn addresses(&self) -> (Tcp, SocketAddr, SocketAddr, Unix) {
        self.addresses.clone()
    }

    /// What reached them since the last look. What cannot be looked at counts as touched.
    pub(super) fn touched(&self) -> Vec<String> {
        let mut touched = Vec::new();
        for listener in &self.tcp {
            for from in all(|| listener.accept()) {
                let from = from.map_or_else(|| "somebody".to_owned(), |(_, from)| from.to_string());
                let at = named(listener.local_addr());
                touched.push(format!("a connection from {from} reached the host's {at}"));
            }
        }
        let mut byte = [0u8; 1];
        for socket in &self.udp {
            for _ in all(|| socket.recv_from(&mut byte)) {
                touched
                    .push(format!("a datagram reached the host's {}", named(socket.local_addr())));
            }
        }
        for (name, listener) in &self.streams {
            for _ in all(|| listener.accept()) {
                touched.push(format!("a connection reached {name}"));
            }
        }
        for _ in all(|| self.datagram.recv_from(&mut byte)) {
            touched.push("a datagram reached a local socket outside".to_owned());
        }
        touched
    }
}

fn named(address: io::Result<SocketAddr>) -> String {
    address.map_or_else(|error| error.to_string(), |at| at.to_string())
}

/// Takes what waits, a bounded number. An error ends it and counts as one.
fn all<T>(mut next: impl FnMut() -> io::Result<T>) -> Vec<Option<T>> {
    const MOST: usize = 16;
    let mut found = Vec::new();
    while found.len() < MOST {
        match next() {
            Ok(one) => found.push(Some(one)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(_) => {
                found.push(None);
                break;
            }
        }
    }
    found
}

/// A way to a socket's file that is short enough for an address, whatever the folder's length.
#[derive(Debug)]
pub struct Short {
    folder: File,
    name: PathBuf,
}

impl Short {
    /// The path, good while this lives.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        Path::new("/proc/self/fd").join(self.folder.as_raw_fd().to_string()).join(&self.name)
    }
}

/// Opens the folder of `path`.
///
/// # Errors
/// When the folder cannot be opened.
pub fn short(path: &Path) -> io::Result<Short> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::other("a path without a name"));
    };
    Ok(Short { folder: File::open(folder)?, name: name.into() })
}
