//! The first request of a session, recorded: the real Claude Code is started once, in the sandbox
//! and a throw-away home, against a listener that only writes down what it is asked.
//!
//! It is started interactively, in a terminal of its own and with the prompt among its arguments:
//! in print mode Claude Code calls itself another agent in its first system line and describes
//! tools in other words, so that nothing of such a request would be a prefix of a real one.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::Read,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use hyper::HeaderMap;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use super::{
    Version,
    recorder::{self, Recorded},
    scratch::{Scratch, equip},
    state::{self, Look, StateError},
};
use crate::{
    domain::Tier,
    engine::{
        pty::Pty,
        sandbox::{self, Child, LaunchError, Terminal},
    },
};

/// How long a start may take before it is given up. It takes about a second on an idle machine.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// What the user would have typed. Nothing of it belongs to the fixed part.
pub const PROMPT: &str = "hello";
/// Columns and rows of the terminal nobody looks at.
const SIZE: (u16, u16) = (120, 40);
/// Most bytes of the screen that are kept to tell why nothing came.
const KEPT_SCREEN: usize = 16 * 1024;

/// What to start, exactly as a session would.
#[derive(Debug, Clone)]
pub struct Order {
    /// The sandbox.
    pub tier: Tier,
    /// The project: Claude Code reads its settings and instructions there.
    pub project: PathBuf,
    /// The private home of the project's sessions. It is not touched: its settings are copied,
    /// and the recorded request names it wherever Claude Code named the throw-away one.
    pub home: PathBuf,
    /// The folder below which the throw-away home is made; it may be missing.
    pub scratch: PathBuf,
    /// The Claude Code program.
    pub program: PathBuf,
    /// Its version, as far as known.
    pub version: Option<Version>,
    /// The name of the profile, for the record.
    pub profile: String,
    /// lcc's own program.
    pub lcc: PathBuf,
    /// The arguments of a session, of an empty conversation.
    pub args: Vec<OsString>,
    /// The environment of a session. Address, token and home are replaced.
    pub env: BTreeMap<String, String>,
    /// Claude Code's colours.
    pub look: Look,
    /// Toolchains and added folders.
    pub mounts: Vec<sandbox::policy::Extra>,
}

/// A first request.
#[derive(Debug, Clone)]
pub struct Captured {
    /// The body as Claude Code sent it, but with the private home's own path. Its `system` and
    /// `tools` are what a session of this project begins with.
    pub body: Bytes,
    /// Path and query, e.g. `/v1/messages?beta=true`.
    pub target: String,
    /// The headers; the credentials are not those of a session.
    pub headers: HeaderMap,
    /// Claude Code's version, as far as known.
    pub version: Option<Version>,
    /// The profile it was started with.
    pub profile: String,
    /// From the start to the request.
    pub took: Duration,
}

