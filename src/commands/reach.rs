//! The way to the model server, from the settings.

use std::path::Path;

use super::CommandError;
use crate::{
    config::{AccessSettings, CommandHeader, Settings, is_loopback},
    engine::access::{Access, Auth, Identity, Reach, Scheme},
};

/// What the settings say of a server's certificates and credentials.
#[must_use]
pub fn access(settings: &AccessSettings) -> Access {
    let AccessSettings { ca, cert, key, bearer_file, key_file, command, header } = settings;
    let identity = cert.clone().zip(key.clone()).map(|(cert, key)| Identity { cert, key });
    let file = |scheme, path: &Path| Auth::File { scheme, path: path.to_owned() };
    let auth = match (bearer_file, key_file) {
        (Some(path), _) => file(Scheme::Bearer, path),
        (None, Some(path)) => file(Scheme::Key, path),
        (None, None) if command.is_empty() => Auth::None,
        (None, None) => {
            let scheme = match header {
                CommandHeader::Bearer => Scheme::Bearer,
                CommandHeader::Key => Scheme::Key,
            };
            Auth::Command { scheme, words: command.clone() }
        }
    };
    Access { ca: ca.clone(), identity, auth, ..Access::default() }
}

/// The way to the server of the settings; to this machine's own when they name none.
///
/// # Errors
/// [`CommandError::Usage`] when a file of it cannot be used.
pub fn reach(settings: &Settings) -> Result<Reach, CommandError> {
    match &settings.server {
        Some(url) => Reach::open(url, &access(&settings.access)),
        None => Reach::plain(),
    }
    .map_err(CommandError::usage)
}

/// Refuses secrets that lie where Claude Code can read them.
///
/// # Errors
/// [`CommandError::Usage`] that names the file.
pub fn outside(settings: &AccessSettings, project: &Path) -> Result<(), CommandError> {
    let AccessSettings { key, bearer_file, key_file, .. } = settings;
    let within = |path: &&std::path::PathBuf| {
        path.canonicalize().is_ok_and(|path| path.starts_with(project))
    };
    match [key, bearer_file, key_file].into_iter().flatten().find(within) {
        Some(path) => Err(CommandError::Usage(format!(
            "{}: it lies in the project, where Claude Code can read it; move it elsewhere, such \
             as beside lcc's configuration",
            path.display()
        ))),
        None => Ok(()),
    }
}

/// What to say of a server that is not on this machine; `None` for one that is.
#[must_use]
pub fn warning(settings: &Settings) -> Option<String> {
    let url = settings.server.as_deref().filter(|url| !is_loopback(url))?;
    crate::engine::access::crosses_in_the_clear(url, false).then(|| {
        format!(
            "{url} is another machine and plain http: everyone on the way can read the \
             conversation. Use https, or an ssh tunnel to 127.0.0.1"
        )
    })
}
