//! `POST /slots/N?action=save|restore|erase` in llama-server's dialect.

use std::path::PathBuf;
use std::time::Instant;

use hyper::Response;
use serde_json::{Value, json};

use super::pages::{Refusal, ok};
use super::{Body, Shared};
use crate::engine::practice::script::Script;
use crate::engine::practice::tokenize::Token;

/// Every file begins so; then the tokens, four bytes each.
const MAGIC: &[u8] = b"lcc-practice-slot 1\n";

/// Does what the query asks with the slot that the path names.
pub async fn act(
    shared: &Shared,
    path: &str,
    query: &str,
    body: &Value,
) -> Result<Response<Body>, Refusal> {
    let wrong = |text: &str| Refusal::new(400, "invalid_request_error", text);
    let slot = path.strip_prefix("/slots/").and_then(|id| id.parse::<usize>().ok());
    let slot = slot.ok_or_else(|| wrong("Invalid slot ID"))?;
    let action = query.split('&').find_map(|pair| pair.strip_prefix("action="));
    let Some(folder) = &shared.options.slots_dir else {
        let text = "This server does not support slots action. Start it with `--slot-save-path`";
        return Err(Refusal::new(501, "not_supported_error", text));
    };
    match action {
        Some("save") => {
            let file = folder.join(name(body)?);
            save(shared, slot, file, name(body)?).await
        }
        Some("restore") => {
            let file = folder.join(name(body)?);
            restore(shared, slot, file, name(body)?).await
        }
        Some("erase") => {
            let erased = held(shared, slot).await?.len();
            fill(shared, slot, Vec::new()).await?;
            Ok(ok(&json!({"id_slot": slot, "n_erased": erased})))
        }
        Some(_) | None => Err(wrong("Invalid action")),
    }
}

/// The file's name: one word, no path.
fn name(body: &Value) -> Result<&str, Refusal> {
    let name = body.get("filename").and_then(Value::as_str).unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
        return Err(Refusal::new(400, "invalid_request_error", "Invalid filename"));
    }
    Ok(name)
}

async fn held(shared: &Shared, slot: usize) -> Result<Vec<Token>, Refusal> {
    let held = shared.runner.held(slot).await.ok_or_else(Refusal::stopping)?;
    held.ok_or_else(|| Refusal::new(503, "unavailable_error", "the slot works, or there is none"))
}

async fn fill(shared: &Shared, slot: usize, tokens: Vec<Token>) -> Result<(), Refusal> {
    match shared.runner.fill(slot, tokens).await {
        Some(true) => Ok(()),
        Some(false) => {
            Err(Refusal::new(503, "unavailable_error", "the slot works, or there is none"))
        }
        None => Err(Refusal::stopping()),
    }
}

async fn save(
    shared: &Shared,
    slot: usize,
    file: PathBuf,
    name: &str,
) -> Result<Response<Body>, Refusal> {
    let started = Instant::now();
    let tokens = held(shared, slot).await?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend(tokens.iter().flat_map(|token| token.to_le_bytes()));
    let written = bytes.len();
    tokio::fs::write(&file, bytes).await.map_err(|error| {
        Refusal::new(500, "server_error", &format!("{}: {error}", file.display()))
    })?;
    Ok(ok(&json!({
        "id_slot": slot,
        "filename": name,
        "n_saved": tokens.len(),
        "n_written": written,
        "timings": {"save_ms": started.elapsed().as_secs_f64() * 1e3},
    })))
}

/// Like the real one: a file that cannot be read leaves the slot empty.
async fn restore(
    shared: &Shared,
    slot: usize,
    file: PathBuf,
    name: &str,
) -> Result<Response<Body>, Refusal> {
    let started = Instant::now();
    let bytes = tokio::fs::read(&file).await.unwrap_or_default();
    let tokens: Option<Vec<Token>> = bytes.strip_prefix(MAGIC).map(|rest| {
        rest.as_chunks::<4>().0.iter().map(|four| Token::from_le_bytes(*four)).collect()
    });
    let Some(tokens) = tokens.filter(|tokens| (tokens.len() as u64) < shared.options.window) else {
        fill(shared, slot, Vec::new()).await?;
        let text = "Unable to restore slot: No available space in KV cache or invalid slot save \
                    file";
        return Err(Refusal::new(400, "invalid_request_error", text));
    };
    let restored = tokens.len();
    let kept = if shared.options.script == Script::RestoreLies { Vec::new() } else { tokens };
    fill(shared, slot, kept).await?;
    Ok(ok(&json!({
        "id_slot": slot,
        "filename": name,
        "n_restored": restored,
        "n_read": bytes.len(),
        "timings": {"restore_ms": started.elapsed().as_secs_f64() * 1e3},
    })))
}
