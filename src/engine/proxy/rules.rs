//! Pure rewrites of requests and responses; each says what it is for and can be switched off.

use super::sieve::Mesh;

pub mod json;
pub mod overflow;
pub mod thinking;

/// Which rewrites are in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Every request tells the server not to think, in both dialects servers know.
    pub thinking_off: bool,
    /// Tokens of thinking after which a request with thinking off is ended and sent once more;
    /// 0: never.
    pub thinking_limit: u64,
    /// A server's own words for a prompt that is too long become the ones Claude Code knows.
    pub known_overflow: bool,
    /// Seconds of silence after which the client of a stream gets a `ping`; 0: never.
    pub ping_s: u64,
}

impl Default for Rules {
    fn default() -> Self {
        Self { thinking_off: false, thinking_limit: 2_000, known_overflow: true, ping_s: 5 }
    }
}

impl Rules {
    /// The body to send instead of `body`; `None` when it goes as it is.
    #[must_use]
    pub fn request(&self, body: &str) -> Option<String> {
        if self.thinking_off { thinking::off(body) } else { None }
    }

    /// The body for the second try at a server that thought all the same. `llama_cpp`: it is
    /// llama.cpp's.
    #[must_use]
    pub fn harder(&self, body: &str, llama_cpp: bool) -> Option<String> {
        thinking::harder(body, llama_cpp)
    }

    /// What an answer's stream is sieved for; `None` when it passes as it is.
    #[must_use]
    pub const fn mesh(&self) -> Option<Mesh> {
        let mesh = Mesh {
            thinking: self.thinking_off,
            limit: self.thinking_limit,
            overflow: self.known_overflow,
        };
        if mesh.thinking || mesh.overflow { Some(mesh) } else { None }
    }

    /// The body to answer instead of a server's error; `None` when it goes as it is.
    #[must_use]
    pub fn error(&self, status: u16, body: &str) -> Option<String> {
        if self.known_overflow { overflow::known(status, body) } else { None }
    }
}
