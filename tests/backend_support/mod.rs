//! Servers that behave like the real ones, on ephemeral ports.
#![allow(dead_code, missing_docs)]

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

pub const PROPS: &str = include_str!("../fixtures/backend/llama-props.json");
pub const MODELS: &str = include_str!("../fixtures/backend/llama-models.json");
pub const LOADING: &str = include_str!("../fixtures/backend/llama-loading.json");

/// What a fake answers: by path, or the same to everything else.
#[derive(Clone, Default)]
pub struct Routes {
    pub server: Option<&'static str>,
    pub paths: BTreeMap<&'static str, (u16, String)>,
    pub otherwise: Option<(u16, String)>,
    /// A header more on every answer.
    pub header: Option<(&'static str, &'static str)>,
}

impl Routes {
    pub fn new(server: Option<&'static str>) -> Self {
        Self { server, otherwise: Some((404, "404 page not found".into())), ..Self::default() }
    }

    pub fn on(mut self, path: &'static str, status: u16, body: &str) -> Self {
        self.paths.insert(path, (status, body.to_owned()));
        self
    }

    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }

    pub fn otherwise(mut self, status: u16, body: &str) -> Self {
        self.otherwise = Some((status, body.to_owned()));
        self
    }
}

/// A server on an ephemeral port whose answers can be changed while it runs.
pub struct Fake {
    pub addr: SocketAddr,
    pub routes: Arc<Mutex<Option<Routes>>>,
}

impl Fake {
    pub fn start(routes: Routes) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let routes = Arc::new(Mutex::new(Some(routes)));
        let shared = Arc::clone(&routes);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let routes = shared.lock().unwrap().clone();
                // Without routes it hangs up like a dead server.
                if let Some(routes) = routes {
                    thread::spawn(move || answer(stream, &routes));
                }
            }
        });
        Self { addr, routes }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub fn set(&self, routes: Option<Routes>) {
        *self.routes.lock().unwrap() = routes;
    }
}

pub fn answer(mut stream: TcpStream, routes: &Routes) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
    });
    stream.read_exact(&mut vec![0; length.unwrap_or(0)]).unwrap();
    let path = head.split(' ').nth(1).unwrap();
    let Some((status, body)) = routes.paths.get(path).or(routes.otherwise.as_ref()) else {
        return;
    };
    let server = routes.server.map(|s| format!("Server: {s}\r\n")).unwrap_or_default();
    let more = routes.header.map(|(n, v)| format!("{n}: {v}\r\n")).unwrap_or_default();
    let _ = write!(
        stream,
        "HTTP/1.1 {status} X\r\n{server}{more}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}

/// Answers every connection with the same bytes, or holds it open in silence.
pub fn raw(bytes: Option<&'static [u8]>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut held = Vec::new();
        for mut stream in listener.incoming().map_while(Result::ok) {
            if let Some(bytes) = bytes {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(bytes);
            }
            held.push(stream);
            if bytes.is_some() {
                held.clear();
            }
        }
    });
    url
}

pub fn dead() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

pub fn client() -> lcc::engine::access::Reach {
    lcc::engine::backend::client().unwrap()
}

pub fn llama() -> Routes {
    Routes::new(Some("llama.cpp"))
        .otherwise(
            404,
            r#"{"error":{"message":"File Not Found","type":"not_found_error","code":404}}"#,
        )
        .on("/health", 200, r#"{"status":"ok"}"#)
        .on("/props", 200, PROPS)
        .on("/v1/models", 200, MODELS)
        .on("/slots", 200, r#"[{"id":0,"n_ctx":32768,"is_processing":false}]"#)
        .on("/v1/messages/count_tokens", 200, r#"{"input_tokens":25}"#)
}

pub fn ollama() -> Routes {
    Routes::new(None)
        .on("/", 200, "Ollama is running")
        .on("/api/version", 200, r#"{"version":"0.33.0"}"#)
        .on(
            "/api/ps",
            200,
            r#"{"models":[{"name":"qwen3:8b","model":"qwen3:8b","size":7,"size_vram":7,"context_length":32768}]}"#,
        )
        .on("/api/tags", 200, r#"{"models":[{"name":"gemma3:270m"},{"name":"qwen3:8b"}]}"#)
        .on("/v1/models", 200, r#"{"object":"list","data":[{"id":"qwen3:8b","owned_by":"library"}]}"#)
}

pub fn vllm() -> Routes {
    Routes::new(Some("uvicorn"))
        .otherwise(404, r#"{"detail":"Not Found"}"#)
        .on("/health", 200, "")
        .on("/version", 200, r#"{"version":"0.33.0"}"#)
        .on(
            "/v1/models",
            200,
            r#"{"object":"list","data":[{"id":"Qwen/Qwen3-8B","owned_by":"vllm","max_model_len":40960}]}"#,
        )
        .on(
            "/v1/messages/count_tokens",
            200,
            r#"{"input_tokens":9,"context_management":{"original_input_tokens":9}}"#,
        )
}

/// `SGLang` with its Ollama look-alike switched on.
pub fn sglang() -> Routes {
    Routes::new(Some("uvicorn"))
        .on("/", 200, "Ollama is running")
        .on("/api/tags", 200, r#"{"models":[{"name":"Qwen3-8B"}]}"#)
        .on("/server_info", 200, r#"{"version":"0.5.23","model_path":"Qwen/Qwen3-8B"}"#)
        .on(
            "/v1/models",
            200,
            r#"{"object":"list","data":[{"id":"Qwen/Qwen3-8B","owned_by":"sglang","max_model_len":32768}]}"#,
        )
        .on("/v1/messages/count_tokens", 200, r#"{"input_tokens":9}"#)
}

/// LM Studio answers 200 to whatever it does not know.
pub fn lm_studio() -> Routes {
    Routes::new(None)
        .otherwise(200, r#"{"error":"Unexpected endpoint or method. (GET /x)"}"#)
        .on(
            "/api/v1/models",
            200,
            r#"{"models":[{"key":"a/idle","loaded_instances":[],"max_context_length":131072},
                {"key":"qwen/qwen3-8b","loaded_instances":[{"id":"qwen/qwen3-8b","config":{"context_length":16384}}]}]}"#,
        )
        .on("/v1/models", 200, r#"{"data":[{"id":"a/idle","object":"model"}],"object":"list"}"#)
}

pub fn lm_studio_older() -> Routes {
    Routes::new(None).otherwise(200, r#"{"error":"Unexpected endpoint or method."}"#).on(
        "/api/v0/models",
        200,
        r#"{"data":[{"id":"x","state":"not-loaded","max_context_length":4096},
                {"id":"y","state":"loaded","loaded_context_length":8192}]}"#,
    )
}

/// llama-swap answers its own pages to most paths, with a version where Ollama has one.
pub fn llama_swap() -> Routes {
    Routes::new(None)
        .otherwise(200, "<!doctype html><title>llama-swap</title>")
        .on("/health", 200, "OK")
        .on("/api/version", 200, r#"{"version":"250","commit":"abc","build_date":"2026"}"#)
        .on("/version", 200, r#"{"version":"250"}"#)
        .on("/running", 200, r#"{"running":[{"model":"qwen","state":"ready"}]}"#)
        .on(
            "/v1/models",
            200,
            r#"{"data":[{"id":"other","owned_by":"llama-swap"}],"object":"list"}"#,
        )
}
