//! Warm start and slot snapshots, on the practice server: what a new session need not read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../common/mod.rs"]
mod common;
mod desk;
mod snapshots;
mod start;
