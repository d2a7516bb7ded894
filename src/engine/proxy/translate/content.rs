//! Content blocks of Anthropic's API as text and as OpenAI's content parts.

use serde_json::{Value, json};

use super::{
    Images,
    request::RequestError::{self, Image, Malformed, Unsupported},
};

/// What stands between two blocks that become one string.
pub(super) const BETWEEN_BLOCKS: &str = "\n";

const NOTE: &str = "[a picture or document was left out: this server takes text only]";

/// A piece of content that OpenAI's API can carry.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    /// Text.
    Text(String),
    /// An `image_url` part.
    Image(Value),
}

/// The blocks of a `content` field, which is a string or an array.
pub(super) fn blocks<'a>(content: Option<&'a Value>, at: &str) -> Result<Blocks<'a>, RequestError> {
    match content {
        None | Some(Value::Null) => Ok(Blocks::Many(&[])),
        Some(Value::String(text)) => Ok(Blocks::One(text)),
        Some(Value::Array(many)) => Ok(Blocks::Many(many)),
        Some(_) => Err(Malformed { at: format!("{at}.content"), expected: "a string or an array" }),
    }
}

/// A `content` field.
pub(super) enum Blocks<'a> {
    /// One text, written as a plain string.
    One(&'a str),
    /// Blocks with a `type`.
    Many(&'a [Value]),
}

/// A string field of a block.
pub(super) fn string<'a>(
    block: &'a Value,
    field: &'static str,
    at: &str,
) -> Result<&'a str, RequestError> {
    block
        .get(field)
        .and_then(Value::as_str)
        .ok_or_else(|| Malformed { at: format!("{at}.{field}"), expected: "a string" })
}

/// All of a content field as pieces; only text and, as `images` says, pictures are allowed.
pub(super) fn pieces(
    content: Option<&Value>,
    images: Images,
    at: &str,
) -> Result<Vec<Piece>, RequestError> {
    match blocks(content, at)? {
        Blocks::One(text) => Ok(vec![Piece::Text(text.to_owned())]),
        Blocks::Many(many) => many
            .iter()
            .enumerate()
            .map(|(n, block)| piece(block, images, &format!("{at}.content[{n}]")))
            .collect(),
    }
}

/// One block as a piece.
pub(super) fn piece(block: &Value, images: Images, at: &str) -> Result<Piece, RequestError> {
    match string(block, "type", at)? {
        "text" => Ok(Piece::Text(string(block, "text", at)?.to_owned())),
        "image" => picture(block, images, "an image", at),
        "document" => document(block, images, at),
        // Claude Code's tool search answers with names; the tools themselves are in `tools`.
        "tool_reference" => Ok(Piece::Text(string(block, "tool_name", at)?.to_owned())),
        other => Err(Unsupported { at: at.to_owned(), block: other.to_owned() }),
    }
}

fn document(block: &Value, images: Images, at: &str) -> Result<Piece, RequestError> {
    let source = block.get("source").unwrap_or(&Value::Null);
    match source.get("type").and_then(Value::as_str) {
        Some("text") => Ok(Piece::Text(string(source, "data", at)?.to_owned())),
        Some("content") => {
            let inner = pieces(source.get("content"), images, at)?;
            Ok(Piece::Text(text_of(&inner)))
        }
        // An `image_url` part carries pictures, not PDF pages: passing is no way out here.
        _ if images == Images::Note => Ok(Piece::Text(NOTE.to_owned())),
        _ => Err(Image { at: at.to_owned(), what: "a document" }),
    }
}

fn picture(
    block: &Value,
    images: Images,
    what: &'static str,
    at: &str,
) -> Result<Piece, RequestError> {
    match images {
        Images::Refuse => Err(Image { at: at.to_owned(), what }),
        Images::Note => Ok(Piece::Text(NOTE.to_owned())),
        Images::Pass => {
            let source = block.get("source").unwrap_or(&Value::Null);
            let url = match source.get("type").and_then(Value::as_str) {
                Some("base64") => format!(
                    "data:{};base64,{}",
                    string(source, "media_type", at)?,
                    string(source, "data", at)?
                ),
                Some("url") => string(source, "url", at)?.to_owned(),
                _ => {
                    return Err(Malformed {
                        at: format!("{at}.source"),
                        expected: "a base64 or url source",
                    });
                }
            };
            Ok(Piece::Image(json!({"type": "image_url", "image_url": {"url": url}})))
        }
    }
}

/// The texts of some pieces as one string; pictures are left out.
pub(super) fn text_of(pieces: &[Piece]) -> String {
    let texts: Vec<&str> = pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Text(text) => Some(text.as_str()),
            Piece::Image(_) => None,
        })
        .collect();
    texts.join(BETWEEN_BLOCKS)
}

/// Pieces as a `content` value: a string, which every server takes, unless there is a picture.
pub(super) fn value_of(pieces: &[Piece]) -> Value {
    if pieces.iter().all(|piece| matches!(piece, Piece::Text(_))) {
        return Value::String(text_of(pieces));
    }
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => json!({"type": "text", "text": text}),
            Piece::Image(part) => part.clone(),
        })
        .collect()
}
