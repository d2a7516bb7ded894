//! The window as a budget: what is in it, what fits, when it runs out, and who acts then.

mod budget;
pub mod policy;

pub use budget::{
    COMPACTION_PROMPT_BYTES, GROWTH_TURNS, Growth, after_compaction, compaction_limit,
    compaction_room, is_due, limit, risk, summary_room, turns_left,
};
