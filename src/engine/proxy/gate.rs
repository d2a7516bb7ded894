//! Pure border check: who may speak to the proxy at all. What it does not know, it refuses.

use hyper::{
    HeaderMap, Method, StatusCode, Uri,
    header::{AUTHORIZATION, HOST, ORIGIN},
};

/// Why a call was turned away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status to answer with.
    pub status: StatusCode,
    /// The reason, in words.
    pub reason: &'static str,
}

impl Refusal {
    /// A refusal with a reason.
    #[must_use]
    pub const fn new(status: StatusCode, reason: &'static str) -> Self {
        Self { status, reason }
    }
}

/// Whether a call is a plain one, made to this machine: no tunnel, no foreign target, no foreign
/// `Host` (a name that a web page had resolve to loopback), no page's `Origin`.
///
/// # Errors
/// The refusal to answer with.
pub fn local_call(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
    if method == Method::CONNECT {
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "CONNECT: lcc is no tunnel"));
    }
    if uri.scheme().is_some() || uri.authority().is_some() {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "absolute target: lcc forwards to its model server only",
        ));
    }
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().and_then(|h| h.to_str().ok());
    if hosts.next().is_some() || !host.is_some_and(is_loopback) {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "Host is not this machine's loopback"));
    }
    let foreign = |origin: &str| {
        let (_, host) = origin.split_once("://").unwrap_or(("", origin));
        !is_loopback(host)
    };
    if headers.get_all(ORIGIN).iter().any(|o| o.to_str().map_or(true, foreign)) {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "Origin is a web page"));
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

/// Compares in a time that tells nothing of where two secrets differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    let different = a.iter().zip(b).fold(0, |sum, (x, y)| std::hint::black_box(sum | (x ^ y)));
    a.len() == b.len() && different == 0
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
            ("POST", "/v1/messages", Some("LOCALHOST:1"), Some("http://localhost:3"), 200),
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
