//! Claude Code's terminal: the only room that knows the emulator crate.
//!
//! Bytes of the child go in by [`Terminal::feed`], what they ask of the world comes out as
//! [`TerminalEvent`]s in the order of the stream, and the screen is drawn by [`Terminal::draw`].

mod cells;
mod damage;
mod emulator;
mod events;
mod flood;
mod grapheme;
mod hold;
mod ink;
mod link;
mod marks;
mod modes;
mod moves;
mod notice;
mod palette;
mod pieces;
pub mod policy;
mod print;
mod reading;
mod reply;
mod screen;
mod search;
mod selection;
mod tap;
mod view;

pub use damage::Damage;
pub use emulator::{Options, Size, Terminal};
pub use events::{ClipboardTarget, Progress, PromptMark, TerminalEvent};
pub use flood::Flood;
pub use ink::{Ink, Link, Underline};
pub use link::{LinkWay, way as link_way};
pub use marks::TurnMark;
pub use modes::{Modes, MouseTracking};
pub use palette::{Palette, Rgb};
pub use reading::{Motion, Spot};
pub use search::{Hit, Pattern};
pub use selection::SelectionKind;
pub use view::{Cursor, CursorShape};
