//! Pure rewrites of requests and responses; each says what it is for and can be switched off.

pub mod json;
pub mod overflow;
pub mod thinking;

/// Which rewrites are in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Every request tells the server not to think, in both dialects servers know.
    pub thinking_off: bool,
    /// A server's own words for a prompt that is too long become the ones Claude Code knows.
    pub known_overflow: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { thinking_off: false, known_overflow: true }
    }
}

impl Rules {
    /// The body to send instead of `body`; `None` when it goes as it is.
    #[must_use]
    pub fn request(&self, body: &str) -> Option<String> {
        if self.thinking_off { thinking::off(body) } else { None }
    }

    /// The body to answer instead of a server's error; `None` when it goes as it is.
    #[must_use]
    pub fn error(&self, status: u16, body: &str) -> Option<String> {
        if self.known_overflow { overflow::known(status, body) } else { None }
    }
}
