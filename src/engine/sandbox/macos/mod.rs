//! The strict tier on macOS: a Seatbelt profile as data, and an evaluator that judges its text.
//!
//! [`places`] says what a start is about, [`profile`] turns it into rules, [`rule`] writes them
//! down. [`evaluate`] reads the text back with a parser of its own and decides single operations,
//! so that [`attempts`], the list of escapes, is answered on every system. All of that is pure;
//! [`canary`] and [`probes`] try it from inside; only `launch`, `check`, `sweep` and `sys` need a Mac.

pub mod attempts;
pub mod canary;
#[cfg(target_os = "macos")]
pub mod check;
pub mod evaluate;
#[cfg(target_os = "macos")]
pub mod launch;
mod lists;
pub mod places;
pub mod probes;
pub mod profile;
mod protect;
pub mod rule;
pub mod safehouse;
#[cfg(test)]
mod samples;
#[cfg(target_os = "macos")]
pub mod sweep;
#[cfg(target_os = "macos")]
pub mod sys;
#[cfg(test)]
mod tests;
