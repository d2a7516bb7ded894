//! Pure: words of others, made fit to be shown.

/// Characters of a server's message that are passed on.
const MAX_MESSAGE: usize = 300;

/// A server's words without control characters, not longer than a few lines.
#[must_use]
pub fn shorten(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = clean.take(MAX_MESSAGE).collect();
    if text.chars().nth(MAX_MESSAGE).is_some() {
        short.push('…');
    }
    short
}
