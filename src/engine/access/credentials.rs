//! The credential of every call: had once, kept, and had anew when the server refuses it.

use std::time::Duration;

use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use tokio::{sync::Mutex, time::Instant};

use super::{Access, Auth, CredentialError, Scheme, Secret, command, files};

/// The header that a credential goes into, as a name and a value.
pub(super) type Header = (HeaderName, HeaderValue);

/// Where the credential comes from, and the one that was had last.
#[derive(Debug)]
pub(super) struct Credentials {
    auth: Auth,
    patience: Duration,
    pause: Duration,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    last: Option<Result<Secret, CredentialError>>,
    had: Option<Instant>,
}

impl Held {
    fn rests(&self, pause: Duration) -> bool {
        self.had.is_some_and(|had| had.elapsed() < pause)
    }
}

impl Credentials {
    pub(super) fn new(access: &Access) -> Self {
        let auth = access.auth.clone();
        Self { auth, patience: access.patience, pause: access.pause, held: Mutex::default() }
    }

    pub(super) const fn any(&self) -> bool {
        match self.auth {
            Auth::None => false,
            Auth::File { .. } | Auth::Command { .. } => true,
        }
    }

    /// The header for a call; `None` when calls carry no credential. Callers wait for one another:
    /// a command runs once for all of them.
    pub(super) async fn header(&self) -> Result<Option<Header>, CredentialError> {
        let Some(scheme) = self.scheme() else { return Ok(None) };
        let mut held = self.held.lock().await;
        match &held.last {
            Some(Ok(secret)) => return Ok(header(scheme, secret)),
            Some(Err(error)) if held.rests(self.pause) => return Err(error.clone()),
            Some(Err(_)) | None => {}
        }
        let secret = self.have(&mut held).await?;
        Ok(header(scheme, &secret))
    }

    /// Another header after the server refused `refused`; `None` when there is no other.
    pub(super) async fn another(
        &self,
        refused: &Header,
    ) -> Result<Option<Header>, CredentialError> {
        let Some(scheme) = self.scheme() else { return Ok(None) };
        let mut held = self.held.lock().await;
        if let Some(Ok(secret)) = &held.last {
            let known = header(scheme, secret);
            if known.as_ref() != Some(refused) {
                // Somebody else had it anew meanwhile.
                return Ok(known);
            }
        }
        if held.rests(self.pause) {
            return Ok(None);
        }
        let secret = self.have(&mut held).await?;
        Ok(header(scheme, &secret).filter(|new| new != refused))
    }

    async fn have(&self, held: &mut Held) -> Result<Secret, CredentialError> {
        let had = match &self.auth {
            Auth::None => return Err(nothing()),
            Auth::File { path, .. } => files::read_secret(path)
                .and_then(|bytes| Secret::from_line(&bytes).map_err(|what| format!("has {what}")))
                .map_err(|reason| CredentialError::File { path: path.clone(), reason }),
            Auth::Command { words, .. } => command::run(words, self.patience).await,
        };
        *held = Held { last: Some(had.clone()), had: Some(Instant::now()) };
        had
    }

    const fn scheme(&self) -> Option<Scheme> {
        match &self.auth {
            Auth::None => None,
            Auth::File { scheme, .. } | Auth::Command { scheme, .. } => Some(*scheme),
        }
    }
}

/// Cannot come up: who has no credential is never asked for one.
fn nothing() -> CredentialError {
    CredentialError::Command { program: String::new(), reason: "is not set".to_owned() }
}

fn header(scheme: Scheme, secret: &Secret) -> Option<Header> {
    let name = match scheme {
        Scheme::Bearer => AUTHORIZATION,
        Scheme::Key => HeaderName::from_static("x-api-key"),
    };
    Some((name, secret.header(scheme)?))
}
