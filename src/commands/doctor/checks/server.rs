//! The server: whether it is there, new enough, and keeps to this machine.

use super::{NO_SERVER, found, not_ok, ok, skipped};
use crate::{
    commands::doctor::{
        Finding, Verdict,
        facts::{Facts, ServerFact},
    },
    domain::ServerKind,
};

/// llama.cpp has `/v1/messages` since about this build.
const LLAMA_MESSAGES: u64 = 7_187;

pub(super) fn server(facts: &Facts) -> Finding {
    const NAME: &str = "server";
    match &facts.server {
        ServerFact::Found { url, facts, .. } if facts.healthy => {
            let version = facts.version.as_deref().unwrap_or("of unknown version");
            ok(NAME, format!("{} {version} at {url}", facts.kind.name()))
        }
        ServerFact::Found { url, facts, .. } if facts.kind == ServerKind::Unknown => not_ok(
            NAME,
            Verdict::Failure,
            format!("{url} answers, but is no model server lcc knows"),
            "lcc tells servers apart by what they answer, not by their port.",
            "name the server's address with --server",
        ),
        ServerFact::Found { url, facts, .. } => not_ok(
            NAME,
            Verdict::Warning,
            format!("{} at {url} is not ready", facts.kind.name()),
            "it is loading its model, or has none; until then every request is refused.",
            "wait until it is loaded; lcc waits as well",
        ),
        ServerFact::Silent { url, reason } => not_ok(
            NAME,
            Verdict::Failure,
            format!("{url}: {reason}"),
            "it is the server lcc was told to use.",
            "start it, or name another one with --server",
        ),
        ServerFact::Barred { reason } => {
            // The way out follows what bars the way.
            let (found, fix) = reason
                .split_once("; ")
                .unwrap_or((reason, "mend it, or name another server with --server"));
            let why = "lcc has no way in to the server it was told to use.";
            not_ok(NAME, Verdict::Failure, found, why, fix)
        }
        ServerFact::Nowhere => not_ok(
            NAME,
            Verdict::Warning,
            "none on ports 8080, 9931, 11434, 1234, 8000",
            "lcc starts with its practice server, which has no model.",
            "llama-server -m MODEL.gguf --jinja -c 32768 -np 1 --metrics\n\
             or: OLLAMA_CONTEXT_LENGTH=32768 OLLAMA_NO_CLOUD=1 ollama serve",
        ),
    }
}

pub(super) fn version(facts: &Facts) -> Finding {
    const NAME: &str = "version";
    let Some(server) = found(facts) else { return skipped(NAME, NO_SERVER) };
    let text = server.version.as_deref();
    match server.kind {
        ServerKind::Ollama => match text.and_then(numbers) {
            Some(v) => ollama(v, facts.details.format.as_deref() == Some("safetensors")),
            None => skipped(NAME, "Ollama does not tell a version lcc can read"),
        },
        ServerKind::LlamaServer => match text.and_then(build) {
            Some(build) if build < LLAMA_MESSAGES => not_ok(
                NAME,
                Verdict::Failure,
                format!("llama.cpp b{build}"),
                format!(
                    "before b{LLAMA_MESSAGES} it has no /v1/messages: every request of Claude \
                     Code is a 404."
                ),
                "install a newer llama.cpp: brew upgrade llama.cpp, or its release page",
            ),
            Some(build) => ok(NAME, format!("llama.cpp b{build}")),
            // Distributors build without a number: what it can do was tried instead.
            None if server.dialect.count_tokens => ok(NAME, "no build number; it counts tokens"),
            None => not_ok(
                NAME,
                Verdict::Warning,
                "no build number, and it does not count tokens",
                "Claude Code counts by sending the whole conversation once more; lcc answers \
                 that itself, by an estimate.",
                "install a llama.cpp of b7187 or newer",
            ),
        },
        ServerKind::Practice
        | ServerKind::Llamafile
        | ServerKind::LmStudio
        | ServerKind::Vllm
        | ServerKind::Sglang
        | ServerKind::LlamaSwap
        | ServerKind::MlxLm
        | ServerKind::Unknown => match text {
            Some(text) => ok(NAME, format!("{} {text}", server.kind.name())),
            None => skipped(NAME, format!("{} does not tell its version", server.kind.name())),
        },
    }
}

/// Ollama's releases that matter here.
fn ollama((major, minor): (u64, u64), mlx: bool) -> Finding {
    const NAME: &str = "version";
    const UPDATE: &str = "update Ollama: https://ollama.com/download, or brew upgrade ollama";
    let text = format!("Ollama {major}.{minor}");
    if (major, minor) < (0, 14) {
        return not_ok(
            NAME,
            Verdict::Failure,
            text,
            "before 0.14 it has no /v1/messages: every request of Claude Code is a 404.",
            UPDATE,
        );
    }
    if mlx && (major, minor) < (0, 24) {
        return not_ok(
            NAME,
            Verdict::Failure,
            format!("{text} with an MLX model"),
            "before 0.24 the MLX engine writes its cache and progress lines otherwise or not at \
             all: a prompt that is read again, 4,300 tokens lean and up to the whole window, goes \
             unseen, and so does how far it is.",
            UPDATE,
        );
    }
    if !mlx && (major, minor) < (0, 30) {
        return not_ok(
            NAME,
            Verdict::Warning,
            text,
            "before 0.30 its runners say nothing of their progress: the prefill pane shows an \
             estimate only.",
            UPDATE,
        );
    }
    ok(NAME, text)
}

/// Major and minor of `0.33.0-rc2`.
fn numbers(text: &str) -> Option<(u64, u64)> {
    let mut parts = text.trim_start_matches('v').split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The build of `b11434-1a2b3c`; `b0` and a llamafile's own numbers (seconds) tell nothing.
fn build(text: &str) -> Option<u64> {
    let (number, _) = text.strip_prefix('b')?.split_once('-')?;
    number.parse().ok().filter(|n| (1..1_000_000).contains(n))
}

pub(super) fn cloud(facts: &Facts) -> Finding {
    const NAME: &str = "cloud";
    let Some(server) = found(facts) else { return skipped(NAME, NO_SERVER) };
    if server.kind != ServerKind::Ollama {
        return ok(NAME, format!("{} has none", server.kind.name()));
    }
    match facts.details.cloud_off {
        Some(true) => ok(NAME, "switched off in Ollama"),
        Some(false) => not_ok(
            NAME,
            Verdict::Warning,
            "Ollama's cloud models are switched on",
            "a model name that ends in -cloud sends the whole conversation to ollama.com; \
             nothing else tells the two apart.",
            "OLLAMA_NO_CLOUD=1 in the environment of ollama serve\n\
             or: \"disable_ollama_cloud\": true in ~/.ollama/server.json",
        ),
        None => not_ok(
            NAME,
            Verdict::Warning,
            "this Ollama does not tell whether its cloud is off",
            "Ollama tells since 0.16.2; a -cloud model sends the conversation to ollama.com.",
            "update Ollama, and set OLLAMA_NO_CLOUD=1 for ollama serve",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_or_not() {
        for (text, expected) in [
            ("0.33.0-rc2", Some((0, 33))),
            ("v0.9", Some((0, 9))),
            ("dev", None),
            ("0.0.0", Some((0, 0))),
        ] {
            assert_eq!(numbers(text), expected, "{text}");
        }
        for (text, expected) in [
            ("b11434-5e9c63546", Some(11_434)),
            ("b0-unknown", None),
            ("b1775854028-5e9c63546", None),
            ("0.1.0", None),
        ] {
            assert_eq!(build(text), expected, "{text}");
        }
    }
}
