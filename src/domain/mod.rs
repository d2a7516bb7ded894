//! Values that every room speaks; depends on nothing else in lcc.

pub mod equipment;
pub mod fixed;
pub mod observation;
pub mod phase;
pub mod piece;
pub mod policy;
pub mod prefix;
pub mod profile;
pub mod request;
pub mod serve;
pub mod server;
pub mod server_line;
pub mod side;
pub mod tier;
pub mod time;
pub mod transcript;
pub mod units;
pub mod warm;

pub use equipment::Equipment;
pub use fixed::FixedPart;
pub use observation::{Event, Observation, Outcome};
pub use phase::{Phase, Risk};
pub use piece::{Piece, PieceKind};
pub use policy::Policy;
pub use prefix::{Change, ChangeSign, Comparison, Difference, PrefixCare, PrefixRule};
pub use profile::Profile;
pub use request::{Culprit, Part, RequestId, RequestKind, Section, SideKind, Tail};
pub use serve::{KvType, ServeKind};
pub use server::{Api, Dialect, ServerFacts, ServerKind, Source};
pub use server_line::{ServerLine, ServerLoad};
pub use side::{SidePolicy, SideStep};
pub use tier::Tier;
pub use time::Moment;
pub use transcript::{ChangedFile, Entry, Transcript};
pub use warm::{Kept, Warm};
