//! Machines on which all is well, and what can be wrong with each.

mod runs;

use serde_json::json;

use super::super::start::OLDEST;
use crate::{
    commands::doctor::{
        Facts, Verdict,
        details::{Details, Modelfile},
        facts::{ClaudeFact, KeyPlace, Probed, Process, SandboxFact, ServerFact},
        memory::{Budget, Shape},
        probe::{Answer, Reread, Smoke, Thinking},
    },
    domain::{Dialect, ServerFacts, ServerKind, Tier},
};

const GIB: u64 = 1 << 30;

fn llama() -> ServerFacts {
    ServerFacts {
        kind: ServerKind::LlamaServer,
        version: Some("b11434-5e9c635".into()),
        model: Some("qwen3-8b".into()),
        window: Some(32_768),
        slots: Some(1),
        healthy: true,
        loading: false,
        dialect: Dialect::LLAMA,
    }
}

fn ollama() -> ServerFacts {
    let dialect = Dialect {
        count_tokens: false,
        slots: false,
        start_usage_is_real: false,
        wants_local_host_header: true,
        ..Dialect::UNKNOWN
    };
    ServerFacts {
        kind: ServerKind::Ollama,
        version: Some("0.33.0".into()),
        slots: None,
        model: Some("qwen3:8b".into()),
        dialect,
        ..llama()
    }
}

fn at(facts: ServerFacts) -> ServerFact {
    ServerFact::Found { url: "http://127.0.0.1:8080".into(), here: true, facts }
}

fn answer(seconds: f64, output: u64) -> Answer {
    Answer { seconds, input: Some(20), output: Some(output), ..Answer::default() }
}

fn call(name: &str) -> (String, serde_json::Value) {
    (name.to_owned(), json!({"command": "ls"}))
}

fn shape() -> Shape {
    Shape { kv_heads: vec![8; 36], key: 128, value: 128, sliding: None }
}

/// llama-server on a Mac, everything tried.
pub(super) fn good() -> Facts {
    let commands = ["llama-server -m m.gguf -c 32768 -np 1 -fa auto"];
    let commands = commands.iter().map(|c| c.split(' ').map(str::to_owned).collect()).collect();
    Facts {
        config: Ok(None),
        claude: ClaudeFact::Found { path: "/bin/claude".into(), version: Some(OLDEST) },
        api_keys: Vec::new(),
        base_urls: Vec::new(),
        tier: Tier::Strict,
        sandbox: SandboxFact::Ready("strict, by bubblewrap 0.8.0".into()),
        server: at(llama()),
        details: Details {
            models: vec!["qwen3-8b".into()],
            tools: Some(true),
            format: Some("gguf".into()),
            weights: Some(5 * GIB),
            shape: Some(shape()),
            ..Details::default()
        },
        process: Some(Process { commands, env: Some(Vec::new()) }),
        model: None,
        window: None,
        budget: Some(Budget::Apple { total: 36 * GIB, limit: None }),
        memory: Some((36 * GIB, 16 * GIB)),
        swap: Some(0),
        terminal: (Some("xterm-256color".into()), true),
        thinking: Probed::Done(Thinking {
            off: answer(0.6, 9),
            on: Answer { thought: true, ..answer(6.2, 180) },
        }),
        reread: Probed::Done(Reread {
            first: Answer { cached: Some(0), input: Some(3_000), ..answer(9.0, 1) },
            second: Answer { cached: Some(2_980), input: Some(20), ..answer(0.3, 1) },
        }),
        smoke: Probed::Done(Smoke {
            answer: Answer { calls: vec![call("Bash")], ..answer(2.0, 24) },
        }),
    }
}

/// Ollama with everything set.
pub(super) fn on_ollama() -> Facts {
    Facts {
        server: at(ollama()),
        details: Details {
            models: vec!["qwen3:8b".into()],
            modelfile: Some(Modelfile { num_ctx: Some(32_768), ..Modelfile::default() }),
            cloud_off: Some(true),
            loaded: Some((9 * GIB, 9 * GIB)),
            unload_s: Some(3_000_000_000),
            ..good().details
        },
        process: Some(Process { commands: Vec::new(), env: Some(Vec::new()) }),
        ..good()
    }
}

/// A server that tells nothing, nothing tried.
pub(super) fn silent_server() -> Facts {
    Facts {
        server: at(ServerFacts {
            kind: ServerKind::LlamaSwap,
            version: None,
            slots: None,
            ..llama()
        }),
        details: Details::default(),
        process: None,
        thinking: Probed::NotAsked,
        reread: Probed::NotAsked,
        smoke: Probed::NotAsked,
        ..good()
    }
}

