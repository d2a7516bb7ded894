//! Pure table of paths: which go upstream, which are answered here, which are refused.

use hyper::{Method, StatusCode};

use super::gate::Refusal;
use crate::domain::{Dialect, EgressWay};

/// Where a call goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// A request to the model: upstream, with rules and tap.
    Model,
    /// Upstream as it is.
    Pass,
    /// Answered here.
    Local(Local),
    /// Not answered.
    Refused(Refusal),
}

/// What is answered here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Local {
    /// "Are you there?" (`HEAD /` of 2.1.197, `HEAD /api/hello` of 2.1.330). Carries no token.
    Hello,
    /// Telemetry, which ends here. May carry no token.
    Logged,
    /// A token count that the server cannot give. Without an answer Claude Code would count by
    /// sending the conversation to the model.
    Count,
}

impl Local {
    /// Whether a caller without the session's token gets this answer too: it says nothing and
    /// reaches nothing.
    #[must_use]
    pub const fn needs_token(self) -> bool {
        match self {
            Self::Hello | Self::Logged => false,
            Self::Count => true,
        }
    }
}

/// Where a call goes, by method and path (without query).
#[must_use]
pub fn route(method: &Method, path: &str, dialect: Dialect) -> Route {
    let get = method == Method::GET;
    let head = method == Method::HEAD;
    let post = method == Method::POST;
    match path {
        "/v1/messages" if post => Route::Model,
        "/v1/messages/count_tokens" if post && dialect.count_tokens => Route::Pass,
        "/v1/messages/count_tokens" if post => Route::Local(Local::Count),
        "/" if head => Route::Local(Local::Hello),
        "/api/hello" if head || get => Route::Local(Local::Hello),
        "/v1/models" if get => Route::Pass,
        "/v1/messages" | "/v1/messages/count_tokens" | "/" | "/api/hello" | "/v1/models" => {
            Route::Refused(Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method is not allowed on this path",
            ))
        }
        _ if path.starts_with("/api/event_logging/") && post => Route::Local(Local::Logged),
        _ => match path.strip_prefix("/v1/models/") {
            Some(id) if get && is_plain(id) => Route::Pass,
            Some(_) | None => Route::Refused(Refusal::leaving(
                StatusCode::NOT_FOUND,
                "path is not served",
                EgressWay::UnknownPath,
            )),
        },
    }
}

/// A model's name and nothing that could climb out of the path.
fn is_plain(id: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:@/".contains(c);
    // Parts of dots, and empty ones, mean something to whoever puts a path together.
    let odd = |part: &str| part.is_empty() || part.bytes().all(|byte| byte == b'.');
    id.chars().all(plain) && !id.split('/').any(odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_its_way() {
        let table = [
            ("POST", "/v1/messages", true, "model"),
            ("GET", "/v1/messages", true, "405"),
            ("POST", "/v1/messages/count_tokens", true, "pass"),
            ("POST", "/v1/messages/count_tokens", false, "count"),
            ("HEAD", "/", true, "hello"),
            ("GET", "/", true, "405"),
            ("HEAD", "/api/hello", true, "hello"),
            ("GET", "/api/hello", true, "hello"),
            ("POST", "/api/event_logging/batch", true, "logged"),
            ("POST", "/api/event_logging/v2/batch", true, "logged"),
            ("GET", "/v1/models", true, "pass"),
            ("GET", "/v1/models/org/gemma-3:270m", true, "pass"),
            ("GET", "/v1/models/../../slots", true, "404"),
            ("GET", "/v1/models/%2e%2e", true, "404"),
            ("GET", "/v1/models/a%2f..%2fslots", true, "404"),
            ("GET", "/v1/models/./slots", true, "404"),
            ("GET", "/v1/models/a//b", true, "404"),
            ("GET", "/v1/models/a/...", true, "404"),
            ("GET", "/v1/models/a\\..\\b", true, "404"),
            ("GET", "/v1/models/", true, "404"),
            ("POST", "/v1%2fmessages", true, "404"),
            ("POST", "/v1/messages/../messages", true, "404"),
            ("DELETE", "/v1/messages", true, "405"),
            ("OPTIONS", "/v1/messages", true, "405"),
            ("POST", "/v1/messages/", true, "404"),
            ("POST", "//v1/messages", true, "404"),
            ("GET", "/slots", true, "404"),
            ("POST", "/v1/chat/completions", true, "404"),
            ("GET", "/api/event_logging/batch", true, "404"),
        ];
        for (method, path, count_tokens, expected) in table {
            let dialect = Dialect { count_tokens, ..Dialect::LLAMA };
            let got = match route(&method.parse().unwrap(), path, dialect) {
                Route::Model => "model".to_owned(),
                Route::Pass => "pass".to_owned(),
                Route::Local(Local::Hello) => "hello".to_owned(),
                Route::Local(Local::Logged) => "logged".to_owned(),
                Route::Local(Local::Count) => "count".to_owned(),
                Route::Refused(refusal) => refusal.status.as_u16().to_string(),
            };
            assert_eq!(got, expected, "{method} {path}");
        }
    }
}
