//! Where the attempts find what the host planted for them.

use std::{net::SocketAddr, path::PathBuf};

use serde::{Deserialize, Serialize};

/// Things on the host that nothing inside may reach. What the machine has none of is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Targets {
    /// What stands in every secret; whoever sees it has read one.
    pub text: String,
    /// A file with the secret in lcc's state folder, readable by lcc's user.
    pub secret: PathBuf,
    /// The folder it lies in.
    pub outside: PathBuf,
    /// A file with the secret in the folder above the project, or in `/var/tmp` where that cannot
    /// be written. Readable by everybody.
    pub beside: PathBuf,
    /// Device and number of the folder above the project, as the host knows it.
    pub above: Option<(u64, u64)>,
    /// The same of the user's own home.
    pub at_home: Option<(u64, u64)>,
    /// A file with the secret in `/tmp`, readable by everybody.
    pub tmp: Option<PathBuf>,
    /// One in `/dev/shm`.
    pub shm: Option<PathBuf>,
    /// A name in the private home of a file outside: a hard link that was there before.
    pub linked: Option<PathBuf>,
    /// Folders of the system, or what stands in for them.
    pub places: Places,
    /// Listening TCP sockets of the host.
    pub tcp: Tcp,
    /// A UDP socket of the host.
    pub udp: SocketAddr,
    /// A second one, on another loopback address, in the part of a name server.
    pub dns: SocketAddr,
    /// Local sockets of the host.
    pub unix: Unix,
    /// A process of the host with the secret in its environment.
    pub process: Option<i32>,
    /// lcc's own process.
    pub host_pid: i32,
    /// A segment of shared memory with the secret.
    pub segment: Option<i32>,
    /// A key with the secret in lcc's session keyring.
    pub key: Option<i32>,
    /// The slave side of a terminal of the host.
    pub terminal: Option<PathBuf>,
    /// A descriptor of lcc's that is open on the secret and survives an exec.
    pub descriptor: i32,
}

/// Listening TCP sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tcp {
    /// On 127.0.0.1.
    pub first: SocketAddr,
    /// On another address of the loopback interface.
    pub second: SocketAddr,
    /// On ::1.
    pub six: Option<SocketAddr>,
}

/// Local sockets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unix {
    /// A listening one outside.
    pub stream: PathBuf,
    /// A datagram one outside.
    pub datagram: PathBuf,
    /// A listening one in a folder that is visible and writable inside.
    pub inside: Option<PathBuf>,
    /// A listening one without a file, by its name.
    pub name: String,
}

/// Folders that are no business of a program inside. When the attempts are made without a sandbox,
/// throw-away folders stand in for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
    /// The root folder.
    pub root: PathBuf,
    /// `/usr`.
    pub usr: PathBuf,
    /// `/etc`.
    pub etc: PathBuf,
    /// `/var`.
    pub var: PathBuf,
    /// The user's own home.
    pub user_home: PathBuf,
    /// The folder of the sandbox's own programs.
    pub tools: PathBuf,
}

impl Places {
    /// The real ones.
    #[must_use]
    pub fn real(user_home: Option<PathBuf>) -> Self {
        Self {
            root: "/".into(),
            usr: "/usr".into(),
            etc: "/etc".into(),
            var: "/var".into(),
            user_home: user_home.unwrap_or_else(|| "/root".into()),
            tools: crate::engine::sandbox::policy::TOOLS.into(),
        }
    }

    /// Made-up ones below `folder`, by the same names.
    #[must_use]
    pub fn stand_in(folder: &std::path::Path) -> Self {
        Self {
            root: folder.to_owned(),
            usr: folder.join("usr"),
            etc: folder.join("etc"),
            var: folder.join("var"),
            user_home: folder.join("user"),
            tools: folder.join("tools"),
        }
    }
}
