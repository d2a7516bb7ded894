//! Gathering what the checks look at; everything that touches the machine is here.

use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;
use sysinfo::{
    MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System, UpdateKind,
};

use super::{
    Depth,
    ask::Asker,
    details::Details,
    facts::{ClaudeFact, Facts, KeyPlace, Probed, Process, SandboxFact, ServerFact},
    memory::Budget,
};
use crate::{
    commands::{reach, settings::Surroundings, setup},
    config::{Flags, Settings, is_loopback},
    engine::{
        access::Reach,
        backend::{self, IdentifyError},
        claude, sandbox,
    },
};

/// Looks at the machine. Reads only, unless `depth` has the model run; sends to nothing but the
/// configured server or, without one, the usual ports of this machine.
pub async fn gather(around: &Surroundings, server: Option<&str>, depth: Depth) -> Facts {
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
    let reduced = settings.sandbox == crate::domain::Tier::Reduced;
    let sandbox = match sandbox::preflight() {
        _ if reduced => match sandbox::preflight_reduced() {
            Ok(()) => SandboxFact::Ready(sandbox::reduced::LACKS.join(" ")),
            Err(e) => SandboxFact::Unavailable(e.to_string()),
        },
        Ok(facts) => SandboxFact::Ready(match facts.version {
            Some(version) => format!("strict, by bubblewrap {version}"),
            None => "strict, by bubblewrap".to_owned(),
        }),
        Err(e) => SandboxFact::Unavailable(e.to_string()),
    };
    let kind = RefreshKind::nothing().with_memory(MemoryRefreshKind::everything());
    let system = System::new_with_specifics(kind).ok();
    let bytes = |read: fn(&System) -> u64| system.as_ref().map(read);
    let memory = bytes(System::total_memory).zip(bytes(System::available_memory));
    let (server, asked) = match reach::reach(&settings) {
        Ok(client) => ask(client, &settings, depth).await,
        Err(e) => (ServerFact::Barred { reason: e.to_string() }, Asked::nothing()),
    };
    let mut api_keys = Vec::new();
    if around.env.get("ANTHROPIC_API_KEY").is_some_and(|k| !k.is_empty()) {
        api_keys.push(KeyPlace::Shell);
    }
    let mut base_urls = Vec::new();
    for name in ["settings.json", "settings.local.json"] {
        let file = around.here.join(".claude").join(name);
        let text = fs::read_to_string(&file).unwrap_or_default();
        let file = file.display().to_string();
        let (keys, url) = doors(&text);
        let place = |entry| KeyPlace::Project { file: file.clone(), entry };
        api_keys.extend(keys.into_iter().map(place));
        base_urls.extend(url.map(|url| (file.clone(), url)));
    }
    Facts {
        config,
        claude,
        api_keys,
        base_urls,
        tier: settings.sandbox,
        sandbox,
        process: process(&server),
        server,
        details: asked.details,
        model: settings.model,
        window: settings.window,
        budget: memory.map(|(total, _)| budget(total)),
        memory,
        swap: bytes(System::used_swap),
        terminal: (around.env.get("TERM").cloned(), std::io::stdout().is_terminal()),
        thinking: asked.thinking,
        reread: asked.reread,
        smoke: asked.smoke,
    }
}

/// The doors to the cloud in a settings file of Claude Code: keys, and another base URL.
fn doors(text: &str) -> (Vec<&'static str>, Option<String>) {
    let json: Value = serde_json::from_str(text).unwrap_or_default();
    let set = |at: &str| json.pointer(at)?.as_str().filter(|v| !v.is_empty());
    let mut keys = Vec::new();
    if set("/env/ANTHROPIC_API_KEY").is_some() {
        keys.push("env.ANTHROPIC_API_KEY");
    }
    if set("/apiKeyHelper").is_some() {
        keys.push("apiKeyHelper");
    }
    (keys, set("/env/ANTHROPIC_BASE_URL").map(str::to_owned))
}

/// What the server was asked beyond the usual look.
struct Asked {
    details: Details,
    thinking: Probed<super::probe::Thinking>,
    reread: Probed<super::probe::Reread>,
    smoke: Probed<super::probe::Smoke>,
}

impl Asked {
    fn nothing() -> Self {
        Self {
            details: Details::default(),
            thinking: Probed::NotAsked,
            reread: Probed::NotAsked,
            smoke: Probed::NotAsked,
        }
    }
}