/// A machine with something wrong.
pub(super) struct Case {
    pub check: &'static str,
    pub what: &'static str,
    pub verdict: Verdict,
    pub facts: Facts,
}

/// One or more for every check.
pub(super) fn cases() -> Vec<Case> {
    let mut all = starts();
    all.extend(servers());
    all.extend(models());
    all.extend(engines());
    all.extend(runs::runs());
    all
}

fn fails(check: &'static str, what: &'static str, facts: Facts) -> Case {
    Case { check, what, verdict: Verdict::Failure, facts }
}

fn warns(check: &'static str, what: &'static str, facts: Facts) -> Case {
    Case { check, what, verdict: Verdict::Warning, facts }
}

fn starts() -> Vec<Case> {
    let claude = |version: Option<&str>| ClaudeFact::Found {
        path: "/bin/claude".into(),
        version: version.and_then(|v| v.parse().ok()),
    };
    let file = || ".claude/settings.json".to_owned();
    let key = KeyPlace::Project { file: file(), entry: "env.ANTHROPIC_API_KEY" };
    let far = ServerFact::Found { url: "http://10.0.0.5:8080".into(), here: false, facts: llama() };
    vec![
        fails("config", "wrong", Facts { config: Err("config.toml:1: what".into()), ..good() }),
        fails(
            "claude code",
            "missing",
            Facts { claude: ClaudeFact::Missing("npm install -g it".into()), ..good() },
        ),
        fails("claude code", "no version", Facts { claude: claude(None), ..good() }),
        warns("claude code", "old", Facts { claude: claude(Some("2.0.1")), ..good() }),
        warns("api key", "in the shell", Facts { api_keys: vec![KeyPlace::Shell], ..good() }),
        fails(
            "api key",
            "in the project",
            Facts { api_keys: vec![KeyPlace::Shell, key], ..good() },
        ),
        fails(
            "base url",
            "in the project",
            Facts { base_urls: vec![(file(), "https://x".into())], ..good() },
        ),
        warns("base url", "another machine", Facts { server: far, ..good() }),
        warns("sandbox", "off", Facts { tier: Tier::Off, ..good() }),
        fails(
            "sandbox",
            "none",
            Facts { sandbox: SandboxFact::Unavailable("apt install bubblewrap".into()), ..good() },
        ),
        fails("terminal", "dumb", Facts { terminal: (Some("dumb".into()), true), ..good() }),
    ]
}

fn servers() -> Vec<Case> {
    let url = "http://127.0.0.1:8080".to_owned();
    let version =
        |v: &str, facts: ServerFacts| at(ServerFacts { version: Some(v.into()), ..facts });
    let mlx = Details { format: Some("safetensors".into()), ..on_ollama().details };
    let blind = Dialect { count_tokens: false, ..Dialect::LLAMA };
    let cloud = |off| Details { cloud_off: off, ..on_ollama().details };
    vec![
        warns("server", "nowhere", Facts { server: ServerFact::Nowhere, ..good() }),
        fails(
            "server",
            "silent",
            Facts { server: ServerFact::Silent { url, reason: "refused".into() }, ..good() },
        ),
        warns(
            "server",
            "loading",
            Facts {
                server: at(ServerFacts { healthy: false, loading: true, ..llama() }),
                ..good()
            },
        ),
        fails(
            "server",
            "a stranger",
            Facts {
                server: at(ServerFacts { healthy: false, kind: ServerKind::Unknown, ..llama() }),
                ..good()
            },
        ),
        fails(
            "version",
            "old llama.cpp",
            Facts { server: version("b6000-abc", llama()), ..good() },
        ),
        warns(
            "version",
            "llama.cpp without a number that does not count",
            Facts {
                server: version("b0-unknown", ServerFacts { dialect: blind, ..llama() }),
                ..good()
            },
        ),
        fails(
            "version",
            "old Ollama",
            Facts { server: version("0.13.5", ollama()), ..on_ollama() },
        ),
        fails(
            "version",
            "old Ollama, MLX",
            Facts { server: version("0.23.1", ollama()), details: mlx, ..on_ollama() },
        ),
        warns(
            "version",
            "Ollama that tells no progress",
            Facts { server: version("0.24.0", ollama()), ..on_ollama() },
        ),
        warns("cloud", "on", Facts { details: cloud(Some(false)), ..on_ollama() }),
        warns("cloud", "not told", Facts { details: cloud(None), ..on_ollama() }),
    ]
}

