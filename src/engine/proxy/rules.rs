//! Pure rewrites of requests and responses; each says what it is for and can be switched off.

use self::{edits::Edits, json::Fields};
use super::sieve::Mesh;
use crate::domain::{PrefixCare, PrefixRule, SidePolicy};

pub mod edits;
pub mod json;
pub mod overflow;
pub mod prefix;
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
    /// What keeps the start of every prompt the same.
    pub prefix: PrefixCare,
    /// What is done with requests beside the conversation.
    pub side_requests: SidePolicy,
}

/// A body as it is to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rewritten {
    /// The body; `None`: it goes as it is.
    pub body: Option<String>,
    /// The rules for its start that changed it.
    pub cared: Vec<PrefixRule>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            thinking_off: false,
            thinking_limit: 2_000,
            known_overflow: true,
            ping_s: 5,
            prefix: PrefixCare::OFF,
            side_requests: SidePolicy::Pass,
        }
    }
}

impl Rules {
    /// The body to send instead of `body`; `None` when it goes as it is.
    #[must_use]
    pub fn request(&self, body: &str) -> Option<String> {
        self.rewrite(body).body
    }

    /// The body to send instead of `body`, and what was done to it.
    #[must_use]
    pub fn rewrite(&self, body: &str) -> Rewritten {
        let nothing = !self.thinking_off && self.prefix == PrefixCare::OFF;
        let Some(fields) = (!nothing).then(|| Fields::read(body)).flatten() else {
            return Rewritten::default();
        };
        let mut edits = Edits::new(body);
        let cared = prefix::edit(self.prefix, &fields, &mut edits);
        if self.thinking_off {
            thinking::edit(&fields, &mut edits);
        }
        Rewritten { body: edits.done(), cared }
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
