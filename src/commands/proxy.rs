//! `lcc proxy`: the inspecting proxy alone; its observations as JSON lines on standard output.

use std::{
    io::{self, Write},
    net::{SocketAddr, TcpListener},
    path::PathBuf,
};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{mpsc, watch},
};

use super::{CommandError, reach, settings::Surroundings};
use crate::{
    cli::address,
    config::{Flags, is_loopback, server_url},
    domain::{Api, Dialect, Observation, PrefixCare, ServerFacts, ServerKind},
    engine::{
        access::{AccessError, Reach},
        backend::{self, IdentifyError, LogPlace, WatchSettings},
        clock::Clock,
        proxy::{BodyLog, BodyLogError, Proxy, ProxyError, ProxySettings, rules::Rules},
    },
};

/// What `lcc proxy` takes on its command line.
#[derive(Debug, Clone, clap::Args)]
pub struct ProxyOptions {
    /// Base URL of the model server, such as <http://127.0.0.1:8080>
    #[arg(long, value_name = "URL")]
    pub upstream: String,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0", value_parser = address)]
    pub listen: SocketAddr,
    /// How the server is asked: anthropic or openai [default: as it wants]
    #[arg(long, value_name = "API")]
    pub dialect: Option<Api>,
    /// Allow an upstream that is not on this machine
    #[arg(long)]
    pub allow_remote: bool,
    /// Append the body of every request to this file [default: nothing is kept]
    #[arg(long, value_name = "FILE")]
    pub log_bodies: Option<PathBuf>,
    /// The rules for the start of every prompt, by the settings
    #[arg(skip)]
    pub prefix_care: PrefixCare,
}

