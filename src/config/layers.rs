//! The layers put on top of each other: defaults < file < environment < flags.

use std::{collections::BTreeMap, path::PathBuf};

use super::{
    access, document,
    error::{ConfigError, Place, Problem},
    schema::Key,
    server_url::is_loopback,
    settings::{Origin, Origins, Settings},
    suggest::nearest,
    value::Given,
};
use crate::domain::Profile;

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
    /// `--policy NAME`
    pub policy: Option<String>,
    /// `--dialect NAME`
    pub dialect: Option<String>,
    /// `--profile NAME`
    pub profile: Option<String>,
    /// `--sandbox TIER`
    pub sandbox: Option<String>,
    /// `--theme NAME`
    pub theme: Option<String>,
    /// `--log-bodies FILE`, absolute
    pub log_bodies: Option<String>,
    /// `--screen-reader`
    pub screen_reader: bool,
    /// The flags of `lcc serve` and `lcc service`.
    pub serve: ServeFlags,
}

/// What the command line of `lcc serve` gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServeFlags {
    /// `--kind KIND`
    pub kind: Option<String>,
    /// `--program PATH`, absolute
    pub program: Option<String>,
    /// `--model FILE`
    pub model: Option<String>,
    /// `--port PORT`
    pub port: Option<String>,
    /// `--kv-type TYPE`
    pub kv_type: Option<String>,
}

impl Flags {
    fn get(&self, key: Key) -> Option<&str> {
        match key {
            Key::Server => self.server.as_deref(),
            Key::AllowRemote => self.allow_remote.then_some("true"),
            Key::Model => self.model.as_deref(),
            Key::Window => self.window.as_deref(),
            Key::Policy => self.policy.as_deref(),
            Key::Dialect => self.dialect.as_deref(),
            Key::Profile => self.profile.as_deref(),
            Key::Sandbox => self.sandbox.as_deref(),
            Key::Theme => self.theme.as_deref(),
            Key::LogBodies => self.log_bodies.as_deref(),
            Key::ScreenReader => self.screen_reader.then_some("true"),
            Key::ServeKind => self.serve.kind.as_deref(),
            Key::ServeProgram => self.serve.program.as_deref(),
            Key::ServeModel => self.serve.model.as_deref(),
            Key::ServePort => self.serve.port.as_deref(),
            Key::ServeKvType => self.serve.kv_type.as_deref(),
            Key::ServeAuto
            | Key::ServeKeep
            | Key::ServeCacheRam
            | Key::ServeSwaFull
            | Key::Scrollback
            | Key::AttentionAfter
            | Key::AttentionBell
            | Key::AttentionNotify
            | Key::AttentionProgress
            | Key::AttentionCommand
            | Key::AttentionWebhook
            | Key::WarmStart
            | Key::SnapshotsLimit
            | Key::SnapshotsEvery
            | Key::LimitsMemory
            | Key::LimitsProcesses
            | Key::LimitsDiskFree
            | Key::PrefixCare(_)
            | Key::OutputReserve
            | Key::ServerLog
            | Key::Thinking
            | Key::ThinkingLimit
            | Key::SideRequests
            | Key::PingSeconds
            | Key::RecheckMinutes
            | Key::Claude
            | Key::AddDirs
            | Key::PassEnv
            | Key::Leader
            | Key::Panes
            | Key::Clipboard
            | Key::TlsCa
            | Key::TlsCert
            | Key::TlsKey
            | Key::AuthBearerFile
            | Key::AuthKeyFile
            | Key::AuthCommand
            | Key::AuthHeader
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
        let mut own = BTreeMap::new();
        let mut keys = Vec::new();
        problems.extend(document::read(path, text, &mut own, &mut keys, |key, given, line| {
            settings.set(key, given)?;
            origins.insert(key, Origin::File { path: path.clone(), line });
            Ok(())
        }));
        settings.profiles = own;
        settings.keys = keys;
    }
    for key in Key::ALL {
        let entry = key.entry();
        if let Some(text) = layers.env.get(entry.env).filter(|text| !text.is_empty()) {
            match replace(&mut settings, &mut origins, key, text) {
                Ok(()) => drop(origins.insert(key, Origin::Env(entry.env))),
                Err(message) => problems.push(Problem {
                    place: Place::Env,
                    text: shown(key, &format!("{}=", entry.env), text),
                    message,
                }),
            }
        }
    }
    for key in Key::ALL {
        let flag = key.entry().flag.unwrap_or_default();
        if let Some(text) = layers.flags.get(key) {
            match replace(&mut settings, &mut origins, key, text) {
                Ok(()) => drop(origins.insert(key, Origin::Flag(flag))),
                Err(message) => problems.push(Problem {
                    place: Place::Flag,
                    text: shown(key, &format!("{flag} "), text),
                    message,
                }),
            }
        }
    }

    let resolved = Resolved { settings, origins };
    problems.extend(together(&resolved, &layers.themes));
    // Stable: layer by layer, the file from top to bottom.
    problems.sort_by_key(|problem| match problem.place {
        Place::File { line, .. } => (0, line),
        Place::Env => (1, 0),
        Place::Flag => (2, 0),
    });
    if problems.is_empty() { Ok(resolved) } else { Err(ConfigError { problems }) }
}

/// What only shows once all values are known.
fn together(resolved: &Resolved, themes: &[String]) -> Vec<Problem> {
    let Settings { server, allow_remote, window, output_reserve, theme, .. } = &resolved.settings;
    let profile = &resolved.settings.profile;
    let mut problems: Vec<Problem> = access::conflicts(&resolved.settings, &resolved.origins)
        .into_iter()
        .map(|(key, message)| at_origin(resolved, key, message))
        .collect();
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
    if resolved.settings.equipment().is_none() {
        let own: Vec<&str> = resolved.settings.profiles.keys().map(String::as_str).collect();
        let all = Profile::ALL.into_iter().map(|p| -> &str { p.name() }).chain(own.iter().copied());
        let message = match (nearest(profile, all), own.as_slice()) {
            (Some(meant), _) => format!("no such profile (did you mean {meant}?)"),
            (None, []) => "expected lean, standard or full, or one of your own, written as a \
                           table [profiles.NAME]"
                .to_owned(),
            (None, own) => {
                format!("expected lean, standard or full, or of your own {}", own.join(", "))
            }
        };
        problems.push(at_origin(resolved, Key::Profile, message));
    }
    if !themes.is_empty() && !themes.contains(theme) {
        let hint = nearest(theme, themes.iter().map(String::as_str))
            .map_or_else(|| themes.join(", "), |meant| format!("did you mean {meant}?"));
        problems.push(at_origin(resolved, Key::Theme, format!("no such theme ({hint})")));
    }
    problems
}

/// Sets a value over what the layers below set; another server leaves their credentials behind.
fn replace(
    settings: &mut Settings,
    origins: &mut Origins,
    key: Key,
    text: &str,
) -> Result<(), String> {
    let old = settings.server.clone();
    settings.set(key, &Given::Text(text))?;
    if let (Key::Server, Some(new)) = (key, settings.server.clone()) {
        access::leave_behind(settings, origins, old.as_deref(), &new);
    }
    Ok(())
}

/// What was given, unless it may be a secret in the wrong place.
fn shown(key: Key, before: &str, text: &str) -> String {
    let text = if key.may_be_secret(text) { "…" } else { text };
    format!("{before}{text}")
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
