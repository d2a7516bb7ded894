//! What a server's KV cache depends on, as its pages, its command line and the model file tell.

use std::{
    fs,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use serde_json::Value;

use super::slots::Slots;
use crate::{
    domain::ServerFacts,
    engine::{backend, window::warm::ServerMark},
};

/// Options that change what stands in the cache, by the start of their names.
const TELLING: [&str; 13] = [
    "-ctk",
    "--cache-type",
    "-ctv",
    "--lora",
    "--control-vector",
    "--rope",
    "--yarn",
    "--override-kv",
    "--swa-full",
    "-fa",
    "--flash-attn",
    "-gan",
    "--grp-attn",
];
/// The option that names the folder.
const FOLDER: &str = "--slot-save-path";

/// A server, marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// What its cache depends on.
    pub mark: ServerMark,
    /// Its folder for slots, where its command line tells.
    pub folder: Option<PathBuf>,
}

/// Asks the server for its marks; `None` when it does not tell of its model.
pub async fn ask(slots: &Slots, facts: &ServerFacts) -> Option<Marked> {
    let (props, models) =
        futures_util::future::join(slots.page("/props"), slots.page("/v1/models")).await;
    let props = props?;
    let adapters = slots.page("/lora-adapters").await;
    let base = slots.upstream.base().to_owned();
    let process = tokio::task::spawn_blocking(move || Process::at(&base)).await.ok().flatten();
    let text = |v: &Value, key: &str| {
        v.get(key).and_then(Value::as_str).filter(|s| !s.is_empty()).map(str::to_owned)
    };
    let model = text(&props, "model_path");
    let meta = models.as_ref().and_then(|m| m.pointer("/data/0/meta"));
    let mut options = process.as_ref().map(Process::telling).unwrap_or_default();
    if let Some(adapters) = adapters.filter(|a| a.as_array().is_some_and(|a| !a.is_empty())) {
        options.push(format!("adapters={adapters}"));
    }
    options.sort();
    let mark = ServerMark {
        kind: facts.kind,
        build: text(&props, "build_info").or_else(|| facts.version.clone()),
        model_bytes: meta.and_then(|m| m.get("size")).and_then(Value::as_u64),
        model_changed: process.as_ref().zip(model.as_deref()).and_then(|(p, m)| p.changed(m)),
        ftype: text(&props, "model_ftype"),
        window: props
            .pointer("/default_generation_settings/n_ctx")
            .and_then(Value::as_u64)
            .or(facts.window),
        model: model.or_else(|| facts.model.clone()),
        options,
    };
    Some(Marked { mark, folder: process.and_then(|p| p.folder()) })
}

/// The server's process, when it runs here and is this user's.
struct Process {
    words: Vec<String>,
    cwd: Option<PathBuf>,
}

impl Process {
    fn at(base: &str) -> Option<Self> {
        let url = reqwest::Url::parse(base).ok()?;
        if !matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")) {
            return None;
        }
        let pid = backend::process_on(url.port_or_known_default()?)?;
        let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let words = line.split(|b| *b == 0).filter(|w| !w.is_empty());
        let words = words.map(|w| String::from_utf8_lossy(w).into_owned()).collect();
        Some(Self { words, cwd: fs::read_link(format!("/proc/{pid}/cwd")).ok() })
    }

    fn telling(&self) -> Vec<String> {
        telling(&self.words)
    }

    fn folder(&self) -> Option<PathBuf> {
        let folder = value_of(&self.words, FOLDER)?;
        Some(self.cwd.as_deref().unwrap_or_else(|| Path::new("/")).join(folder))
    }

    fn changed(&self, model: &str) -> Option<u64> {
        let path = self.cwd.as_deref().unwrap_or_else(|| Path::new("/")).join(model);
        let changed = fs::metadata(path).ok()?.modified().ok()?;
        Some(changed.duration_since(UNIX_EPOCH).ok()?.as_secs())
    }
}

/// The value that follows an option, or stands behind its `=`.
fn value_of<'a>(words: &'a [String], name: &str) -> Option<&'a str> {
    words.iter().enumerate().find_map(|(at, word)| {
        if word == name {
            return words.get(at + 1).map(String::as_str);
        }
        word.strip_prefix(name)?.strip_prefix('=')
    })
}

/// The telling options of a command line with their values.
fn telling(words: &[String]) -> Vec<String> {
    let mut out: Vec<String> = words
        .iter()
        .enumerate()
        .filter(|(_, word)| TELLING.iter().any(|name| word.starts_with(name)))
        .map(|(at, word)| match words.get(at + 1) {
            Some(value) if !word.contains('=') && !value.starts_with('-') => {
                format!("{word}={value}")
            }
            Some(_) | None => word.clone(),
        })
        .collect();
    out.sort();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_tells_cache_type_adapters_and_folder() {
        let words: Vec<String> = "llama-server -m m.gguf --swa-full -ctk q8_0 --lora=a.gguf \
                                  --port 8080 --slot-save-path /var/slots/ -ctv q8_0"
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        assert_eq!(telling(&words), ["--lora=a.gguf", "--swa-full", "-ctk=q8_0", "-ctv=q8_0"]);
        assert_eq!(value_of(&words, FOLDER), Some("/var/slots/"));
        assert_eq!(value_of(&["--slot-save-path=x".to_owned()], FOLDER), Some("x"));
        assert_eq!(value_of(&["--slot-save-path".to_owned()], FOLDER), None);
        assert_eq!(value_of(&[], FOLDER), None);
    }
}