/// Why `lcc proxy` ended early.
#[derive(Debug, thiserror::Error)]
pub enum ProxyCommandError {
    /// The address to listen on is not this machine alone.
    #[error("--listen {0}: not a loopback address; lcc's proxy is for this machine only, use 127.0.0.1:{port}", port = .0.port())]
    NotLoopback(SocketAddr),
    /// The address could not be bound.
    #[error("--listen {addr}: {error}; take another port, or 0 for a free one")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// The upstream is not the URL of a server.
    #[error("--upstream {0}: {1}")]
    Url(String, String),
    /// The upstream is not this machine.
    #[error(
        "--upstream {0}: not on this machine; what Claude Code sends would leave it. \
         If that is meant, add --allow-remote"
    )]
    Remote(String),
    /// The upstream is unusable.
    #[error("--upstream {0}")]
    Upstream(#[from] ProxyError),
    /// The bodies of requests cannot be written where it was asked for.
    #[error(transparent)]
    Bodies(#[from] BodyLogError),
    /// There is no way to the upstream as it was asked for.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The upstream is there, but refuses lcc or is refused by it.
    #[error("no way to the model server {0}")]
    Barred(IdentifyError),
    /// The system failed to give what every program needs.
    #[error("lcc proxy: {0}")]
    Io(#[from] io::Error),
}

/// Runs for the settings, which may name certificates and a credential for the upstream.
///
/// # Errors
/// [`CommandError`] with the exit code for it.
pub async fn configured(
    around: &Surroundings,
    options: ProxyOptions,
    out: impl Write,
) -> Result<(), CommandError> {
    // Whether the upstream may be remote is judged below, by the flag of this command.
    let server = Some(options.upstream.clone());
    let flags = Flags { server, allow_remote: true, ..Flags::default() };
    let loaded = around
        .load(flags)
        .map_err(|e| CommandError::Usage(e.to_string().replace("--server ", "--upstream ")))?;
    if !options.allow_remote && !is_loopback(&options.upstream) {
        return Err(CommandError::usage(ProxyCommandError::Remote(options.upstream)));
    }
    let settings = &loaded.resolved.settings;
    if let Some(warning) = reach::warning(settings).filter(|_| options.allow_remote) {
        eprintln!("lcc: {warning}");
    }
    let way = reach::reach(settings)?;
    let log_bodies = options.log_bodies.or_else(|| settings.log_bodies.clone());
    let options = ProxyOptions { prefix_care: settings.prefix_care, log_bodies, ..options };
    run_through(way, options, out).await.map_err(|e| match e {
        ProxyCommandError::Barred(_) => CommandError::NoServer(e.to_string()),
        ProxyCommandError::NotLoopback(_)
        | ProxyCommandError::Url(..)
        | ProxyCommandError::Listen { .. }
        | ProxyCommandError::Remote(_)
        | ProxyCommandError::Upstream(_)
        | ProxyCommandError::Bodies(_)
        | ProxyCommandError::Access(_)
        | ProxyCommandError::Io(_) => CommandError::usage(e),
    })
}

/// Runs until SIGINT or SIGTERM, or until nobody reads `out` any more. The server is watched
/// beside it: its facts and the progress of its prompts are among the observations.
///
/// # Errors
/// When it cannot listen, or the upstream's URL is unusable or not this machine's.
pub async fn run(options: ProxyOptions, out: impl Write) -> Result<(), ProxyCommandError> {
    run_through(Reach::plain()?, options, out).await
}

/// The same for a server that is reached by `reach`.
///
/// # Errors
/// As [`run`], and when the server's credential cannot be had or its certificate is refused.
pub async fn run_through(
    reach: Reach,
    options: ProxyOptions,
    out: impl Write,
) -> Result<(), ProxyCommandError> {
    if !options.listen.ip().is_loopback() {
        return Err(ProxyCommandError::NotLoopback(options.listen));
    }
    let upstream = server_url(&options.upstream)
        .map_err(|reason| ProxyCommandError::Url(options.upstream.clone(), reason))?;
    let options = ProxyOptions { upstream, ..options };
    if !options.allow_remote && !is_loopback(&options.upstream) {
        return Err(ProxyCommandError::Remote(options.upstream));
    }
    reach.prove().await?;
    let upstream = options.upstream.trim_end_matches('/');
    let facts = match backend::identify(&reach, upstream).await {
        Ok(facts) => facts,
        Err(e @ IdentifyError::Barred { .. }) => return Err(ProxyCommandError::Barred(e)),
        Err(
            IdentifyError::Unreachable { .. }
            | IdentifyError::Silent { .. }
            | IdentifyError::NotHttp { .. },
        ) => not_there(),
    };
    relay(options, Look::Watch { client: reach, facts }, out).await
}

/// How [`relay`] knows what the server offers.
#[derive(Debug)]
pub enum Look {
    /// By following it from these facts on.
    Watch {
        /// What to ask it with.
        client: Reach,
        /// What is known of it.
        facts: ServerFacts,
    },
    /// By being told, once and for all.
    Told(Dialect),
}

/// The proxy alone, once it is clear that it may run.
///
/// # Errors
/// When it cannot listen, or the upstream's URL is unusable.
pub async fn relay(
    options: ProxyOptions,
    look: Look,
    mut out: impl Write,
) -> Result<(), ProxyCommandError> {
    let upstream = options.upstream.trim_end_matches('/').to_owned();
    let clock = Clock::start();
    let (to_dialect, dialect) = watch::channel(match &look {
        Look::Watch { facts, .. } => facts.dialect,
        Look::Told(dialect) => *dialect,
    });
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (to, mut from) = mpsc::unbounded_channel();
    let rules = Rules { prefix: options.prefix_care, ..Rules::default() };
    let settings = ProxySettings {
        upstream: upstream.clone(),
        dialect,
        token: None,
        rules,
        api: options.dialect,
    };
    let reach = match &look {
        Look::Watch { client, .. } => client.clone(),
        Look::Told(_) => Reach::plain()?,
    };
    let proxy = Proxy::through(reach, settings, clock, to.clone())?;
    if let Some(path) = &options.log_bodies {
        proxy.log_bodies(BodyLog::open(path)?);
        eprintln!("lcc: {}", super::bodies::warning(path));
    }
    let listener = TcpListener::bind(options.listen)
        .map_err(|error| ProxyCommandError::Listen { addr: options.listen, error })?;
    let addr = listener.local_addr()?;
    let _serving = proxy.serve(listener)?;
    if writeln!(out, "listening on http://{addr}").and_then(|()| out.flush()).is_err() {
        return Ok(());
    }
    let _watching = match look {
        Look::Watch { client, facts } => Some(AbortOnDrop(backend::watch(WatchSettings {
            client,
            base_url: upstream,
            facts,
            clock,
            active: proxy.active(),
            dialect: to_dialect,
            log: LogPlace::Off,
            out: to,
        }))),
        Look::Told(_) => None,
    };
    loop {
        let observation = tokio::select! {
            observation = from.recv() => observation,
            _ = interrupt.recv() => None,
            _ = terminate.recv() => None,
        };
        let Some(observation) = observation else { return Ok(()) };
        // Whoever read us has gone; the proxy has nobody to tell and ends.
        if print(&mut out, &observation).is_err() {
            return Ok(());
        }
    }
}

/// Facts of a server that does not answer yet; the watch finds out what it is.
fn not_there() -> ServerFacts {
    ServerFacts {
        kind: ServerKind::Unknown,
        version: None,
        model: None,
        window: None,
        slots: None,
        healthy: false,
        loading: false,
        dialect: Dialect::UNKNOWN,
    }
}

/// A task that ends with the one that started it.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One observation as one line.
fn print(out: &mut impl Write, observation: &Observation) -> io::Result<()> {
    let mut line = serde_json::to_vec(observation).map_err(io::Error::other)?;
    line.push(b'\n');
    out.write_all(&line)?;
    out.flush()
}
