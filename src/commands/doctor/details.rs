//! What a server says of its model beyond the usual facts; pure: JSON in, values out.

use serde_json::Value;

use super::memory::Shape;

/// What the server says. `None` everywhere: it does not say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Details {
    /// Names of the models it has.
    pub models: Vec<String>,
    /// Whether the model and its template can call tools.
    pub tools: Option<bool>,
    /// `gguf`, or `safetensors` for Ollama's MLX engine.
    pub format: Option<String>,
    /// What the model's Modelfile asks for (Ollama).
    pub modelfile: Option<Modelfile>,
    /// Whether Ollama's cloud models are switched off.
    pub cloud_off: Option<bool>,
    /// Bytes of the weights.
    pub weights: Option<u64>,
    /// Bytes of the loaded model: all, and those the GPU holds (Ollama).
    pub loaded: Option<(u64, u64)>,
    /// Seconds until the model is unloaded; above a year it stays (Ollama).
    pub unload_s: Option<i64>,
    /// What the KV cache of the model is made of.
    pub shape: Option<Shape>,
    /// Tokens the model was trained for.
    pub trained: Option<u64>,
    /// The model's file on the server's machine (llama.cpp).
    pub file: Option<String>,
}

/// The lines of a Modelfile that an engine may ignore.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Modelfile {
    /// `PARAMETER num_ctx`.
    pub num_ctx: Option<u64>,
    /// Whether it brings a `TEMPLATE`.
    pub template: bool,
    /// The built-in renderer it names; with one, the template is not used.
    pub renderer: Option<String>,
}

impl Details {
    /// From llama-server's `/props` and `/v1/models`.
    #[must_use]
    pub fn llama(props: &Value, models: &Value) -> Self {
        let first = models.pointer("/data/0").unwrap_or(&Value::Null);
        let number = |at: &str| first.pointer(at).and_then(Value::as_u64).filter(|n| *n > 0);
        let text = |key: &str| props.get(key)?.as_str().filter(|s| !s.is_empty());
        Self {
            models: names(models.get("data"), "id"),
            tools: props.pointer("/chat_template_caps/supports_tools").and_then(Value::as_bool),
            format: Some("gguf".to_owned()),
            weights: number("/meta/size"),
            trained: number("/meta/n_ctx_train"),
            file: text("model_path").map(str::to_owned),
            ..Self::default()
        }
    }

    /// From Ollama's `/api/show`, `/api/ps`, `/api/tags`, `/api/status`; `now` in Unix seconds.
    #[must_use]
    pub fn ollama(pages: &OllamaPages, model: &str, now: i64) -> Self {
        let show = &pages.show;
        let capabilities = show.get("capabilities").and_then(Value::as_array);
        let loaded = pages.ps.get("models").and_then(Value::as_array).and_then(|all| {
            let is = |m: &&Value| ["name", "model"].iter().any(|k| m[*k].as_str() == Some(model));
            all.iter().find(is)
        });
        let bytes = |key: &str| loaded?.get(key)?.as_u64();
        let info = show.get("model_info").unwrap_or(&Value::Null);
        let tagged = pages.tags.get("models").and_then(Value::as_array);
        let size = tagged.and_then(|all| {
            all.iter().find(|m| m["name"].as_str() == Some(model))?.get("size")?.as_u64()
        });
        Self {
            models: names(pages.tags.get("models"), "name"),
            tools: capabilities.map(|all| all.iter().any(|c| c.as_str() == Some("tools"))),
            format: show
                .pointer("/details/format")
                .and_then(Value::as_str)
                .filter(|f| !f.is_empty())
                .map(str::to_owned),
            modelfile: show.is_object().then(|| modelfile(show)),
            cloud_off: pages.status.pointer("/cloud/disabled").and_then(Value::as_bool),
            weights: size,
            loaded: bytes("size").zip(bytes("size_vram")),
            unload_s: loaded
                .and_then(|m| unix_seconds(m.get("expires_at")?.as_str()?))
                .map(|at| at - now),
            shape: Shape::from_metadata(|key| info.get(key).cloned()),
            trained: info
                .get("general.architecture")
                .and_then(Value::as_str)
                .and_then(|arch| info.get(format!("{arch}.context_length"))?.as_u64()),
            file: None,
        }
    }

    /// From an OpenAI-like `/v1/models` alone.
    #[must_use]
    pub fn openai(models: &Value) -> Self {
        Self { models: names(models.get("data"), "id"), ..Self::default() }
    }
}

/// Ollama's answers; null where there was none.
#[derive(Debug, Clone, Default)]
pub struct OllamaPages {
    /// `POST /api/show`.
    pub show: Value,
    /// `GET /api/ps`.
    pub ps: Value,
    /// `GET /api/tags`.
    pub tags: Value,
    /// `GET /api/status`.
    pub status: Value,
}

