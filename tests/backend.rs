//! Telling servers apart by their answers, traps included.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod backend_support;

use std::time::Duration;

use backend_support::{
    Fake, LOADING, PROPS, Routes, client, dead, llama, llama_swap, lm_studio, lm_studio_older,
    ollama, raw, sglang, vllm,
};
use lcc::{
    domain::{Api, Dialect, ServerKind},
    engine::backend::{IdentifyError, find, identify, progress_of},
};

/// Name, answers, and what must be found: kind, model, window, dialect.
type Row = (&'static str, Routes, ServerKind, Option<&'static str>, Option<u64>, Dialect);

const fn no_stop() -> Dialect {
    Dialect { wants_local_host_header: false, cancels: false, ..Dialect::UNKNOWN }
}

const fn openai_only() -> Dialect {
    Dialect { api: Api::OpenAi, wants_local_host_header: false, cancels: false, ..Dialect::UNKNOWN }
}

#[tokio::test]
async fn every_kind_is_told_by_its_fingerprint() {
    let llamafile = PROPS.replace("b11434-5e9c63546", "b1775854028-5e9c63546");
    let no_slots = PROPS.replace(r#""endpoint_slots": true"#, r#""endpoint_slots": false"#);
    assert_ne!(no_slots, PROPS);
    let table: Vec<Row> = vec![
        (
            "llama",
            llama(),
            ServerKind::LlamaServer,
            Some("gemma-3-270m"),
            Some(32_768),
            Dialect::LLAMA,
        ),
        (
            "llamafile",
            llama().on("/props", 200, &llamafile),
            ServerKind::Llamafile,
            Some("gemma-3-270m"),
            Some(32_768),
            Dialect::LLAMA,
        ),
        (
            "practice",
            Routes { server: Some("lcc-practice"), ..llama() },
            ServerKind::Practice,
            Some("gemma-3-270m"),
            Some(32_768),
            Dialect::LLAMA,
        ),
        (
            "llama behind a reverse proxy",
            Routes { server: Some("nginx"), ..llama() },
            ServerKind::LlamaServer,
            Some("gemma-3-270m"),
            Some(32_768),
            Dialect::LLAMA,
        ),
        (
            "llama without slots and count_tokens",
            Routes {
                paths: llama()
                    .on("/props", 200, &no_slots)
                    .paths
                    .into_iter()
                    .filter(|(path, _)| !path.starts_with("/v1/messages"))
                    .collect(),
                ..llama()
            },
            ServerKind::LlamaServer,
            Some("gemma-3-270m"),
            Some(32_768),
            Dialect { count_tokens: false, slots: false, ..Dialect::LLAMA },
        ),
        (
            "an old llamafile, whose /props resembles llama.cpp's",
            Routes::new(None)
                .on("/health", 200, r#"{"status":"ok","slots_idle":1,"slots_processing":0}"#)
                .on(
                    "/props",
                    200,
                    r#"{"user_name":"","assistant_name":"","default_generation_settings":{"n_ctx":8192},"total_slots":1}"#,
                )
                .on("/v1/models", 200, r#"{"object":"list","data":[{"id":"LLaMA_CPP"}]}"#),
            ServerKind::Llamafile,
            Some("LLaMA_CPP"),
            Some(8_192),
            openai_only(),
        ),
        (
            "mlx_lm.server",
            Routes::new(Some("BaseHTTP/0.6 Python/3.12.3"))
                .on("/v1/models", 200, r#"{"object":"list","data":[{"id":"m","object":"model"}]}"#),
            ServerKind::MlxLm,
            Some("m"),
            None,
            openai_only(),
        ),
        (
            "any other server in Python",
            Routes::new(Some("BaseHTTP/0.6 Python/3.12.3")),
            ServerKind::Unknown,
            None,
            None,
            Dialect::UNKNOWN,
        ),
        (
            "Ollama",
            ollama(),
            ServerKind::Ollama,
            Some("qwen3:8b"),
            Some(32_768),
            Dialect {
                count_tokens: false,
                slots: false,
                start_usage_is_real: false,
                wants_local_host_header: true,
                ..Dialect::UNKNOWN
            },
        ),
        (
            "Ollama with nothing loaded",
            ollama().on("/api/ps", 200, r#"{"models":[]}"#),
            ServerKind::Ollama,
            Some("gemma3:270m"),
            None,
            Dialect::UNKNOWN,
        ),
        (
            "vLLM",
            vllm(),
            ServerKind::Vllm,
            Some("Qwen/Qwen3-8B"),
            Some(40_960),
            Dialect {
                count_tokens: true,
                slots: false,
                start_usage_is_real: true,
                wants_local_host_header: false,
                ..Dialect::UNKNOWN
            },
        ),
        (
            "SGLang posing as Ollama",
            sglang(),
            ServerKind::Sglang,
            Some("Qwen/Qwen3-8B"),
            Some(32_768),
            Dialect {
                count_tokens: true,
                slots: false,
                start_usage_is_real: true,
                wants_local_host_header: false,
                ..Dialect::UNKNOWN
            },
        ),
        (
            "LM Studio, 200 to everything",
            lm_studio(),
            ServerKind::LmStudio,
            Some("qwen/qwen3-8b"),
            Some(16_384),
            no_stop(),
        ),
        (
            "LM Studio before its native API",
            lm_studio_older(),
            ServerKind::LmStudio,
            Some("y"),
            Some(8_192),
            no_stop(),
        ),
        (
            "llama-swap, 200 to everything",
            llama_swap(),
            ServerKind::LlamaSwap,
            Some("qwen"),
            None,
            Dialect { wants_local_host_header: false, slots: true, ..Dialect::UNKNOWN },
        ),
        (
            "llama-swap with nothing running",
            llama_swap().on("/running", 200, r#"{"running":[]}"#),
            ServerKind::LlamaSwap,
            Some("other"),
            None,
            Dialect { wants_local_host_header: false, ..Dialect::UNKNOWN },
        ),
        (
            "llamafile 0.9.3: no Anthropic path, another 404",
            Routes::new(None)
                .otherwise(404, "File Not Found")
                .on("/health", 200, r#"{"status":"ok","slots_idle":1,"slots_processing":0}"#)
                .on(
                    "/props",
                    200,
                    r#"{"user_name":"","total_slots":1,"default_generation_settings":{"n_ctx":8192}}"#,
                )
                .on("/v1/models", 200, r#"{"object":"list","data":[{"id":"LLaMA_CPP"}]}"#),
            ServerKind::LlamaServer,
            Some("LLaMA_CPP"),
            Some(8_192),
            Dialect { count_tokens: false, ..Dialect::LLAMA },
        ),
        (
            "llama.cpp imitates Ollama's /api/tags",
            llama().on("/api/tags", 200, r#"{"models":[{"name":"x"}]}"#),
            ServerKind::LlamaServer,
            Some("gemma-3-270m"),
            Some(32_768),
            Dialect::LLAMA,
        ),
        (
            "SGLang without its look-alike",
            sglang().on("/", 200, "\"SGLang is running\""),
            ServerKind::Sglang,
            Some("Qwen/Qwen3-8B"),
            Some(32_768),
            Dialect {
                count_tokens: true,
                slots: false,
                start_usage_is_real: true,
                wants_local_host_header: false,
                ..Dialect::UNKNOWN
            },
        ),
        (
            "another program with a /version",
            Routes::new(None).on("/version", 200, r#"{"version":"1.2.3"}"#),
            ServerKind::Unknown,
            None,
            None,
            Dialect::UNKNOWN,
        ),
        (
            "another program with an /api/version",
            Routes::new(None)
                .on("/api/version", 200, r#"{"version":"1.2.3"}"#)
                .on("/", 200, "Hello"),
            ServerKind::Unknown,
            None,
            None,
            Dialect::UNKNOWN,
        ),
        (
            "200 to everything, also to count_tokens, without a count",
            vllm().on("/v1/messages/count_tokens", 200, r#"{"input_tokens":"many"}"#),
            ServerKind::Vllm,
            Some("Qwen/Qwen3-8B"),
            Some(40_960),
            Dialect {
                count_tokens: false,
                slots: false,
                start_usage_is_real: true,
                wants_local_host_header: false,
                ..Dialect::UNKNOWN
            },
        ),
        (
            "200 and {} to everything",
            Routes::new(None).otherwise(200, "{}"),
            ServerKind::Unknown,
            None,
            None,
            Dialect::UNKNOWN,
        ),
        (
            "an OpenAI-only server",
            Routes::new(None).on("/v1/models", 200, r#"{"data":[{"id":"mlx"}]}"#),
            ServerKind::Unknown,
            Some("mlx"),
            None,
            Dialect::UNKNOWN,
        ),
    ];
    let client = client();
    for (name, routes, kind, model, window, dialect) in table {
        let fake = Fake::start(routes);
        let facts = identify(&client, &fake.url()).await.expect(name);
        assert_eq!(facts.kind, kind, "{name}");
        assert_eq!(facts.model.as_deref(), model, "{name}");
        assert_eq!(facts.window, window, "{name}");
        assert_eq!(facts.dialect, dialect, "{name}");
        assert!(facts.healthy && !facts.loading, "{name}");
    }
}

#[tokio::test]
async fn a_loading_server_is_known_as_such() {
    let fake = Fake::start(Routes::new(Some("llama.cpp")).otherwise(503, LOADING));
    let facts = identify(&client(), &fake.url()).await.unwrap();
    assert_eq!(facts.kind, ServerKind::LlamaServer);
    assert!(facts.loading && !facts.healthy);
    assert_eq!((facts.window, facts.model), (None, None));
}

#[tokio::test]
async fn what_is_no_server_gets_a_clear_error_in_bounded_time() {
    let client = client();
    let within = Duration::from_secs(10);
    let look = |url: String| {
        let client = client.clone();
        async move { tokio::time::timeout(within, identify(&client, &url)).await.unwrap() }
    };
    assert!(matches!(look(dead()).await, Err(IdentifyError::Unreachable { .. })));
    assert!(matches!(look(raw(None)).await, Err(IdentifyError::Silent { .. })));
    let garbage = look(raw(Some(b"220 mail.example ESMTP ready\r\n\x00\xff"))).await;
    assert!(matches!(garbage, Err(IdentifyError::NotHttp { .. })), "{garbage:?}");
    let nothing = look(raw(Some(b""))).await;
    assert!(nothing.is_err(), "{nothing:?}");
    // Before HTTP/1.0 there was no status line: a page and nothing else.
    let ancient = look(raw(Some(b"<html>hello</html>"))).await;
    assert!(matches!(ancient, Err(IdentifyError::NotHttp { .. })), "{ancient:?}");
    // HTTP at last, but a body that never ends.
    let endless = look(raw(Some(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n{"))).await;
    assert!(endless.is_err(), "{endless:?}");
}

#[tokio::test]
async fn the_first_known_server_in_order_wins() {
    let web = Fake::start(Routes::new(None).otherwise(200, "<h1>Jenkins</h1>"));
    let (one, two) = (Fake::start(ollama()), Fake::start(llama()));
    let client = client();
    let urls = |list: &[&Fake]| -> Vec<String> {
        std::iter::once(dead()).chain(list.iter().map(|f| f.url())).collect()
    };
    let (url, facts) = find(&client, &urls(&[&web, &one, &two])).await.unwrap();
    assert_eq!((url, facts.kind), (one.url(), ServerKind::Ollama));
    let (url, _) = find(&client, &urls(&[&two, &one])).await.unwrap();
    assert_eq!(url, two.url());
    assert_eq!(find(&client, &urls(&[&web])).await, None);
    assert_eq!(find(&client, &[]).await, None);
}

/// Samples of a real llama.cpp (build 11434) reading 11,698 tokens in batches of 2,048, cold, and
/// 12,406 tokens of which it held 11,667.
#[test]
fn recorded_slots_of_a_real_prefill_are_read_as_they_were() {
    let read = |text: &str| -> Vec<(u64, Option<u64>, u64)> {
        text.lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .filter_map(|sample| progress_of(&sample["slots"]))
            .map(|p| (p.done, p.cached, p.generated))
            .collect()
    };
    let cold = read(include_str!("fixtures/backend/llama-slots-cold.jsonl"));
    let reading: Vec<u64> =
        cold.iter().filter(|(.., generated)| *generated == 0).map(|(done, ..)| *done).collect();
    assert_eq!(reading, [0, 2_048, 4_096, 6_144, 8_192, 10_240]);
    assert!(cold.iter().filter(|(.., g)| *g > 0).all(|(done, ..)| *done == 11_698));
    let warm = read(include_str!("fixtures/backend/llama-slots-warm.jsonl"));
    assert_eq!(warm.first(), Some(&(11_667, Some(11_667), 0)));
    assert!(warm.iter().filter(|(.., g)| *g > 0).all(|(done, ..)| *done == 12_406));
}
