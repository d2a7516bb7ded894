//! The engine: everything of a session that must survive its terminal.

pub mod access;
pub mod backend;
pub mod claude;
pub mod clock;
pub mod metrics;
pub mod practice;
pub mod proxy;
pub mod pty;
pub mod sandbox;
pub mod server;
pub mod session;
pub mod warm;
pub mod window;
