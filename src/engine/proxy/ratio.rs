//! Pure: how many bytes of a request make a token, learned from what the server counted.

/// Bytes per token of Claude Code's requests before anything has been learned: 84,871 bytes gave
/// 22,100 tokens, 16,527 gave 4,301 (Gemma's tokenizer).
const START: f64 = 3.84;
/// How much a new count weighs against all before it.
const WEIGHT: f64 = 0.3;

/// The learned ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    bytes_per_token: f64,
}

impl Default for Ratio {
    fn default() -> Self {
        Self { bytes_per_token: START }
    }
}

impl Ratio {
    /// Takes one request's size and the tokens the server counted. Counts that no tokenizer
    /// gives (a truncated prompt, a server that says 1) are left out.
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    pub fn learn(&mut self, bytes: u64, tokens: u64) {
        let seen = bytes as f64 / tokens.max(1) as f64;
        if tokens > 0 && (1.0..=12.0).contains(&seen) {
            self.bytes_per_token += (seen - self.bytes_per_token) * WEIGHT;
        }
    }

    /// Tokens that `bytes` of a request make, at least 1.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate; positive"
    )]
    pub fn tokens(&self, bytes: u64) -> u64 {
        ((bytes as f64 / self.bytes_per_token).round() as u64).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_nears_what_the_server_counts() {
        let mut ratio = Ratio::default();
        assert_eq!(ratio.tokens(3_840), 1_000);
        assert_eq!(ratio.tokens(0), 1);
        for _ in 0..20 {
            ratio.learn(5_000, 1_000);
        }
        assert_eq!(ratio.tokens(5_000), 1_000);
        for (bytes, tokens) in [(5_000, 0), (5_000, 1), (10, 5_000)] {
            ratio.learn(bytes, tokens);
            assert_eq!(ratio.tokens(5_000), 1_000);
        }
    }
}
