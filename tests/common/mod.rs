//! The end-to-end harness: programs in a PTY under an independent terminal, and the real parts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// Each test binary uses its own part of the harness.
#![allow(dead_code, unused_imports)]

pub mod lcc;
pub mod outer;
pub mod project;
pub mod real;
pub mod replies;
pub mod restored;

pub use lcc::Lcc;
pub use outer::{Key, Outer, Program};
pub use project::Project;
pub use real::{Real, RealServer};
