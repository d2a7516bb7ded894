//! Claude Code itself: where it is, how it is started, what it must believe.

pub mod arguments;
pub mod capture;
pub mod environment;
pub mod find;
pub mod install;
pub mod options;
pub mod prompt;
mod recorder;
mod scratch;
pub mod state;
pub mod transcript;
pub mod version;

pub use arguments::{Conversation, arguments};
pub use capture::{CaptureError, Captured, Order, capture};
pub use environment::{EnvironmentInputs, environment};
pub use find::{ClaudeProgram, FindError, Places, find};
pub use options::{Options, compacts, options};
pub use prompt::{LONGEST_PROMPT, prompt_words};
pub use version::Version;

/// Output tokens Claude Code may ask for in one answer on a window of `window` tokens.
///
/// Claude Code takes this off the window before it compacts, and its default for an unknown
/// model (32,000) would leave nothing of a 32K window.
#[must_use]
pub const fn output_budget(window: u64) -> u64 {
    match window {
        0..=8_191 => 1_024,
        8_192..=16_383 => 2_048,
        16_384..=65_535 => 4_096,
        65_536..=131_071 => 8_192,
        _ => 16_384,
    }
}
