//! One client for all that lcc asks of a server, with the server's credential on every call.

use std::{sync::Arc, time::Duration};

use hyper::{StatusCode, header::AUTHORIZATION};
use reqwest::{Client, Request, Response};

use super::{
    Access, AccessError, SendError,
    border::{crosses_in_the_clear, is_this_machine},
    credentials::{Credentials, Header},
    tls,
};

/// The way to one server. Copies share the connections and the credential.
#[derive(Debug, Clone)]
pub struct Reach {
    client: Client,
    credentials: Arc<Credentials>,
    identity: bool,
}

impl Reach {
    /// The way to servers of this machine that ask for nothing.
    ///
    /// # Errors
    /// When the system gives no entropy or memory for it.
    pub fn plain() -> Result<Self, AccessError> {
        Self::build(&Access::default(), false)
    }

    /// The way to the server at `base`. Reads the certificates and refuses what must not be sent;
    /// the credential itself is had with the first call, or by [`Reach::prove`].
    ///
    /// # Errors
    /// When a file is missing or open to others, or the credential would go through a network in
    /// the clear.
    pub fn open(base: &str, access: &Access) -> Result<Self, AccessError> {
        let bad = |reason: String| AccessError::Url { url: base.to_owned(), reason };
        let url = reqwest::Url::parse(base).map_err(|e| bad(e.to_string()))?;
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(bad("expected http or https".to_owned())),
        };
        if !https && (access.ca.is_some() || access.identity.is_some()) {
            return Err(AccessError::NoTls { url: base.to_owned() });
        }
        let reach = Self::build(access, https)?;
        if reach.has_credential() && crosses_in_the_clear(base, is_this_machine(&url)) {
            return Err(AccessError::InTheClear { url: base.to_owned() });
        }
        Ok(reach)
    }

    fn build(access: &Access, https: bool) -> Result<Self, AccessError> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls::config(access, https)?)
            // No proxy of the environment, and no redirect: both could lead elsewhere.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .connect_timeout(Duration::from_secs(5))
            .pool_idle_timeout(Duration::from_secs(60))
            .build()
            .map_err(|e| AccessError::Client(e.to_string()))?;
        let credentials = Arc::new(Credentials::new(access));
        Ok(Self { client, credentials, identity: access.identity.is_some() })
    }

    /// Has the credential now, so that what is wrong with it is known before anything starts.
    ///
    /// # Errors
    /// When its file or command does not give one.
    pub async fn prove(&self) -> Result<(), AccessError> {
        self.credentials.header().await?;
        Ok(())
    }

    /// Whether calls carry a credential of lcc's own; then no other goes with them.
    #[must_use]
    pub fn has_credential(&self) -> bool {
        self.credentials.any()
    }

    /// Whether lcc shows a client certificate.
    #[must_use]
    pub const fn has_identity(&self) -> bool {
        self.identity
    }

    /// The client, to make calls with for [`Reach::send`].
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Makes a call with the credential. When the server refuses it (401), it is had anew and, if
    /// it is another, the call made once more.
    ///
    /// # Errors
    /// When there is no credential, or the server cannot be reached or breaks off before the head.
    pub async fn send(&self, call: Request) -> Result<Response, SendError> {
        let Some(header) = self.credentials.header().await? else {
            return Ok(self.client.execute(call).await?);
        };
        let again = call.try_clone();
        let answer = self.client.execute(dressed(call, &header)).await?;
        let (StatusCode::UNAUTHORIZED, Some(again)) = (answer.status(), again) else {
            return Ok(answer);
        };
        match self.credentials.another(&header).await? {
            Some(other) => Ok(self.client.execute(dressed(again, &other)).await?),
            None => Ok(answer),
        }
    }
}

/// A call with this credential and no other.
fn dressed(mut call: Request, (name, value): &Header) -> Request {
    let headers = call.headers_mut();
    headers.remove(AUTHORIZATION);
    headers.remove("x-api-key");
    headers.insert(name.clone(), value.clone());
    call
}
