//! The layers put on top of each other: defaults < file < environment < flags.

use std::{collections::BTreeMap, path::PathBuf};

use super::{
    document,
    error::{ConfigError, Place, Problem},
    schema::Key,
    server_url::is_loopback,
    settings::{Origin, Origins, Settings},
    suggest::nearest,
    value::Given,
};

/// What the command line gave, unread: the same readers judge flags, variables and the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--server URL`
    pub server: Option<String>,
    /// `--allow-remote`
    pub allow_remote: bool,
    /// `--model NAME`
    pub model: Option<String>,
    /// `--window N`
    pub window: Option<String>,
    /// `--profile NAME`
    pub profile: Option<String>,
    /// `--sandbox TIER`
    pub sandbox: Option<String>,
    /// `--theme NAME`
    pub theme: Option<String>,
}

impl Flags {
    fn get(&self, key: Key) -> Option<&str> {
        match key {
            Key::Server => self.server.as_deref(),
            Key::AllowRemote => self.allow_remote.then_some("true"),
            Key::Model => self.model.as_deref(),
            Key::Window => self.window.as_deref(),
            Key::Profile => self.profile.as_deref(),
            Key::Sandbox => self.sandbox.as_deref(),
            Key::Theme => self.theme.as_deref(),
            Key::OutputReserve
            | Key::ServerLog
            | Key::Claude
            | Key::Leader
            | Key::Panes
            | Key::PracticeReadRate
            | Key::PracticeWriteRate => None,
        }
    }
}

/// Everything that settings are made of.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    /// The file's path (for messages) and text; `None` where there is no file.
    pub file: Option<(PathBuf, String)>,
    /// The environment; only the variables of the schema are looked at, empty ones do not count.
    pub env: BTreeMap<String, String>,
    /// The command line.
    pub flags: Flags,
    /// The names of the themes there are; empty: any name is taken.
    pub themes: Vec<String>,
}

/// Settings and where each came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The settings.
    pub settings: Settings,
    origins: BTreeMap<Key, Origin>,
}

impl Resolved {
    /// Where the value of a setting came from.
    #[must_use]
    pub fn origin(&self, key: Key) -> Origin {
        self.origins.get(&key).cloned().unwrap_or(Origin::Default)
    }
}

/// Puts the layers together.
///
/// # Errors
/// All problems of all layers at once; nothing is set in part.
pub fn resolve(layers: &Layers) -> Result<Resolved, ConfigError> {
    let mut settings = Settings::default();
    let mut origins = Origins::new();
    let mut problems = Vec::new();

    if let Some((path, text)) = &layers.file {
        problems.extend(document::read(path, text, |key, given, line| {
            settings.set(key, given)?;
            origins.insert(key, Origin::File { path: path.clone(), line });
            Ok(())
        }));
    }
    for key in Key::ALL {
        let entry = key.entry();
        if let Some(text) = layers.env.get(entry.env).filter(|text| !text.is_empty()) {
            match settings.set(key, &Given::Text(text)) {
                Ok(()) => drop(origins.insert(key, Origin::Env(entry.env))),
                Err(message) => problems.push(Problem {
                    place: Place::Env,
                    text: format!("{}={text}", entry.env),
                    message,
                }),
            }
        }
    }
    for key in Key::ALL {
        let flag = key.entry().flag.unwrap_or_default();
        if let Some(text) = layers.flags.get(key) {
            match settings.set(key, &Given::Text(text)) {
                Ok(()) => drop(origins.insert(key, Origin::Flag(flag))),
                Err(message) => problems.push(Problem {
                    place: Place::Flag,
                    text: format!("{flag} {text}"),
                    message,
                }),
            }
        }
    }

    let resolved = Resolved { settings, origins };
    problems.extend(together(&resolved, &layers.themes));
    if problems.is_empty() { Ok(resolved) } else { Err(ConfigError { problems }) }
}

/// What only shows once all values are known.
fn together(resolved: &Resolved, themes: &[String]) -> Vec<Problem> {
    let Settings { server, allow_remote, window, output_reserve, theme, .. } = &resolved.settings;
    let mut problems = Vec::new();
    if let Some(url) = server
        && !allow_remote
        && !is_loopback(url)
    {
        problems.push(at_origin(
            resolved,
            Key::Server,
            "is not on this machine: what Claude Code reads would leave it. If you mean that, \
             give --allow-remote (or allow_remote = true in the file)"
                .to_owned(),
        ));
    }
    if let Some(window) = window
        && output_reserve >= window
    {
        // Whoever set the reserve is told; with the default reserve it is the window's fault.
        let key = match resolved.origin(Key::OutputReserve) {
            Origin::Default => Key::Window,
            Origin::File { .. } | Origin::Env(_) | Origin::Flag(_) => Key::OutputReserve,
        };
        problems.push(at_origin(
            resolved,
            key,
            format!("output_reserve ({output_reserve}) must be less than window ({window})"),
        ));
    }
    if !themes.is_empty() && !themes.contains(theme) {
        let hint = nearest(theme, themes.iter().map(String::as_str))
            .map_or_else(|| themes.join(", "), |meant| format!("did you mean {meant}?"));
        problems.push(at_origin(resolved, Key::Theme, format!("no such theme ({hint})")));
    }
    problems
}

fn at_origin(resolved: &Resolved, key: Key, message: String) -> Problem {
    let value = resolved.settings.show(key);
    let name = key.entry().name;
    let (place, text) = match resolved.origin(key) {
        Origin::File { path, line } => {
            let quote = if value.parse::<f64>().is_ok() { "" } else { "\"" };
            (Place::File { path, line }, format!("{name} = {quote}{value}{quote}"))
        }
        Origin::Env(variable) => (Place::Env, format!("{variable}={value}")),
        Origin::Flag(flag) => (Place::Flag, format!("{flag} {value}")),
        Origin::Default => (Place::Flag, format!("{name} {value} (default)")),
    };
    Problem { place, text, message }
}

#[cfg(test)]
#[path = "layers_tests.rs"]
mod tests;
