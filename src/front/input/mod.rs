//! Keys, mouse and pastes: which are lcc's, and how the rest is encoded for Claude Code.

mod chord;
mod configure;
pub mod encode;
mod keymap;
mod leader;

pub use chord::{Chord, ChordError};
pub use configure::{KeyLine, KeyRemark, configured};
pub use keymap::{Action, Binding, Fed, Hint, Keymap};
pub use leader::{Leader, LeaderError};
