//! One session on every kind of server: each figure against the server's own truth.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../fakes/mod.rs"]
mod fakes;
mod house;
mod session;
mod table;
mod trouble;
