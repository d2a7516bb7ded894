//! The strict tier on macOS: a generated Seatbelt profile. The generator builds everywhere.

#[cfg(target_os = "macos")]
pub mod launch;
pub mod profile;
