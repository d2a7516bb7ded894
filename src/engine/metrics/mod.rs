//! Pure measuring: observations in, a snapshot out.

mod cache;
mod course;
mod curve;
mod flight;
mod forecast;
mod meter;
mod noise;
mod phase;
mod prefill;
mod ratio;
mod sandbox;
mod server;
mod text;
mod thinking;
mod time;
mod told;
mod turns;
mod window;

pub use curve::Curve;
pub use meter::{Budget, Meter};
