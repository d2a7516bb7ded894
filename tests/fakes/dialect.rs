//! How each server tells of what it does: its log lines and the usage in its answers.

use serde_json::{Value, json};

use super::{BATCH, Truth};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    LlamaServer,
    OllamaGguf,
    OllamaMlx,
    LmStudio,
    Vllm,
    Sglang,
    LlamaSwap,
    Llamafile093,
}

impl Kind {
    pub const ALL: [Self; 8] = [
        Self::LlamaServer,
        Self::OllamaGguf,
        Self::OllamaMlx,
        Self::LmStudio,
        Self::Vllm,
        Self::Sglang,
        Self::LlamaSwap,
        Self::Llamafile093,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::LlamaServer => "llama-server",
            Self::OllamaGguf => "Ollama, GGUF",
            Self::OllamaMlx => "Ollama, MLX",
            Self::LmStudio => "LM Studio",
            Self::Vllm => "vLLM",
            Self::Sglang => "SGLang",
            Self::LlamaSwap => "llama-swap",
            Self::Llamafile093 => "llamafile 0.9.3",
        }
    }

    /// Whether it tells progress, so that its steps can be waited for.
    pub const fn is_stepped(self) -> bool {
        !matches!(self, Self::Vllm | Self::Llamafile093)
    }

    pub const fn is_ollama(self) -> bool {
        matches!(self, Self::OllamaGguf | Self::OllamaMlx)
    }
}

pub fn child_line(port: u16) -> String {
    format!(
        r#"time=2026-08-21T17:00:00.000+09:00 level=INFO source=llama_server.go:433 msg="starting llama-server" cmd="/usr/lib/ollama/llama-server --model /m/blobs/sha256-1 --port {port} --host 127.0.0.1 --no-webui --offline -c 32768 -np 1 --log-verbosity 4 --no-log-prefix --no-log-timestamps""#
    )
}

pub fn truncated(prompt: u64, kept: u64) -> String {
    format!(
        r#"time=2026-08-21T17:00:01.000+09:00 level=WARN source=llama_server.go:317 msg="truncating input prompt" limit={kept} prompt={prompt} keep=4 new={kept}"#
    )
}

fn slog(rest: &str) -> String {
    format!("time=2026-09-04T14:08:05.604+09:00 level=INFO {rest}")
}

/// The lines when a prompt is begun.
pub fn begin(kind: Kind, total: u64, cached: u64) -> Vec<String> {
    match kind {
        Kind::OllamaGguf => vec![
            format!(
                "slot get_availabl: id  0 | task -1 | selected slot by LCP similarity, sim_best = 0.987 (> 0.100 thold), f_keep = 0.993"
            ),
            format!(
                "slot update_slots: id  0 | task {total} | new prompt, n_ctx_slot = 32768, n_keep = 0, task.n_tokens = {total}"
            ),
            format!(
                "slot update_slots: id  0 | task {total} | cached n_tokens = {cached}, memory_seq_rm [{cached}, end)"
            ),
        ],
        Kind::OllamaMlx => {
            let found = if cached > 0 { "cache hit" } else { "cache miss" };
            vec![slog(&format!(
                r#"source=prefix_cache.go:125 msg="{found}" total={total} matched={cached} cached={cached} left={}"#,
                total - cached
            ))]
        }
        Kind::LmStudio => vec![
            "2026-08-11 02:42:00  [INFO]".into(),
            " [qwen/qwen3-8b] Running chat completion on conversation with 3 messages.".into(),
            "[2026-08-11 02:42:00][INFO][qwen/qwen3-8b] Prompt processing progress: 0.0%".into(),
        ],
        Kind::LlamaServer | Kind::Vllm | Kind::Sglang | Kind::LlamaSwap | Kind::Llamafile093 => {
            Vec::new()
        }
    }
}

/// The line after a batch of `new` tokens.
pub fn batch(kind: Kind, truth: &Truth, new: u64) -> String {
    let Truth { total, cached, done, .. } = *truth;
    let share = done as f64 / total as f64;
    match kind {
        Kind::OllamaGguf => format!(
            "slot print_timing: id  0 | task {total} | prompt processing, n_tokens = {:6}, progress = {share:.2}, t =   3.61 s / 1133.55 tokens per second",
            done - cached
        ),
        Kind::OllamaMlx => slog(&format!(
            r#"source=pipeline.go:204 msg="Prompt processing progress" processed={} total={}"#,
            (done - cached).min(total - cached - 1),
            total - cached
        )),
        Kind::LmStudio => format!(
            "2026-08-11 02:42:00  [INFO]\n [qwen/qwen3-8b] Prompt processing progress: {:.1}%",
            share * 100.0
        ),
        Kind::Sglang => format!(
            "[2026-08-11 02:42:00] Prefill batch, #new-seq: 1, #new-token: {new}, #cached-token: {}, token usage: 0.12, #running-req: 0, #queue-req: {}, #pending-token: {}, cuda graph: False, input throughput (token/s): 1234.56",
            if done - cached <= BATCH { cached } else { 0 },
            truth.waiting,
            total - done
        ),
        Kind::LlamaServer | Kind::Vllm | Kind::LlamaSwap | Kind::Llamafile093 => String::new(),
    }
}

/// The lines when the prompt is read and the answer written.
pub fn end(kind: Kind, truth: &Truth) -> Vec<String> {
    let Truth { total, cached, .. } = *truth;
    match kind {
        Kind::OllamaGguf => vec![
            format!("prompt eval time =    1834.10 ms /  {} tokens", total - cached),
            format!("slot release: id 0 | task {total} | stop processing: n_tokens = {total}, truncated = 0"),
            r#"[GIN] 2026/08/21 - 17:00:01 | 200 |  7.29s |       127.0.0.1 | POST     "/v1/messages?beta=true""#.into(),
        ],
        Kind::OllamaMlx => vec![slog(r#"source=pipeline.go:91 msg="peak memory" size="18.2 GiB""#)],
        Kind::LmStudio => vec![" [qwen/qwen3-8b] Finished streaming response".into()],
        Kind::Sglang => vec!["[x] Decode batch, #running-req: 1, #token: 12, gen throughput".into()],
        Kind::Vllm => vec![
            "INFO Engine 000: Avg prompt throughput: 812.3 tokens/s, Avg generation throughput: 0.0 tokens/s, Running: 1 reqs, Waiting: 0 reqs, GPU KV cache usage: 12.3%, Prefix cache hit rate: 45.6%".into(),
        ],
        Kind::LlamaServer | Kind::LlamaSwap | Kind::Llamafile093 => Vec::new(),
    }
}

/// The usage of `message_start` and of `message_delta`.
pub fn usage(kind: Kind, truth: &Truth) -> (Value, Value) {
    let Truth { total, cached, output, .. } = *truth;
    let counted = json!({
        "cache_read_input_tokens": cached, "input_tokens": total - cached, "output_tokens": 0,
    });
    match kind {
        Kind::LlamaServer | Kind::LlamaSwap | Kind::Sglang => {
            (counted, json!({ "output_tokens": output }))
        }
        Kind::Vllm => (
            counted,
            json!({
                "cache_read_input_tokens": cached, "input_tokens": total - cached,
                "output_tokens": output,
            }),
        ),
        // A guess by the letters first, the truth at the end.
        Kind::OllamaGguf | Kind::OllamaMlx | Kind::LmStudio | Kind::Llamafile093 => (
            json!({ "input_tokens": total * 7 / 10, "output_tokens": 0 }),
            json!({ "input_tokens": total, "output_tokens": output }),
        ),
    }
}
