//! The commands of the command line, each thin.

pub mod themes;
