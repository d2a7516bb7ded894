//! Ollama's own lines: the child it starts, prompts it cuts, its MLX engine, its access log.

use crate::domain::ServerLine;

use super::{
    Said,
    words::{after, count, field, number, size},
};

/// What a line of Ollama's own says. The lines of its llama.cpp child are llama.cpp's.
pub(super) fn read(line: &str) -> Option<Said> {
    if let Some(rest) = after(line, "[GIN]") {
        return access(rest);
    }
    let message = after(line, "msg=")?;
    if message.contains("starting llama-server") {
        let port = number(after(message, "--port")?)?;
        return Some(Said::ChildPort(u16::try_from(port).ok()?));
    }
    if message.contains("truncating input prompt") {
        return Some(Said::Line(ServerLine::Truncated {
            prompt: count(message, "prompt"),
            kept: count(message, "new").or_else(|| count(message, "limit")),
        }));
    }
    if message.contains("truncating input messages") {
        return Some(Said::Line(ServerLine::Truncated { prompt: None, kept: None }));
    }
    // `Cache hit` in 0.17, `cache hit` since.
    let lower = message.get(..12).map(str::to_ascii_lowercase).unwrap_or_default();
    if lower.contains("cache hit") || lower.contains("cache miss") {
        return Some(Said::Lookup {
            total: count(message, "total")?,
            cached: count(message, "cached")?,
        });
    }
    if message.contains("Prompt processing progress") {
        return Some(Said::OfRest {
            read: count(message, "processed")?,
            rest: count(message, "total")?,
        });
    }
    if message.contains("peak memory") {
        let bytes = size(field(message, "size")?)?;
        return Some(Said::Line(ServerLine::PeakMemory { bytes }));
    }
    if message.contains("evicting leaf") || message.contains("evicting interior node") {
        return Some(Said::Line(ServerLine::Evicted { tokens: count(message, "tokens") }));
    }
    if message.contains("freeing all caches") {
        return Some(Said::Line(ServerLine::Evicted { tokens: None }));
    }
    None
}

/// ` 2026/08/21 - 17:00:01 | 404 | 12.3µs | 127.0.0.1 | POST "/v1/…?beta=true"`.
fn access(rest: &str) -> Option<Said> {
    let mut columns = rest.split('|').map(str::trim);
    let status =
        columns.by_ref().find_map(|c| c.parse().ok().filter(|s| (100..600).contains(s)))?;
    let call = columns.next_back()?;
    let (method, target) = call.split_once('"')?;
    let path = target.split(['?', '"']).next()?.to_owned();
    Some(Said::Line(ServerLine::Access { method: method.trim().to_owned(), path, status }))
}
