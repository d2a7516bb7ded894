//! Pure measuring: observations in, a snapshot out.

mod agents;
mod cache;
mod compactions;
mod course;
mod curve;
mod fixed;
mod flight;
mod forecast;
mod history;
mod map;
mod meter;
mod noise;
mod phase;
mod prefill;
mod ratio;
mod recheck;
mod sandbox;
mod server;
mod side;
mod story;
mod text;
mod thinking;
mod time;
mod told;
mod turns;
mod warm;
mod ways;
mod window;

pub use curve::Curve;
pub use meter::{Budget, Meter};
pub use sandbox::Watch;
