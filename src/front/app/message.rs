//! What can happen to the front, and what the front can ask of its shell.

use crossterm::event::{KeyEvent, MouseEvent};

use crate::{
    domain::Moment,
    front::terminal::{LinkWay, Palette},
    protocol::{Command, Update},
};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// A key was pressed or repeats.
    Key(KeyEvent),
    /// The mouse was moved, pressed, released or its wheel turned.
    Mouse(MouseEvent),
    /// Text was pasted into the outer terminal.
    Paste(String),
    /// The outer terminal has a new size in cells.
    Resize {
        /// Columns.
        cols: u16,
        /// Rows.
        rows: u16,
    },
    /// The outer terminal told its colours.
    Palette(Box<Palette>),
    /// The outer terminal gained (`true`) or lost the focus.
    Focus(bool),
    /// The engine said something.
    Update(Update),
    /// The time, on the front's own clock. Sent before every other message and once a second.
    Tick(Moment),
}

/// One thing the shell has to do; to be done in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Tell the engine.
    Send(Command),
    /// Set the title of the outer terminal's window.
    SetTitle(String),
    /// Ring the outer terminal's bell.
    Bell,
    /// Put a text into the clipboard of the outer terminal.
    Clipboard(String),
    /// Have the outer terminal notify the user.
    Notify(String),
    /// Open this with the system's opener; the user said yes.
    Open(LinkWay),
    /// Something on screen may have changed.
    Redraw,
    /// Leave the front.
    Quit,
}
