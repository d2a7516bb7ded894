//! The first prompt of a session, given to Claude Code with its start.

use std::ffi::OsString;

/// Longest first prompt: the kernel takes 128 KiB for one argument, its NUL included.
pub const LONGEST_PROMPT: usize = 120 * 1024;

/// The words that make `prompt` the first one of an interactive session, to stand after all other
/// arguments. Behind `--`, so that a leading dash is text; tried with 2.1.197 and 2.1.330.
#[must_use]
pub fn prompt_words(prompt: &str) -> [OsString; 2] {
    // A NUL cannot stand in an argument, and what else is not text must not reach the terminal.
    let plain: String =
        prompt.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect();
    ["--".into(), plain.into()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_text_and_nothing_else() {
        assert_eq!(prompt_words("--help\nme\0\x1b[31m"), ["--", "--help\nme[31m"]);
    }
}
