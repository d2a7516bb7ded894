//! The settings themselves, and where each came from.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use super::{schema::Key, value::Given};
use crate::domain::{Profile, Tier};

/// The settings of the practice server.
#[derive(Debug, Clone, PartialEq)]
pub struct PracticeSettings {
    /// Tokens read per second, above 0.
    pub read_rate: f64,
    /// Tokens written per second, above 0.
    pub write_rate: f64,
}

/// Every setting, valid by construction.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Base URL of the model server without trailing slash; `None`: probe for one.
    pub server: Option<String>,
    /// Whether `server` may be on another machine.
    pub allow_remote: bool,
    /// Absolute path of the server's log; `None`: where its kind usually writes it.
    pub server_log: Option<PathBuf>,
    /// Model name; `None`: what the server serves.
    pub model: Option<String>,
    /// Window in tokens; `None`: what the server says.
    pub window: Option<u64>,
    /// Tokens kept for one answer, less than `window`.
    pub output_reserve: u64,
    /// Claude Code's equipment.
    pub profile: Profile,
    /// Sandbox tier asked for.
    pub sandbox: Tier,
    /// Absolute path of Claude Code; `None`: look for it.
    pub claude: Option<PathBuf>,
    /// Theme name.
    pub theme: String,
    /// Leader key as `ctrl-` and one lower-case character.
    pub leader: String,
    /// Whether the panes are shown at the start.
    pub panes: bool,
    /// The practice server.
    pub practice: PracticeSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            server: None,
            allow_remote: false,
            server_log: None,
            model: None,
            window: None,
            output_reserve: 4_096,
            profile: Profile::Lean,
            sandbox: Tier::Strict,
            claude: None,
            theme: "dark".to_owned(),
            leader: "ctrl-]".to_owned(),
            panes: true,
            practice: PracticeSettings { read_rate: 1_500.0, write_rate: 60.0 },
        }
    }
}

impl Settings {
    /// Sets one setting from a given value, or says what was expected instead.
    pub(super) fn set(&mut self, key: Key, given: &Given<'_>) -> Result<(), String> {
        match key {
            Key::Server => self.server = Some(given.url()?),
            Key::AllowRemote => self.allow_remote = given.switch()?,
            Key::ServerLog => self.server_log = Some(given.path()?),
            Key::Model => self.model = Some(given.text("the name of a model")?),
            Key::Window => self.window = Some(given.window()?),
            Key::OutputReserve => self.output_reserve = given.reserve()?,
            Key::Profile => self.profile = given.name()?,
            Key::Sandbox => self.sandbox = given.name()?,
            Key::Claude => self.claude = Some(given.path()?),
            Key::Theme => self.theme = given.text("the name of a theme")?,
            Key::Leader => self.leader = given.leader()?,
            Key::Panes => self.panes = given.switch()?,
            Key::PracticeReadRate => self.practice.read_rate = given.rate()?,
            Key::PracticeWriteRate => self.practice.write_rate = given.rate()?,
        }
        Ok(())
    }

    /// One setting as text; what is not set reads as the schema's default does.
    #[must_use]
    pub fn show(&self, key: Key) -> String {
        let unset = || key.entry().default.to_owned();
        match key {
            Key::Server => self.server.clone().unwrap_or_else(unset),
            Key::AllowRemote => self.allow_remote.to_string(),
            Key::ServerLog => {
                self.server_log.as_ref().map_or_else(unset, |path| path.display().to_string())
            }
            Key::Model => self.model.clone().unwrap_or_else(unset),
            Key::Window => self.window.map_or_else(unset, |window| window.to_string()),
            Key::OutputReserve => self.output_reserve.to_string(),
            Key::Profile => self.profile.to_string(),
            Key::Sandbox => self.sandbox.to_string(),
            Key::Claude => {
                self.claude.as_ref().map_or_else(unset, |path| path.display().to_string())
            }
            Key::Theme => self.theme.clone(),
            Key::Leader => self.leader.clone(),
            Key::Panes => self.panes.to_string(),
            Key::PracticeReadRate => self.practice.read_rate.to_string(),
            Key::PracticeWriteRate => self.practice.write_rate.to_string(),
        }
    }
}

/// Where the value of a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nothing set it.
    Default,
    /// A line of the file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// This environment variable.
    Env(&'static str),
    /// This flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Env(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// The origin of every setting; a key that is absent is at its default.
pub(super) type Origins = BTreeMap<Key, Origin>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_tells_the_true_defaults() {
        for key in Key::ALL {
            assert_eq!(Settings::default().show(key), key.entry().default, "{key:?}");
        }
    }
}
