//! What the cockpit knows and how it changes: Model, Message, update; pure.
//!
//! Everything that happens to the front is a [`Message`]; [`update`] changes the [`Model`] and
//! says as [`Effect`]s what the shell has to do. Time comes in as [`Message::Tick`].

mod action;
mod alert;
mod arrange;
mod attention;
mod border;
mod composer;
mod copy;
mod dialog;
mod drop;
mod handover;
mod keybar;
mod keys;
mod layout;
mod log;
mod message;
mod model;
mod mouse;
mod notices;
mod offer;
mod palette;
mod pane;
mod panes;
mod scroll;
mod search;
mod spoken;
mod update;
mod zoom;

pub use alert::{Alert, AlertKey, Tone, alert};
pub use attention::{Abilities, Attention, Notifies, Settings as AttentionSettings, Want};
pub use border::Border;
pub use composer::{Composer, Purpose, Weight};
pub use copy::{Reader, Typing};
pub use dialog::{Ask, Choice, Dialog, Outcome};
pub use keybar::{Badge, Entry, KeyBar, keybar};
pub use layout::{Kind, Layout, centred};
pub use log::{Entry as LogEntry, Log, LogView};
pub use message::{Effect, Message};
pub use model::{ChildState, Model, Options, Overlay, Title};
pub use notices::{Notices, Shown};
pub use palette::{CommandList, Offered, Run, found};
pub use pane::pane_is_bare;
pub use panes::{Arrangement, PaneId};
pub use scroll::{Position, position};
pub use search::{Found, MOST as MOST_PLACES, Search};
pub use spoken::Spoken;
pub use update::{hang_up, update};
pub use zoom::{Depth, Row, Zoom, rows};
