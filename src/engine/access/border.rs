//! Pure: what may cross to another machine.

/// Whether a call to `url` would carry what it carries in the clear over a network: plain http
/// to a host that is not this machine. `loopback` is whether the URL names this machine.
#[must_use]
pub fn crosses_in_the_clear(url: &str, loopback: bool) -> bool {
    let https = url.split_once("://").is_some_and(|(s, _)| s.eq_ignore_ascii_case("https"));
    !https && !loopback
}

/// Whether a URL's host is this machine. The host is taken as the URL's own reader gives it, so
/// that no writing of it can deceive.
pub(super) fn is_this_machine(url: &reqwest::Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(ip)) => ip.is_loopback(),
        Ok(std::net::IpAddr::V6(ip)) => {
            ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback())
        }
        Err(_) => bare == "localhost",
    }
}

/// The host of a server's URL, where it is another machine. A URL that cannot be read is one.
#[must_use]
pub fn other_machine(url: &str) -> Option<String> {
    match reqwest::Url::parse(url) {
        Ok(url) if is_this_machine(&url) => None,
        Ok(url) => Some(url.host_str().unwrap_or_default().to_owned()),
        Err(_) => Some(url.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_to_another_machine_is_in_the_clear() {
        for (url, clear) in [
            ("http://127.0.0.1:8080", false),
            ("http://127.9.8.7", false),
            ("http://localhost:1/base", false),
            ("http://[::1]:1", false),
            ("https://gpu1.example", false),
            ("https://10.0.0.7:8443/llm", false),
            ("http://gpu1.example", true),
            ("HTTP://10.0.0.7:8000", true),
            ("http://0.0.0.0:8000", true),
            ("http://localhost.example.com", true),
            ("http://127.0.0.1.example.com", true),
        ] {
            let parsed = reqwest::Url::parse(url).unwrap();
            assert_eq!(crosses_in_the_clear(url, is_this_machine(&parsed)), clear, "{url}");
        }
    }
}