fn names(list: Option<&Value>, key: &str) -> Vec<String> {
    let all = list.and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|m| Some(m.get(key)?.as_str()?.to_owned())).collect()
}

fn modelfile(show: &Value) -> Modelfile {
    let text = |key: &str| show.get(key).and_then(Value::as_str).unwrap_or_default();
    let file = text("modelfile");
    let word = |line: &str, name: &str| {
        let (first, rest) = line.trim().split_once(char::is_whitespace)?;
        first.eq_ignore_ascii_case(name).then(|| rest.trim().to_owned())
    };
    let num_ctx = text("parameters").lines().find_map(|l| word(l, "num_ctx")?.parse().ok());
    let renderer = file.lines().find_map(|l| word(l, "RENDERER"));
    let template = file.lines().filter_map(|l| word(l, "TEMPLATE"));
    // Every listing has this pass-through template where the model brings none.
    let template = template.into_iter().any(|t| t != "{{ .Prompt }}");
    Modelfile { num_ctx, template, renderer }
}

/// Unix seconds of an RFC 3339 time: `2026-08-21T17:00:01.123+09:00`.
fn unix_seconds(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once(['T', 't', ' '])?;
    let mut parts = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let clock = rest.get(..8)?;
    let mut parts = clock.splitn(3, ':').map(str::parse::<i64>);
    let (hour, minute, second) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let zone = rest.get(8..)?.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let offset = match zone.strip_prefix(['+', '-']) {
        Some(hm) => {
            let (h, m) = hm.split_once(':')?;
            let seconds = h.parse::<i64>().ok()? * 3_600 + m.parse::<i64>().ok()? * 60;
            if zone.starts_with('-') { -seconds } else { seconds }
        }
        None => 0,
    };
    // Days since 1970 in the proleptic Gregorian calendar, years counted from March.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days =
        y * 365 + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (m * 153 + 2) / 5 + day
            - 1
            - 719_468;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second - offset)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_read_with_their_zone() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-03-01T00:00:00Z", Some(951_868_800)),
            ("2026-08-21T17:00:01.123456789+09:00", Some(1_787_299_201)),
            ("2026-08-21T08:00:01-00:00", Some(1_787_299_201)),
            ("2318-12-02T01:02:03Z", Some(11_010_733_323)),
            ("soon", None),
            ("2026-08-21", None),
        ] {
            assert_eq!(unix_seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn llama_server_tells_tools_weights_and_the_file() {
        let props =
            json!({"model_path": "/m.gguf", "chat_template_caps": {"supports_tools": true}});
        let models = json!({"data": [{"id": "m", "meta": {"size": 246_587_904_u64, "n_ctx_train": 32_768}}]});
        let d = Details::llama(&props, &models);
        assert_eq!((d.tools, d.weights, d.trained), (Some(true), Some(246_587_904), Some(32_768)));
        assert_eq!((d.file.as_deref(), d.models), (Some("/m.gguf"), vec!["m".to_owned()]));
        // The practice server has no template, and an old server no capabilities.
        assert_eq!(Details::llama(&json!({"chat_template_caps": {}}), &Value::Null).tools, None);
    }

    #[test]
    fn ollama_tells_much() {
        let pages = OllamaPages {
            show: json!({
                "capabilities": ["completion", "tools", "thinking"],
                "details": {"format": "safetensors"},
                "parameters": "num_ctx                        16384\nstop \"x\"",
                "modelfile": "FROM x\nRENDERER qwen3-coder\nTEMPLATE {{ .Prompt }}\n",
                "model_info": {
                    "general.architecture": "qwen3", "qwen3.block_count": 36,
                    "qwen3.attention.head_count_kv": 8, "qwen3.attention.key_length": 128,
                    "qwen3.attention.value_length": 128, "qwen3.context_length": 40_960
                },
            }),
            ps: json!({"models": [{"name": "q:8b", "size": 10, "size_vram": 7,
                "expires_at": "1970-01-01T00:05:10Z"}]}),
            tags: json!({"models": [{"name": "q:8b", "size": 5}, {"name": "r"}]}),
            status: json!({"cloud": {"disabled": false, "source": "none"}}),
        };
        let d = Details::ollama(&pages, "q:8b", 10);
        assert_eq!((d.tools, d.cloud_off), (Some(true), Some(false)));
        assert_eq!((d.loaded, d.unload_s, d.weights), (Some((10, 7)), Some(300), Some(5)));
        assert_eq!(d.trained, Some(40_960));
        assert_eq!(d.shape.unwrap().bytes_per_token(), 147_456);
        let file = d.modelfile.unwrap();
        assert_eq!(file.num_ctx, Some(16_384));
        assert_eq!((file.renderer.as_deref(), file.template), (Some("qwen3-coder"), false));
        assert_eq!(Details::ollama(&OllamaPages::default(), "x", 0), Details::default());
    }
}
