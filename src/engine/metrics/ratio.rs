//! Bytes to tokens, learned from what the server counted.

/// Tokens per byte of prompt before the server has counted one: Claude Code's first request came
/// to 3.84 bytes a token.
const PROMPT: f64 = 1.0 / 3.84;
/// Tokens per byte of answer before the server has counted one.
const ANSWER: f64 = 0.25;
/// Share of the newest request in what is believed of answers.
const NEWEST: f64 = 0.5;

/// What a byte weighs in tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratios {
    /// Tokens per byte of prompt: of the last main request.
    pub prompt: f64,
    /// Tokens per byte of answer, over the last answers.
    pub answer: f64,
    learned_answer: bool,
}

impl Default for Ratios {
    fn default() -> Self {
        Self { prompt: PROMPT, answer: ANSWER, learned_answer: false }
    }
}

impl Ratios {
    /// The server counted `tokens` in a prompt of `bytes`.
    pub fn learn_prompt(&mut self, bytes: u64, tokens: u64) {
        if let Some(ratio) = sane(bytes, tokens) {
            self.prompt = ratio;
        }
    }

    /// The server counted `tokens` in an answer of `bytes`.
    pub fn learn_answer(&mut self, bytes: u64, tokens: u64) {
        if let Some(ratio) = sane(bytes, tokens) {
            self.answer = if self.learned_answer {
                self.answer * (1.0 - NEWEST) + ratio * NEWEST
            } else {
                ratio
            };
            self.learned_answer = true;
        }
    }
}

/// Tokens in `bytes` at `ratio` tokens per byte.
pub fn tokens(bytes: u64, ratio: f64) -> u64 {
    (bytes as f64 * ratio).round() as u64
}

/// `part ÷ whole`, from 0 to 1. `None` when the whole is nothing.
pub fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| (part as f64 / whole as f64).min(1.0))
}

fn sane(bytes: u64, tokens: u64) -> Option<f64> {
    // A token has at least a byte of some part, and no tokenizer packs a hundred bytes into one
    // on average; anything else is a count of something else.
    let ratio = tokens as f64 / bytes as f64;
    (bytes >= 16 && (0.01..=4.0).contains(&ratio)).then_some(ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learns_from_sane_counts_only() {
        let mut ratios = Ratios::default();
        ratios.learn_prompt(1_000, 300);
        assert!((ratios.prompt - 0.3).abs() < 1e-9);
        for (bytes, tokens) in [(0, 0), (0, 5), (1_000, 0), (1_000, 90_000), (3, 1)] {
            ratios.learn_prompt(bytes, tokens);
            ratios.learn_answer(bytes, tokens);
        }
        assert!((ratios.prompt - 0.3).abs() < 1e-9);
        ratios.learn_answer(100, 40);
        ratios.learn_answer(100, 20);
        assert!((ratios.answer - 0.3).abs() < 1e-9);
    }

    #[test]
    fn shares_stay_between_nothing_and_all() {
        assert_eq!(share(1, 0), None);
        assert_eq!(share(1, 2), Some(0.5));
        assert_eq!(share(3, 2), Some(1.0));
    }
}
