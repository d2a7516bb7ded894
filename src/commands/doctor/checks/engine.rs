//! How the server runs the model, as far as its answers, its process and its variables tell.

use super::{NO_SERVER, found, not_ok, ok, skipped};
use crate::{
    commands::doctor::{Finding, Verdict, facts::Facts, facts::Process},
    domain::{ServerKind, units},
};

/// A model that leaves earlier than this leaves while its user thinks.
const STAYS_S: i64 = 30 * 60;
/// Longer than this is for good.
const FOR_GOOD_S: i64 = 365 * 86_400;

fn variable<'a>(facts: &'a Facts, name: &str) -> Option<&'a str> {
    facts.process.as_ref()?.variable(name)
}

fn falsy(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "0" | "false" | "off" | "no")
}

pub(super) fn flash_attention(facts: &Facts) -> Finding {
    const NAME: &str = "flash attention";
    let Some(server) = found(facts) else { return skipped(NAME, NO_SERVER) };
    const WHY: &str = "the KV cache takes more memory, a quantized one cannot be used at all, and \
                       long prompts are read more slowly the longer they are.";
    let option = facts.process.as_ref().and_then(|p| p.option(&["-fa", "--flash-attn"]));
    match server.kind {
        ServerKind::Ollama => match variable(facts, "OLLAMA_FLASH_ATTENTION") {
            Some(value) if falsy(value) => not_ok(
                NAME,
                Verdict::Warning,
                format!("OLLAMA_FLASH_ATTENTION={value}"),
                WHY,
                "unset OLLAMA_FLASH_ATTENTION (automatic), or set it to 1, and restart ollama serve",
            ),
            Some(value) => ok(NAME, format!("OLLAMA_FLASH_ATTENTION={value}")),
            None if reads_env(facts) => ok(NAME, "automatic"),
            None => skipped(NAME, "Ollama does not tell, and its process cannot be read"),
        },
        ServerKind::LlamaServer | ServerKind::Llamafile => match option {
            Some(value) if falsy(value) => not_ok(
                NAME,
                Verdict::Warning,
                format!("switched off: -fa {value}"),
                WHY,
                "start llama-server with -fa auto, or without -fa",
            ),
            Some(value) => ok(NAME, format!("-fa {value}")),
            None if facts.process.is_some() => ok(NAME, "automatic"),
            None => skipped(NAME, "the server does not tell, and its process cannot be read"),
        },
        ServerKind::Practice => ok(NAME, "nothing to switch"),
        ServerKind::LmStudio
        | ServerKind::Vllm
        | ServerKind::Sglang
        | ServerKind::LlamaSwap
        | ServerKind::MlxLm
        | ServerKind::Unknown => skipped(NAME, format!("{} does not tell", server.kind.name())),
    }
}

pub(super) fn slots(facts: &Facts) -> Finding {
    const NAME: &str = "slots";
    let Some(server) = found(facts) else { return skipped(NAME, NO_SERVER) };
    match server.kind {
        ServerKind::LlamaServer | ServerKind::Llamafile => {
            let Some(slots) = server.slots else {
                return skipped(NAME, "the server does not tell how many it has");
            };
            let window = server.window.map_or_else(|| "?".to_owned(), units::count);
            if !server.dialect.slots {
                return not_ok(
                    NAME,
                    Verdict::Warning,
                    format!("{slots}, but /slots is switched off"),
                    "it is where lcc reads how far a prompt is; without it the prefill pane \
                     shows an estimate.",
                    "start llama-server without --no-slots",
                );
            }
            if slots <= 2 {
                return ok(NAME, format!("{slots} of {window} tokens"));
            }
            let unified =
                facts.process.as_ref().is_none_or(|p| p.option(&["-np", "--parallel"]).is_none());
            let why = if unified {
                "they share one KV cache: requests beside the main one push parts of its \
                 prompt out, and those are read again, a whole lean prompt in ten seconds and \
                 more."
            } else {
                "the window was divided among them: one conversation uses one slot, the \
                 memory of the others lies idle."
            };
            not_ok(
                NAME,
                Verdict::Warning,
                format!("{slots} of {window} tokens"),
                why,
                "start llama-server with -np 1, or -np 2 with twice the -c",
            )
        }
        ServerKind::Ollama => match variable(facts, "OLLAMA_NUM_PARALLEL") {
            Some(n) if n.parse::<u64>().is_ok_and(|n| n > 2) => not_ok(
                NAME,
                Verdict::Warning,
                format!("OLLAMA_NUM_PARALLEL={n}"),
                format!(
                    "Ollama takes KV cache for {n} times the window, of which Claude Code uses \
                     one."
                ),
                "OLLAMA_NUM_PARALLEL=1 ollama serve",
            ),
            Some(n) => ok(NAME, format!("OLLAMA_NUM_PARALLEL={n}")),
            None if reads_env(facts) => ok(NAME, "1, Ollama's default"),
            None => skipped(NAME, "Ollama does not tell, and its process cannot be read"),
        },
        ServerKind::Practice => ok(NAME, "as many as it needs"),
        ServerKind::Vllm | ServerKind::Sglang => {
            ok(NAME, format!("{} shares its cache by pages", server.kind.name()))
        }
        ServerKind::LmStudio | ServerKind::LlamaSwap | ServerKind::MlxLm | ServerKind::Unknown => {
            skipped(NAME, format!("{} does not tell", server.kind.name()))
        }
    }
}

