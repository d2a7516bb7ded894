//! One life of Claude Code: its terminal, its sandbox, its way to the proxy.

use std::{
    io::{Read, Write},
    path::PathBuf,
    process::ExitStatus,
    sync::{Arc, mpsc as std_mpsc},
    thread,
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::{recheck::Rechecker, settings::SessionSettings};
use crate::{
    domain::{Equipment, SandboxLook, Tier},
    engine::{
        claude::{self, Conversation, EnvironmentInputs},
        proxy::{Proxy, Serving},
        pty::Pty,
        sandbox::{
            self, Child, LaunchError, StartReport,
            egress::Attempts,
            limits::{self, Guard, Limits, Standing, Watched},
        },
        window::{self, Belief},
    },
    protocol::Update,
};

/// Claude Code may take this long to end by itself before it is killed.
pub(super) const GRACE: Duration = Duration::from_secs(3);
/// Largest piece read from the terminal at once; the kernel's pty buffer is smaller.
const CHUNK: usize = 64 * 1024;

/// Tokens that a byte of instructions takes, before the session's own text has told it.
const TOKENS_PER_BYTE: f64 = 0.25;

/// A running Claude Code.
pub(super) struct Life {
    child: Child,
    pty: Pty,
    keys: std_mpsc::Sender<Bytes>,
    /// Keeps the proxy's listener for this child open.
    _serving: Serving,
    /// Claude Code's session id.
    pub session: String,
    /// What the sandbox reported.
    pub report: StartReport,
    /// Attempts to leave, as they are stopped.
    pub attempts: Attempts,
    /// What the tier lacks.
    pub lacks: Vec<String>,
    /// Holds the caps; `None` where there was no thread for it.
    guard: Option<Guard>,
    /// Looks again at the sandbox; `None` where the tier has nothing to look at.
    rechecker: Option<Rechecker>,
    /// Resolves when the terminal's last byte has been passed on.
    drained: Option<oneshot::Receiver<()>>,
}

/// What a life is started with, beside the session's settings.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub model: String,
    pub window: u64,
    pub output: u64,
    pub equipment: Equipment,
    /// Claude Code's version, as far as known.
    pub version: Option<claude::Version>,
    pub conversation: Conversation,
    /// The first prompt, sent by Claude Code itself as it starts.
    pub prompt: Option<String>,
    pub token: String,
    pub size: (u16, u16),
}

impl Plan {
    /// What the profile comes to on this version of Claude Code.
    pub(super) fn options(&self) -> claude::Options {
        claude::options(&self.equipment, self.version)
    }

    /// What Claude Code must believe of the window.
    pub(super) fn belief(&self) -> Belief {
        let room = window::compaction_room(window::COMPACTION_PROMPT_BYTES, TOKENS_PER_BYTE);
        let limit = window::limit(self.window, self.output, room);
        window::believe(claude::compacts(self.version), self.window, self.output, limit)
    }

    /// What the user is told of it at the start.
    pub(super) fn remarks(&self) -> Vec<String> {
        let left_out = self.options().left_out;
        let version = self.version.map_or_else(String::new, |v| format!(" {v}"));
        let unknown = (!left_out.is_empty()).then(|| {
            let names = left_out.join(", ");
            format!("profile {}: Claude Code{version} does not know {names}", self.equipment.name)
        });
        unknown.into_iter().chain(claude::options::misleading(&self.model)).collect()
    }
}

