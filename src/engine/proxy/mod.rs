//! The inspecting proxy between Claude Code and the model server.

pub mod body;
pub mod classify;
pub mod frame;
pub mod rules;
pub mod sections;
pub mod sse;
pub mod tap;
pub mod think;
