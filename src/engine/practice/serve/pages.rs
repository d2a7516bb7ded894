//! The routes of the server and all its answers but those of `/v1/messages`.

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue, SERVER};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::{Body, Shared, messages};
use crate::engine::practice::wire::{self, MODEL};
use crate::engine::practice::{BUILD, render, tokenize};

/// The largest request body, in bytes.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// Answers one request.
pub async fn route(request: Request<Incoming>, shared: Shared) -> Response<Body> {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let mut answer = match (&method, path.as_str()) {
        (&Method::POST, "/v1/messages") => match body(request).await {
            Ok(body) => messages::answer(body, &shared).await,
            Err(answer) => answer,
        },
        (&Method::POST, "/v1/messages/count_tokens") => match body(request).await {
            Ok(body) => match messages::checked(body) {
                Ok(body) => ok(&json!({"input_tokens": render::prompt(&body).len()})),
                Err(answer) => answer,
            },
            Err(answer) => answer,
        },
        (&Method::POST, "/tokenize") => match body(request).await {
            Ok(body) => {
                let content = body.get("content").and_then(Value::as_str).unwrap_or_default();
                ok(&json!({"tokens": tokenize::tokens(content)}))
            }
            Err(answer) => answer,
        },
        (&Method::GET, "/slots") => slots(&shared, &query).await,
        (&Method::GET, "/metrics") => match shared.runner.look().await {
            Some(look) => plain("text/plain; version=0.0.4", look.totals.text()),
            None => stopping(),
        },
        (&Method::GET, "/props") => ok(&props(&shared)),
        (&Method::GET, "/health" | "/v1/health") => ok(&json!({"status": "ok"})),
        (&Method::GET, "/v1/models" | "/models") => ok(&models(&shared)),
        (&Method::GET | &Method::HEAD, "/") => plain(
            "text/plain; charset=utf-8",
            "This is lcc's practice server. There is no model behind it.\n".to_owned(),
        ),
        _ => json(
            StatusCode::NOT_FOUND,
            &json!({"error": {"message": "File Not Found", "type": "not_found_error", "code": 404}}),
        ),
    };
    answer.headers_mut().insert(SERVER, HeaderValue::from_static("lcc-practice"));
    answer
}

async fn slots(shared: &Shared, query: &str) -> Response<Body> {
    let Some(look) = shared.runner.look().await else { return stopping() };
    let none_idle = look.slots.iter().all(|slot| slot.is_processing);
    if none_idle && query.split('&').any(|pair| pair == "fail_on_no_slot=1") {
        let body = wire::error(503, "unavailable_error", "no slot available");
        return json(StatusCode::SERVICE_UNAVAILABLE, &body);
    }
    let list: Vec<Value> = look.slots.iter().map(|slot| slot.json()).collect();
    ok(&Value::Array(list))
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

/// The JSON of a request's body, or the answer to a body that is none.
async fn body(request: Request<Incoming>) -> Result<Value, Response<Body>> {
    let wrong = |message: String| {
        json(StatusCode::BAD_REQUEST, &wire::error(400, "invalid_request_error", &message))
    };
    let bytes = Limited::new(request.into_body(), MOST_BYTES)
        .collect()
        .await
        .map_err(|error| wrong(format!("reading the body: {error}")))?
        .to_bytes();
    serde_json::from_slice(&bytes).map_err(|error| wrong(format!("the body is no JSON: {error}")))
}

/// A body of text.
pub fn plain(kind: &'static str, text: String) -> Response<Body> {
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed();
    let mut answer = Response::new(body);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

/// A body of JSON.
pub fn json(status: StatusCode, value: &Value) -> Response<Body> {
    let mut answer = plain("application/json; charset=utf-8", value.to_string());
    *answer.status_mut() = status;
    answer
}

/// A body of JSON with status 200.
pub fn ok(value: &Value) -> Response<Body> {
    json(StatusCode::OK, value)
}

/// The answer while the server goes down.
pub fn stopping() -> Response<Body> {
    let body = wire::error(503, "unavailable_error", "the practice server is stopping");
    json(StatusCode::SERVICE_UNAVAILABLE, &body)
}
