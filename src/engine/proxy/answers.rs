//! Pure: what the proxy itself says, in Anthropic's envelope where it is an error.

use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde_json::json;

use super::passage::ReplyBody;

/// An error's body in Anthropic's envelope.
#[must_use]
pub fn envelope(kind: &str, message: &str) -> String {
    json!({"type": "error", "error": {"type": kind, "message": message}}).to_string()
}

/// An error as an answer. The type follows from the status, as Anthropic pairs them.
#[must_use]
pub fn error(status: StatusCode, message: &str) -> Response<ReplyBody> {
    let kind = match status.as_u16() {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        503 | 529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    };
    json_answer(status, envelope(kind, message))
}

/// The answer when the server could not be reached. Claude Code tries again by itself.
#[must_use]
pub fn server_down(upstream: &str, why: &str) -> Response<ReplyBody> {
    let message = format!(
        "lcc: the model server at {upstream} does not answer ({why}). Start it again, or restart \
         lcc with --server URL; the request is repeated by itself."
    );
    error(StatusCode::SERVICE_UNAVAILABLE, &message)
}

/// The answer when the server is there but there is no way in; `said` tells what to do.
#[must_use]
pub fn barred(upstream: &str, said: &str) -> Response<ReplyBody> {
    let message = format!("lcc: {upstream}: {said}. The request is repeated by itself.");
    error(StatusCode::SERVICE_UNAVAILABLE, &message)
}

/// The event that ends a stream which the server broke off, for a stream that stands in the
/// middle of a line or not. Without a blank line before it: what there is of an unfinished event
/// becomes part of the error event, so that the client never reads half a frame as a whole one.
#[must_use]
pub fn broken_event(upstream: &str, why: &str, in_line: bool) -> String {
    let message = format!("lcc: the model server at {upstream} broke off its answer ({why}).");
    let line = if in_line { "\n" } else { "" };
    format!("{line}event: error\ndata: {}\n\n", envelope("api_error", &message))
}

/// A JSON answer.
#[must_use]
pub fn json_answer(status: StatusCode, body: String) -> Response<ReplyBody> {
    let mut answer = Response::new(ReplyBody::whole(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