fn models() -> Vec<Case> {
    let window = |n, facts: ServerFacts| at(ServerFacts { window: n, ..facts });
    let file = |num_ctx, template, renderer: Option<&str>, format: &str| Details {
        modelfile: Some(Modelfile { num_ctx, template, renderer: renderer.map(str::to_owned) }),
        format: Some(format.into()),
        ..on_ollama().details
    };
    let no_tools = |facts: Facts| Facts {
        details: Details { tools: Some(false), ..facts.details.clone() },
        ..facts
    };
    let none = |facts| at(ServerFacts { model: None, ..facts });
    vec![
        fails("model", "none in llama-server", Facts { server: none(llama()), ..good() }),
        fails("model", "none in Ollama", Facts { server: none(ollama()), ..on_ollama() }),
        fails("model", "not pulled", Facts { model: Some("glm:9b".into()), ..on_ollama() }),
        fails("tools", "a template without", no_tools(good())),
        fails("tools", "an Ollama model without", no_tools(on_ollama())),
        warns(
            "modelfile",
            "window of an MLX model",
            Facts { details: file(Some(16_384), false, None, "safetensors"), ..on_ollama() },
        ),
        warns(
            "modelfile",
            "a template beside a renderer",
            Facts { details: file(None, true, Some("qwen3-coder"), "gguf"), ..on_ollama() },
        ),
        warns("window", "not told", Facts { server: window(None, ollama()), ..on_ollama() }),
        fails("window", "too small", Facts { server: window(Some(4_096), llama()), ..good() }),
        fails(
            "window",
            "too small in a Modelfile",
            Facts { server: window(Some(4_096), ollama()), ..on_ollama() },
        ),
        fails("window", "less than asked", Facts { window: Some(65_536), ..good() }),
    ]
}

fn engines() -> Vec<Case> {
    let option = |words: &str| Process {
        commands: vec![words.split(' ').map(str::to_owned).collect()],
        env: None,
    };
    let set = |pairs: &[(&str, &str)]| Process {
        commands: Vec::new(),
        env: Some(pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()),
    };
    let four = || at(ServerFacts { slots: Some(4), ..llama() });
    let llama_with = |words| Facts { process: Some(option(words)), ..good() };
    let ollama_with = |pairs| Facts { process: Some(set(pairs)), ..on_ollama() };
    let blind = Dialect { slots: false, ..Dialect::LLAMA };
    let recipe = [("OLLAMA_MLX", "1"), ("OLLAMA_MULTIUSER_CACHE", "1"), ("OLLAMA_NO_CLOUD", "1")];
    vec![
        warns("flash attention", "off", llama_with("llama-server -fa off")),
        warns("flash attention", "off in Ollama", ollama_with(&[("OLLAMA_FLASH_ATTENTION", "0")])),
        warns(
            "slots",
            "four that share",
            Facts { server: four(), ..llama_with("llama-server -c 32768") },
        ),
        warns(
            "slots",
            "four that divide",
            Facts { server: four(), ..llama_with("llama-server --parallel=4") },
        ),
        warns(
            "slots",
            "not to be seen",
            Facts { server: at(ServerFacts { dialect: blind, ..llama() }), ..good() },
        ),
        warns("slots", "four of Ollama", ollama_with(&[("OLLAMA_NUM_PARALLEL", "4")])),
        warns(
            "keep-alive",
            "five minutes",
            Facts {
                details: Details { unload_s: Some(290), ..on_ollama().details },
                ..on_ollama()
            },
        ),
        warns("keep-alive", "sleeps", llama_with("llama-server --sleep-idle-seconds 300")),
        warns("variables", "of recipes", ollama_with(&recipe)),
        fails(
            "memory",
            "the window does not fit",
            Facts { budget: Some(Budget::Gpu(8 * GIB)), ..good() },
        ),
        fails(
            "memory",
            "no window fits",
            Facts { budget: Some(Budget::Ram(5 * GIB)), ..on_ollama() },
        ),
        fails(
            "memory",
            "the weights do not fit",
            Facts {
                details: Details { shape: None, ..good().details },
                budget: Some(Budget::Gpu(4 * GIB)),
                ..good()
            },
        ),
        warns(
            "memory",
            "partly on the CPU",
            Facts {
                details: Details { loaded: Some((9 * GIB, 6 * GIB)), ..on_ollama().details },
                ..on_ollama()
            },
        ),
        warns("swap", "in use", Facts { swap: Some(GIB), ..good() }),
        warns("swap", "not told", Facts { memory: None, ..good() }),
    ]
}
