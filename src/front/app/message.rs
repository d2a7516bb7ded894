//! What can happen to the front, and what the front can ask of its shell.

use crossterm::event::{KeyEvent, MouseEvent};

use crate::{
    domain::Moment,
    front::{
        terminal::{LinkWay, Palette, Progress},
        theme::Theme,
    },
    protocol::{Command, Update},
};

use super::Want;

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
    /// What became of a file that was to be saved: where it is, or why there is none.
    Saved(Result<String, String>),
    /// What became of a text that was to be copied: what to say of it, or why it was not.
    Copied(Result<String, String>),
    /// There is no shell that lcc could be stopped for.
    CannotStop,
    /// The themes there are now: a file of the user's has changed.
    Themes {
        /// All of them, those that come with lcc first.
        themes: Vec<Theme>,
        /// What is wrong with files that are no themes.
        wrong: Vec<String>,
    },
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
    /// Tell whom the settings name: a command, a program that listens on this machine.
    Call {
        /// Why.
        want: Want,
        /// What to say.
        text: String,
    },
    /// Tell the outer terminal's task bar how far the work is.
    Progress(Progress),
    /// Put what the user selected into the system's clipboard; answered with
    /// [`Message::Copied`].
    Copy(String),
    /// Write a new file; answered with [`Message::Saved`].
    Save {
        /// What the user typed as its name.
        name: String,
        /// What goes into it.
        text: String,
    },
    /// Give the terminal back to the shell until it says to go on; answered with
    /// [`Message::CannotStop`] when there is none.
    Suspend,
    /// Keep this arrangement of the panes for the next time.
    Keep(String),
    /// Something on screen may have changed.
    Redraw,
    /// Leave the front.
    Quit,
}
