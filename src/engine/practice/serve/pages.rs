//! The routes of the server and all its answers but those of `/v1/messages`.

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue, SERVER};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::{Body, Shared, messages, saved};
use crate::engine::practice::view::SlotView;
use crate::engine::practice::wire::{self, MODEL};
use crate::engine::practice::{BUILD, tokenize};

/// The largest request body, in bytes.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// An answer that is no success: a status and llama-server's body for it.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    body: Value,
}

impl Refusal {
    /// The refusal `code` of the kind `kind`.
    pub fn new(code: u16, kind: &str, message: &str) -> Self {
        let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, body: wire::error(code, kind, message) }
    }

    /// The prompt of `total` tokens does not fit `window`.
    pub fn too_long(total: u64, window: u64) -> Self {
        Self { status: StatusCode::BAD_REQUEST, body: wire::too_long(total, window) }
    }

    /// The server goes down.
    pub fn stopping() -> Self {
        Self::new(503, "unavailable_error", "the practice server is stopping")
    }
}

/// Answers one request.
pub async fn route(request: Request<Incoming>, shared: Shared) -> Response<Body> {
    let mut answer = page(request, &shared).await.unwrap_or_else(|refusal| {
        let mut answer = ok(&refusal.body);
        *answer.status_mut() = refusal.status;
        answer
    });
    answer.headers_mut().insert(SERVER, HeaderValue::from_static("lcc-practice"));
    answer
}

async fn page(request: Request<Incoming>, shared: &Shared) -> Result<Response<Body>, Refusal> {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    match (&method, path.as_str()) {
        (&Method::POST, "/v1/messages") => messages::answer(&body(request).await?, shared).await,
        (&Method::POST, "/v1/messages/count_tokens") => {
            let tokens = messages::prompt(&body(request).await?)?;
            Ok(ok(&json!({"input_tokens": tokens.len()})))
        }
        (&Method::POST, "/tokenize") => {
            let body = body(request).await?;
            let content = body.get("content").and_then(Value::as_str).unwrap_or_default();
            Ok(ok(&json!({"tokens": tokenize::tokens(content)})))
        }
        (&Method::GET, "/slots") => slots(shared, request.uri().query().unwrap_or_default()).await,
        (&Method::POST, path) if path.starts_with("/slots/") => {
            let query = request.uri().query().unwrap_or_default().to_owned();
            let path = path.to_owned();
            saved::act(shared, &path, &query, &body(request).await?).await
        }
        (&Method::GET, "/metrics") => {
            let look = shared.runner.look().await.ok_or_else(Refusal::stopping)?;
            Ok(plain("text/plain; version=0.0.4", look.totals.text()))
        }
        (&Method::GET, "/props") => Ok(ok(&props(shared))),
        (&Method::GET, "/health" | "/v1/health") => Ok(ok(&json!({"status": "ok"}))),
        (&Method::GET, "/v1/models" | "/models") => Ok(ok(&models(shared))),
        (&Method::GET | &Method::HEAD, "/") => Ok(plain(
            "text/plain; charset=utf-8",
            "This is lcc's practice server. There is no model behind it.\n".to_owned(),
        )),
        // The real server's body, key by key: another order than in its other errors.
        _ => Err(Refusal {
            status: StatusCode::NOT_FOUND,
            body: json!({"error": {"message": "File Not Found", "type": "not_found_error", "code": 404}}),
        }),
    }
}

async fn slots(shared: &Shared, query: &str) -> Result<Response<Body>, Refusal> {
    let look = shared.runner.look().await.ok_or_else(Refusal::stopping)?;
    let none_idle = look.slots.iter().all(|slot| slot.is_processing);
    if none_idle && query.split('&').any(|pair| pair == "fail_on_no_slot=1") {
        return Err(Refusal::new(503, "unavailable_error", "no slot available"));
    }
    Ok(ok(&Value::Array(look.slots.iter().map(SlotView::json).collect())))
}

fn props(shared: &Shared) -> Value {
    json!({
        "default_generation_settings": {"params": {}, "n_ctx": shared.options.window},
        "total_slots": shared.options.slots.max(1),
        "model_alias": MODEL,
        "model_ftype": "none",
        "model_path": "",
        "modalities": {"vision": false, "video": false, "audio": false},
        "endpoint_slots": true,
        "endpoint_props": false,
        "endpoint_metrics": true,
        "ui": false,
        "chat_template": "",
        "chat_template_caps": {},
        "bos_token": "",
        "eos_token": "",
        "build_info": BUILD,
        "is_sleeping": false,
    })
}

fn models(shared: &Shared) -> Value {
    let window = shared.options.window;
    json!({"object": "list", "data": [{
        "id": MODEL,
        "aliases": [MODEL],
        "object": "model",
        "created": 0,
        "owned_by": "lcc-practice",
        "meta": {"n_ctx": window, "n_ctx_train": window, "n_params": 0, "size": 0, "ftype": "none"},
    }]})
}

/// The JSON of a request's body.
async fn body(request: Request<Incoming>) -> Result<Value, Refusal> {
    let wrong = |message: String| Refusal::new(400, "invalid_request_error", &message);
    let bytes = Limited::new(request.into_body(), MOST_BYTES)
        .collect()
        .await
        .map_err(|error| wrong(format!("reading the body: {error}")))?
        .to_bytes();
    serde_json::from_slice(&bytes).map_err(|error| wrong(format!("the body is no JSON: {error}")))
}

/// A body of text.
fn plain(kind: &'static str, text: String) -> Response<Body> {
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed();
    let mut answer = Response::new(body);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

/// A body of JSON with status 200.
pub fn ok(value: &Value) -> Response<Body> {
    plain("application/json; charset=utf-8", value.to_string())
}
