//! Escape attempts made from inside, under the very profile that the program will get.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        net::UnixStream,
    },
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use nix::{sys::signal::kill, unistd::Pid};
use serde::{Deserialize, Serialize};

use super::canary::Targets;

/// The first argument that makes lcc run the probes and nothing else.
pub const COMMAND: &str = "__probe_macos";
/// How long a connection may take; every one is to this machine.
const PATIENCE: Duration = Duration::from_millis(500);

/// What the probes are told, on standard input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    /// What was planted outside.
    pub targets: Targets,
    /// The project.
    pub project: PathBuf,
    /// lcc's private state folder.
    pub home: PathBuf,
    /// Protected paths, absolute; those that are missing must not be made.
    pub protected: Vec<PathBuf>,
    /// Folders on the way to them.
    pub pins: Vec<PathBuf>,
    /// The user's real home.
    pub user_home: Option<PathBuf>,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The system stopped it.
    Blocked,
    /// It went through.
    Open,
    /// It could not be tried, which counts as open.
    Failed,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    /// Its number in the list of attempts.
    pub number: u8,
    /// What was tried.
    pub name: String,
    /// How it ended.
    pub ending: Ending,
    /// The system's error, or what was seen.
    pub detail: String,
}

type Probe = fn(&Orders) -> io::Result<()>;

/// An attempt that succeeded gives `Ok`; only refusals of the system count as stopped.
const PROBES: [(u8, &str, Probe); 24] = [
    (1, "read a file outside", |o| File::open(&o.targets.secret).map(drop)),
    (1, "list a folder outside", |o| fs::read_dir(&o.targets.outside).map(drop)),
    (2, "read through a link", through_link),
    (6, "create a file outside", |o| create(&o.targets.outside.join("planted"))),
    (6, "change a file outside", |o| {
        OpenOptions::new().write(true).open(&o.targets.secret).map(drop)
    }),
    (6, "plant a file in the private home", |o| create(&o.home.join(".zshrc-lcc-probe"))),
    (7, "link a file outside into the project", hard_link),
    (14, "make a file with another user's rights", set_user_id),
    (16, "write to /tmp", |o| create(&Path::new("/private/tmp").join(name_of(&o.targets.outside)))),
    (24, "change or create what other programs trust", protected),
    (26, "move a folder away that holds them", pins),
    (40, "the same in another spelling", |o| create(&o.project.join(".MCP.json"))),
    (41, "signal lcc", |o| kill(Pid::from_raw(o.targets.lcc), None).map_err(io::Error::from)),
    (61, "connect to another port", |o| {
        connect(SocketAddr::from((Ipv4Addr::LOCALHOST, o.targets.tcp)))
    }),
    (61, "connect to another port by IPv6", |o| {
        if o.targets.tcp6 == 0 {
            return Err(ErrorKind::PermissionDenied.into());
        }
        connect(SocketAddr::from((Ipv6Addr::LOCALHOST, o.targets.tcp6)))
    }),
    (61, "connect by a mapped address", |o| {
        connect(SocketAddr::from((Ipv4Addr::LOCALHOST.to_ipv6_mapped(), o.targets.tcp)))
    }),
    (63, "send a datagram", |o| {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.send_to(b"x", (Ipv4Addr::LOCALHOST, o.targets.udp)).map(drop)
    }),
    (67, "listen", |_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map(drop)),
    (69, "connect to a unix socket", |o| UnixStream::connect(&o.targets.socket).map(drop)),
    (92, "run a program outside", |o| {
        let path = o.targets.outside.join("secret");
        // The file is no program: only a refusal before that is looked at counts.
        match std::process::Command::new(path).status() {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                fs::metadata(o.targets.outside.join("secret")).map(drop)
            }
            Err(error) => Err(error),
            Ok(_) => Ok(()),
        }
    }),
    (93, "write to another terminal", other_terminals),
    (96, "size and date of a file outside", |o| fs::metadata(&o.targets.secret).map(drop)),
    (96, "list the user's home", |o| {
        o.user_home.as_ref().map_or_else(
            || Err(ErrorKind::PermissionDenied.into()),
            |home| fs::read_dir(home).map(drop),
        )
    }),
    // Last: without a sandbox it takes away what the others try.
    (6, "remove a file outside", |o| fs::remove_file(o.targets.outside.join("secret"))),
];

