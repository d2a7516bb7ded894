//! What a kind of server must be able to tell.

use crate::domain::{ServerFacts, ServerLoad};

use super::{
    http::Seen, llama::Llama, llama_swap::LlamaSwap, lm_studio::LmStudio, ollama::Ollama,
    openai_only::OpenAiOnly, sglang::Sglang, unknown::Unknown, vllm::Vllm,
};

/// One kind of model server. Pure: it reads answers and asks nothing itself.
pub(super) trait Backend: Send + Sync {
    /// The paths that [`Backend::recognises`] and [`Backend::facts`] need.
    fn paths(&self) -> &'static [&'static str];

    /// Whether these answers can only be this server's.
    fn recognises(&self, seen: &Seen) -> bool;

    /// What the answers tell.
    fn facts(&self, seen: &Seen) -> ServerFacts;

    /// Whether asking `count_tokens` is cheap here: it must load no model and run none.
    fn may_probe_count(&self) -> bool {
        false
    }

    /// The path that tells the progress of a prompt like llama.cpp's `/slots`, when there is one.
    fn progress_path(&self, facts: &ServerFacts) -> Option<String> {
        let _ = facts;
        None
    }

    /// How busy the server is, by its page at `/metrics`; `None` when it has no such page.
    fn load(&self, page: &str) -> Option<ServerLoad> {
        let _ = page;
        None
    }
}

/// All kinds, in the order in which they are tried; the last recognises everything.
pub(super) const KINDS: [&dyn Backend; 8] =
    [&OpenAiOnly, &Llama, &Ollama, &Vllm, &Sglang, &LmStudio, &LlamaSwap, &Unknown];

/// The kind whose answers these are.
pub(super) fn kind_of(seen: &Seen) -> &'static dyn Backend {
    KINDS.into_iter().find(|kind| kind.recognises(seen)).unwrap_or(&Unknown)
}

/// Every path that any kind needs, each once.
pub(super) fn all_paths() -> Vec<&'static str> {
    let mut paths: Vec<&str> = KINDS.iter().flat_map(|kind| kind.paths()).copied().collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}
