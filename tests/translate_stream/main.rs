//! A streamed chat completion becomes one well-formed Anthropic stream, however it is cut.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod client;
mod properties;
mod tables;
