//! The window as a budget: what is in it, what fits, when it runs out.

mod budget;
pub mod handover;

pub use budget::{
    COMPACTION_PROMPT_BYTES, GROWTH_TURNS, Growth, after_compaction, compaction_room, limit, risk,
    turns_left,
};
