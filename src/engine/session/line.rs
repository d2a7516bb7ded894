//! The line from Claude Code to the model server: proxy, watch, and what a life is started with.

use tokio::{
    sync::{mpsc::UnboundedSender, watch},
    task::JoinHandle,
};

use super::{child::Plan, server::Chosen, settings::SessionSettings, warm};
use crate::{
    domain::{Observation, Profile},
    engine::{
        access::Reach,
        backend::{self, WatchSettings},
        claude::{self, Conversation},
        clock::Clock,
        proxy::{BodyLog, Proxy, ProxySettings, rules::Rules},
        warm::{Parts, Warmer},
    },
};

/// A window below this gets the lean profile unless the user says otherwise.
const LEAN_BELOW: u64 = 65_536;
/// Assumed where the server does not tell its window; said on screen as unknown.
const FALLBACK_WINDOW: u64 = 32_768;

/// The watch over the server; it ends when this is dropped.
struct Watching(JoinHandle<()>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What is there once a server was found.
pub(super) struct Line {
    pub proxy: Proxy,
    watch: Watching,
    pub plan: Plan,
    /// Keeps a server of the session's own running.
    pub server: Chosen,
    /// Keeps the server warm.
    pub warmer: Warmer,
}

impl Line {
    /// Puts the proxy in front of the server and an eye on it.
    ///
    /// # Errors
    /// In words: no model to ask for, or an address that is none.
    pub(super) fn draw(
        settings: &SessionSettings,
        clock: Clock,
        observe: &UnboundedSender<Observation>,
        client: Reach,
        chosen: Chosen,
    ) -> Result<Self, String> {
        let facts = &chosen.facts;
        let window = match (settings.window, facts.window) {
            (Some(asked), Some(given)) => asked.min(given),
            (Some(asked), None) => asked,
            (None, given) => given.unwrap_or(FALLBACK_WINDOW),
        };
        let model = settings.model.clone().or_else(|| facts.model.clone()).ok_or_else(|| {
            format!(
                "{} at {} has no model loaded. Load one there, or name one with --model",
                facts.kind.name(),
                chosen.url
            )
        })?;
        let equipment = settings.profile.clone().unwrap_or_else(|| usual(window).into());
        let version = claude::version::from_package(&settings.claude);
        let token = new_token();
        let (dialect, dialects) = watch::channel(facts.dialect);
        let rules = Rules {
            thinking_off: !settings.thinking,
            thinking_limit: settings.thinking_limit,
            prefix: settings.prefix_care,
            side_requests: settings.side_requests,
            ping_s: settings.ping_seconds,
            ..Rules::default()
        };
        let proxy = Proxy::through(
            client.clone(),
            ProxySettings {
                upstream: chosen.url.clone(),
                dialect: dialects,
                token: Some(token.clone()),
                rules,
                api: settings.api,
            },
            clock,
            observe.clone(),
        )
        .map_err(|e| e.to_string())?;
        if let Some(path) = &settings.log_bodies {
            proxy.log_bodies(BodyLog::open(path).map_err(|e| e.to_string())?);
        }
        let output = settings.output_reserve.unwrap_or(claude::output_budget(window));
        let watch = backend::watch(WatchSettings {
            client: client.clone(),
            base_url: chosen.url.clone(),
            facts: facts.clone(),
            clock,
            active: proxy.active(),
            dialect,
            log: settings.server_log.clone(),
            out: observe.clone(),
        });
        let conversation = Conversation::Continue;
        let plan = Plan {
            model,
            window,
            output,
            equipment,
            version,
            conversation,
            prompt: None,
            token,
            size: settings.size,
        };
        let warmer = Warmer::start(Parts {
            proxy: proxy.clone(),
            reach: client,
            url: chosen.url.clone(),
            facts: facts.clone(),
            clock,
            out: observe.clone(),
            settings: warm::settings(settings, &plan, &rules),
            probe: warm::probe(settings, &plan),
        })?;
        Ok(Self { proxy, watch: Watching(watch), plan, server: chosen, warmer })
    }

    /// Saves what is worth it, then ends what the session started.
    pub(super) async fn end(self) {
        let Self { proxy: _proxy, watch, plan: _plan, mut server, warmer } = self;
        drop(watch);
        warmer.close().await;
        server.end().await;
    }
}

/// The profile of a window for which the user named none.
pub(super) const fn usual(window: u64) -> Profile {
    if window < LEAN_BELOW { Profile::Lean } else { Profile::Standard }
}

/// What Claude Code must show to the proxy; unknown to everything else on this machine.
fn new_token() -> String {
    format!("lcc-{}", uuid::Uuid::new_v4().simple())
}