/// Makes every attempt.
#[must_use]
pub fn run(orders: &Orders) -> Vec<Probed> {
    let mut all: Vec<Probed> =
        PROBES.iter().map(|(number, name, probe)| judged(*number, name, probe(orders))).collect();
    all.extend(programs::run());
    all
}

fn judged(number: u8, name: &str, outcome: io::Result<()>) -> Probed {
    let (ending, detail) = match outcome {
        Ok(()) => (Ending::Open, "it went through".to_owned()),
        Err(error) => match error.kind() {
            // Seatbelt says EPERM; EACCES comes from the file system, and a name that cannot be
            // looked at is not found.
            ErrorKind::PermissionDenied | ErrorKind::NotFound | ErrorKind::ReadOnlyFilesystem => {
                (Ending::Blocked, error.to_string())
            }
            _ => (Ending::Failed, format!("not tried: {error}")),
        },
    };
    Probed { number, name: name.to_owned(), ending, detail }
}

/// Runs as the program of the sandbox: orders on standard input, the report on standard output.
#[must_use]
pub fn main() -> ExitCode {
    let mut text = String::new();
    let told = io::stdin().read_to_string(&mut text);
    let Some(orders) = told.ok().and_then(|_| serde_json::from_str::<Orders>(&text).ok()) else {
        return ExitCode::from(125);
    };
    let report = serde_json::to_vec(&run(&orders)).unwrap_or_default();
    match io::stdout().write_all(&report) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(125),
    }
}

fn create(path: &Path) -> io::Result<()> {
    File::create_new(path)?;
    fs::remove_file(path)
}

fn name_of(path: &Path) -> PathBuf {
    path.file_name().unwrap_or_default().into()
}

fn through_link(orders: &Orders) -> io::Result<()> {
    let link = orders.home.join(".cache/lcc-probe-link");
    let _left_over = fs::remove_file(&link);
    std::os::unix::fs::symlink(&orders.targets.secret, &link).map_err(io::Error::other)?;
    let outcome = File::open(&link).map(drop);
    fs::remove_file(&link).map_err(io::Error::other)?;
    outcome
}

fn hard_link(orders: &Orders) -> io::Result<()> {
    let name = orders.project.join(".lcc-probe-hard-link");
    fs::hard_link(&orders.targets.secret, &name)?;
    fs::remove_file(&name)
}

fn set_user_id(orders: &Orders) -> io::Result<()> {
    let path = orders.home.join(".cache/lcc-probe-rights");
    let file = File::create(&path).map_err(io::Error::other)?;
    let outcome = file.set_permissions(fs::Permissions::from_mode(0o4700));
    let bits = file.metadata().map_err(io::Error::other)?.mode() & 0o6000;
    fs::remove_file(&path).map_err(io::Error::other)?;
    if bits == 0 { outcome.and(Err(ErrorKind::PermissionDenied.into())) } else { Ok(()) }
}

fn protected(orders: &Orders) -> io::Result<()> {
    let mut last = Err(io::Error::other("there is nothing to try"));
    for path in &orders.protected {
        last = if path.is_dir() {
            create(&path.join("lcc-probe"))
        } else if path.exists() {
            OpenOptions::new().append(true).open(path).map(drop)
        } else {
            create(path)
        };
        match &last {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
            _ => return last,
        }
    }
    last
}

