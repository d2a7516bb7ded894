//! The line from Claude Code to the model server: proxy, watch, and what a life is started with.

use tokio::{
    sync::{mpsc::UnboundedSender, watch},
    task::JoinHandle,
};

use super::{child::Plan, server::Chosen, settings::SessionSettings};
use crate::{
    domain::{Observation, Profile},
    engine::{
        access::Reach,
        backend::{self, WatchSettings},
        claude::{self, Conversation},
        clock::Clock,
        proxy::{Proxy, ProxySettings, rules::Rules},
    },
};

/// A window below this gets the lean profile unless the user says otherwise.
const LEAN_BELOW: u64 = 65_536;
/// Assumed where the server does not tell its window; said on screen as unknown.
const FALLBACK_WINDOW: u64 = 32_768;

/// What is there once a server was found.
pub(super) struct Line {
    pub proxy: Proxy,
    watch: JoinHandle<()>,
    pub plan: Plan,
    /// Keeps a server of the session's own running.
    pub server: Chosen,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.watch.abort();
    }
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
        let profile = settings.profile.unwrap_or(if window < LEAN_BELOW {
            Profile::Lean
        } else {
            Profile::Standard
        });
        let token = new_token();
        let (dialect, dialects) = watch::channel(facts.dialect);
        let proxy = Proxy::through(
            client.clone(),
            ProxySettings {
                upstream: chosen.url.clone(),
                dialect: dialects,
                token: Some(token.clone()),
                rules: Rules {
                    thinking_off: !settings.thinking,
                    thinking_limit: settings.thinking_limit,
                    ping_s: settings.ping_seconds,
                    ..Rules::default()
                },
                api: settings.api,
            },
            clock,
            observe.clone(),
        )
        .map_err(|e| e.to_string())?;
        let output = settings.output_reserve.unwrap_or(claude::output_budget(window));
        let watch = backend::watch(WatchSettings {
            client,
            base_url: chosen.url.clone(),
            facts: facts.clone(),
            clock,
            active: proxy.active(),
            dialect,
            log: settings.server_log.clone(),
            out: observe.clone(),
        });
        let conversation = Conversation::Continue;
        let plan =
            Plan { model, window, output, profile, conversation, token, size: settings.size };
        Ok(Self { proxy, watch, plan, server: chosen })
    }
}

/// What Claude Code must show to the proxy; unknown to everything else on this machine.
fn new_token() -> String {
    format!("lcc-{}", uuid::Uuid::new_v4().simple())
}
