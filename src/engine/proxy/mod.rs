//! The inspecting proxy between Claude Code and the model server.

pub mod translate;
