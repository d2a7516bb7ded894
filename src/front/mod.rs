//! The front: the outer terminal, the keys, the panes. Knows the engine only by `protocol`.

pub mod app;
pub mod input;
pub mod shell;
pub mod terminal;
pub mod theme;
pub mod ui;
