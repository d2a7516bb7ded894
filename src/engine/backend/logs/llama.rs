//! The lines of llama.cpp's server, of its builds since 2025, also as Ollama copies them.

use crate::domain::ServerLine;

use super::{
    Said,
    words::{after, count, decimal, field, number},
};

/// What a line of llama.cpp's server says.
pub(super) fn read(line: &str) -> Option<Said> {
    let task = after(line, "task ").and_then(number);
    if line.contains("new prompt") {
        let total = count(line, "task.n_tokens").or_else(|| count(line, "n_prompt_tokens"))?;
        return Some(Said::NewPrompt { task, total });
    }
    if line.contains("forcing full prompt re-processing") {
        return Some(Said::Line(ServerLine::Reread));
    }
    if let Some(rest) = after(line, "cached n_tokens") {
        return Some(Said::Cached { task, tokens: number(rest)? });
    }
    // Before `cached n_tokens` the place where the cache was cut told the same.
    for key in ["memory_seq_rm [", "kv cache rm ["] {
        if let Some(rest) = after(line, key) {
            return Some(Said::Cached { task, tokens: number(rest)? });
        }
    }
    if line.contains("prompt processing") || line.contains("prompt done") {
        return progress(line, task);
    }
    if let Some(rest) = after(line, "prompt eval time") {
        return Some(Said::PromptRead { tokens: number(after(rest, "/")?)? });
    }
    if line.contains("stop processing") {
        let cut = count(line, "truncated") == Some(1);
        return Some(if cut { Said::Line(ServerLine::AnswerCut) } else { Said::Ended });
    }
    if let Some(rest) = after(line, "context shift,") {
        return Some(Said::Line(ServerLine::Shifted { discarded: count(rest, "n_discard") }));
    }
    if line.contains("removing oldest entry")
        || line.contains("failed to find free space in the KV cache")
    {
        return Some(Said::Line(ServerLine::Evicted { tokens: None }));
    }
    if let Some(rest) = after(line, "purging slot") {
        let tokens = after(rest, "with").and_then(number);
        return Some(Said::Line(ServerLine::Evicted { tokens }));
    }
    if let Some(like) = field(line, "f_sim_best").or_else(|| field(line, "sim_best")) {
        return Some(Said::Similar { share: decimal(like)? });
    }
    let written = count(line, "n_gen").or_else(|| count(line, "n_decoded"))?;
    Some(Said::Writing { tokens: written })
}

fn progress(line: &str, task: Option<u64>) -> Option<Said> {
    let share = field(line, "progress").and_then(decimal);
    let tokens = count(line, "n_tokens");
    // `prompt processing, …` counts what was decoded; `prompt processing progress, …` and
    // `prompt … done, …` what is in the slot.
    if line.contains("prompt processing,") {
        return Some(Said::Decoded { task, tokens: tokens?, share });
    }
    let in_slot = count(line, "n_past").or(tokens)?;
    Some(Said::InSlot { task, tokens: in_slot, share })
}
