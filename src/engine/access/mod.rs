//! How lcc gets to the model server: TLS, client certificate and credentials, the same for the
//! proxy, its count and the backend's looks.
//!
//! [`Access`] says it in plain values, [`Reach`] does it. What may go where is decided in
//! `border`, which is pure.

mod border;
mod command;
mod credentials;
mod error;
mod files;
mod reach;
mod secret;
mod tls;
mod trouble;

use std::{fmt, path::PathBuf, time::Duration};

pub use border::{crosses_in_the_clear, other_machine};
pub use error::{AccessError, CredentialError, SendError};
pub use reach::Reach;
pub use secret::Secret;
pub use trouble::explain;

/// For a command that prints a credential.
pub const COMMAND_PATIENCE: Duration = Duration::from_secs(10);

/// Looks at a server come several times a second; its credential is not had anew that often.
pub const PAUSE: Duration = Duration::from_secs(10);

/// How a server is reached. The default is a server that asks for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// PEM file of the only authorities to trust; the system's when `None`.
    pub ca: Option<PathBuf>,
    /// Client certificate.
    pub identity: Option<Identity>,
    /// The credential that each call carries.
    pub auth: Auth,
    /// Longest wait for [`Auth::Command`].
    pub patience: Duration,
    /// A credential that is refused, or cannot be had, is not had anew sooner than this.
    pub pause: Duration,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            ca: None,
            identity: None,
            auth: Auth::None,
            patience: COMMAND_PATIENCE,
            pause: PAUSE,
        }
    }
}

/// A client certificate, as two PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate, perhaps with its chain.
    pub cert: PathBuf,
    /// Its private key, unencrypted and readable by its owner alone.
    pub key: PathBuf,
}

/// The header that carries a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scheme {
    /// `Authorization: Bearer …`
    #[default]
    Bearer,
    /// `x-api-key: …`
    Key,
}

/// Where the credential comes from: never from an argument, a variable or the text of the
/// configuration.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Auth {
    /// None is sent.
    #[default]
    None,
    /// The one line of a file that its owner alone can read.
    File {
        /// The header it goes into.
        scheme: Scheme,
        /// The file.
        path: PathBuf,
    },
    /// The one line that a program prints; it is run without a shell.
    Command {
        /// The header it goes into.
        scheme: Scheme,
        /// The program and its arguments.
        words: Vec<String>,
    },
}

impl fmt::Debug for Auth {
    /// Without the arguments of a command: somebody may have put a secret there after all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::File { scheme, path } => write!(f, "File({scheme:?}, {})", path.display()),
            Self::Command { scheme, words } => {
                let program = words.first().map_or("", String::as_str);
                write!(f, "Command({scheme:?}, {program} …)")
            }
        }
    }
}