/// Why there is no request.
#[derive(Debug, Error)]
pub enum CaptureError {
    /// Its home could not be prepared.
    #[error(transparent)]
    State(#[from] StateError),
    /// Neither sandbox nor program could be started.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// A file, a socket or a thread of lcc's own.
    #[error("cannot record Claude Code's first request: {what}: {source}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
    /// It ended without asking.
    #[error("Claude Code ended before its first request{}", showing(screen))]
    Ended {
        /// The last words on its screen.
        screen: String,
    },
    /// It did not ask in time.
    #[error("Claude Code sent no request within {} s{}", after.as_secs(), showing(screen))]
    Late {
        /// How long it had.
        after: Duration,
        /// The last words on its screen.
        screen: String,
    },
}

fn showing(screen: &str) -> String {
    if screen.is_empty() { String::new() } else { format!("; its screen: {screen}") }
}

fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> CaptureError {
    move |source| CaptureError::Io { what, source }
}

/// Starts Claude Code, waits for its first request of a conversation and ends it.
///
/// Nothing goes to the network or to a model. Dropping the future ends Claude Code too.
///
/// # Errors
/// [`CaptureError`] when it cannot be started or does not ask within `patience`.
pub async fn capture(order: Order, patience: Duration) -> Result<Captured, CaptureError> {
    let began = Instant::now();
    let mut trial = tokio::task::spawn_blocking({
        let order = order.clone();
        move || Trial::begin(&order)
    })
    .await
    .map_err(|e| io("the starting thread")(std::io::Error::other(e)))??;
    let listener = trial.listener.take().ok_or_else(|| {
        io("its socket")(std::io::Error::other("the sandbox handed out no socket"))
    })?;
    let (found, mut first) = mpsc::channel::<Recorded>(1);
    let recording = recorder::record(listener, found).map_err(io("listening for it"))?;
    let left = patience.saturating_sub(began.elapsed());
    let result = tokio::select! {
        Some(recorded) = first.recv() => Ok(recorded),
        () = trial.ended() => Err(CaptureError::Ended { screen: trial.screen() }),
        () = tokio::time::sleep(left) => {
            Err(CaptureError::Late { after: patience, screen: trial.screen() })
        }
    };
    let took = began.elapsed();
    drop(recording);
    let temporary = trial.home.clone();
    // Its folder must be gone before the caller goes on; a caller that goes away need not wait.
    trial.end().await;
    let Recorded { target, headers, body } = result?;
    Ok(Captured {
        body: rename(&body, &temporary, &order.home),
        target,
        headers,
        version: order.version,
        profile: order.profile,
        took,
    })
}

/// A Claude Code under observation.
struct Trial {
    parts: Option<Parts>,
    listener: Option<std::net::TcpListener>,
    home: PathBuf,
    shown: Arc<Mutex<Vec<u8>>>,
    closed: Option<oneshot::Receiver<()>>,
}

struct Parts {
    child: Child,
    _pty: Pty,
    scratch: Scratch,
}

impl Trial {
    fn begin(order: &Order) -> Result<Self, CaptureError> {
        let scratch = Scratch::make(&order.scratch).map_err(io("making a throw-away home"))?;
        let home = scratch.home();
        state::seed(&home, &order.project, order.look)?;
        equip(&order.home, &home);
        let endpoint = sandbox::endpoint(order.tier).map_err(io("binding a port"))?;
        let mut env = order.env.clone();
        let named = home.display().to_string();
        for (name, value) in [
            ("ANTHROPIC_BASE_URL", format!("http://127.0.0.1:{}", endpoint.port)),
            ("ANTHROPIC_AUTH_TOKEN", "lcc-recorder".to_owned()),
            ("CLAUDE_CONFIG_DIR", format!("{named}/.claude")),
            ("HOME", named),
        ] {
            env.insert(name.to_owned(), value);
        }
        // The prompt comes first: options that take a list would swallow it. The user's hooks
        // run once a session, not once more for this.
        let mut args: Vec<OsString> =
            vec![PROMPT.into(), "--settings".into(), r#"{"disableAllHooks":true}"#.into()];
        args.extend(order.args.iter().cloned());
        let request = sandbox::Request {
            tier: order.tier,
            project: order.project.clone(),
            home: home.clone(),
            // The folder of throw-away homes lies in lcc's state folder.
            state: order.scratch.parent().unwrap_or(&order.scratch).to_owned(),
            program: order.program.clone(),
            args,
            env,
            lcc: order.lcc.clone(),
            read_only: Vec::new(),
            mounts: order.mounts.clone(),
        };
        let pty = Pty::open(SIZE.0, SIZE.1).map_err(io("opening a terminal"))?;
        let launched = sandbox::launch(request, endpoint, Terminal::Pty(&pty))?;
        let reader = pty.reader().map_err(io("reading its terminal"))?;
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (closing, closed) = oneshot::channel();
        let keep = Arc::clone(&shown);
        thread::Builder::new()
            .name("capture-read".into())
            .spawn(move || watch(reader, &keep, closing))
            .map_err(io("a thread for its output"))?;
        Ok(Self {
            parts: Some(Parts { child: launched.child, _pty: pty, scratch }),
            listener: Some(launched.listener),
            home,
            shown,
            closed: Some(closed),
        })
    }

    /// Resolves when Claude Code has closed its terminal.
    async fn ended(&mut self) {
        match &mut self.closed {
            Some(closed) => {
                let _ = closed.await;
            }
            None => std::future::pending().await,
        }
    }

    fn screen(&self) -> String {
        words(&self.shown.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn end(mut self) {
        if let Some(parts) = self.parts.take() {
            let _ = tokio::task::spawn_blocking(move || parts.end()).await;
        }
    }
}

impl Parts {
    fn end(self) {
        if let Err(e) = self.child.terminate(Duration::ZERO) {
            tracing::warn!("ending the recorded Claude Code: {e}");
        }
        drop(self.scratch);
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        if let Some(parts) = self.parts.take() {
            // Not on the caller's thread, which may be a runtime's.
            let spawned = thread::Builder::new().name("capture-end".into());
            if let Err(e) = spawned.spawn(move || parts.end()) {
                tracing::warn!("ending the recorded Claude Code: {e}");
            }
        }
    }
}

/// Reads the terminal until it closes and keeps the end of what was shown.
fn watch(mut from: impl Read, keep: &Mutex<Vec<u8>>, closing: oneshot::Sender<()>) {
    let mut buffer = [0; 4096];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        let mut kept = keep.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(buffer.get(..n).unwrap_or_default());
        let over = kept.len().saturating_sub(KEPT_SCREEN);
        kept.drain(..over);
    }
    let _ = closing.send(());
}

/// The words of a screen, without escape sequences and rules; the last 400 characters.
fn words(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut plain = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => {
                let opener = chars.next();
                match opener {
                    Some('[') => while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
                    Some(']') => while chars.next().is_some_and(|c| c != '\x07' && c != '\x1b') {},
                    Some(_) | None => {}
                }
                plain.push(' ');
            }
            c if c.is_control() || ('\u{2500}'..='\u{259f}').contains(&c) => plain.push(' '),
            c => plain.push(c),
        }
    }
    let joined = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let skip = joined.chars().count().saturating_sub(400);
    joined.chars().skip(skip).collect()
}

/// The body with `from` written as `to`, wherever it stands.
fn rename(body: &Bytes, from: &Path, to: &Path) -> Bytes {
    let quoted = |path: &Path| {
        let text = serde_json::Value::from(path.display().to_string()).to_string();
        text.trim_matches('"').to_owned()
    };
    let (from, to) = (quoted(from), quoted(to));
    match std::str::from_utf8(body) {
        Ok(text) if text.contains(&from) => Bytes::from(text.replace(&from, &to)),
        Ok(_) | Err(_) => body.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stood_on_the_screen_is_told_in_words() {
        let screen = b"\x1b[?2026h\x1b[38;5;174m \xe2\x96\x90Claude\x1b[19GCode\x1b]0;t\x07\r\n\xe2\x94\x80\xe2\x94\x80 unknown option";
        assert_eq!(words(screen), "Claude Code unknown option");
        assert_eq!(words(&b"x".repeat(1000)).len(), 400);
        let error = CaptureError::Ended { screen: words(b"error: unknown option '--frob'") };
        assert_eq!(
            error.to_string(),
            "Claude Code ended before its first request; its screen: error: unknown option '--frob'"
        );
        let late = CaptureError::Late { after: PATIENCE, screen: String::new() };
        assert_eq!(late.to_string(), "Claude Code sent no request within 20 s");
    }

    #[test]
    fn the_request_names_the_home_of_the_sessions() {
        let body = Bytes::from_static(br#"{"system":"memory in /s/x \"1\"/home/.claude"}"#);
        let got = rename(&body, Path::new("/s/x \"1\"/home"), Path::new("/state/a/home"));
        assert_eq!(got, r#"{"system":"memory in /state/a/home/.claude"}"#);
    }
}
