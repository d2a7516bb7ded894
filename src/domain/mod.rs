//! Values that every room speaks; depends on nothing else in lcc.

pub mod observation;
pub mod phase;
pub mod profile;
pub mod request;
pub mod serve;
pub mod server;
pub mod server_line;
pub mod tier;
pub mod time;
pub mod transcript;
pub mod units;

pub use observation::{Event, Observation, Outcome};
pub use phase::{Phase, Risk};
pub use profile::Profile;
pub use request::{Part, RequestId, RequestKind, Section, SideKind, Tail};
pub use serve::{KvType, ServeKind};
pub use server::{Api, Dialect, ServerFacts, ServerKind, Source};
pub use server_line::{ServerLine, ServerLoad};
pub use tier::Tier;
pub use time::Moment;
pub use transcript::{ChangedFile, Entry, Transcript};
