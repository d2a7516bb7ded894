//! Things planted outside of the sandbox that the probes try to reach, and the look at them after.

use std::{
    fs::{self, DirBuilder},
    io::{self, ErrorKind},
    net::{Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket},
    os::unix::{fs::DirBuilderExt, net::UnixListener},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

const SECRET: &str = "secret";
const SOCKET: &str = "s";

/// Where the probes find what was planted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Targets {
    /// A file with a secret.
    pub secret: PathBuf,
    /// The folder it lies in.
    pub outside: PathBuf,
    /// A unix socket in it that listens.
    pub socket: PathBuf,
    /// A port of 127.0.0.1 that listens.
    pub tcp: u16,
    /// A port of `::1` that listens; 0 where there is no IPv6.
    pub tcp6: u16,
    /// A port of 127.0.0.1 for datagrams.
    pub udp: u16,
    /// lcc's own process.
    pub lcc: i32,
}

/// The planted things; removed when dropped.
#[derive(Debug)]
pub struct Canary {
    folder: PathBuf,
    text: String,
    tcp: TcpListener,
    tcp6: Option<TcpListener>,
    udp: UdpSocket,
    unix: UnixListener,
}

impl Canary {
    /// Plants in a new folder below `parent`, which must lie outside of all that the profile names.
    ///
    /// # Errors
    /// When the folder cannot be made, or no port is left.
    pub fn plant(parent: &Path) -> io::Result<Self> {
        let text = uuid::Uuid::new_v4().simple().to_string();
        // Short: the path of a unix socket has 104 bytes.
        let folder = parent.join(format!(".c-{}", text.chars().take(8).collect::<String>()));
        DirBuilder::new().mode(0o700).create(&folder)?;
        let made = || -> io::Result<_> {
            fs::write(folder.join(SECRET), &text)?;
            let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            tcp.set_nonblocking(true)?;
            let tcp6 = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).ok();
            if let Some(tcp6) = &tcp6 {
                tcp6.set_nonblocking(true)?;
            }
            let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            udp.set_nonblocking(true)?;
            let unix = UnixListener::bind(folder.join(SOCKET))?;
            unix.set_nonblocking(true)?;
            Ok((tcp, tcp6, udp, unix))
        };
        match made() {
            Ok((tcp, tcp6, udp, unix)) => Ok(Self { folder, text, tcp, tcp6, udp, unix }),
            Err(error) => {
                let _left_over = fs::remove_dir_all(&folder);
                Err(error)
            }
        }
    }

    /// Where the probes find them.
    ///
    /// # Errors
    /// When a socket has no address.
    pub fn targets(&self) -> io::Result<Targets> {
        let port = |listener: &TcpListener| listener.local_addr().map(|at| at.port());
        Ok(Targets {
            secret: self.folder.join(SECRET),
            outside: self.folder.clone(),
            socket: self.folder.join(SOCKET),
            tcp: port(&self.tcp)?,
            tcp6: self.tcp6.as_ref().map_or(Ok(0), port)?,
            udp: self.udp.local_addr()?.port(),
            lcc: i32::try_from(std::process::id()).map_err(io::Error::other)?,
        })
    }

    /// What was touched; nothing, if the sandbox holds. What cannot be looked at counts as touched.
    #[must_use]
    pub fn touched(&self) -> Vec<&'static str> {
        let quiet = |outcome: io::Result<()>| {
            outcome.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
        };
        let mut touched = Vec::new();
        if !quiet(self.tcp.accept().map(drop)) {
            touched.push("a connection reached 127.0.0.1");
        }
        if self.tcp6.as_ref().is_some_and(|tcp6| !quiet(tcp6.accept().map(drop))) {
            touched.push("a connection reached ::1");
        }
        if !quiet(self.udp.recv(&mut [0; 8]).map(drop)) {
            touched.push("a datagram reached 127.0.0.1");
        }
        if !quiet(self.unix.accept().map(drop)) {
            touched.push("a connection reached a unix socket");
        }
        if fs::read(self.folder.join(SECRET)).ok().as_deref() != Some(self.text.as_bytes()) {
            touched.push("a file outside was changed");
        }
        if fs::read_dir(&self.folder).map(Iterator::count).unwrap_or_default() != 2 {
            touched.push("a file outside was created or removed");
        }
        touched
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        // A folder that is left over does no harm: it holds random text.
        let _left_over = fs::remove_dir_all(&self.folder);
    }
}
