//! What each server answers to questions about itself.

use serde_json::json;

use super::{Core, Kind, Truth, WINDOW};

/// The `Server` header.
pub const fn server(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::LlamaServer => Some("llama.cpp"),
        Kind::Vllm | Kind::Sglang => Some("uvicorn"),
        Kind::OllamaGguf
        | Kind::OllamaMlx
        | Kind::LmStudio
        | Kind::LlamaSwap
        | Kind::Llamafile093 => None,
    }
}

/// Status and body of a GET.
pub fn page(core: &Core, path: &str, child: bool) -> (u16, String) {
    let truth = core.truth.lock().unwrap().clone();
    if child {
        return match path {
            "/slots" if !truth.child_gone => (200, slots(&truth)),
            _ => (404, String::new()),
        };
    }
    let found = match core.kind {
        Kind::LlamaServer => llama(path, &truth),
        Kind::OllamaGguf | Kind::OllamaMlx => ollama(path, &truth),
        Kind::LmStudio => Some(lm_studio(path)),
        Kind::Vllm => vllm(path, &truth),
        Kind::Sglang => sglang(path, &truth),
        Kind::LlamaSwap => Some(llama_swap(path, &truth)),
        Kind::Llamafile093 => llamafile(path),
    };
    found.map_or_else(|| (404, "404 page not found".to_owned()), |body| (200, body))
}

fn slots(truth: &Truth) -> String {
    let Truth { reading, cached, done, .. } = *truth;
    json!([{
        "id": 0, "n_ctx": WINDOW, "speculative": false, "is_processing": reading, "id_task": 12,
        "n_prompt_tokens": done, "n_prompt_tokens_processed": done.saturating_sub(cached),
        "n_prompt_tokens_cache": cached, "next_token": [{ "n_decoded": 0 }],
    }])
    .to_string()
}

fn llama(path: &str, truth: &Truth) -> Option<String> {
    Some(match path {
        "/health" => r#"{"status":"ok"}"#.into(),
        "/props" => json!({
            "default_generation_settings": { "params": {}, "n_ctx": WINDOW }, "total_slots": 1,
            "model_alias": "qwen3", "endpoint_slots": true, "endpoint_metrics": true,
            "build_info": "b11434-5e9c63546", "is_sleeping": false,
        })
        .to_string(),
        "/v1/models" => r#"{"object":"list","data":[{"id":"qwen3","owned_by":"llamacpp"}]}"#.into(),
        "/slots" => slots(truth),
        "/metrics" => format!(
            "# TYPE llamacpp:requests_deferred gauge\nllamacpp:requests_processing {}\n\
             llamacpp:requests_deferred {}\n",
            u8::from(truth.reading),
            truth.waiting
        ),
        _ => return None,
    })
}

fn ollama(path: &str, truth: &Truth) -> Option<String> {
    Some(match path {
        "/" => "Ollama is running".into(),
        "/api/version" => r#"{"version":"0.33.0"}"#.into(),
        "/api/ps" if truth.unloaded => r#"{"models":[]}"#.into(),
        "/api/ps" => json!({ "models": [{
            "name": "qwen3:8b", "model": "qwen3:8b", "size": 7_654_321_098_u64,
            "size_vram": 7_654_321_098_u64, "context_length": WINDOW,
        }]})
        .to_string(),
        "/api/tags" => r#"{"models":[{"name":"qwen3:8b"}]}"#.into(),
        _ => return None,
    })
}

fn lm_studio(path: &str) -> String {
    match path {
        "/api/v1/models" => json!({ "models": [{
            "key": "qwen/qwen3-8b",
            "loaded_instances": [{ "id": "qwen/qwen3-8b", "config": { "context_length": WINDOW } }],
        }]})
        .to_string(),
        // 200 to whatever it does not know, also to count_tokens.
        _ => r#"{"error":"Unexpected endpoint or method."}"#.into(),
    }
}

fn vllm(path: &str, truth: &Truth) -> Option<String> {
    Some(match path {
        "/health" => String::new(),
        "/version" => r#"{"version":"0.33.0"}"#.into(),
        "/v1/models" => models("vllm"),
        "/metrics" => format!(
            "vllm:num_requests_running{{engine=\"0\",model_name=\"q\"}} {}.0\n\
             vllm:num_requests_waiting{{engine=\"0\",model_name=\"q\"}} {}.0\n\
             vllm:kv_cache_usage_perc{{engine=\"0\",model_name=\"q\"}} 0.125\n\
             vllm:prefix_cache_queries_total{{engine=\"0\"}} 100.0\n\
             vllm:prefix_cache_hits_total{{engine=\"0\"}} 40.0\n",
            u8::from(truth.reading),
            truth.waiting
        ),
        _ => return None,
    })
}

fn sglang(path: &str, truth: &Truth) -> Option<String> {
    Some(match path {
        "/" => "\"SGLang is running\"".into(),
        "/server_info" => r#"{"version":"0.5.23","model_path":"Qwen/Qwen3-8B"}"#.into(),
        "/v1/models" => models("sglang"),
        "/metrics" => format!(
            "sglang:num_running_reqs{{model_name=\"q\"}} {}.0\n\
             sglang:num_queue_reqs{{model_name=\"q\"}} {}.0\n\
             sglang:full_token_usage{{model_name=\"q\"}} 0.25\n",
            u8::from(truth.reading),
            truth.waiting
        ),
        _ => return None,
    })
}

fn models(owner: &str) -> String {
    json!({ "object": "list", "data": [
        { "id": "Qwen/Qwen3-8B", "owned_by": owner, "max_model_len": WINDOW },
    ]})
    .to_string()
}

fn llama_swap(path: &str, truth: &Truth) -> String {
    match path {
        "/health" => "OK".into(),
        "/api/version" | "/version" => r#"{"version":"250","commit":"abc"}"#.into(),
        "/running" => r#"{"running":[{"model":"qwen","state":"ready"}]}"#.into(),
        "/v1/models" => {
            r#"{"data":[{"id":"qwen","owned_by":"llama-swap"}],"object":"list"}"#.into()
        }
        "/upstream/qwen/slots" => slots(truth),
        _ => "<!doctype html><title>llama-swap</title>".into(),
    }
}

/// The first server of llamafile: no Anthropic path, no count, slots without a prompt's size.
fn llamafile(path: &str) -> Option<String> {
    Some(match path {
        "/health" => r#"{"status":"ok","slots_idle":1,"slots_processing":0}"#.into(),
        "/props" => json!({
            "user_name": "", "assistant_name": "", "total_slots": 1,
            "default_generation_settings": { "n_ctx": WINDOW, "model": "qwen.gguf" },
        })
        .to_string(),
        "/v1/models" => r#"{"object":"list","data":[{"id":"LLaMA_CPP"}]}"#.into(),
        "/slots" => r#"[{"id":0,"n_ctx":32768,"state":0}]"#.into(),
        _ => return None,
    })
}
