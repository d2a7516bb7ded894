//! Why there is no way to a server, with the way out; never with a secret.

use std::path::PathBuf;

/// Why a server cannot be reached as it was asked for. Found before a call is made.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The URL cannot be used.
    #[error("{url:?} is no address of a model server: {reason}")]
    Url {
        /// The URL as given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A credential would go through a network in the clear.
    #[error(
        "{url}: plain http to another machine shows the credential to everyone on the way; use \
         https, or an ssh tunnel to 127.0.0.1"
    )]
    InTheClear {
        /// The server.
        url: String,
    },
    /// Certificates were named for a server without TLS.
    #[error("{url}: tls.ca and tls.cert have no meaning for http; write https, or leave them out")]
    NoTls {
        /// The server.
        url: String,
    },
    /// A file that is needed cannot be used.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// The system's certificates cannot be had.
    #[error(
        "this system's trusted certificates cannot be read ({0}); install them (the package is \
         mostly called ca-certificates), or name the server's CA with tls.ca"
    )]
    Roots(String),
    /// The client cannot be made.
    #[error("cannot prepare the connection to the model server: {0}")]
    Client(String),
    /// The credential cannot be had.
    #[error(transparent)]
    Credential(#[from] CredentialError),
}

/// Why there is no credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// Its file cannot be used.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// The command did not give one.
    #[error("auth.command ({program}) {reason}")]
    Command {
        /// The program, without its arguments.
        program: String,
        /// What it did, and what to do.
        reason: String,
    },
}

/// Why a call got no answer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// There is no credential for it.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// The server or the network failed.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
}
