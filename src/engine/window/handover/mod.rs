//! A short note from one session to the next, written without the model: quotes and lists, in a
//! budget of tokens. Pure.
//!
//! [`gather`] picks from the transcript what somebody who takes over must know, [`note`] writes
//! it down in order of importance: the task in the user's words is always in it, the rest as far
//! as the budget reaches.

mod choices;
mod earlier;
mod fit;
mod gather;
mod todos;
mod write;

pub use gather::{Failure, Material, gather};
pub use write::{LIMIT, Note, estimate, note};
