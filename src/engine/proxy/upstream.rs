//! The way to the model server: one client, nothing decompressed, nothing followed, nothing kept.

use std::error::Error;

use bytes::Bytes;
use hyper::{
    HeaderMap, Method, Response,
    header::{
        ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue,
        PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
    },
};

use super::{answers, passage::ReplyBody};
use crate::engine::access::{AccessError, Reach, SendError, explain};

/// Headers that speak of one connection and not of the call.
const HOP_BY_HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// The model server as the proxy reaches it.
#[derive(Debug, Clone)]
pub struct Upstream {
    reach: Reach,
    base: String,
    /// `localhost:PORT`, for servers that want a local name, when the real one is not local.
    local_host: Option<HeaderValue>,
}

impl Upstream {
    /// The server at `base` (scheme, host and port, perhaps a path), reached by `reach`.
    ///
    /// # Errors
    /// When the URL is no http URL.
    pub fn new(base: &str, reach: Reach) -> Result<Self, UpstreamError> {
        let base = base.trim_end_matches('/');
        let url = reqwest::Url::parse(base)
            .map_err(|e| UpstreamError::Url { url: base.to_owned(), why: e.to_string() })?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            let why = "expected http://HOST:PORT".to_owned();
            return Err(UpstreamError::Url { url: base.to_owned(), why });
        }
        let local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        let name = format!("localhost:{}", url.port_or_known_default().unwrap_or(80));
        let local_host = if local { None } else { HeaderValue::from_str(&name).ok() };
        Ok(Self { reach, base: base.to_owned(), local_host })
    }

    /// The server's base URL.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sends a call and waits for the head of its answer. Dropping the future or the answer
    /// closes the connection.
    ///
    /// # Errors
    /// When the server cannot be reached or breaks off before the head.
    pub async fn send(
        &self,
        method: Method,
        target: &str,
        mut headers: HeaderMap,
        body: Bytes,
        local_host: bool,
    ) -> Result<reqwest::Response, SendError> {
        if let Some(host) = self.local_host.as_ref().filter(|_| local_host) {
            headers.insert(HOST, host.clone());
        }
        let url = format!("{}{target}", self.base);
        let call = self.reach.client().request(method, url).headers(headers);
        let call = if body.is_empty() { call } else { call.body(body) };
        self.reach.send(call.build()?).await
    }

    /// Whether calls carry a credential of lcc's own; then the caller's ends here.
    #[must_use]
    pub fn has_credential(&self) -> bool {
        self.reach.has_credential()
    }

    /// Why a call got no answer, and the answer that says so.
    #[must_use]
    pub fn no_answer(&self, error: &SendError) -> (String, Response<ReplyBody>) {
        match explain(error, &self.reach) {
            Some(said) => {
                let answer = answers::barred(&self.base, &said);
                (said, answer)
            }
            None => {
                let said = why(error);
                let answer = answers::server_down(&self.base, &said);
                (said, answer)
            }
        }
    }
}

/// Why there is no way to the server.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// The URL is unusable.
    #[error("{url:?} is no address of a model server: {why}")]
    Url {
        /// The URL as given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is no way to it as it was asked for.
    #[error(transparent)]
    Access(#[from] AccessError),
}

/// The headers to send upstream. `hide_credentials`: the token belongs to lcc and ends here.
#[must_use]
pub fn request_headers(from: &HeaderMap, hide_credentials: bool) -> HeaderMap {
    let mut headers = end_to_end(from);
    headers.remove(HOST);
    headers.remove(CONTENT_LENGTH);
    // On one machine compression only costs, and the tap could not read it.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if hide_credentials {
        headers.remove(AUTHORIZATION);
        headers.remove("x-api-key");
    }
    headers
}

/// The headers that go through, of a request or an answer: without hop-by-hop ones and those that
/// `Connection` names.
#[must_use]
pub fn end_to_end(from: &HeaderMap) -> HeaderMap {
    let mut headers = from.clone();
    for value in from.get_all(CONNECTION) {
        for name in value.to_str().unwrap_or_default().split(',') {
            headers.remove(name.trim());
        }
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
    headers
}

/// The innermost cause of an error: what the operating system or HTTP said.
#[must_use]
pub fn why(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_one_hop_stays_here() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", "127.0.0.1:1"),
            ("connection", "keep-alive, X-Hop"),
            ("x-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("content-length", "5"),
            ("authorization", "Bearer t"),
            ("x-api-key", "t"),
            ("anthropic-version", "2023-06-01"),
            ("accept-encoding", "gzip, br"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let names = |h: &HeaderMap| {
            let mut names: Vec<_> = h.keys().map(|k| k.as_str().to_owned()).collect();
            names.sort();
            names
        };
        let hidden = request_headers(&headers, true);
        assert_eq!(names(&hidden), ["accept-encoding", "anthropic-version"]);
        assert_eq!(hidden["accept-encoding"], "identity");
        let shown = request_headers(&headers, false);
        assert_eq!(
            names(&shown),
            ["accept-encoding", "anthropic-version", "authorization", "x-api-key"]
        );
    }

    #[test]
    fn only_http_addresses_are_taken() {
        for url in ["http://127.0.0.1:8080", "http://127.0.0.1:8080/", "https://box.local/llm"] {
            assert!(Upstream::new(url, Reach::plain().unwrap()).is_ok(), "{url}");
        }
        for url in ["", "127.0.0.1:8080", "ftp://127.0.0.1", "unix:/run/x"] {
            assert!(Upstream::new(url, Reach::plain().unwrap()).is_err(), "{url}");
        }
    }
}