impl Life {
    /// Starts Claude Code; its output goes to `updates` from a thread of its own.
    ///
    /// # Errors
    /// [`LaunchError`] when the sandbox or the terminal cannot be had; nothing is left running.
    pub(super) async fn start(
        settings: Arc<SessionSettings>,
        plan: Plan,
        proxy: &Proxy,
        updates: mpsc::Sender<Update>,
    ) -> Result<Self, LaunchError> {
        let session = match &plan.conversation {
            Conversation::New(id) | Conversation::Resume(id) => id.clone(),
            Conversation::Continue => "last".to_owned(),
        };
        let (caps, places) =
            (settings.limits, vec![settings.project.clone(), settings.home.clone()]);
        let recheck_minutes = settings.recheck_minutes;
        let launched = tokio::task::spawn_blocking(move || launch(&settings, &plan))
            .await
            .map_err(|e| io("the starting thread")(std::io::Error::other(e)))?;
        let (pty, launched) = launched?;
        let killer = launched.child.killer();
        let watched = Watched { root: launched.child.root(), places, kill: move || killer.kill() };
        let guard = limits::start(watched, caps)
            .inspect_err(|e| tracing::warn!("the caps on memory and processes are not held: {e}"))
            .ok();
        let rechecker = launched
            .watch
            .map(|watch| Rechecker::start(watch, recheck_minutes))
            .transpose()
            .map_err(io("a thread to look at the sandbox"))?;
        let serving = proxy.serve(launched.listener).map_err(io("serving Claude Code"))?;
        let reader = pty.reader().map_err(io("reading its terminal"))?;
        let writer = pty.writer().map_err(io("writing to its terminal"))?;
        let (done, drained) = oneshot::channel();
        thread::Builder::new()
            .name("pty-read".into())
            .spawn(move || pass_output(reader, &updates, done))
            .map_err(io("a thread for its output"))?;
        let (keys, key_queue) = std_mpsc::channel();
        thread::Builder::new()
            .name("pty-write".into())
            .spawn(move || pass_input(writer, &key_queue))
            .map_err(io("a thread for its input"))?;
        Ok(Self {
            child: launched.child,
            pty,
            keys,
            _serving: serving,
            session,
            report: launched.report,
            attempts: launched.attempts,
            lacks: launched.lacks,
            guard,
            rechecker,
            drained: Some(drained),
        })
    }

    /// Sends bytes to Claude Code's terminal. Never blocks; a dead child swallows them.
    pub(super) fn input(&self, bytes: Bytes) {
        let _ = self.keys.send(bytes);
    }

    /// Tells Claude Code the pane's new size.
    pub(super) fn resize(&self, (cols, rows): (u16, u16)) {
        if let Err(e) = self.pty.resize(cols, rows) {
            tracing::warn!("resize to {cols}x{rows}: {e}");
        }
    }

    /// What the looks at the sandbox found; with one more look now.
    pub(super) fn looks(&self, once_more: bool) -> Vec<SandboxLook> {
        self.rechecker.as_ref().map_or_else(Vec::new, |rechecker| {
            if once_more { rechecker.last() } else { rechecker.take() }
        })
    }

    /// How the child ended, if it did.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// How the child stands against its caps.
    pub(super) fn standing(&self) -> Option<(Limits, Standing)> {
        self.guard.as_ref().map(|guard| (guard.limits(), guard.standing()))
    }

    /// The program's process number on the host.
    pub(super) fn program(&self) -> u32 {
        self.child.id()
    }

    /// What ended the child, in words that begin with what it did; `None` where its exit code says
    /// all there is to say. Call it once it has ended.
    pub(super) fn cause(&mut self, status: ExitStatus) -> Option<String> {
        let guard = self.guard.take()?;
        let caps = guard.limits();
        let Standing { stop, seen, .. } = guard.finish();
        limits::worth_telling(stop.as_ref(), seen, status)
            .then(|| limits::words(status, stop.as_ref(), seen, caps))
    }

    /// Ends the child and everything it started without asking it.
    pub(super) async fn kill(self) {
        self.end_within(Duration::ZERO).await;
    }

    /// Why lcc ended the child, where its sandbox no longer held.
    pub(super) fn broken(&self) -> Option<String> {
        self.child.broken()
    }

    /// Ends the child and everything it started, and waits until its last output is passed on.
    pub(super) async fn end(self) {
        self.end_within(GRACE).await;
    }

    async fn end_within(mut self, grace: Duration) {
        let drained = self.drained.take();
        let ended = tokio::task::spawn_blocking(move || {
            if let Err(e) = self.child.terminate(grace) {
                tracing::warn!("ending Claude Code: {e}");
            }
            // Waited for: it removes the control group, which is empty now.
            let _standing = self.guard.take().map(Guard::finish);
            self
        })
        .await;
        if let (Ok(life), Some(drained)) = (ended, drained) {
            drop(life);
            let _ = tokio::time::timeout(GRACE, drained).await;
        }
    }
}

/// What was being done when the system refused.
fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> LaunchError {
    move |source| LaunchError::Io { what: what.to_owned(), source }
}

