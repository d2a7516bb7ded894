//! Gathering what the checks look at; everything that touches the machine is here.

use std::io::IsTerminal;

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use super::checks::{ClaudeFact, Facts, SandboxFact, ServerFact};
use crate::{
    commands::{reach, settings::Surroundings, setup},
    config::{Flags, Settings},
    engine::{backend, claude, sandbox},
};

/// Looks at the machine. Reads only; sends to nothing but the configured server or, without
/// one, the usual ports of this machine.
pub async fn gather(around: &Surroundings, server: Option<&str>) -> Facts {
    let flags = Flags { server: server.map(str::to_owned), ..Flags::default() };
    let (config, settings) = match around.load(flags) {
        Ok(loaded) => (Ok(loaded.file.map(|f| f.display().to_string())), loaded.resolved.settings),
        Err(e) => (Err(e.to_string()), Settings::default()),
    };
    let places = setup::places(settings.claude.as_deref(), around.home(), &around.paths.data);
    let claude = match claude::find(&places) {
        Ok(p) => ClaudeFact::Found { path: p.path.display().to_string(), version: p.version },
        Err(e) => ClaudeFact::Missing(e.to_string()),
    };
    let sandbox = match sandbox::preflight() {
        Ok(facts) => SandboxFact::Ready(match facts.version {
            Some(version) => format!("strict, by bubblewrap {version}"),
            None => "strict, by bubblewrap".to_owned(),
        }),
        Err(e) => SandboxFact::Unavailable(e.to_string()),
    };
    let memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::everything());
    let system = System::new_with_specifics(memory).ok();
    let bytes = |read: fn(&System) -> u64| system.as_ref().map(read);
    Facts {
        config,
        claude,
        api_key: around.env.get("ANTHROPIC_API_KEY").is_some_and(|k| !k.is_empty()),
        tier: settings.sandbox,
        sandbox,
        server: look_at_server(&settings).await,
        window: settings.window,
        memory: bytes(System::total_memory).zip(bytes(System::available_memory)),
        swap: bytes(System::used_swap),
        terminal: (around.env.get("TERM").cloned(), std::io::stdout().is_terminal()),
    }
}

async fn look_at_server(settings: &Settings) -> ServerFact {
    let url = settings.server.as_deref();
    let client = match reach::reach(settings) {
        Ok(client) => client,
        Err(e) => {
            return ServerFact::Silent {
                url: url.unwrap_or_default().to_owned(),
                reason: e.to_string(),
            };
        }
    };
    match url {
        Some(url) => match backend::identify(&client, url).await {
            Ok(facts) => ServerFact::Found { url: url.to_owned(), facts },
            Err(e) => ServerFact::Silent { url: url.to_owned(), reason: e.to_string() },
        },
        None => match backend::find(&client, &backend::CANDIDATES.map(str::to_owned)).await {
            Some((url, facts)) => ServerFact::Found { url, facts },
            None => ServerFact::Nowhere,
        },
    }
}
