//! Claude Code by itself: nothing set but the server's address and name, in a network namespace
//! of its own whose only way out leads to the director.

use std::{
    ffi::OsString,
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    thread,
};

use lcc::engine::claude::state::{self, Look};
use tempfile::TempDir;

use crate::common::{Outer, Program, Project, Real};

/// First argument of this program where it is the bridge inside the namespace.
pub const BRIDGE: &str = "--bridge";

/// A bare Claude Code to be started; its home lives as long as this does.
pub struct Bare {
    home: TempDir,
    claude: PathBuf,
    bwrap: PathBuf,
    socket: PathBuf,
    director: SocketAddr,
    model: String,
}

impl Bare {
    /// With a fresh home, seeded so that no question comes. `None` without bubblewrap.
    pub fn new(
        claude: &Path,
        director: SocketAddr,
        model: &str,
        project: &Project,
    ) -> Option<Self> {
        let bwrap = Real::bwrap()?;
        let home = tempfile::Builder::new().prefix("bare-home-").tempdir().expect("a folder");
        state::seed(home.path(), project.path(), Look::Dark).expect("the state folder");
        let socket = home.path().join("director.sock");
        let listener = UnixListener::bind(&socket).expect("a socket");
        thread::spawn(move || {
            for inside in listener.incoming().map_while(Result::ok) {
                if let Ok(outside) = TcpStream::connect(director) {
                    let _ = outside.set_nodelay(true);
                    thread::spawn(move || join(&Way::Unix(inside), &Way::Tcp(outside)));
                }
            }
        });
        Some(Self {
            home,
            claude: claude.to_owned(),
            bwrap,
            socket,
            director,
            model: model.to_owned(),
        })
    }

    /// Starts it in a PTY of the size that lcc's own pane has not: the whole window.
    pub fn start(&self, project: &Project, extra: &[String]) -> Outer {
        let this = std::env::current_exe().expect("this program");
        let mut args: Vec<OsString> =
            ["--dev-bind", "/", "/", "--unshare-net", "--die-with-parent", "--"]
                .map(OsString::from)
                .into();
        args.extend([this.into(), BRIDGE.into(), self.socket.clone().into()]);
        args.extend([self.director.to_string().into(), self.claude.clone().into()]);
        args.push("--dangerously-skip-permissions".into());
        args.extend(extra.iter().map(OsString::from));
        let mut env = crate::common::lcc::scrubbed(self.home.path());
        env.retain(|(name, _)| name != "LCC_STATE_DIR");
        let mut set = |name: &str, value: OsString| env.push((name.to_owned(), value));
        set("CLAUDE_CONFIG_DIR", self.home.path().join(".claude").into());
        set("ANTHROPIC_BASE_URL", format!("http://{}", self.director).into());
        set("ANTHROPIC_AUTH_TOKEN", "bench".into());
        set("ANTHROPIC_MODEL", self.model.clone().into());
        if nix::unistd::geteuid().is_root() {
            // Else it refuses to run tools unasked as this user.
            set("IS_SANDBOX", "1".into());
        }
        let cwd = project.path().to_owned();
        Outer::start(&Program { program: self.bwrap.clone(), args, env, cwd, cols: 120, rows: 40 })
    }
}

/// The bridge: listens where the director would and leads every connection to its socket; the
/// program named after it runs beside it, with this terminal.
pub fn bridge(words: &[OsString]) -> ExitCode {
    let [socket, addr, program, args @ ..] = words else { return ExitCode::from(2) };
    let run = || -> io::Result<Option<i32>> {
        let addr = addr.to_string_lossy().into_owned();
        let listener = TcpListener::bind(&addr)?;
        let socket = PathBuf::from(socket);
        thread::spawn(move || {
            for inside in listener.incoming().map_while(Result::ok) {
                let _ = inside.set_nodelay(true);
                if let Ok(outside) = UnixStream::connect(&socket) {
                    thread::spawn(move || join(&Way::Tcp(inside), &Way::Unix(outside)));
                }
            }
        });
        Ok(Command::new(program).args(args).status()?.code())
    };
    match run() {
        Ok(code) => ExitCode::from(code.and_then(|c| u8::try_from(c).ok()).unwrap_or(1)),
        Err(error) => {
            eprintln!("the bridge to {}: {error}", addr.display());
            ExitCode::FAILURE
        }
    }
}

/// One end of a connection.
enum Way {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Way {
    fn halves(&self) -> io::Result<(Box<dyn io::Read + Send>, Box<dyn io::Write + Send>)> {
        Ok(match self {
            Self::Tcp(s) => (Box::new(s.try_clone()?), Box::new(s.try_clone()?)),
            Self::Unix(s) => (Box::new(s.try_clone()?), Box::new(s.try_clone()?)),
        })
    }

    fn close(&self, how: Shutdown) {
        // It may be closed already.
        let _ = match self {
            Self::Tcp(s) => s.shutdown(how),
            Self::Unix(s) => s.shutdown(how),
        };
    }
}

/// Copies both ways until both ends have closed. When one is gone for good so is the other, so
/// that a client that gives up is seen on the far side.
fn join(a: &Way, b: &Way) {
    let (Ok((mut from_a, mut to_a)), Ok((mut from_b, mut to_b))) = (a.halves(), b.halves()) else {
        return;
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            let _ = io::copy(&mut from_a, &mut to_b);
            b.close(Shutdown::Write);
        });
        let _ = io::copy(&mut from_b, &mut to_a);
        a.close(Shutdown::Both);
    });
}
