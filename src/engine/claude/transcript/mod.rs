//! Claude Code's own transcript of a session: where it lies, how it is read, what it says.
//!
//! It is a file of JSON lines below the private home, `.claude/projects/FOLDER/SESSION.jsonl`,
//! one line an event, written as the session goes on. Seen with 2.1.197 and 2.1.330; what a line
//! has beyond the fields read here is passed over.

mod branch;
mod line;
mod parse;
mod place;
mod words;

pub use parse::parse;
pub use place::{TranscriptError, read};
