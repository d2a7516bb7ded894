//! Settings: defaults < file < environment < flags, each value with its origin.
//!
//! Everything here is pure but [`load`], which reads the one file. The schema in
//! [`schema`] is the single source for parsing, for `lcc config show` and for
//! `docs/CONFIGURATION.md`.

mod access;
mod attention;
mod document;
mod error;
mod keys;
mod layers;
mod load;
mod paths;
mod profiles;
mod reference;
pub mod schema;
mod server_url;
mod settings;
mod suggest;
mod value;

pub use access::{AccessSettings, CommandHeader};
pub use attention::{AttentionTable, NotifyForm};
pub use error::{ConfigError, Place, Problem};
pub use keys::KeysLine;
pub use layers::{Flags, Layers, Resolved, ServeFlags, resolve};
pub use load::{LoadError, Loaded, load};
pub use paths::{Paths, PathsError};
pub use reference::reference;
pub use schema::Key;
pub use server_url::{is_loopback, parse as server_url};
pub use settings::{LimitsTable, Origin, PracticeSettings, ServeTable, Settings};
