//! What kind of model server lcc can start itself, and how its KV cache is stored.

use std::{fmt, str::FromStr};

/// A program that `lcc serve` knows how to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServeKind {
    /// llama.cpp's `llama-server` with a GGUF file.
    LlamaServer,
    /// A llamafile: llama.cpp's server, with or without the model inside.
    Llamafile,
    /// Ollama, by the name of a model it has.
    Ollama,
}

impl ServeKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::LlamaServer, Self::Llamafile, Self::Ollama];

    /// The name in the configuration and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LlamaServer => "llama-server",
            Self::Llamafile => "llamafile",
            Self::Ollama => "ollama",
        }
    }

    /// The port it listens on when none is named: the program's own default.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::LlamaServer | Self::Llamafile => 8080,
            Self::Ollama => 11_434,
        }
    }
}

impl fmt::Display for ServeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ServeKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| "expected llama-server, llamafile or ollama".to_owned())
    }
}

/// How the entries of the KV cache are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum KvType {
    /// 16-bit floats: two bytes a value.
    #[default]
    F16,
    /// 8-bit blocks: about half of `f16`.
    Q8,
    /// 4-bit blocks: about a quarter of `f16`, and felt in answers.
    Q4,
}

impl KvType {
    /// Every type.
    pub const ALL: [Self; 3] = [Self::F16, Self::Q8, Self::Q4];

    /// The name that llama.cpp and Ollama both know.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::Q8 => "q8_0",
            Self::Q4 => "q4_0",
        }
    }
}

impl fmt::Display for KvType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for KvType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| "expected f16, q8_0 or q4_0".to_owned())
    }
}