/// What the profile comes to, and what a screen reader needs.
fn options(settings: &SessionSettings, plan: &Plan) -> claude::Options {
    let mut options = plan.options();
    let flag = settings.screen_reader.then(|| claude::options::screen_reader(plan.version));
    options.flags.extend(flag.flatten().map(str::to_owned));
    options
}

fn launch(
    settings: &SessionSettings,
    plan: &Plan,
) -> Result<(Pty, sandbox::Launched), LaunchError> {
    let endpoint = sandbox::endpoint(settings.tier).map_err(io("binding a port"))?;
    let mut args = claude::arguments(
        &options(settings, plan),
        settings.tier,
        &plan.model,
        &plan.conversation,
        &settings.extra,
    );
    args.extend(plan.prompt.iter().flat_map(|prompt| claude::prompt_words(prompt)));
    let request = sandbox::Request {
        tier: settings.tier,
        project: settings.project.clone(),
        home: settings.home.clone(),
        state: settings.state_dir.clone(),
        program: settings.claude.clone(),
        args,
        env: environment(settings, plan, endpoint.port),
        lcc: settings.lcc.clone(),
        read_only: Vec::<PathBuf>::new(),
        mounts: settings.outfit.mounts.clone(),
    };
    let pty = Pty::open(plan.size.0, plan.size.1).map_err(io("opening a terminal"))?;
    let launched = sandbox::launch(request, endpoint, sandbox::Terminal::Pty(&pty))?;
    Ok((pty, launched))
}

/// What records the first request of a session like this one: the same program, arguments and
/// environment, with an empty conversation.
pub(super) fn order(settings: &SessionSettings, plan: &Plan, scratch: PathBuf) -> claude::Order {
    let empty = Conversation::New(uuid::Uuid::new_v4().to_string());
    claude::Order {
        tier: settings.tier,
        project: settings.project.clone(),
        home: settings.home.clone(),
        scratch,
        program: settings.claude.clone(),
        version: plan.version,
        profile: plan.equipment.name.clone(),
        lcc: settings.lcc.clone(),
        args: claude::arguments(
            &options(settings, plan),
            settings.tier,
            &plan.model,
            &empty,
            &settings.extra,
        ),
        env: environment(settings, plan, 0),
        look: settings.look,
        mounts: settings.outfit.mounts.clone(),
    }
}

fn environment(
    settings: &SessionSettings,
    plan: &Plan,
    port: u16,
) -> std::collections::BTreeMap<String, String> {
    let inside = settings.outfit.search_path();
    let path = match settings.tier {
        Tier::Strict | Tier::Reduced if inside.is_empty() => sandbox::policy::PATH,
        Tier::Strict | Tier::Reduced => &inside,
        Tier::Off => settings.surroundings.path.as_deref().unwrap_or(sandbox::policy::PATH),
    };
    claude::environment(&EnvironmentInputs {
        base_url: &format!("http://127.0.0.1:{port}"),
        token: &plan.token,
        model: &plan.model,
        belief: plan.belief(),
        options: &plan.options(),
        tier: settings.tier,
        home: &settings.home.display().to_string(),
        path,
        lang: settings.surroundings.lang.as_deref(),
        tz: settings.surroundings.tz.as_deref(),
        more: &settings.outfit.env,
        bare_root: settings.surroundings.root && settings.tier == Tier::Off,
    })
}

/// Reads the terminal until it closes. A front that cannot keep up slows Claude Code down, as a
/// slow terminal would; the queue between them is bounded.
fn pass_output(mut from: impl Read, to: &mpsc::Sender<Update>, done: oneshot::Sender<()>) {
    let mut buffer = vec![0; CHUNK];
    // The pty answers EIO when its last user has gone: the end, like zero bytes.
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        let Some(piece) = buffer.get(..n) else { break };
        if to.blocking_send(Update::Output(Bytes::copy_from_slice(piece))).is_err() {
            break;
        }
    }
    let _ = done.send(());
}

fn pass_input(mut to: impl Write, from: &std_mpsc::Receiver<Bytes>) {
    while let Ok(bytes) = from.recv() {
        if to.write_all(&bytes).and_then(|()| to.flush()).is_err() {
            break;
        }
    }
}
