//! The settings of a team's server: certificates and credentials, and what holds among them.

use std::{fmt, path::PathBuf, str::FromStr};

use super::{
    schema::Key,
    server_url::{is_https, is_loopback, same_server},
    settings::{Origin, Origins, Settings},
};

/// How a server that wants more than its URL is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccessSettings {
    /// PEM file of the only authorities to trust; `None`: the system's.
    pub ca: Option<PathBuf>,
    /// PEM file of the client certificate.
    pub cert: Option<PathBuf>,
    /// PEM file of its key.
    pub key: Option<PathBuf>,
    /// File with the bearer token.
    pub bearer_file: Option<PathBuf>,
    /// File with the `x-api-key`.
    pub key_file: Option<PathBuf>,
    /// Program and arguments that print the credential; empty: none.
    pub command: Vec<String>,
    /// The header that the command's output goes into.
    pub header: CommandHeader,
}

/// The header for what a command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CommandHeader {
    /// `Authorization: Bearer …`
    #[default]
    Bearer,
    /// `x-api-key: …`
    Key,
}

impl fmt::Display for CommandHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bearer => "bearer",
            Self::Key => "x-api-key",
        })
    }
}

impl FromStr for CommandHeader {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "bearer" => Ok(Self::Bearer),
            "x-api-key" => Ok(Self::Key),
            _ => Err("expected bearer or x-api-key".to_owned()),
        }
    }
}

/// The keys of an access. They belong to the server they were set beside.
pub(super) const KEYS: [Key; 7] = [
    Key::TlsCa,
    Key::TlsCert,
    Key::TlsKey,
    Key::AuthBearerFile,
    Key::AuthKeyFile,
    Key::AuthCommand,
    Key::AuthHeader,
];

/// The keys that carry a credential.
const CREDENTIALS: [Key; 3] = [Key::AuthBearerFile, Key::AuthKeyFile, Key::AuthCommand];

/// Drops what was set beside another server: a variable or flag that names `new` must not send
/// the credential of `old`, set in a layer below, to it.
pub(super) fn leave_behind(
    settings: &mut Settings,
    origins: &mut Origins,
    old: Option<&str>,
    new: &str,
) {
    if old.is_none_or(|old| same_server(old, new)) {
        return;
    }
    settings.access = AccessSettings::default();
    for key in KEYS {
        origins.remove(&key);
    }
}

/// What is wrong among the settings: the key to blame, and why.
pub(super) fn conflicts(settings: &Settings, origins: &Origins) -> Vec<(Key, String)> {
    let given = |key: &Key| origins.get(key).is_some_and(|origin| *origin != Origin::Default);
    let credentials: Vec<Key> = CREDENTIALS.into_iter().filter(given).collect();
    let tls: Vec<Key> = [Key::TlsCa, Key::TlsCert, Key::TlsKey].into_iter().filter(given).collect();
    let mut wrong = Vec::new();
    if let [first, second, ..] = credentials[..] {
        let (first, second) = (first.entry().path(), second.entry().path());
        wrong.push((credentials[1], format!("{first} and {second} exclude each other; keep one")));
    }
    match (&settings.access.cert, &settings.access.key) {
        (Some(_), None) => wrong.push((Key::TlsCert, "needs tls.key beside it".to_owned())),
        (None, Some(_)) => wrong.push((Key::TlsKey, "needs tls.cert beside it".to_owned())),
        (Some(_), Some(_)) | (None, None) => {}
    }
    let Some(url) = &settings.server else {
        let any = credentials.first().or_else(|| tls.first());
        wrong.extend(any.map(|key| {
            (*key, "is for one server only; name it with server or --server".to_owned())
        }));
        return wrong;
    };
    if let Some(key) = credentials.first().filter(|_| !is_https(url) && !is_loopback(url)) {
        let why = "would go to another machine over plain http, where everyone on the way can \
                   read it; write https in server, or use an ssh tunnel to 127.0.0.1";
        wrong.push((*key, why.to_owned()));
    }
    if let Some(key) = tls.first().filter(|_| !is_https(url)) {
        let why = "has no meaning for an http server; write https in server, or leave it out";
        wrong.push((*key, why.to_owned()));
    }
    wrong
}
