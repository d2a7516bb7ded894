//! The settings of the `[attention]` table: whom to call who looks elsewhere, and how.

use std::{fmt, str::FromStr};

/// How the outer terminal is asked to notify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NotifyForm {
    /// As it understands, by its name.
    #[default]
    Auto,
    /// OSC 9.
    Osc9,
    /// OSC 777.
    Osc777,
    /// OSC 99.
    Osc99,
    /// Not at all.
    Off,
}

impl NotifyForm {
    /// All forms.
    pub const ALL: [Self; 5] = [Self::Auto, Self::Osc9, Self::Osc777, Self::Osc99, Self::Off];

    /// The name used in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Osc9 => "osc9",
            Self::Osc777 => "osc777",
            Self::Osc99 => "osc99",
            Self::Off => "off",
        }
    }
}

impl fmt::Display for NotifyForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for NotifyForm {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let form = Self::ALL.into_iter().find(|form| form.name() == s);
        form.ok_or_else(|| "expected auto, osc9, osc777, osc99 or off".to_owned())
    }
}

/// Whom to call who looks elsewhere, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttentionTable {
    /// Seconds from which on a turn is long; 0: none is.
    pub after: u64,
    /// Whether the bell rings.
    pub bell: bool,
    /// How the terminal is asked to notify.
    pub notify: NotifyForm,
    /// Whether the task bar shows how far a prompt has been read.
    pub progress: bool,
    /// A program and its arguments; empty: none.
    pub command: Vec<String>,
    /// An `http` URL on this machine.
    pub webhook: Option<String>,
}

impl Default for AttentionTable {
    fn default() -> Self {
        Self {
            after: 20,
            bell: true,
            notify: NotifyForm::Auto,
            progress: true,
            command: Vec::new(),
            webhook: None,
        }
    }
}
