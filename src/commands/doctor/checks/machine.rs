//! Memory: whether model and window fit, and whether the machine swaps.

use super::{NO_SERVER, found, not_ok, ok, skipped};
use crate::{
    commands::doctor::{
        Finding, Verdict,
        facts::Facts,
        memory::{self, Budget, advice, largest_window, need},
    },
    domain::{ServerKind, units},
};

/// Swap in use above this is worth a word.
const SWAP_WORTH_A_WORD: u64 = 256 * 1024 * 1024;

pub(super) fn memory(facts: &Facts) -> Finding {
    const NAME: &str = "memory";
    let tier = tier(facts);
    let Some(server) = found(facts) else { return skipped(NAME, format!("{NO_SERVER}{tier}")) };
    if server.kind == ServerKind::Practice {
        return ok(NAME, format!("the practice server needs none{tier}"));
    }
    if let Some((all, gpu)) = facts.details.loaded
        && gpu < all
    {
        return not_ok(
            NAME,
            Verdict::Warning,
            format!("only {} of {} are on the GPU{tier}", units::bytes(gpu), units::bytes(all)),
            "the layers left on the CPU read a prompt several times slower: a lean first turn \
             takes a minute instead of ten seconds.",
            "take a smaller window or model: OLLAMA_CONTEXT_LENGTH=16384 ollama serve, or \
             OLLAMA_KV_CACHE_TYPE=q8_0, which halves the KV cache",
        );
    }
    let (Some(weights), Some(budget)) = (facts.details.weights, facts.budget) else {
        return skipped(NAME, format!("the server does not tell the model's size{tier}"));
    };
    let (Some(shape), Some(window)) = (&facts.details.shape, server.window) else {
        return not_known(weights, budget, &tier);
    };
    let need = need(weights, shape, window);
    let have = budget.bytes();
    let sum = format!(
        "{} weights + {} KV cache at {} tokens = {} of {} {}{tier}",
        units::bytes(need.weights),
        units::bytes(need.kv),
        units::count(window),
        units::bytes(need.total),
        units::bytes(have),
        budget.name(),
    );
    if need.total <= have {
        return ok(NAME, sum);
    }
    let fits = largest_window(weights, shape, have);
    let fix = if fits >= 16_384 {
        match server.kind {
            ServerKind::Ollama => format!("OLLAMA_CONTEXT_LENGTH={fits} ollama serve"),
            ServerKind::Practice
            | ServerKind::LlamaServer
            | ServerKind::Llamafile
            | ServerKind::LmStudio
            | ServerKind::Vllm
            | ServerKind::Sglang
            | ServerKind::LlamaSwap
            | ServerKind::MlxLm
            | ServerKind::Unknown => format!("start the server with a window of {fits}"),
        }
    } else {
        "take a smaller model or a smaller quantization; for this one no useful window fits"
            .to_owned()
    };
    not_ok(
        NAME,
        Verdict::Failure,
        sum,
        "what does not fit goes to the CPU or to swap as the conversation grows: reading falls \
         from hundreds of tokens a second to a few.",
        fix,
    )
}

/// The weights alone can be judged.
fn not_known(weights: u64, budget: Budget, tier: &str) -> Finding {
    const NAME: &str = "memory";
    let have = budget.bytes();
    let sum = format!(
        "{} weights of {} {}; the KV cache's size is not known{tier}",
        units::bytes(weights),
        units::bytes(have),
        budget.name()
    );
    if weights < have {
        return ok(NAME, sum);
    }
    not_ok(
        NAME,
        Verdict::Failure,
        sum,
        "the weights alone do not fit: reading falls from hundreds of tokens a second to a few.",
        "take a smaller model or a smaller quantization",
    )
}

/// The advice for a machine of this size.
fn tier(facts: &Facts) -> String {
    let Some((total, _)) = facts.memory else { return String::new() };
    advice(total).map_or_else(String::new, |window| {
        format!("; advice for {}: {}K tokens", units::bytes(total), window / memory::K)
    })
}

pub(super) fn swap(facts: &Facts) -> Finding {
    const NAME: &str = "swap";
    let (Some((total, available)), Some(swap)) = (facts.memory, facts.swap) else {
        return not_ok(
            NAME,
            Verdict::Warning,
            "the system does not tell",
            "lcc cannot warn before the machine starts to swap.",
            "see that /proc is mounted",
        );
    };
    let found = format!(
        "{} in use, {} of {} memory free",
        units::bytes(swap),
        units::bytes(available),
        units::bytes(total),
    );
    if swap > SWAP_WORTH_A_WORD {
        return not_ok(
            NAME,
            Verdict::Warning,
            found,
            "a model that is swapped out reads a prompt many times slower: minutes instead of \
             seconds for each turn.",
            "close what you do not need, or take a smaller model or window",
        );
    }
    ok(NAME, found)
}
