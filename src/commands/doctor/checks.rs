//! The checks themselves: facts in, findings out; pure, so that each can be shown to fail.

use super::{Finding, Verdict};
use crate::{
    domain::{ServerFacts, ServerKind, Tier, units},
    engine::claude::Version,
};

/// What was found of Claude Code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaudeFact {
    /// It is there.
    Found {
        /// Where.
        path: String,
        /// Its version, when it could be read.
        version: Option<Version>,
    },
    /// It is not; the words say where it was looked for.
    Missing(String),
}

/// What was found of the sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SandboxFact {
    /// It can be had; the words say with what.
    Ready(String),
    /// It cannot; the words say why and what to do.
    Unavailable(String),
}

/// What was found of the model server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerFact {
    /// It answered.
    Found {
        /// Its base URL.
        url: String,
        /// What it said.
        facts: ServerFacts,
    },
    /// The one that was asked for did not answer.
    Silent {
        /// Its base URL.
        url: String,
        /// What happened.
        reason: String,
    },
    /// None was asked for, none was found.
    Nowhere,
}

/// Everything the checks look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The configuration file's problems; `Ok` with its path, or without a file.
    pub config: Result<Option<String>, String>,
    /// Claude Code.
    pub claude: ClaudeFact,
    /// Whether `ANTHROPIC_API_KEY` is set where lcc was started.
    pub api_key: bool,
    /// The sandbox that was asked for.
    pub tier: Tier,
    /// What can be had.
    pub sandbox: SandboxFact,
    /// The model server.
    pub server: ServerFact,
    /// The window that was asked for.
    pub window: Option<u64>,
    /// Bytes of memory: total and available, when the system tells.
    pub memory: Option<(u64, u64)>,
    /// Bytes of swap in use, when the system tells.
    pub swap: Option<u64>,
    /// `TERM`, and whether stdout is a terminal.
    pub terminal: (Option<String>, bool),
}

/// The oldest Claude Code that lcc's tests drive.
const OLDEST: Version = Version { major: 2, minor: 1, patch: 197 };
/// The least window in which the lean prompt, an answer and some work fit.
const LEAST_WINDOW: u64 = 16_384;
/// Swap in use above this is worth a word.
const SWAP_WORTH_A_WORD: u64 = 256 * 1024 * 1024;

/// All findings, in the order in which a start would meet them.
#[must_use]
pub fn check(facts: &Facts) -> Vec<Finding> {
    vec![
        config(facts),
        claude(facts),
        api_key(facts),
        sandbox(facts),
        server(facts),
        window(facts),
        memory(facts),
        terminal(facts),
    ]
}

fn ok(check: &'static str, found: impl Into<String>) -> Finding {
    Finding {
        check,
        verdict: Verdict::Ok,
        found: found.into(),
        why: String::new(),
        fix: String::new(),
    }
}

fn not_ok(
    check: &'static str,
    verdict: Verdict,
    found: impl Into<String>,
    why: impl Into<String>,
    fix: impl Into<String>,
) -> Finding {
    Finding { check, verdict, found: found.into(), why: why.into(), fix: fix.into() }
}

fn config(facts: &Facts) -> Finding {
    match &facts.config {
        Ok(Some(path)) => ok("config", path.clone()),
        Ok(None) => ok("config", "no file, defaults"),
        Err(problems) => not_ok(
            "config",
            Verdict::Failure,
            problems.clone(),
            "lcc does not start with settings it does not understand.",
            "mend the lines above; lcc config check looks again",
        ),
    }
}

fn claude(facts: &Facts) -> Finding {
    match &facts.claude {
        ClaudeFact::Found { path, version: Some(v) } if *v >= OLDEST => {
            ok("claude code", format!("{v} at {path}"))
        }
        ClaudeFact::Found { path, version: Some(v) } => not_ok(
            "claude code",
            Verdict::Warning,
            format!("{v} at {path}"),
            format!(
                "lcc is tested with {OLDEST} and newer; older ones may ask questions at start."
            ),
            "npm install -g @anthropic-ai/claude-code",
        ),
        ClaudeFact::Found { path, version: None } => not_ok(
            "claude code",
            Verdict::Failure,
            format!("{path} does not tell its version"),
            "a program that does not answer `--version` will not start either.",
            "install it anew: npm install -g @anthropic-ai/claude-code",
        ),
        ClaudeFact::Missing(words) => not_ok(
            "claude code",
            Verdict::Failure,
            "not found",
            "it is what lcc runs.",
            words.clone(),
        ),
    }
}

