//! The rows of the `[serve]` table: the model server that lcc starts itself.

use super::Entry;

/// A row that stands in `[serve]`.
const fn row(
    name: &'static str,
    kind: &'static str,
    default: &'static str,
    example: &'static str,
    env: &'static str,
    flag: Option<&'static str>,
    doc: &'static str,
) -> Entry {
    Entry { table: Some("serve"), name, kind, default, example, env, flag, doc }
}

pub(super) const AUTO: Entry = row(
    "auto",
    "true or false",
    "false",
    "auto = true",
    "LCC_SERVE_AUTO",
    None,
    "Lets the cockpit start a model server itself when none answers on the port below, and `server` is not set. The usual ports are then not asked.",
);
pub(super) const KEEP: Entry = row(
    "keep",
    "true or false",
    "false",
    "keep = true",
    "LCC_SERVE_KEEP",
    None,
    "Leaves a server that the cockpit started running when the session ends.",
);
pub(super) const KIND: Entry = row(
    "kind",
    "llama-server, llamafile or ollama",
    "(told from program and model)",
    "kind = \"llama-server\"",
    "LCC_SERVE_KIND",
    Some("--kind"),
    "The program that serves the model.",
);
pub(super) const PROGRAM: Entry = row(
    "program",
    "path",
    "(found on PATH)",
    "program = \"/usr/local/bin/llama-server\"",
    "LCC_SERVE_PROGRAM",
    Some("--program"),
    "The server's program.",
);
pub(super) const MODEL: Entry = row(
    "model",
    "path of a GGUF file, or name of one of Ollama's models",
    "(none)",
    "model = \"/models/qwen3.gguf\"",
    "LCC_SERVE_MODEL",
    Some("--model"),
    "What is served. lcc downloads no model.",
);
pub(super) const PORT: Entry = row(
    "port",
    "1 to 65535",
    "(the program's own)",
    "port = 8080",
    "LCC_SERVE_PORT",
    Some("--port"),
    "The port on 127.0.0.1: 8080 for llama-server and llamafile, 11434 for Ollama.",
);
pub(super) const KV_TYPE: Entry = row(
    "kv_type",
    "f16, q8_0 or q4_0",
    "f16",
    "kv_type = \"q8_0\"",
    "LCC_SERVE_KV_TYPE",
    Some("--kv-type"),
    "How the KV cache is stored. `q8_0` halves its memory.",
);
pub(super) const CACHE_RAM: Entry = row(
    "cache_ram",
    "whole number of MiB",
    "(an eighth of the memory, 8192 at most)",
    "cache_ram = 4096",
    "LCC_SERVE_CACHE_RAM",
    None,
    "Memory in which llama.cpp keeps prompts that left their slot; 0 turns it off.",
);
pub(super) const SWA_FULL: Entry = row(
    "swa_full",
    "true or false",
    "true",
    "swa_full = true",
    "LCC_SERVE_SWA_FULL",
    None,
    "Keeps the whole cache of a model with sliding windows, so that a prefix is not read again. Costs memory.",
);
