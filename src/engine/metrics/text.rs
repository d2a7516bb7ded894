//! What plain text weighs, from what the server counted in prompts so far.

use super::Meter;

impl Meter {
    /// Tokens per byte of text: of the last prompt the server counted, or what Claude Code's
    /// prompts usually come to before there was one.
    #[must_use]
    pub const fn tokens_per_byte(&self) -> f64 {
        self.ratios.prompt
    }
}