fn api_key(facts: &Facts) -> Finding {
    if facts.api_key {
        not_ok(
            "api key",
            Verdict::Warning,
            "ANTHROPIC_API_KEY is set in this shell",
            "lcc never passes it on, but a bare claude started here would use it and the cloud.",
            "unset ANTHROPIC_API_KEY",
        )
    } else {
        ok("api key", "none in reach")
    }
}

fn sandbox(facts: &Facts) -> Finding {
    match (facts.tier, &facts.sandbox) {
        (Tier::Off, _) => not_ok(
            "sandbox",
            Verdict::Warning,
            "switched off",
            "Claude Code can reach all your files and the network; it asks before each step.",
            "remove sandbox = \"off\" from the configuration",
        ),
        (Tier::Strict | Tier::Reduced, SandboxFact::Ready(words)) => ok("sandbox", words.clone()),
        (Tier::Strict | Tier::Reduced, SandboxFact::Unavailable(words)) => not_ok(
            "sandbox",
            Verdict::Failure,
            "not to be had here",
            "without it lcc does not skip Claude Code's permission prompts.",
            words.clone(),
        ),
    }
}

fn server(facts: &Facts) -> Finding {
    match &facts.server {
        ServerFact::Found { url, facts } if facts.healthy => {
            let version = facts.version.as_deref().unwrap_or("of unknown version");
            let model = facts.model.as_deref().unwrap_or("no model loaded");
            ok("server", format!("{} {version} at {url}, {model}", facts.kind.name()))
        }
        ServerFact::Found { url, facts } if facts.kind == ServerKind::Unknown => not_ok(
            "server",
            Verdict::Failure,
            format!("{url} answers, but is no model server lcc knows"),
            "lcc tells servers apart by what they answer, not by their port.",
            "name the server's address with --server",
        ),
        ServerFact::Found { url, facts } => not_ok(
            "server",
            Verdict::Warning,
            format!("{} at {url} is not ready", facts.kind.name()),
            "it is loading its model, or has none.",
            "wait until it is loaded; lcc waits as well",
        ),
        ServerFact::Silent { url, reason } => not_ok(
            "server",
            Verdict::Failure,
            format!("{url}: {reason}"),
            "it is the server lcc was told to use.",
            "start it, or name another one with --server",
        ),
        ServerFact::Nowhere => not_ok(
            "server",
            Verdict::Warning,
            "none on ports 8080, 9931, 11434, 1234, 8000",
            "lcc starts with its practice server, which has no model.",
            "llama-server -m MODEL.gguf -c 32768 -np 1 --metrics\nor: ollama serve, with OLLAMA_CONTEXT_LENGTH=32768",
        ),
    }
}

fn window(facts: &Facts) -> Finding {
    let ServerFact::Found { facts: server, .. } = &facts.server else {
        return ok("window", "known when a server is there");
    };
    let Some(given) = server.window else {
        return not_ok(
            "window",
            Verdict::Warning,
            "the server does not tell",
            "lcc then assumes 32,768 tokens; with less, the start of the conversation is lost.",
            "load the model first, or say it with --window TOKENS",
        );
    };
    let text = units::count(given);
    match facts.window {
        Some(asked) if asked > given => not_ok(
            "window",
            Verdict::Failure,
            format!("asked for {}, the server gives {text}", units::count(asked)),
            "what does not fit is refused or silently cut off by the server.",
            format!("start the server with a window of {asked}, or set window = {given}"),
        ),
        _ if given < LEAST_WINDOW => not_ok(
            "window",
            Verdict::Failure,
            format!("{text} tokens"),
            "Claude Code's own prompt takes about 4,300 tokens even lean, an answer 4,096 more.",
            "start the server with 32,768 tokens, e.g. llama-server -c 32768 or OLLAMA_CONTEXT_LENGTH=32768",
        ),
        Some(_) | None => ok("window", format!("{text} tokens per request")),
    }
}

fn memory(facts: &Facts) -> Finding {
    let (Some((total, available)), Some(swap)) = (facts.memory, facts.swap) else {
        return not_ok(
            "memory",
            Verdict::Warning,
            "the system does not tell",
            "lcc cannot warn before the machine starts to swap.",
            "see that /proc is mounted",
        );
    };
    let found = format!(
        "{} of {} free, swap in use {}",
        units::bytes(available),
        units::bytes(total),
        units::bytes(swap)
    );
    if swap > SWAP_WORTH_A_WORD {
        return not_ok(
            "memory",
            Verdict::Warning,
            found,
            "a model that is swapped out reads a prompt many times slower.",
            "close what you do not need, or take a smaller model or window",
        );
    }
    ok("memory", found)
}