async fn ask(client: Reach, settings: &Settings, depth: Depth) -> (ServerFact, Asked) {
    let look = match &settings.server {
        Some(url) => match backend::identify(&client, url).await {
            Ok(facts) => Ok((url.clone(), facts)),
            Err(e @ IdentifyError::Barred { .. }) => {
                Err(ServerFact::Barred { reason: e.to_string() })
            }
            Err(
                e @ (IdentifyError::Unreachable { .. }
                | IdentifyError::Silent { .. }
                | IdentifyError::NotHttp { .. }),
            ) => Err(ServerFact::Silent { url: url.clone(), reason: e.to_string() }),
        },
        None => backend::find(&client, &backend::CANDIDATES.map(str::to_owned))
            .await
            .ok_or(ServerFact::Nowhere),
    };
    let (url, mut facts) = match look {
        Ok(found) => found,
        Err(fact) => return (fact, Asked::nothing()),
    };
    let here = is_loopback(&url);
    let model = settings.model.clone().or_else(|| facts.model.clone());
    let mut asked = Asked::nothing();
    if let (Some(model), true) = (model, facts.healthy) {
        let asker = Asker::new(client.clone(), &url, &model);
        if depth.deep || depth.smoke {
            say("what is 2+2, thinking off and on");
            asked.thinking = asker.thinking().await;
        }
        if depth.deep {
            say("the same prompt of some thousand tokens, twice");
            asked.reread = asker.reread().await;
        }
        if depth.smoke {
            say("one tool call");
            asked.smoke = asker.smoke().await;
        }
        // Only now: running the model has loaded it, and a loaded model tells more.
        if (depth.deep || depth.smoke)
            && let Ok(again) = backend::identify(&client, &url).await
        {
            facts = again;
        }
        asked.details = asker.details(&facts, here).await;
    }
    (ServerFact::Found { url, here, facts }, asked)
}

/// Says on stderr what takes time now; at most three minutes an answer.
fn say(what: &str) {
    // Who cannot read it has no use for it either.
    let _ = writeln!(io::stderr(), "lcc: asking the model: {what}");
}

/// The process that serves a URL of this machine, and what it started.
fn process(server: &ServerFact) -> Option<Process> {
    let ServerFact::Found { url, here: true, .. } = server else { return None };
    let port = reqwest::Url::parse(url).ok()?.port_or_known_default()?;
    let root = backend::process_on(port)?;
    let mut pids = vec![Pid::from_u32(root)];
    pids.extend(backend::children(root).into_iter().map(Pid::from_u32));
    let mut system = System::new().ok()?;
    system.refresh_processes_specifics(
        ProcessesToUpdate::Some(&pids),
        true,
        ProcessRefreshKind::nothing()
            .with_cmd(UpdateKind::Always)
            .with_environ(UpdateKind::Always)
            .without_tasks(),
    );
    let words = |list: &[std::ffi::OsString]| -> Vec<String> {
        list.iter().map(|w| w.to_string_lossy().into_owned()).collect()
    };
    let commands = pids.iter().filter_map(|pid| Some(words(system.process(*pid)?.cmd()))).collect();
    let environ = words(system.process(Pid::from_u32(root))?.environ());
    let env = (!environ.is_empty()).then(|| {
        environ
            .iter()
            .filter_map(|pair| pair.split_once('='))
            .filter(|(name, _)| name.starts_with("OLLAMA_") || name.starts_with("LLAMA_ARG_"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    });
    Some(Process { commands, env })
}

/// What a model may lie in on this machine.
fn budget(total: u64) -> Budget {
    if cfg!(all(target_os = "macos", target_arch = "aarch64")) {
        let limit = printed("sysctl", &["-n", "iogpu.wired_limit_mb"]);
        let limit = limit.and_then(|t| t.trim().parse::<u64>().ok()).filter(|mb| *mb > 0);
        return Budget::Apple { total, limit: limit.map(|mb| mb << 20) };
    }
    let nvidia =
        printed("nvidia-smi", &["--query-gpu=memory.total", "--format=csv,noheader,nounits"]);
    let nvidia: u64 = nvidia
        .iter()
        .flat_map(|text| text.lines())
        .filter_map(|line| line.trim().parse::<u64>().ok())
        .map(|mb| mb << 20)
        .sum();
    let amd: u64 = fs::read_dir("/sys/class/drm")
        .into_iter()
        .flatten()
        .flatten()
        // Connectors (`card0-DP-1`) stand beside the cards.
        .filter(|entry| !entry.file_name().to_string_lossy().contains('-'))
        .filter_map(|entry| number_in(&entry.path().join("device/mem_info_vram_total")))
        .sum();
    match nvidia.saturating_add(amd) {
        // An integrated GPU's share of memory is no limit worth the name.
        0..0x8000_0000 => Budget::Ram(total),
        bytes => Budget::Gpu(bytes),
    }
}

fn number_in(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// What a program prints; `None` when it is not there or fails.
fn printed(program: &str, args: &[&str]) -> Option<String> {
    let out = Command::new(program).args(args).stdin(Stdio::null()).output().ok()?;
    out.status.success().then(|| String::from_utf8_lossy(&out.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_doors_of_a_settings_file_are_found() {
        for (text, keys, url) in [
            ("", vec![], None),
            ("not json", vec![], None),
            (r#"{"env":{"ANTHROPIC_API_KEY":""}}"#, vec![], None),
            (r#"{"env":{"ANTHROPIC_API_KEY":"sk"}}"#, vec!["env.ANTHROPIC_API_KEY"], None),
            (r#"{"apiKeyHelper":"/bin/key"}"#, vec!["apiKeyHelper"], None),
            (r#"{"env":{"ANTHROPIC_BASE_URL":"https://x"}}"#, vec![], Some("https://x")),
        ] {
            assert_eq!(doors(text), (keys, url.map(str::to_owned)), "{text}");
        }
    }
}
