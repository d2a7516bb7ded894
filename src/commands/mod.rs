//! The commands of the command line, each thin.

pub mod bodies;
pub mod cockpit;
pub mod config;
pub mod doctor;
pub mod error;
pub mod keys;
pub mod limits;
pub mod logging;
pub mod manual;
pub mod outfit;
pub mod practice;
pub mod project;
pub mod proxy;
pub mod reach;
pub mod report;
pub mod sandbox;
pub mod serve;
pub mod service;
pub mod settings;
pub mod setup;
pub mod snapshots;
pub mod status;
pub mod themes;

pub use error::CommandError;