fn terminal(facts: &Facts) -> Finding {
    let (term, is_terminal) = &facts.terminal;
    match (term.as_deref(), is_terminal) {
        (Some("dumb") | None, true) => not_ok(
            "terminal",
            Verdict::Failure,
            "TERM says that this terminal cannot draw",
            "the cockpit is a full-screen program.",
            "use a terminal emulator, or set TERM=xterm-256color",
        ),
        (_, false) => ok("terminal", "none here (output is not a terminal)"),
        (Some(name), true) => ok("terminal", name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Dialect;

    fn server_facts() -> ServerFacts {
        ServerFacts {
            kind: ServerKind::LlamaServer,
            version: Some("b11434".into()),
            model: Some("m".into()),
            window: Some(32_768),
            slots: Some(1),
            healthy: true,
            loading: false,
            dialect: Dialect::LLAMA,
        }
    }

    fn good() -> Facts {
        Facts {
            config: Ok(None),
            claude: ClaudeFact::Found { path: "/c".into(), version: Some(OLDEST) },
            api_key: false,
            tier: Tier::Strict,
            sandbox: SandboxFact::Ready("bubblewrap 0.8.0".into()),
            server: ServerFact::Found {
                url: "http://127.0.0.1:8080".into(),
                facts: server_facts(),
            },
            window: None,
            memory: Some((32 << 30, 16 << 30)),
            swap: Some(0),
            terminal: (Some("xterm".into()), true),
        }
    }

    fn verdict(facts: &Facts, check_name: &str) -> Verdict {
        check(facts).into_iter().find(|f| f.check == check_name).unwrap().verdict
    }

    #[test]
    fn all_is_well_on_a_good_machine() {
        let findings = check(&good());
        assert!(findings.iter().all(|f| f.verdict == Verdict::Ok), "{findings:#?}");
    }

    #[test]
    fn each_check_can_fail_and_names_a_fix() {
        let small = ServerFacts { window: Some(4_096), ..server_facts() };
        let url = || "http://127.0.0.1:8080".to_owned();
        let cases: Vec<(&str, Verdict, Facts)> = vec![
            (
                "config",
                Verdict::Failure,
                Facts { config: Err("config.toml:1: …".into()), ..good() },
            ),
            (
                "claude code",
                Verdict::Failure,
                Facts { claude: ClaudeFact::Missing("npm …".into()), ..good() },
            ),
            (
                "claude code",
                Verdict::Warning,
                Facts {
                    claude: ClaudeFact::Found { path: "/c".into(), version: "2.0.1".parse().ok() },
                    ..good()
                },
            ),
            (
                "claude code",
                Verdict::Failure,
                Facts { claude: ClaudeFact::Found { path: "/c".into(), version: None }, ..good() },
            ),
            ("api key", Verdict::Warning, Facts { api_key: true, ..good() }),
            ("sandbox", Verdict::Warning, Facts { tier: Tier::Off, ..good() }),
            (
                "sandbox",
                Verdict::Failure,
                Facts { sandbox: SandboxFact::Unavailable("apt …".into()), ..good() },
            ),
            ("server", Verdict::Warning, Facts { server: ServerFact::Nowhere, ..good() }),
            (
                "server",
                Verdict::Failure,
                Facts {
                    server: ServerFact::Silent { url: url(), reason: "refused".into() },
                    ..good()
                },
            ),
            (
                "server",
                Verdict::Warning,
                Facts {
                    server: ServerFact::Found {
                        url: url(),
                        facts: ServerFacts { healthy: false, loading: true, ..server_facts() },
                    },
                    ..good()
                },
            ),
            (
                "window",
                Verdict::Failure,
                Facts { server: ServerFact::Found { url: url(), facts: small }, ..good() },
            ),
            ("window", Verdict::Failure, Facts { window: Some(65_536), ..good() }),
            ("memory", Verdict::Warning, Facts { swap: Some(1 << 30), ..good() }),
            ("memory", Verdict::Warning, Facts { memory: None, ..good() }),
            (
                "terminal",
                Verdict::Failure,
                Facts { terminal: (Some("dumb".into()), true), ..good() },
            ),
        ];
        for (name, expected, facts) in cases {
            assert_eq!(verdict(&facts, name), expected, "{name}");
            let finding = check(&facts).into_iter().find(|f| f.check == name).unwrap();
            assert!(!finding.fix.is_empty() && !finding.why.is_empty(), "{finding:?}");
        }
    }
}
