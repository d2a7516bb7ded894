//! The server's URL: http or https, one normal form, and whether it stays on this machine.

use std::net::IpAddr;

use reqwest::Url;

/// Reads a server URL and gives it back without a trailing slash.
///
/// # Errors
/// A sentence that says what is wrong and what is expected.
pub fn parse(text: &str) -> Result<String, String> {
    const EXAMPLE: &str = "expected a URL such as http://127.0.0.1:8080";
    let url = Url::parse(text.trim()).map_err(|_| format!("this is not a URL; {EXAMPLE}"))?;
    match url.scheme() {
        "http" | "https" => {}
        other => return Err(format!("the scheme {other}: is not http or https; {EXAMPLE}")),
    }
    if url.host().is_none() {
        return Err(format!("no host; {EXAMPLE}"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a user name or password in it; a credential goes into a file, named by \
                    auth.bearer_file or auth.key_file"
            .to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("a query or fragment has no meaning here; {EXAMPLE}"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Whether a URL is https. What does not parse is not.
pub(super) fn is_https(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.scheme() == "https")
}

/// Whether two URLs lead to the same program: scheme, host and port are the same.
pub(super) fn same_server(a: &str, b: &str) -> bool {
    match (Url::parse(a), Url::parse(b)) {
        (Ok(a), Ok(b)) => a.origin() == b.origin(),
        (Ok(_) | Err(_), Ok(_) | Err(_)) => false,
    }
}

/// Whether a URL names this machine: 127.0.0.0/8, `::1` or `localhost`.
///
/// What does not parse is not loopback.
#[must_use]
pub fn is_loopback(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let Some(host) = url.host_str() else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback(),
        Ok(IpAddr::V6(ip)) => {
            ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback())
        }
        Err(_) => bare == "localhost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_one_normal_form_or_a_reason() {
        for (given, expected) in [
            ("http://127.0.0.1:8080", Ok("http://127.0.0.1:8080")),
            ("http://127.0.0.1:8080/", Ok("http://127.0.0.1:8080")),
            (" http://LOCALHOST:11434 ", Ok("http://localhost:11434")),
            ("http://[::1]:1/api/", Ok("http://[::1]:1/api")),
            ("127.0.0.1:8080", Err("expected a URL")),
            ("localhost:8080", Err("is not http")),
            ("ftp://127.0.0.1", Err("is not http")),
            ("https://GPU1.example/llm/", Ok("https://gpu1.example/llm")),
            ("http://u:p@127.0.0.1", Err("password")),
            ("http://127.0.0.1/?a=b", Err("query")),
            ("", Err("expected a URL")),
        ] {
            match (parse(given), expected) {
                (Ok(url), Ok(wanted)) => assert_eq!(url, wanted),
                (Err(message), Err(part)) => assert!(message.contains(part), "{given}: {message}"),
                (got, wanted) => panic!("{given}: {got:?}, wanted {wanted:?}"),
            }
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for url in [
            "http://127.0.0.1:1",
            "http://127.9.8.7",
            "http://127.1",
            "http://2130706433",
            "http://[::1]:1",
            "http://[::ffff:127.0.0.1]",
            "http://localhost",
        ] {
            assert!(is_loopback(url), "{url}");
        }
        for url in [
            "http://192.168.0.1",
            "http://0.0.0.0:8080",
            "http://[::]",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://127.0.0.1@example.com",
            "http://example.com/127.0.0.1",
            "nonsense",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