fn pins(orders: &Orders) -> io::Result<()> {
    for path in orders.pins.iter().filter(|path| path.exists()) {
        let aside = path.with_extension("lcc-probe");
        match fs::rename(path, &aside) {
            Ok(()) => return fs::rename(&aside, path),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::PermissionDenied.into())
}

fn connect(address: SocketAddr) -> io::Result<()> {
    TcpStream::connect_timeout(&address, PATIENCE).map(drop)
}

/// Opens terminals that are there, and writes nothing. Inside, none can be looked at.
fn other_terminals(_: &Orders) -> io::Result<()> {
    let own = nix::unistd::ttyname(io::stderr()).ok();
    for number in 0..64 {
        let path = PathBuf::from(format!("/dev/ttys{number:03}"));
        if Some(&path) != own.as_ref() && OpenOptions::new().write(true).open(&path).is_ok() {
            return Ok(());
        }
    }
    Err(ErrorKind::PermissionDenied.into())
}

/// Programs of macOS that ask services of the system.
#[cfg(target_os = "macos")]
mod programs {
    use std::{
        process::{Command, Stdio},
        thread,
        time::{Duration, Instant},
    };

    use super::{Ending, Probed};

    const LIMIT: Duration = Duration::from_secs(3);
    const ASK: [(u8, &str, &[&str]); 6] = [
        (51, "another user's rights", &["/usr/bin/sudo", "-n", "/usr/bin/true"]),
        (84, "jobs of the user", &["/usr/bin/crontab", "-l"]),
        (
            84,
            "a job of launchd's",
            &["/bin/launchctl", "submit", "-l", "lcc.probe", "--", "/usr/bin/true"],
        ),
        (85, "the keychain", &["/usr/bin/security", "list-keychains"]),
        (86, "the clipboard", &["/usr/bin/pbpaste", "-Prefer", "lcc-probe"]),
        (
            91,
            "a sandbox of one's own",
            &["/usr/bin/sandbox-exec", "-p", "(version 1)(allow default)", "/usr/bin/true"],
        ),
    ];

    pub(super) fn run() -> Vec<Probed> {
        ASK.iter()
            .map(|(number, name, words)| {
                let (ending, detail) = ask(words);
                Probed { number: *number, name: (*name).to_owned(), ending, detail }
            })
            .collect()
    }

    fn ask(words: &[&str]) -> (Ending, String) {
        let Some((program, arguments)) = words.split_first() else {
            return (Ending::Failed, "no program".to_owned());
        };
        let started = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut child = match started {
            Ok(child) => child,
            Err(error) => return (Ending::Blocked, error.to_string()),
        };
        let until = Instant::now() + LIMIT;
        loop {
            match child.try_wait() {
                Ok(Some(status)) if status.success() => {
                    return (Ending::Open, "it answered".to_owned());
                }
                Ok(Some(status)) => return (Ending::Blocked, status.to_string()),
                Ok(None) if Instant::now() < until => thread::sleep(Duration::from_millis(10)),
                Ok(None) | Err(_) => {
                    // It waits for an answer that does not come.
                    let _ended = child.kill().and_then(|()| child.wait());
                    return (Ending::Blocked, "no answer".to_owned());
                }
            }
        }
    }
}

#[cfg(not(target_os = "macos"))]
mod programs {
    pub(super) fn run() -> Vec<super::Probed> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::canary::Canary, *};

    /// Without a sandbox the probes get out, and the canaries show it.
    #[test]
    fn without_a_sandbox_they_get_out() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["project/.git/hooks", "home/.cache"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        let canary = Canary::plant(folder.path()).unwrap();
        assert_eq!(canary.touched(), Vec::<&str>::new());
        let orders = Orders {
            targets: canary.targets().unwrap(),
            project: at("project"),
            home: at("home"),
            protected: vec![at("project/.git/hooks"), at("project/.mcp.json")],
            pins: vec![at("project/.git")],
            user_home: Some(at("home")),
        };
        let report = run(&orders);
        let open = |number: u8| {
            report.iter().any(|probed| probed.number == number && probed.ending == Ending::Open)
        };
        for number in [1, 6, 7, 14, 24, 26, 40, 41, 61, 63, 67, 69, 96] {
            assert!(open(number), "{number}: {report:#?}");
        }
        let touched = canary.touched();
        for word in ["127.0.0.1", "datagram", "unix", "removed"] {
            assert!(touched.iter().any(|what| what.contains(word)), "{word}: {touched:?}");
        }
        assert!(at("project/.git/hooks").is_dir() && !at("project/.mcp.json").exists());
        let planted = canary.targets().unwrap().outside;
        drop(canary);
        assert!(!planted.exists());
    }
}
