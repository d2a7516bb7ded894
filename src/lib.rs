//! lcc: a terminal cockpit for the real Claude Code, fully local.
//!
//! The rooms and the rule of who may know whom are drawn in `docs/ARCHITECTURE.md`
//! and held by `tests/architecture.rs`.

pub mod cli;
pub mod commands;
pub mod config;
pub mod domain;
pub mod engine;
pub mod front;
pub mod protocol;
