//! What only running the model tells: thinking off, prefixes kept, a tool called.

use super::{NO_SERVER, found, not_ok, ok, skipped};
use crate::{
    commands::doctor::{
        Finding, Verdict,
        facts::{Facts, Probed},
        probe::Answer,
    },
    domain::{ServerKind, units},
};

/// Of a prefix that was just read, so much must come from the cache.
const KEPT: f64 = 0.8;

/// `412 tok in 9.8 s`.
fn cost(answer: &Answer) -> String {
    let tokens =
        answer.output.map_or_else(|| "? tok".to_owned(), |n| format!("{} tok", units::count(n)));
    format!("{tokens} in {}", units::seconds(answer.seconds))
}

pub(super) fn thinking(facts: &Facts) -> Finding {
    const NAME: &str = "thinking";
    let Some(server) = found(facts) else { return skipped(NAME, NO_SERVER) };
    let probe = match &facts.thinking {
        Probed::NotAsked => {
            return skipped(NAME, "not tried: it costs two short answers; lcc doctor --deep tries");
        }
        Probed::Failed(words) => {
            return not_ok(
                NAME,
                Verdict::Failure,
                format!("\"what is 2+2\" was not answered: {words}"),
                "Claude Code's requests go the same way.",
                "see the server's log; lcc doctor looks again",
            );
        }
        Probed::Done(probe) => probe,
    };
    let both = format!("off: {} · on: {}", cost(&probe.off), cost(&probe.on));
    if probe.off.thought {
        return not_ok(
            NAME,
            Verdict::Failure,
            format!("the model thinks although it was told not to ({both})"),
            format!(
                "each request pays for thinking nobody reads: here {} for 2+2.",
                units::seconds(probe.off.seconds)
            ),
            match server.kind {
                ServerKind::LlamaServer | ServerKind::Llamafile => {
                    "start llama-server with --reasoning off\n\
                     or with a chat template that knows enable_thinking"
                }
                ServerKind::Ollama => {
                    "ollama show MODEL: without the thinking capability Ollama cannot switch it \
                     off; take a model that has it, or one that does not think"
                }
                ServerKind::Vllm | ServerKind::Sglang => {
                    "start the server with the --reasoning-parser of this model"
                }
                ServerKind::Practice
                | ServerKind::LmStudio
                | ServerKind::LlamaSwap
                | ServerKind::MlxLm
                | ServerKind::Unknown => {
                    "switch thinking off in the model's own settings, or take a model without it"
                }
            },
        );
    }
    if probe.on.thought {
        return ok(NAME, format!("the switch holds ({both})"));
    }
    ok(NAME, format!("the model does not think either way ({both})"))
}

pub(super) fn reread(facts: &Facts) -> Finding {
    const NAME: &str = "prefix cache";
    let Some(server) = found(facts) else { return skipped(NAME, NO_SERVER) };
    let sliding = facts.details.shape.as_ref().and_then(|s| s.sliding);
    let probe = match &facts.reread {
        Probed::NotAsked => {
            let note = sliding.map_or_else(String::new, |n| {
                format!("; the model has a sliding window of {}", units::count(n))
            });
            return skipped(
                NAME,
                format!(
                    "not tried: it costs a prompt of some thousand tokens{note}; lcc doctor --deep tries"
                ),
            );
        }
        Probed::Failed(words) => {
            return not_ok(
                NAME,
                Verdict::Failure,
                format!("the prompt was not answered: {words}"),
                "Claude Code's prompts are longer than this one.",
                "see the server's log; lcc doctor --deep looks again",
            );
        }
        Probed::Done(probe) => probe,
    };
    let (share, estimated) = probe.share();
    let text = format!(
        "the same prefix again: {}{:.0} % from the cache, {} instead of {}",
        if estimated { "~" } else { "" },
        share * 100.0,
        units::seconds(probe.second.seconds),
        units::seconds(probe.first.seconds),
    );
    if share >= KEPT {
        return ok(NAME, text);
    }
    let total = probe.second.input.unwrap_or(0) + probe.second.cached.unwrap_or(0);
    let window = sliding.map_or_else(String::new, |n| {
        format!(" The model has a sliding window of {} tokens: what is older the server has thrown away.", units::count(n))
    });
    not_ok(
        NAME,
        Verdict::Warning,
        text,
        format!(
            "whenever the end of a prompt changes, all of it is read again: {} tokens here, the \
             whole conversation in a session.{window}",
            units::count(total)
        ),
        match server.kind {
            ServerKind::LlamaServer | ServerKind::Llamafile => {
                "start llama-server with --swa-full (more KV cache), and without --no-cache-prompt"
            }
            ServerKind::Ollama => "LLAMA_ARG_SWA_FULL=1 ollama serve (more KV cache)",
            ServerKind::Vllm => "vllm serve … --enable-prefix-caching",
            ServerKind::Sglang => "start SGLang without --disable-radix-cache",
            ServerKind::Practice
            | ServerKind::LmStudio
            | ServerKind::LlamaSwap
            | ServerKind::MlxLm
            | ServerKind::Unknown => "see the server's settings for prompt caching",
        },
    )
}

pub(super) fn smoke(facts: &Facts) -> Finding {
    const NAME: &str = "tool call";
    let Some(server) = found(facts) else { return skipped(NAME, NO_SERVER) };
    let smoke = match &facts.smoke {
        Probed::NotAsked => {
            return skipped(NAME, "not tried: it costs one answer; lcc doctor --smoke tries");
        }
        Probed::Failed(words) => {
            return not_ok(
                NAME,
                Verdict::Failure,
                format!("the request was not answered: {words}"),
                "Claude Code's requests go the same way.",
                "see the server's log; lcc doctor --smoke looks again",
            );
        }
        Probed::Done(smoke) => smoke,
    };
    let answer = &smoke.answer;
    let read = answer.input.map(|n| n + answer.cached.unwrap_or(0));
    let read = read.map_or_else(|| "?".to_owned(), units::count);
    let cost = format!("read {read} tok, wrote {}", cost(answer));
    match smoke.judge() {
        Ok(command) => {
            let command: String = command.chars().take(40).collect();
            ok(NAME, format!("one call, Bash `{command}` ({cost})"))
        }
        Err(words) => not_ok(
            NAME,
            Verdict::Failure,
            format!("{words} ({cost})"),
            "Claude Code's whole work is tool calls: a model that makes none, or broken ones, \
             costs its seconds and changes no file.",
            match server.kind {
                ServerKind::Vllm => {
                    "vllm serve … --enable-auto-tool-choice --tool-call-parser NAME\n\
                     or take a model made for tool calls"
                }
                ServerKind::LlamaServer | ServerKind::Llamafile => {
                    "take a model made for tool calls (4B parameters and more)\n\
                     and its own chat template: llama-server … --jinja"
                }
                ServerKind::Practice
                | ServerKind::Ollama
                | ServerKind::LmStudio
                | ServerKind::Sglang
                | ServerKind::LlamaSwap
                | ServerKind::MlxLm
                | ServerKind::Unknown => {
                    "take a model made for tool calls (4B parameters and more)"
                }
            },
        ),
    }
}
