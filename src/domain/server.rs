//! What is known of the model server, and where each figure comes from.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The program that serves the model, told apart by fingerprint and never by port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServerKind {
    /// lcc's own practice server: no model, says so.
    Practice,
    /// llama.cpp's server.
    LlamaServer,
    /// A llamafile (0.10 or newer embeds llama.cpp's server).
    Llamafile,
    /// Ollama.
    Ollama,
    /// LM Studio.
    LmStudio,
    /// vLLM.
    Vllm,
    /// `SGLang`.
    Sglang,
    /// llama-swap in front of other servers.
    LlamaSwap,
    /// mlx_lm's server, which speaks OpenAI's API alone.
    MlxLm,
    /// It answers HTTP, but is none of the above.
    Unknown,
}

impl ServerKind {
    /// The name shown to people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Practice => "practice",
            Self::LlamaServer => "llama-server",
            Self::Llamafile => "llamafile",
            Self::Ollama => "Ollama",
            Self::LmStudio => "LM Studio",
            Self::Vllm => "vLLM",
            Self::Sglang => "SGLang",
            Self::LlamaSwap => "llama-swap",
            Self::MlxLm => "mlx_lm.server",
            Self::Unknown => "unknown server",
        }
    }
}

/// Where a figure comes from. Everything but [`Source::Server`] and [`Source::Log`] is shown with `~`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The server said so.
    Server,
    /// A line of the server's log said so.
    Log,
    /// lcc worked it out from what it has learned.
    Estimate,
}

impl Source {
    /// Whether the figure carries `~` on screen.
    #[must_use]
    pub const fn is_estimate(self) -> bool {
        matches!(self, Self::Estimate)
    }
}

/// The API in which requests to the model are written for this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// Anthropic's Messages API, which Claude Code speaks itself.
    #[default]
    Anthropic,
    /// OpenAI's chat completions; the proxy translates both ways.
    OpenAi,
}

impl Api {
    /// The name used in flags and in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
        }
    }
}

impl FromStr for Api {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        [Self::Anthropic, Self::OpenAi]
            .into_iter()
            .find(|api| api.name() == s)
            .ok_or_else(|| "expected anthropic or openai".to_owned())
    }
}

/// What this server's HTTP surface offers, so that the proxy knows what it must answer itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Dialect {
    /// `POST /v1/messages/count_tokens` answers with an integer `input_tokens`.
    pub count_tokens: bool,
    /// `GET /slots` tells the progress of the prompt.
    pub slots: bool,
    /// `message_start.usage.input_tokens` is real and excludes cached tokens. Ollama's is a guess
    /// (characters ÷ 4) and only `message_delta.usage` is real there.
    pub start_usage_is_real: bool,
    /// The `Host` header must be a local name (Ollama answers 403 otherwise).
    pub wants_local_host_header: bool,
    /// How requests to the model are written for it.
    #[serde(default)]
    pub api: Api,
    /// A chat completion that asks for `return_progress` streams `prompt_progress` (llama.cpp).
    #[serde(default)]
    pub prompt_progress: bool,
    /// It stops working on a request whose client has gone, also while it reads the prompt.
    #[serde(default = "yes")]
    pub cancels: bool,
}

const fn yes() -> bool {
    true
}

impl Dialect {
    /// llama.cpp's server and what embeds it.
    pub const LLAMA: Self = Self {
        count_tokens: true,
        slots: true,
        start_usage_is_real: true,
        wants_local_host_header: false,
        api: Api::Anthropic,
        prompt_progress: true,
        cancels: true,
    };

    /// A server of which nothing is known.
    pub const UNKNOWN: Self = Self {
        count_tokens: false,
        slots: false,
        start_usage_is_real: false,
        wants_local_host_header: true,
        api: Api::Anthropic,
        prompt_progress: false,
        cancels: true,
    };
}

/// One look at the model server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerFacts {
    /// What program it is.
    pub kind: ServerKind,
    /// Its version as it calls itself.
    pub version: Option<String>,
    /// The model it serves, by the name requests must carry.
    pub model: Option<String>,
    /// Tokens that one request may use, per slot, read after load.
    pub window: Option<u64>,
    /// Number of requests it works on at once.
    pub slots: Option<u64>,
    /// Whether it answers and the model is loaded.
    pub healthy: bool,
    /// Whether it is still loading the model.
    pub loading: bool,
    /// What the proxy may rely on.
    pub dialect: Dialect,
}
