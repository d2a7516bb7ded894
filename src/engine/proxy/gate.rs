//! Pure border check: who may speak to the proxy at all. What it does not know, it refuses.

use hyper::{
    HeaderMap, Method, StatusCode, Uri,
    header::{AUTHORIZATION, HOST, ORIGIN},
};

use crate::domain::EgressWay;

/// Why a call was turned away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status to answer with.
    pub status: StatusCode,
    /// The reason, in words that name the rule.
    pub reason: &'static str,
    /// The way out of the sandbox that the call tried, if it did.
    pub egress: Option<EgressWay>,
}

impl Refusal {
    /// A refusal with a reason.
    #[must_use]
    pub const fn new(status: StatusCode, reason: &'static str) -> Self {
        Self { status, reason, egress: None }
    }

    /// The same for a call that tried to leave the sandbox.
    #[must_use]
    pub const fn leaving(status: StatusCode, reason: &'static str, how: EgressWay) -> Self {
        Self { status, reason, egress: Some(how) }
    }
}

/// Headers that browsers add by themselves, and Claude Code never sends.
const OF_BROWSERS: [&str; 3] =
    ["sec-fetch-site", "sec-fetch-mode", "access-control-request-method"];

/// Whether a call is a plain one, made to this machine: no tunnel, no foreign target, no foreign
/// `Host` (a name that a web page had resolve to loopback), no browser.
///
/// # Errors
/// The refusal to answer with.
pub fn local_call(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
    if method == Method::CONNECT {
        return Err(Refusal::leaving(
            StatusCode::METHOD_NOT_ALLOWED,
            "CONNECT: lcc is no tunnel",
            EgressWay::Tunnel,
        ));
    }
    if uri.scheme().is_some() || uri.authority().is_some() {
        return Err(Refusal::leaving(
            StatusCode::BAD_REQUEST,
            "absolute target: lcc forwards to its model server only",
            EgressWay::AbsoluteTarget,
        ));
    }
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().and_then(|h| h.to_str().ok());
    if hosts.next().is_some() || !host.is_some_and(is_loopback) {
        return Err(Refusal::leaving(
            StatusCode::FORBIDDEN,
            "Host is not this machine's loopback",
            EgressWay::ForeignHost,
        ));
    }
    if headers.contains_key(ORIGIN) || OF_BROWSERS.iter().any(|name| headers.contains_key(*name)) {
        return Err(Refusal::leaving(
            StatusCode::FORBIDDEN,
            "Origin: a browser's calls are not answered",
            EgressWay::ForeignOrigin,
        ));
    }
    Ok(())
}

/// Whether a call carries the session's token, as a bearer or as `x-api-key`.
///
/// # Errors
/// The refusal to answer with.
pub fn token(headers: &HeaderMap, token: Option<&str>) -> Result<(), Refusal> {
    let Some(token) = token else { return Ok(()) };
    let bearer = headers
        .get(AUTHORIZATION)
        .and_then(|v| v.as_bytes().split_at_checked(7))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "))
        .map(|(_, given)| given);
    let key = headers.get("x-api-key").map(hyper::header::HeaderValue::as_bytes);
    if [bearer, key].into_iter().flatten().any(|given| same(given, token.as_bytes())) {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::UNAUTHORIZED, "the session's token is missing or wrong"))
}

/// Compares in a time that depends on the secret's length alone: it tells nothing of where the two
/// differ, nor of how much of it is right.
fn same(given: &[u8], secret: &[u8]) -> bool {
    let different = secret.iter().enumerate().fold(0, |sum, (at, byte)| {
        // Past the given end a byte that differs from every secret's is compared.
        let other = given.get(at).copied().unwrap_or(!*byte);
        std::hint::black_box(sum | (byte ^ other))
    });
    different == 0 && given.len() == secret.len()
}

/// Whether an authority names this machine: `127.0.0.1`, `localhost` or `[::1]`, with any port.
fn is_loopback(authority: &str) -> bool {
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|name| {
        authority.split_at_checked(name.len()).is_some_and(|(host, rest)| {
            let port = rest.strip_prefix(':');
            host.eq_ignore_ascii_case(name)
                && (rest.is_empty() || port.is_some_and(|p| p.parse::<u16>().is_ok()))
        })
    })
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn only_plain_calls_to_loopback_pass() {
        let table = [
            ("POST", "/v1/messages", Some("127.0.0.1:8080"), None, 200),
            ("POST", "/v1/messages", Some("localhost"), None, 200),
            ("POST", "/v1/messages", Some("LOCALHOST:1"), None, 200),
            ("POST", "/v1/messages", Some("LOCALHOST:1"), Some("http://localhost:3"), 403),
            ("GET", "/", Some("[::1]:9"), None, 200),
            ("GET", "/", None, None, 403),
            ("GET", "/", Some("evil.example"), None, 403),
            ("GET", "/", Some("127.0.0.1.evil.example"), None, 403),
            ("GET", "/", Some("localhost:8080@evil"), None, 403),
            ("GET", "/", Some("127.0.0.1:99999"), None, 403),
            ("GET", "/", Some("localhost"), Some("https://evil.example"), 403),
            ("GET", "/", Some("localhost"), Some("null"), 403),
            ("GET", "http://evil.example/v1/messages", Some("localhost"), None, 400),
            ("CONNECT", "evil.example:443", Some("localhost"), None, 405),
        ];
        for (method, target, host, origin, expected) in table {
            let mut headers = HeaderMap::new();
            if let Some(host) = host {
                headers.insert(HOST, HeaderValue::from_static(host));
            }
            if let Some(origin) = origin {
                headers.insert(ORIGIN, HeaderValue::from_static(origin));
            }
            let got = local_call(&method.parse().unwrap(), &target.parse().unwrap(), &headers);
            let got = got.map_or_else(|r| r.status.as_u16(), |()| 200);
            assert_eq!(got, expected, "{method} {target} {host:?} {origin:?}");
        }
    }

    #[test]
    fn the_token_in_either_header() {
        let table = [
            (None, "authorization", "", true),
            (Some("s3cret"), "authorization", "Bearer s3cret", true),
            (Some("s3cret"), "authorization", "bearer s3cret", true),
            (Some("s3cret"), "x-api-key", "s3cret", true),
            (Some("s3cret"), "authorization", "s3cret", false),
            (Some("s3cret"), "authorization", "Bearer s3cre", false),
            (Some("s3cret"), "authorization", "Bearer s3crets", false),
            (Some("s3cret"), "x-api-key", "", false),
            (Some("s3cret"), "cookie", "s3cret", false),
        ];
        for (secret, name, value, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            assert_eq!(token(&headers, secret).is_ok(), expected, "{name}: {value}");
        }
    }
}
