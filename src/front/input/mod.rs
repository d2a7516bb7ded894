//! Keys, mouse and pastes: which are lcc's, and how the rest is encoded for Claude Code.

pub mod encode;
mod keymap;
mod leader;

pub use keymap::{Action, Binding, Fed, Hint, Keymap};
pub use leader::{Leader, LeaderError};