pub(super) fn keep_alive(facts: &Facts) -> Finding {
    const NAME: &str = "keep-alive";
    let Some(server) = found(facts) else { return skipped(NAME, NO_SERVER) };
    match (server.kind, facts.details.unload_s) {
        (ServerKind::Ollama, Some(left)) if left > FOR_GOOD_S => ok(NAME, "the model stays"),
        // Ollama counts from the last request: what is left is at most what was set.
        (ServerKind::Ollama, Some(left)) if left >= STAYS_S => {
            ok(NAME, format!("the model stays {} more", minutes(left)))
        }
        (ServerKind::Ollama, Some(left)) => not_ok(
            NAME,
            Verdict::Warning,
            format!("the model is unloaded in {}", minutes(left)),
            "after a pause the model is loaded anew and the whole conversation is read again: \
             at 200 tokens a second 20,000 tokens take 100 s.",
            "OLLAMA_KEEP_ALIVE=-1 ollama serve",
        ),
        (ServerKind::Ollama, None) => match variable(facts, "OLLAMA_KEEP_ALIVE") {
            Some(value) => ok(NAME, format!("OLLAMA_KEEP_ALIVE={value}")),
            None => skipped(NAME, "the model is not loaded; ollama run MODEL \"\" loads it"),
        },
        (ServerKind::LmStudio, _) => {
            skipped(NAME, "LM Studio unloads after 60 min by itself; it does not tell")
        }
        (ServerKind::LlamaServer | ServerKind::Llamafile, _) => {
            let sleeps = facts.process.as_ref().and_then(|p| p.option(&["--sleep-idle-seconds"]));
            match sleeps.filter(|s| !s.starts_with('-')) {
                Some(seconds) => not_ok(
                    NAME,
                    Verdict::Warning,
                    format!("--sleep-idle-seconds {seconds}"),
                    "after a pause the model is loaded anew and the whole conversation is read \
                     again.",
                    "start llama-server without --sleep-idle-seconds",
                ),
                None => ok(NAME, "the model stays"),
            }
        }
        (ServerKind::Practice | ServerKind::Vllm | ServerKind::Sglang, _) => {
            ok(NAME, "the model stays")
        }
        (ServerKind::LlamaSwap, _) => {
            skipped(NAME, "llama-swap unloads after the ttl of its configuration; it does not tell")
        }
        (ServerKind::MlxLm | ServerKind::Unknown, _) => skipped(NAME, "the server does not tell"),
    }
}

fn minutes(seconds: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown in minutes")]
    units::seconds(seconds.max(0) as f64)
}

/// Whether the environment of Ollama's process could be read.
fn reads_env(facts: &Facts) -> bool {
    facts.process.as_ref().is_some_and(|p: &Process| p.env.is_some())
}

/// Variables of recipes that do nothing.
pub(super) fn variables(facts: &Facts) -> Finding {
    const NAME: &str = "variables";
    let Some(server) = found(facts) else { return skipped(NAME, NO_SERVER) };
    if server.kind != ServerKind::Ollama {
        return ok(NAME, format!("{} takes options, no variables of recipes", server.kind.name()));
    }
    if !reads_env(facts) {
        return skipped(
            NAME,
            "the environment of ollama serve cannot be read; of the six that recipes name, \
             OLLAMA_CONTEXT_LENGTH, OLLAMA_FLASH_ATTENTION, OLLAMA_KEEP_ALIVE and OLLAMA_NO_CLOUD \
             count, OLLAMA_MULTIUSER_CACHE and OLLAMA_MLX do nothing",
        );
    }
    let idle: Vec<_> = [
        ("OLLAMA_MLX", "was never a switch: the engine follows from the model's format"),
        ("OLLAMA_MULTIUSER_CACHE", "is gone since 0.30"),
        ("OLLAMA_NEW_ENGINE", "is gone since 0.30"),
    ]
    .into_iter()
    .filter(|(name, _)| variable(facts, name).is_some())
    .collect();
    if idle.is_empty() {
        return ok(NAME, "none that does nothing");
    }
    let words: Vec<_> = idle.iter().map(|(name, why)| format!("{name} {why}")).collect();
    let names: Vec<_> = idle.iter().map(|(name, _)| *name).collect();
    not_ok(
        NAME,
        Verdict::Warning,
        words.join("; "),
        "harmless, 0 tokens and 0 s; but who trusts in it looks for the cause of slowness in the \
         wrong place.",
        format!("unset {}", names.join(" ")),
    )
}
