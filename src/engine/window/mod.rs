//! The window as a budget: what is in it, what fits, when it runs out.

mod believe;
mod budget;
mod fixed;
pub mod warm;

pub use believe::{Belief, Compacts, believe};
pub use budget::{
    COMPACTION_PROMPT_BYTES, GROWTH_TURNS, Growth, after_compaction, compaction_room, limit, risk,
    turns_left,
};
pub use fixed::{by_size, fixed_parts};
