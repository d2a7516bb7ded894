//! The inspecting proxy between Claude Code and the model server.
//!
//! A connection passes the [`border`], a call [`gate`] and [`route`], a request to the model also [`rules`]; it goes out by
//! [`upstream`] and its answer comes back through [`passage`]. A task of its own ([`follow`])
//! sees every piece after it has passed and turns it into observations by [`tap`]. Everything
//! that decides is pure: border, gate, route, rules, body, classify, fit, sections, sse, think, frame, tap.

pub mod answers;
mod ask;
pub mod bodies;
pub mod body;
pub mod border;
pub mod chat;
pub mod classify;
pub mod compare;
pub mod count;
pub mod crossing;
mod describe;
pub mod exchange;
pub mod fit;
pub mod fixed;
pub mod follow;
pub mod frame;
pub mod gate;
pub mod handle;
pub mod hold;
pub mod linger;
pub mod listen;
pub mod oversize;
pub mod passage;
pub mod patient;
mod pieces;
mod place;
mod plain;
pub mod put_off;
pub mod quiet;
pub mod ratio;
pub mod retry;
pub mod route;
pub mod rules;
pub mod sections;
pub mod shaped;
pub mod side;
pub mod sieve;
pub mod sse;
pub mod tap;
pub mod think;
pub mod traffic;
pub mod translate;
pub mod upstream;
mod weigh;
pub mod whole;
pub mod words;

use std::sync::{Arc, Mutex, PoisonError, atomic::AtomicU64};

use tokio::sync::{mpsc::UnboundedSender, watch};

pub use bodies::{BodyLog, BodyLogError};
pub use crossing::Limits;
pub use listen::Serving;
pub use upstream::UpstreamError as ProxyError;

use self::{
    count::Counter,
    fit::Bounds,
    follow::{Active, Desk, Reporter},
    handle::House,
    hold::Room,
    linger::Lingering,
    oversize::Gate,
    ratio::Ratio,
    rules::Rules,
    traffic::Traffic,
    upstream::Upstream,
};
use crate::{
    domain::{Api, Dialect, Observation, RequestId},
    engine::{access::Reach, clock::Clock},
};

/// What a proxy is made from.
#[derive(Debug, Clone)]
pub struct ProxySettings {
    /// Base URL of the model server, without a slash at its end.
    pub upstream: String,
    /// What the server offers; may change while it is watched.
    pub dialect: watch::Receiver<Dialect>,
    /// What every caller must carry as a bearer or `x-api-key`. It never goes upstream. `None`:
    /// anyone on this machine may call, and their credentials go upstream.
    pub token: Option<String>,
    /// How the server is asked; `None`: as its dialect says.
    pub api: Option<Api>,
    /// The rewrites in force.
    pub rules: Rules,
}

/// The proxy. Copies share everything.
#[derive(Debug, Clone)]
pub struct Proxy {
    house: Arc<House>,
}

impl Proxy {
    /// A proxy that does not listen yet.
    ///
    /// # Errors
    /// When the upstream's URL is unusable.
    pub fn new(
        settings: ProxySettings,
        clock: Clock,
        out: UnboundedSender<Observation>,
    ) -> Result<Self, ProxyError> {
        Self::through(Reach::plain()?, settings, clock, out)
    }

    /// The same, for a server that is reached by `reach`.
    ///
    /// # Errors
    /// When the upstream's URL is unusable.
    pub fn through(
        reach: Reach,
        settings: ProxySettings,
        clock: Clock,
        out: UnboundedSender<Observation>,
    ) -> Result<Self, ProxyError> {
        let desk = Desk {
            reporter: Reporter { clock, out },
            active: Arc::new(Active::default()),
            ratio: Arc::new(Mutex::new(Ratio::default())),
            counter: Arc::new(Counter::default()),
            traffic: Traffic::default(),
            past: Arc::default(),
            room: Room::new(clock),
            lingering: Lingering::default(),
        };
        let house = House {
            upstream: Upstream::new(&settings.upstream, reach)?,
            dialect: settings.dialect,
            token: settings.token,
            api: settings.api,
            rules: settings.rules,
            desk,
            gate: Gate::default(),
            last: AtomicU64::new(0),
            bodies: Mutex::default(),
        };
        Ok(Self { house: Arc::new(house) })
    }

    /// Serves on a listener until the value given back is dropped, on a thread of its own.
    ///
    /// # Errors
    /// When the thread or its runtime cannot be made.
    pub fn serve(&self, listener: std::net::TcpListener) -> std::io::Result<Serving> {
        self.serve_within(listener, Limits::default())
    }

    /// The same with other limits on how long a client may take.
    ///
    /// # Errors
    /// When the thread or its runtime cannot be made.
    pub fn serve_within(
        &self,
        listener: std::net::TcpListener,
        limits: Limits,
    ) -> std::io::Result<Serving> {
        listen::serve(Arc::clone(&self.house), listener, limits)
    }

    /// Writes the body of every request into a file from now on.
    pub fn log_bodies(&self, log: BodyLog) {
        *self.house.bodies.lock().unwrap_or_else(PoisonError::into_inner) = Some(log);
    }

    /// Begins with what an earlier session learned of this server's tokens.
    pub fn know_ratio(&self, ratio: Ratio) {
        *self.house.desk.ratio.lock().unwrap_or_else(PoisonError::into_inner) =
            Ratio::recalled(ratio);
    }

    /// What has been learned of this server's tokens.
    #[must_use]
    pub fn ratio(&self) -> Ratio {
        self.house.desk.ratio.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets what requests may use from now on; `None`: nothing is turned back, as at first.
    pub fn set_bounds(&self, bounds: Option<Bounds>) {
        self.house.gate.set(bounds);
    }

    /// The main or compaction request whose prompt or answer is under way, the newest one when
    /// there are several. Set after its `RequestStarted`, cleared before its `RequestEnded`.
    #[must_use]
    pub fn active(&self) -> watch::Receiver<Option<RequestId>> {
        self.house.desk.active.watch()
    }

    /// Whether requests are under way, and the last main one.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.house.desk.traffic.clone()
    }
}
