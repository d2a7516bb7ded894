//! The window as a budget: what is in it, what fits, when it runs out, and who acts then.

mod believe;
mod budget;
mod fixed;
pub mod handover;
pub mod policy;
pub mod warm;

pub use believe::{Belief, Compacts, believe};
pub use budget::{
    COMPACTION_PROMPT_BYTES, GROWTH_TURNS, Growth, after_compaction, compaction_limit,
    compaction_room, is_due, limit, risk, summary_room, turns_left,
};
pub use fixed::{by_size, fixed_parts};
